// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/policy-field.h"

#include "cli/policy-load.h"
#include "cli/session.h"
#include "common/file.h"
#include "packager/read/recall-store.h"

#include <fcntl.h>
#include <string.h>

void suture_policy_field_free(SuturePolicyField *field)
{
	g_clear_pointer(&field->decisions, g_ptr_array_unref);
	g_clear_pointer(&field->candidates, g_ptr_array_unref);
	g_clear_pointer(&field->recalls, g_ptr_array_unref);
	g_clear_pointer(&field->files, g_ptr_array_unref);
	g_clear_pointer(&field->stored, g_ptr_array_unref);
	g_clear_pointer(&field->view, suture_host_view_free);
	g_clear_pointer(&field->policy, suture_policy_free);
	suture_kernel_clear(&field->kernel);
	g_free(field);
}

static SuturePolicyField *field_new(const SutureContext *context, GError **error)
{
	SuturePolicyField *field = g_new0(SuturePolicyField, 1);

	field->files = g_ptr_array_new_with_free_func((GDestroyNotify)suture_bundle_free);
	field->candidates = g_ptr_array_new_with_free_func(g_free);
	field->policy = suture_policy_load(context, error);
	if (!field->policy)
		g_clear_pointer(&field, suture_policy_field_free);
	return field;
}

static gboolean load_recalls(SuturePolicyField *field, const SutureContext *context, GError **error)
{
	field->recalls = suture_recall_store_load(context->root, field->kernel.release, error);
	return field->recalls != NULL;
}

static void add_candidate(SuturePolicyField *field, const SuturePatch *patch, gboolean live, gboolean tuf,
			  const gchar *manifest_sha256)
{
	SutureCandidate *candidate = g_new(SutureCandidate, 1);
	const SutureRecall *recall = suture_recalls_find(field->recalls, manifest_sha256);

	*candidate = (SutureCandidate){
		.patch = patch,
		.live = live,
		.tuf = tuf,
		.withdrawn = recall ? recall->reason : NULL,
		.data = (gpointer)manifest_sha256,
	};
	g_ptr_array_add(field->candidates, candidate);
}

SuturePolicyField *suture_policy_field_of_host(const SutureContext *context, GError **error)
{
	g_autoptr(SuturePolicyField) field = field_new(context, error);

	if (!field)
		return NULL;
	field->view = suture_host_view_new(context, 0, error);
	if (!field->view)
		return NULL;
	suture_kernel_copy(&field->kernel, &field->view->kernel);
	if (!load_recalls(field, context, error))
		return NULL;
	for (guint i = 0; i < field->view->candidates->len; i++) {
		const SutureCandidate *each = field->view->candidates->pdata[i];
		const SutureStatusRow *row = each->data;

		add_candidate(field, each->patch, each->live, each->tuf, row->manifest_sha256);
	}
	return g_steal_pointer(&field);
}

static gboolean add_stored(SuturePolicyField *field, const SutureContext *context, const SutureStored *stored,
			   GError **error)
{
	g_autoptr(SutureReceipt) receipt = NULL;

	if (!suture_receipt_load(context->root, stored->manifest_sha256, &receipt, error))
		return FALSE;
	add_candidate(field, &stored->manifest->patch, FALSE, receipt && strcmp(receipt->origin, "tuf") == 0,
		      stored->manifest_sha256);
	return TRUE;
}

static gboolean set_kernel(SuturePolicyField *field, const SutureContext *context, const SutureKernel *kernel,
			   GError **error)
{
	g_auto(SutureKernel) running = {0};

	suture_kernel_copy(&field->kernel, kernel);
	if (kernel->arch)
		return TRUE;
	if (!suture_session_read_kernel(context, &running, error))
		return FALSE;
	field->kernel.arch = g_strdup(running.arch);
	return TRUE;
}

SuturePolicyField *suture_policy_field_of_kernel(const SutureContext *context, const SutureKernel *kernel,
						 GError **error)
{
	g_autoptr(SuturePolicyField) field = field_new(context, error);

	if (!field || !set_kernel(field, context, kernel, error) || !load_recalls(field, context, error))
		return NULL;
	field->stored = suture_store_list(context->root, kernel->release, NULL, error);
	if (!field->stored)
		return NULL;
	for (guint i = 0; i < field->stored->len; i++)
		if (!add_stored(field, context, field->stored->pdata[i], error))
			return NULL;
	return g_steal_pointer(&field);
}

static SutureBundle *verify_file(const SutureContext *context, const gchar *path, GError **error)
{
	SUTURE_AUTO_FD fd = suture_file_open(path, O_RDONLY, error);
	g_autofree gchar *folder = suture_trust_folder(context->root);
	g_autoptr(SutureTrust) trust = NULL;

	if (fd < 0)
		return NULL;
	trust = suture_trust_load(folder, error);
	if (!trust)
		return NULL;
	/* the kernel is policy's to judge here, so that it is explained and not refused */
	return suture_bundle_verify(fd, path, trust, NULL, NULL, g_get_real_time() / G_USEC_PER_SEC, NULL,
				    error);
}

static gboolean is_candidate(const SuturePolicyField *field, const gchar *manifest_sha256)
{
	for (guint i = 0; i < field->candidates->len; i++) {
		const SutureCandidate *candidate = field->candidates->pdata[i];

		if (g_strcmp0(candidate->data, manifest_sha256) == 0)
			return TRUE;
	}
	return FALSE;
}

gboolean suture_policy_field_add_file(SuturePolicyField *field, const SutureContext *context,
				      const gchar *path, gchar **ret_id, GError **error)
{
	SutureBundle *bundle = verify_file(context, path, error);

	if (!bundle)
		return FALSE;
	g_ptr_array_add(field->files, bundle);
	if (!is_candidate(field, bundle->manifest_sha256))
		add_candidate(field, &bundle->manifest->patch, FALSE, FALSE, bundle->manifest_sha256);
	*ret_id = suture_patch_id(&bundle->manifest->patch);
	return TRUE;
}

void suture_policy_field_decide(SuturePolicyField *field)
{
	g_clear_pointer(&field->decisions, g_ptr_array_unref);
	field->decisions = suture_policy_decide(field->policy, &field->kernel, field->candidates,
						suture_version_compare);
}

GPtrArray *suture_policy_field_order(const SuturePolicyField *field, GError **error)
{
	g_autofree const gchar **live = field->view ? suture_status_live_ids(field->view->status) : NULL;

	return suture_policy_order(field->decisions, live, error);
}
