// SPDX-License-Identifier: LGPL-2.1-or-later
/* suture repo list and status. */
#include "cli/repo-internal.h"

#include <jansson.h>

#define SECOND G_USEC_PER_SEC
#define DAY (24 * 60 * 60)

static json_t *bundle_json(const SutureRepoBundle *bundle)
{
	const SuturePatch *patch = &bundle->target->patch;
	json_t *vulnerabilities = json_array();

	for (guint i = 0; i < patch->vulnerabilities->len; i++) {
		const SutureVulnerability *vulnerability = patch->vulnerabilities->pdata[i];

		json_array_append_new(vulnerabilities, json_pack("{s:s, s:s}", "id", vulnerability->id,
								 "status", vulnerability->status));
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:o, s:b}", "bundle", bundle->id, "kernel",
			 bundle->kernel, "summary", bundle->summary, "advisory", patch->advisory, "severity",
			 suture_severity_name(patch->severity), "file", bundle->file, "length",
			 (json_int_t)bundle->length, "sha256", bundle->sha256, "vulnerabilities",
			 vulnerabilities, "published", bundle->offered);
}

static gchar *fixed_of(const SuturePatch *patch)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < patch->vulnerabilities->len; i++) {
		const SutureVulnerability *vulnerability = patch->vulnerabilities->pdata[i];

		if (g_str_equal(vulnerability->status, "fixed"))
			g_string_append_printf(text, "%s%s", text->len ? "," : "", vulnerability->id);
	}
	return g_string_free(text, FALSE);
}

static void print_bundle(const SutureRepoBundle *bundle)
{
	const SuturePatch *patch = &bundle->target->patch;
	g_autofree gchar *fixed = fixed_of(patch);

	g_print("%-32s %-24s %-9s  %-9s %s  %s\n", bundle->kernel, bundle->id,
		bundle->offered ? "published" : "waiting", suture_severity_name(patch->severity),
		patch->advisory, *fixed ? fixed : "-");
}

static gboolean list_kernel(SutureContext *context, SutureRepo *repo, const gchar *kernel, json_t *report,
			    GError **error)
{
	g_autoptr(GPtrArray) bundles = suture_repo_list(repo, kernel, error);

	for (guint i = 0; bundles && i < bundles->len; i++)
		if (context->json)
			json_array_append_new(report, bundle_json(bundles->pdata[i]));
		else
			print_bundle(bundles->pdata[i]);
	return bundles != NULL;
}

gboolean cmd_repo_list(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *folder = NULL, *kernel = NULL;
	const GOptionEntry entries[] = {
		{"kernel", 0, 0, G_OPTION_ARG_STRING, &kernel, "of this kernel release alone", "RELEASE"},
		{NULL},
	};
	g_autoptr(SutureRepo) repo = NULL;
	g_autoptr(GPtrArray) kernels = NULL;
	SUTURE_AUTO_JSON *report = json_array();

	if (!suture_repo_options(
		    entries, "DIR",
		    "Lists kernel, bundle, whether it is published, severity, advisory and the CVEs fixed.",
		    0, 0, &argc, &argv, &folder, error))
		return FALSE;
	repo = suture_repo_open(folder, error);
	kernels = repo ? suture_repo_kernel_list(repo, error) : NULL;
	if (!kernels)
		return FALSE;
	for (guint i = 0; i < kernels->len; i++)
		if ((!kernel || g_str_equal(kernel, kernels->pdata[i])) &&
		    !list_kernel(context, repo, kernels->pdata[i], report, error))
			return FALSE;
	if (context->json)
		suture_repo_print_json(report);
	return TRUE;
}

static gchar *time_text(gint64 time)
{
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(time);

	return g_date_time_format(utc, "%Y-%m-%dT%H:%M:%SZ");
}

static void print_status_json(const SutureRepoStatus *status)
{
	json_t *roles = json_object(), *report;
	g_autofree gchar *kernels_expire = status->kernels_expire ? time_text(status->kernels_expire) : NULL;

	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++) {
		const SutureRepoRoleState *role = &status->roles[i];
		g_autofree gchar *expires = role->version ? time_text(role->expires) : NULL;

		json_object_set_new(
			roles, suture_repo_role_name(i),
			json_pack("{s:I, s:s?}", "version", (json_int_t)role->version, "expires", expires));
	}
	report = json_pack("{s:o, s:i, s:i, s:s?, s:i, s:i, s:i, s:b}", "roles", roles, "kernels",
			   (int)status->kernels, "bundles", (int)status->bundles, "kernels_expire",
			   kernels_expire, "added", (int)status->added, "removed", (int)status->removed,
			   "staged", (int)status->staged, "published", status->settled);
	suture_repo_print_json(report);
	json_decref(report);
}

static void print_role(const gchar *name, const SutureRepoRoleState *role, gint64 now)
{
	g_autofree gchar *expires = time_text(role->expires);
	gint64 days = (role->expires - now) / DAY;

	if (role->version == 0)
		g_print("%-9s not signed yet\n", name);
	else if (role->expires <= now)
		g_print("%-9s version %" G_GINT64_FORMAT ", EXPIRED %s\n", name, role->version, expires);
	else
		g_print("%-9s version %" G_GINT64_FORMAT ", until %s (%" G_GINT64_FORMAT " day%s)\n", name,
			role->version, expires, days, days == 1 ? "" : "s");
}

static void print_first_end(gint64 expires, gint64 now)
{
	g_autofree gchar *end = time_text(expires);

	g_print("kernels   the first role %s %s (%" G_GINT64_FORMAT " days)\n",
		expires > now ? "lives until" : "EXPIRED", end, (expires - now) / DAY);
}

gboolean cmd_repo_status(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *folder = NULL;
	g_autoptr(SutureRepo) repo = NULL;
	SutureRepoStatus status;

	if (!suture_repo_options(NULL, "DIR",
				 "Shows the roles' versions and expiry, and what waits to be published. "
				 "Exits with 13 when a role has "
				 "less than a third of its life left.",
				 0, 0, &argc, &argv, &folder, error))
		return FALSE;
	repo = suture_repo_open(folder, error);
	if (!repo || !suture_repo_status(repo, &status, error))
		return FALSE;
	if (context->json) {
		print_status_json(&status);
		return suture_repo_status_check(repo, &status, g_get_real_time() / SECOND, error);
	}
	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++)
		print_role(suture_repo_role_name(i), &status.roles[i], g_get_real_time() / SECOND);
	if (status.kernels_expire)
		print_first_end(status.kernels_expire, g_get_real_time() / SECOND);
	g_print("bundles   %u for %u kernels; waiting: %u to add, %u to remove\n", status.bundles,
		status.kernels, status.added, status.removed);
	if (status.staged)
		g_print("staged    %u documents wait for signatures; see 'suture repo stage %s'\n",
			status.staged, folder);
	if (!status.settled)
		g_print("the public folder does not show this state; run 'suture repo publish %s'\n", folder);
	return suture_repo_status_check(repo, &status, g_get_real_time() / SECOND, error);
}
