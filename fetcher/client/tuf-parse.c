// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/tuf-parse.h"

gboolean suture_tuf_parse_refuse(const SutureTufParse *at, SutureTufError code, const gchar *format, ...)
{
	g_autofree gchar *why = NULL;
	va_list args;

	va_start(args, format);
	why = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(at->error, SUTURE_TUF_ERROR, (gint)code,
		    "%s: %s; the repository's publisher must correct it", at->what, why);
	return FALSE;
}

gboolean suture_tuf_parse_malformed(const SutureTufParse *at, GError *cause)
{
	gboolean result = suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED, "%s", cause->message);

	g_error_free(cause);
	return result;
}

json_t *suture_tuf_parse_object(const SutureTufParse *at, json_t *object, const gchar *path, const gchar *key)
{
	GError *cause = NULL;
	json_t *value = suture_json_object(object, path, key, &cause);

	if (!value)
		suture_tuf_parse_malformed(at, cause);
	return value;
}

json_t *suture_tuf_parse_array(const SutureTufParse *at, json_t *object, const gchar *path, const gchar *key,
			       gsize max)
{
	GError *cause = NULL;
	json_t *value = suture_json_array(object, path, key, max, &cause);

	if (!value)
		suture_tuf_parse_malformed(at, cause);
	return value;
}

const gchar *suture_tuf_parse_string(const SutureTufParse *at, json_t *object, const gchar *path,
				     const gchar *key)
{
	GError *cause = NULL;
	const gchar *value = suture_json_string(object, path, key, &cause);

	if (!value)
		suture_tuf_parse_malformed(at, cause);
	return value;
}

gboolean suture_tuf_parse_integer(const SutureTufParse *at, json_t *object, const gchar *path,
				  const gchar *key, gint64 min, gint64 *ret)
{
	GError *cause = NULL;

	return suture_json_integer(object, path, key, min, G_MAXINT64, ret, &cause) ||
	       suture_tuf_parse_malformed(at, cause);
}
