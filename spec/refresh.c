// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/refresh.h"

#include "spec/form.h"
#include "spec/patch-json.h"
#include "spec/time.h"

#include <string.h>

#define REFRESH_FORMAT 1
#define MAX_BYTES (16 * 1024 * 1024)
#define MAX_ROLES 65536
#define MAX_NAME 1024
#define MAX_URL 4096
#define MAX_MESSAGE 4096
#define DAY (24 * 60 * 60)

static void role_free(gpointer data)
{
	SutureRefreshRole *role = data;

	g_free(role->name);
	g_free(role);
}

SutureRefresh *suture_refresh_new(void)
{
	SutureRefresh *refresh = g_new0(SutureRefresh, 1);

	refresh->url = g_strdup("");
	refresh->reason = g_strdup("");
	refresh->message = g_strdup("");
	refresh->roles = g_ptr_array_new_with_free_func(role_free);
	return refresh;
}

void suture_refresh_free(SutureRefresh *refresh)
{
	if (!refresh)
		return;
	g_free(refresh->url);
	g_free(refresh->reason);
	g_free(refresh->message);
	g_ptr_array_unref(refresh->roles);
	g_free(refresh);
}

void suture_refresh_add(SutureRefresh *refresh, const gchar *name, const SutureRefreshRole *role)
{
	SutureRefreshRole *added = g_new(SutureRefreshRole, 1);

	*added = *role;
	added->name = g_strdup(name);
	g_ptr_array_add(refresh->roles, added);
}

const SutureRefreshRole *suture_refresh_role(const SutureRefresh *refresh, const gchar *name)
{
	for (guint i = 0; i < refresh->roles->len; i++) {
		const SutureRefreshRole *role = refresh->roles->pdata[i];

		if (strcmp(role->name, name) == 0)
			return role;
	}
	return NULL;
}

static gboolean read_time(json_t *json, const gchar *path, const gchar *key, gboolean needed, gint64 *ret,
			  GError **error)
{
	const gchar *text = suture_json_string(json, path, key, error);

	if (!text)
		return FALSE;
	if (!text[0] && !needed)
		return TRUE;
	if (!suture_form_check(SUTURE_FORM_TIME, text, path, key, error))
		return FALSE;
	*ret = MAX(suture_time_parse(text), 0);
	return TRUE;
}

static gboolean read_role(json_t *json, SutureRefresh *refresh, GError **error)
{
	static const gchar *const known[] = {"name", "version", "expires", "since", "stale", NULL};
	SutureRefreshRole role = {0};
	const gchar *name = suture_json_string(json, "roles", "name", error);

	if (!name || !suture_form_check_text(name, 1, MAX_NAME, "roles", "name", error) ||
	    !suture_json_only(json, "roles", known, error) ||
	    !suture_json_integer(json, "roles", "version", 1, G_MAXINT64, &role.version, error) ||
	    !read_time(json, "roles", "expires", TRUE, &role.expires, error) ||
	    !read_time(json, "roles", "since", TRUE, &role.since, error) ||
	    !suture_json_boolean(json, "roles", "stale", &role.stale, error))
		return FALSE;
	suture_refresh_add(refresh, name, &role);
	return TRUE;
}

static gboolean read_roles(json_t *json, SutureRefresh *refresh, GError **error)
{
	json_t *list = suture_json_array(json, "", "roles", MAX_ROLES, error);
	json_t *role;
	gsize i;

	if (!list)
		return FALSE;
	json_array_foreach (list, i, role) {
		if (!json_is_object(role)) {
			g_set_error_literal(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_TYPE,
					    "roles: a role is not an object");
			return FALSE;
		}
		if (!read_role(role, refresh, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean read_strings(json_t *json, SutureRefresh *refresh, GError **error)
{
	g_clear_pointer(&refresh->url, g_free);
	g_clear_pointer(&refresh->reason, g_free);
	g_clear_pointer(&refresh->message, g_free);
	return suture_json_copy_string(json, "", "url", &refresh->url, error) &&
	       suture_json_copy_string(json, "", "reason", &refresh->reason, error) &&
	       suture_json_copy_string(json, "", "message", &refresh->message, error) &&
	       suture_form_check_text(refresh->url, 0, MAX_URL, "", "url", error) &&
	       suture_form_check_text(refresh->reason, 0, MAX_NAME, "", "reason", error) &&
	       suture_form_check_text(refresh->message, 0, MAX_MESSAGE, "", "message", error);
}

static gboolean read_refresh(json_t *json, SutureRefresh *refresh, GError **error)
{
	static const gchar *const known[] = {"format", "url",     "refreshed", "failed",
					     "reason", "message", "roles",     NULL};

	return suture_format_read(json, REFRESH_FORMAT, NULL, error) &&
	       suture_json_only(json, "", known, error) && read_strings(json, refresh, error) &&
	       read_time(json, "", "refreshed", FALSE, &refresh->refreshed, error) &&
	       read_time(json, "", "failed", FALSE, &refresh->failed, error) &&
	       read_roles(json, refresh, error);
}

SutureRefresh *suture_refresh_parse(GBytes *bytes, GError **error)
{
	g_autoptr(SutureRefresh) refresh = suture_refresh_new();
	SUTURE_AUTO_JSON *json = suture_json_parse(bytes, MAX_BYTES, SUTURE_REFRESH_FILE, error);

	if (!json)
		return NULL;
	if (!read_refresh(json, refresh, error)) {
		g_prefix_error(error, "%s: ", SUTURE_REFRESH_FILE);
		return NULL;
	}
	return g_steal_pointer(&refresh);
}

static json_t *moment_json(gint64 moment)
{
	g_autofree gchar *text = moment > 0 ? suture_time_text(moment) : g_strdup("");

	return json_string(text);
}

static json_t *role_json(const SutureRefreshRole *role)
{
	g_autofree gchar *name = suture_form_make_text(role->name, MAX_NAME);

	return json_pack("{s:s, s:I, s:o, s:o, s:b}", "name", name, "version", (json_int_t)role->version,
			 "expires", moment_json(role->expires), "since", moment_json(role->since), "stale",
			 role->stale);
}

GBytes *suture_refresh_write(const SutureRefresh *refresh)
{
	g_autofree gchar *url = suture_form_make_text(refresh->url, MAX_URL);
	g_autofree gchar *message = suture_form_make_text(refresh->message, MAX_MESSAGE);
	json_t *roles = json_array();
	SUTURE_AUTO_JSON *json = json_pack("{s:i, s:s, s:o, s:o, s:s, s:s, s:o}", "format", REFRESH_FORMAT,
					   "url", url, "refreshed", moment_json(refresh->refreshed), "failed",
					   moment_json(refresh->failed), "reason", refresh->reason, "message",
					   message, "roles", roles);

	for (guint i = 0; i < refresh->roles->len; i++)
		json_array_append_new(roles, role_json(refresh->roles->pdata[i]));
	return suture_json_pretty(json);
}

gboolean suture_refresh_ends_soon(const SutureRefreshRole *role, gint64 now, guint days)
{
	gint64 early = (gint64)days * DAY;

	if (strcmp(role->name, "timestamp") == 0 || strcmp(role->name, "snapshot") == 0)
		early = MIN(early, MAX(role->expires - role->since, 0) / 3);
	return role->expires - now <= early;
}
