// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/tuf-path.h"

#include <fnmatch.h>
#include <locale.h>
#include <string.h>

gchar *suture_tuf_role_file(const gchar *role)
{
	g_autofree gchar *escaped = g_uri_escape_string(role, NULL, FALSE);

	return g_strconcat(escaped, ".json", NULL);
}

gchar *suture_tuf_role_local_file(const gchar *role)
{
	g_autofree gchar *file = suture_tuf_role_file(role);

	return file[0] == '.' ? g_strconcat("%2E", file + 1, NULL) : g_steal_pointer(&file);
}

/* What a pattern says must not depend on the language of whoever runs us. */
static locale_t c_locale(void)
{
	static gsize locale;

	if (g_once_init_enter(&locale))
		g_once_init_leave(&locale, (gsize)newlocale(LC_ALL_MASK, "C", (locale_t)0));
	return (locale_t)locale;
}

/* Up to @parts parts of @pattern against as many of @path; the ends of both are the caller's. */
static gboolean parts_match(gchar **pattern, gchar **path, guint parts)
{
	locale_t before = uselocale(c_locale());
	gboolean matches = TRUE;

	for (guint i = 0; matches && i < parts; i++)
		matches = fnmatch(pattern[i], path[i], FNM_NOESCAPE) == 0;
	uselocale(before);
	return matches;
}

/* Most patterns are for another folder altogether: no need to take them apart. */
static gboolean starts_alike(const gchar *pattern, const gchar *path)
{
	gsize literal = strcspn(pattern, "*?[");

	return strncmp(pattern, path, MIN(literal, strlen(path))) == 0;
}

/* Whether @pattern is for @path, or with @below for anything below it. */
static gboolean pattern_fits(const gchar *pattern, const gchar *path, gboolean below)
{
	g_auto(GStrv) wanted = NULL, parts = NULL;
	guint count, length;

	if (!starts_alike(pattern, path))
		return FALSE;
	wanted = g_strsplit(pattern, "/", -1);
	parts = g_strsplit(path, "/", -1);
	count = g_strv_length(parts);
	length = g_strv_length(wanted);
	return (below ? length > count : length == count) && parts_match(wanted, parts, count);
}

gboolean suture_tuf_delegation_matches(const SutureTufDelegation *delegation, const gchar *path)
{
	g_autofree gchar *hash =
		delegation->prefixes ? g_compute_checksum_for_string(G_CHECKSUM_SHA256, path, -1) : NULL;

	for (guint i = 0; hash && i < delegation->prefixes->len; i++)
		if (g_str_has_prefix(hash, delegation->prefixes->pdata[i]))
			return TRUE;
	for (guint i = 0; !hash && i < delegation->paths->len; i++)
		if (pattern_fits(delegation->paths->pdata[i], path, FALSE))
			return TRUE;
	return FALSE;
}

gboolean suture_tuf_delegation_reaches(const SutureTufDelegation *delegation, const gchar *folder)
{
	if (delegation->prefixes)
		return delegation->prefixes->len > 0;
	for (guint i = 0; i < delegation->paths->len; i++)
		if (pattern_fits(delegation->paths->pdata[i], folder, TRUE))
			return TRUE;
	return FALSE;
}
