/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The forms that strings of the formats may have; private to spec/. Each is written out in spec/manifest.md.
 */
typedef enum {
	SUTURE_FORM_NAME,    /* a patch's name */
	SUTURE_FORM_VERSION, /* version or release, as RPM has them */
	SUTURE_FORM_ENTRY,   /* name or identifier in a stack list */
	SUTURE_FORM_ADVISORY,
	SUTURE_FORM_VULNERABILITY,
	SUTURE_FORM_VULNERABILITY_STATUS,
	SUTURE_FORM_KERNEL_RELEASE, /* uname -r; safe as a folder's name */
	SUTURE_FORM_ARCH,
	SUTURE_FORM_BUILD_ID, /* 16 to 128 lower-case hex digits, an even number */
	SUTURE_FORM_BUILD_ID_OR_EMPTY,
	SUTURE_FORM_SHA256,
	SUTURE_FORM_SHA256_OR_EMPTY,
	SUTURE_FORM_HEX_OR_EMPTY, /* OpenPGP fingerprint */
	SUTURE_FORM_SRCVERSION,
	SUTURE_FORM_SYMBOL,
	SUTURE_FORM_OBJECT,
	SUTURE_FORM_MODULE_FILE,
	SUTURE_FORM_SOURCE_FILE,
	SUTURE_FORM_VERMAGIC,
	SUTURE_FORM_TIME,       /* RFC 3339, UTC, seconds */
	SUTURE_FORM_TIME_MICRO, /* RFC 3339, UTC, microseconds */
	SUTURE_FORM_ORIGIN,
	SUTURE_FORM_WORD, /* event and reason codes */
	SUTURE_FORM_WORD_OR_EMPTY,
	SUTURE_FORM_LAST,
} SutureForm;

/* Whether @value has @form; NULL has none. */
gboolean suture_form_is(SutureForm form, const gchar *value);

/* The same, with SUTURE_MANIFEST_ERROR_VALUE that names @path ("kernel") and @key ("release"). */
gboolean suture_form_check(SutureForm form, const gchar *value, const gchar *path, const gchar *key,
			   GError **error);

/* Text for people: UTF-8 of @min to @max code points without control characters. */
gboolean suture_form_is_text(const gchar *value, glong min, glong max);
gboolean suture_form_check_text(const gchar *value, glong min, glong max, const gchar *path, const gchar *key,
				GError **error);

/* @value (NULL: "") as text that _is_text(…, 0, max) accepts: what does not fit is replaced or cut. Newly
 * allocated. */
gchar *suture_form_make_text(const gchar *value, glong max);
