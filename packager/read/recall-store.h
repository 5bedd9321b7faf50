/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec/recall.h"

#define SUTURE_RECALL_FOLDER "/var/lib/suture/withdrawn"

/* Recalls that this host knows of: /var/lib/suture/withdrawn/<kernel release>.json, as the repository's
 * newest metadata has them. */

/* Those for @release below @root (NULL: "/") (SutureRecall*); empty when there is no file. */
GPtrArray *suture_recall_store_load(const gchar *root, const gchar *release,
				    GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Makes them be @recalls. */
gboolean suture_recall_store_save(const gchar *root, const gchar *release, GPtrArray *recalls,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;
