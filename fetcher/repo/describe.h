/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <jansson.h>

/* What @after says otherwise than @before (both "signed" objects of root or targets metadata, @before may be
 * NULL or null), for the people who are asked to sign it: a line each (gchar*). */
GPtrArray *suture_repo_describe(json_t *before, json_t *after);
