// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/host-view.h"

#include "cli/policy-load.h"
#include "cli/session.h"
#include "packager/read/bundle.h"
#include "packager/read/recall-store.h"

#include <string.h>

#define CONFIG_PATH "/etc/suture/suture.conf"

void suture_host_view_free(SutureHostView *view)
{
	g_clear_pointer(&view->decisions, g_ptr_array_unref);
	g_clear_pointer(&view->candidates, g_ptr_array_unref);
	g_clear_pointer(&view->recalls, g_ptr_array_unref);
	g_clear_pointer(&view->policy, suture_policy_free);
	g_clear_error(&view->no_policy);
	g_clear_pointer(&view->status, suture_status_free);
	suture_kernel_clear(&view->kernel);
	g_free(view->boot_id);
	g_free(view);
}

static gboolean check_keys(GKeyFile *file, const gchar *path, GError **error)
{
	g_auto(GStrv) keys = g_key_file_get_keys(file, "apply", NULL, NULL);

	for (gchar **key = keys; key && *key; key++)
		if (strcmp(*key, "transition-timeout") != 0) {
			g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG,
				    "%s: [apply] has no key '%s'; suture.conf(5) lists them", path, *key);
			return FALSE;
		}
	return TRUE;
}

/* @timeout stays as it is when the file or the key is absent. */
static gboolean load_timeout(const SutureContext *context, guint *timeout, GError **error)
{
	g_autofree gchar *path = suture_context_path(context, CONFIG_PATH);
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(GError) cause = NULL;
	gint value;

	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		return TRUE;
	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &cause)) {
		g_propagate_prefixed_error(error, g_steal_pointer(&cause), "%s: ", path);
		return FALSE;
	}
	if (!check_keys(file, path, error))
		return FALSE;
	if (!g_key_file_has_key(file, "apply", "transition-timeout", NULL))
		return TRUE;
	value = g_key_file_get_integer(file, "apply", "transition-timeout", NULL);
	if (value >= 1 && value <= SUTURE_TRANSITION_TIMEOUT_MAX) {
		*timeout = (guint)value;
		return TRUE;
	}
	g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG,
		    "%s: [apply] transition-timeout: must be 1 to %d seconds", path,
		    SUTURE_TRANSITION_TIMEOUT_MAX);
	return FALSE;
}

gboolean suture_timeout_parse(const gchar *text, guint *ret, GError **error)
{
	guint64 seconds = 0;

	if (!text || g_ascii_string_to_unsigned(text, 10, 1, SUTURE_TRANSITION_TIMEOUT_MAX, &seconds, NULL)) {
		*ret = (guint)seconds;
		return TRUE;
	}
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--timeout: must be 1 to %d seconds",
		    SUTURE_TRANSITION_TIMEOUT_MAX);
	return FALSE;
}

gchar *suture_fixed_text(const SutureManifest *manifest, const gchar *separator)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; manifest && i < manifest->patch.vulnerabilities->len; i++) {
		const SutureVulnerability *vulnerability = manifest->patch.vulnerabilities->pdata[i];

		if (strcmp(vulnerability->status, "fixed") == 0)
			g_string_append_printf(text, "%s%s", text->len > 0 ? separator : "",
					       vulnerability->id);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static void add_candidates(SutureHostView *view)
{
	for (guint i = 0; i < view->status->rows->len; i++) {
		SutureStatusRow *row = view->status->rows->pdata[i];
		const SutureRecall *recall;
		SutureCandidate *candidate;

		if (!row->manifest)
			continue;
		recall = suture_recalls_find(view->recalls, row->manifest_sha256);
		row->withdrawn = recall ? recall->reason : NULL;
		candidate = g_new(SutureCandidate, 1);
		*candidate = (SutureCandidate){
			.patch = &row->manifest->patch,
			.live = row->entry && suture_stack_entry_is_live(row->entry),
			.tuf = strcmp(row->origin, "tuf") == 0,
			.withdrawn = row->withdrawn,
			.data = row,
		};
		g_ptr_array_add(view->candidates, candidate);
	}
}

static void decide(SutureHostView *view)
{
	view->decisions =
		suture_policy_decide(view->policy, &view->kernel, view->candidates, suture_version_compare);
	for (guint i = 0; i < view->decisions->len; i++) {
		const SutureDecision *decision = view->decisions->pdata[i];
		SutureStatusRow *row = decision->candidate->data;

		if (row->state != SUTURE_ROW_INSTALLED)
			continue;
		row->rule = decision->rule;
		if (decision->verdict == SUTURE_VERDICT_HELD)
			row->state = SUTURE_ROW_HELD;
	}
}

SutureHostView *suture_host_view_new(const SutureContext *context, guint timeout, GError **error)
{
	g_autoptr(SutureHostView) view = g_new0(SutureHostView, 1);

	view->timeout = SUTURE_TRANSITION_TIMEOUT_DEFAULT;
	if (!load_timeout(context, &view->timeout, error) ||
	    !suture_session_read_kernel(context, &view->kernel, error))
		return NULL;
	view->timeout = timeout > 0 ? timeout : view->timeout;
	view->boot_id = suture_session_read_boot_id(context, error);
	if (!view->boot_id)
		return NULL;
	view->policy = suture_policy_load(context, &view->no_policy);
	view->status = suture_status_read(context->root, view->boot_id, view->kernel.release, view->timeout,
					  g_get_real_time() / G_USEC_PER_SEC, error);
	if (!view->status)
		return NULL;
	view->recalls = suture_recall_store_load(context->root, view->kernel.release, error);
	if (!view->recalls)
		return NULL;
	view->candidates = g_ptr_array_new_with_free_func(g_free);
	add_candidates(view);
	if (view->policy)
		decide(view);
	return g_steal_pointer(&view);
}

gboolean suture_host_view_require_policy(const SutureHostView *view, GError **error)
{
	if (view->policy)
		return TRUE;
	g_propagate_error(error, g_error_copy(view->no_policy));
	return FALSE;
}
