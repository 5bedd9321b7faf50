// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/repository.h"

#include "cli/terminal.h"
#include "fetcher/client/refresh-note.h"
#include "spec/time.h"

#include <stdio.h>
#include <string.h>

#define DAY (24 * 60 * 60)

typedef enum {
	CURRENT,
	EXPIRING, /* ends soon; or has, and max-stale lets it be used */
	ENDED,
} State;
static const gchar *const states[] = {"current", "expiring", "ended"};

void suture_host_repository_clear(SutureHostRepository *host)
{
	g_clear_pointer(&host->refresh, suture_refresh_free);
	g_clear_error(&host->fault);
}

static State state_of(const SutureHostRepository *host, const SutureRefreshRole *role)
{
	gboolean bears = strcmp(role->name, "timestamp") == 0 || strcmp(role->name, "snapshot") == 0;
	gint64 end = role->expires + (bears ? (gint64)host->max_stale * DAY : 0);

	if (end <= host->now)
		return ENDED;
	return suture_refresh_ends_soon(role, host->now, host->warn_days) ? EXPIRING : CURRENT;
}

static void set_fault(SutureHostRepository *host, const SutureRefreshRole *role, State state)
{
	g_autofree gchar *end = suture_time_text(role->expires);
	g_autofree gchar *name = suture_terminal_text(role->name);

	if (state == ENDED)
		g_set_error(&host->fault, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_METADATA_ENDED,
			    "the repository's %s metadata ended at %s; 'suture fetch' asks for newer", name,
			    end);
	else
		g_set_error(&host->fault, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_METADATA_EXPIRING,
			    "the repository's %s metadata ends at %s; 'suture fetch' asks for newer", name,
			    end);
}

static void judge(SutureHostRepository *host)
{
	const SutureRefreshRole *worst = NULL;
	State state = CURRENT;

	for (guint i = 0; i < host->refresh->roles->len; i++) {
		const SutureRefreshRole *role = host->refresh->roles->pdata[i];

		if (state_of(host, role) <= state)
			continue;
		worst = role;
		state = state_of(host, role);
	}
	if (worst)
		set_fault(host, worst, state);
}

void suture_host_repository_read(const SutureContext *context, const SuturePolicy *policy, gint64 local,
				 SutureHostRepository *ret)
{
	g_autoptr(SuturePolicy) defaults = suture_policy_new();

	ret->warn_days = policy ? policy->warn_days : defaults->warn_days;
	ret->max_stale = policy ? policy->max_stale : defaults->max_stale;
	ret->now = suture_refresh_now(context->root, local);
	ret->refresh = suture_refresh_load(context->root, &ret->fault);
	if (ret->refresh)
		judge(ret);
}

static json_t *moment_json(gint64 moment)
{
	g_autofree gchar *text = suture_time_text(moment);

	return moment > 0 ? json_string(text) : json_null();
}

static json_t *role_json(const SutureHostRepository *host, const SutureRefreshRole *role)
{
	return json_pack("{s:s, s:I, s:o, s:b, s:s}", "name", role->name, "version",
			 (json_int_t)role->version, "expires", moment_json(role->expires), "stale",
			 role->stale, "state", states[state_of(host, role)]);
}

json_t *suture_host_repository_json(const SutureHostRepository *host)
{
	const SutureRefresh *refresh = host->refresh;
	json_t *roles = json_array();

	if (!refresh) {
		json_decref(roles);
		return json_null();
	}
	for (guint i = 0; i < refresh->roles->len; i++)
		json_array_append_new(roles, role_json(host, refresh->roles->pdata[i]));
	return json_pack("{s:s, s:o, s:o, s:s, s:s, s:o}", "url", refresh->url, "refreshed",
			 moment_json(refresh->refreshed), "failed", moment_json(refresh->failed), "reason",
			 refresh->reason, "message", refresh->message, "roles", roles);
}

static void print_role(const SutureHostRepository *host, const SutureRefreshRole *role)
{
	static const gchar *const words[] = {"until", "ends soon:", "ended at"};
	g_autofree gchar *end = suture_time_text(role->expires);
	g_autofree gchar *name = suture_terminal_text(role->name);
	gboolean stale = role->stale || (role->expires <= host->now && state_of(host, role) != ENDED);

	printf("%-12s %s %" G_GINT64_FORMAT " %s %s\n", "metadata", name, role->version,
	       stale ? "used as max-stale lets, since it ended at" : words[state_of(host, role)], end);
}

void suture_host_repository_print(const SutureHostRepository *host)
{
	const SutureRefresh *refresh = host->refresh;
	g_autofree gchar *url = NULL, *refreshed = NULL, *failed = NULL, *message = NULL;

	if (!refresh)
		return;
	url = suture_terminal_text(refresh->url);
	refreshed = suture_time_text(refresh->refreshed);
	printf("%-12s %s, refreshed %s\n", "repository", url, refresh->refreshed > 0 ? refreshed : "never");
	for (guint i = 0; i < refresh->roles->len; i++)
		print_role(host, refresh->roles->pdata[i]);
	if (refresh->failed == 0)
		return;
	failed = suture_time_text(refresh->failed);
	message = suture_terminal_text(refresh->message);
	printf("%-12s at %s: %s [%s]\n", "not fetched", failed, message, refresh->reason);
}
