// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/aside.h"

#include <string.h>

/* The patterns of git-apply and of GPatternSpec mean the same by "*". */
static const gchar *const options[] = {"--exclude=Documentation/*", "--exclude=tools/*",
				       "--exclude=samples/*",       "--exclude=debian/*",
				       "--exclude=LICENSES/*",      "--exclude=*.rst",
				       "--exclude=*.txt",           "--exclude=MAINTAINERS",
				       "--exclude=*.gitignore",     NULL};

gboolean suture_aside_is(const gchar *path)
{
	for (const gchar *const *option = options; *option; option++)
		if (g_pattern_match_simple(*option + strlen("--exclude="), path))
			return TRUE;
	return FALSE;
}

const gchar *const *suture_aside_options(void)
{
	return options;
}
