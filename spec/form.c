// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/form.h"

#include "spec/manifest.h"

#include <string.h>

#define NAME "[a-z0-9][a-z0-9_-]{0,63}"
#define VERSION "[A-Za-z0-9][A-Za-z0-9._]{0,31}"
#define BUILD_ID "(?:[0-9a-f]{2}){8,64}"
#define SHA256 "[0-9a-f]{64}"
#define SECONDS "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
#define WORD "[a-z0-9][a-z0-9-]{0,63}"

static const gchar *const patterns[SUTURE_FORM_LAST] = {
	[SUTURE_FORM_NAME] = NAME,
	[SUTURE_FORM_VERSION] = VERSION,
	[SUTURE_FORM_ENTRY] = NAME "(?:-" VERSION "-" VERSION ")?",
	[SUTURE_FORM_ADVISORY] = "[A-Za-z0-9:._-]{1,64}",
	[SUTURE_FORM_VULNERABILITY] = "[A-Za-z0-9._-]{1,64}",
	[SUTURE_FORM_VULNERABILITY_STATUS] = "fixed|not_affected|under_investigation",
	[SUTURE_FORM_KERNEL_RELEASE] = "[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}",
	[SUTURE_FORM_ARCH] = "[a-z][a-z0-9_]{0,31}",
	[SUTURE_FORM_BUILD_ID] = BUILD_ID,
	[SUTURE_FORM_BUILD_ID_OR_EMPTY] = "(?:" BUILD_ID ")?",
	[SUTURE_FORM_SHA256] = SHA256,
	[SUTURE_FORM_SHA256_OR_EMPTY] = "(?:" SHA256 ")?",
	[SUTURE_FORM_HEX_OR_EMPTY] = "[0-9a-f]{0,128}",
	[SUTURE_FORM_SRCVERSION] = "[0-9A-Za-z]{0,64}",
	[SUTURE_FORM_SYMBOL] = "[A-Za-z0-9_.$]{1,511}",
	[SUTURE_FORM_OBJECT] = "[A-Za-z0-9_-]{1,55}",
	[SUTURE_FORM_MODULE_FILE] = "[A-Za-z0-9_-]{1,55}\\.ko",
	[SUTURE_FORM_SOURCE_FILE] = "[!-.0-~]{1,255}",
	[SUTURE_FORM_VERMAGIC] = "[!-~][ -~]{0,255}",
	[SUTURE_FORM_TIME] = SECONDS "Z",
	[SUTURE_FORM_TIME_MICRO] = SECONDS "\\.[0-9]{6}Z",
	[SUTURE_FORM_ORIGIN] = "tuf|file|rpm",
	[SUTURE_FORM_WORD] = WORD,
	[SUTURE_FORM_WORD_OR_EMPTY] = "(?:" WORD ")?",
};

static GRegex *regex_of(SutureForm form)
{
	static gsize compiled[SUTURE_FORM_LAST];

	if (g_once_init_enter(&compiled[form])) {
		g_autofree gchar *whole = g_strdup_printf("(?:%s)$", patterns[form]);
		GRegex *regex = g_regex_new(
			whole, G_REGEX_RAW | G_REGEX_ANCHORED | G_REGEX_DOLLAR_ENDONLY | G_REGEX_OPTIMIZE, 0,
			NULL);

		g_once_init_leave(&compiled[form], (gsize)regex);
	}
	return (GRegex *)compiled[form];
}

static gboolean is_a_time(const gchar *value)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(value, NULL);

	return time != NULL;
}

gboolean suture_form_is(SutureForm form, const gchar *value)
{
	if (!value || !g_regex_match(regex_of(form), value, 0, NULL))
		return FALSE;
	return (form != SUTURE_FORM_TIME && form != SUTURE_FORM_TIME_MICRO) || is_a_time(value);
}

static void set_value_error(GError **error, const gchar *value, const gchar *path, const gchar *key)
{
	g_autofree gchar *start = g_strndup(value ? value : "", 64);
	g_autofree gchar *shown = g_strescape(start, NULL);

	g_set_error(error, SUTURE_MANIFEST_ERROR, SUTURE_MANIFEST_ERROR_VALUE,
		    "%s%s%s: \"%s\" is not a value of this member", path, *path ? "." : "", key, shown);
}

gboolean suture_form_check(SutureForm form, const gchar *value, const gchar *path, const gchar *key,
			   GError **error)
{
	if (suture_form_is(form, value))
		return TRUE;
	set_value_error(error, value, path, key);
	return FALSE;
}

gboolean suture_form_is_text(const gchar *value, glong min, glong max)
{
	glong length;

	if (!value || !g_utf8_validate(value, -1, NULL))
		return FALSE;
	length = g_utf8_strlen(value, -1);
	if (length < min || length > max)
		return FALSE;
	for (const gchar *at = value; *at; at = g_utf8_next_char(at))
		if (g_unichar_iscntrl(g_utf8_get_char(at)))
			return FALSE;
	return TRUE;
}

gboolean suture_form_check_text(const gchar *value, glong min, glong max, const gchar *path, const gchar *key,
				GError **error)
{
	if (suture_form_is_text(value, min, max))
		return TRUE;
	set_value_error(error, value, path, key);
	return FALSE;
}

gchar *suture_form_make_text(const gchar *value, glong max)
{
	g_autofree gchar *valid = g_utf8_make_valid(value ? value : "", -1);
	GString *text = g_string_new(NULL);
	glong length = 0;

	for (const gchar *at = valid; *at && length < max; at = g_utf8_next_char(at), length++) {
		gunichar character = g_utf8_get_char(at);

		g_string_append_unichar(text, g_unichar_iscntrl(character) ? ' ' : character);
	}
	return g_string_free(text, FALSE);
}
