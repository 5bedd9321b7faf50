/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec/json.h"
#include "spec/patch.h"

/*
 * The members that manifest and target data share, read, judged and written in one place; private to spec/.
 * Codes of SUTURE_JSON_ERROR and SUTURE_MANIFEST_ERROR. Names of the shared members, for suture_json_only().
 */
#define SUTURE_PATCH_MEMBERS                                                                         \
	"name", "version", "release", "severity", "advisory", "issued", "vulnerabilities", "kernel", \
		"provider", "consistency", "stack"

/* Fills @patch, which suture_patch_init() made. @vermagic: whether kernel.vermagic is a member of the format.
 */
gboolean suture_patch_read(json_t *object, gboolean vermagic, SuturePatch *patch, GError **error);

/* Judges every value and every limit; NULL strings are refused too. */
gboolean suture_patch_validate(const SuturePatch *patch, gboolean vermagic, GError **error);

/* Adds the members of a valid patch to @object: first name, version, release; then all the others. */
void suture_patch_write_name(const SuturePatch *patch, json_t *object);
void suture_patch_write_facts(const SuturePatch *patch, json_t *object);

/* Refuses a format number other than 1 to @newest: FORMAT. To be called before anything else is looked at.
 * @ret may be NULL. */
gboolean suture_format_read(json_t *object, gint64 newest, gint64 *ret, GError **error);

/* Reads a member that is a string into *@ret, a copy. */
gboolean suture_json_copy_string(json_t *object, const gchar *path, const gchar *key, gchar **ret,
				 GError **error);

/* Refuses an entry of a list that is not an object: TYPE. */
gboolean suture_json_is_object(json_t *entry, const gchar *path, GError **error);

/* Refuses more than @max entries: LIMIT. */
gboolean suture_limit_check(guint64 count, guint64 max, const gchar *path, const gchar *key, GError **error);
