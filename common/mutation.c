// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/mutation.h"

#ifdef SUTURE_MUTATIONS
gboolean suture_check_skipped(const gchar *check)
{
	return g_strcmp0(g_getenv("SUTURE_SKIP_CHECK"), check) == 0;
}
#endif
