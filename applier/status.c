// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/status.h"

#include "applier/patched.h"

#include <string.h>

const gchar *suture_row_state_name(SutureRowState state)
{
	static const gchar *const names[] = {
		[SUTURE_ROW_LIVE] = "live",           [SUTURE_ROW_PACKAGE_REMOVED] = "live, package removed",
		[SUTURE_ROW_PARTIAL] = "partial",     [SUTURE_ROW_APPLYING] = "applying",
		[SUTURE_ROW_REVERTING] = "reverting", [SUTURE_ROW_STALLED] = "stalled",
		[SUTURE_ROW_FOREIGN] = "foreign",     [SUTURE_ROW_INSTALLED] = "installed",
		[SUTURE_ROW_HELD] = "held",
	};

	return names[state];
}

static void row_free(SutureStatusRow *row)
{
	g_clear_pointer(&row->receipt, suture_receipt_free);
	g_free(row);
}

void suture_status_free(SutureStatus *status)
{
	g_clear_pointer(&status->rows, g_ptr_array_unref);
	g_clear_pointer(&status->stack, suture_live_stack_free);
	g_clear_pointer(&status->stored, g_ptr_array_unref);
	g_clear_pointer(&status->faults, g_ptr_array_unref);
	g_clear_pointer(&status->pinned, g_ptr_array_unref);
	g_clear_pointer(&status->livepatch, suture_livepatch_free);
	suture_enforcement_clear(&status->enforcement);
	g_free(status);
}

static const SutureStored *find_stored(const SutureStatus *status, const gchar *manifest_sha256)
{
	for (guint i = 0; i < status->stored->len; i++) {
		const SutureStored *stored = status->stored->pdata[i];

		if (strcmp(stored->manifest_sha256, manifest_sha256) == 0)
			return stored;
	}
	return NULL;
}

/* The copy is written right before the patch is loaded: its age is that of the transition or more. */
static SutureRowState state_of(const SutureStackEntry *entry, const SutureStored *stored, guint timeout,
			       gint64 now)
{
	if (!entry->copy)
		return SUTURE_ROW_FOREIGN;
	if (entry->transition && !entry->enabled)
		return SUTURE_ROW_REVERTING;
	if (entry->transition)
		return now - entry->copy->written > (gint64)timeout ? SUTURE_ROW_STALLED
								    : SUTURE_ROW_APPLYING;
	if (!suture_stack_entry_is_live(entry))
		return SUTURE_ROW_PARTIAL;
	return stored ? SUTURE_ROW_LIVE : SUTURE_ROW_PACKAGE_REMOVED;
}

static void add_entry(SutureStatus *status, guint order, guint timeout, gint64 now)
{
	const SutureStackEntry *entry = status->stack->entries->pdata[order - 1];
	const SutureLiveCopy *copy = entry->copy;
	SutureStatusRow *row = g_new0(SutureStatusRow, 1);

	row->id = entry->id;
	row->order = order;
	row->entry = entry;
	row->stored = copy ? find_stored(status, copy->manifest_sha256) : NULL;
	row->state = state_of(entry, row->stored, timeout, now);
	row->origin = copy ? copy->receipt->origin : "";
	row->signer = copy ? copy->receipt->cms_subject : "";
	row->manifest = copy ? copy->manifest : NULL;
	row->manifest_sha256 = copy ? copy->manifest_sha256 : "";
	g_ptr_array_add(status->rows, row);
}

static gboolean is_in_stack(const SutureStatus *status, const SutureStored *stored)
{
	for (guint i = 0; i < status->rows->len; i++)
		if (((const SutureStatusRow *)status->rows->pdata[i])->stored == stored)
			return TRUE;
	return FALSE;
}

/* The receipts are for root alone: without them a row says less, and that is all. */
static void add_stored(SutureStatus *status, const gchar *root, const SutureStored *stored)
{
	SutureStatusRow *row = g_new0(SutureStatusRow, 1);
	gboolean known = suture_receipt_load(root, stored->manifest_sha256, &row->receipt, NULL);

	known = known && row->receipt;
	row->id = stored->id;
	row->state = SUTURE_ROW_INSTALLED;
	row->origin = known ? row->receipt->origin : strcmp(stored->origin, "rpm") == 0 ? "rpm" : "";
	row->signer = known ? row->receipt->cms_subject : "";
	row->manifest = stored->manifest;
	row->manifest_sha256 = stored->manifest_sha256;
	row->stored = stored;
	g_ptr_array_add(status->rows, row);
}

static void add_copy_faults(SutureStatus *status)
{
	if (!suture_live_stack_has_faults(status->stack))
		return;
	for (guint i = 0; i < status->stack->faults->len; i++) {
		const SutureStoredFault *fault = status->stack->faults->pdata[i];
		SutureStoredFault *copy = g_new(SutureStoredFault, 1);

		*copy = (SutureStoredFault){g_strdup(fault->path), g_error_copy(fault->error)};
		g_ptr_array_add(status->faults, copy);
	}
}

SutureStatus *suture_status_read(const gchar *root, const gchar *boot_id, const gchar *release, guint timeout,
				 gint64 now, GError **error)
{
	g_autoptr(SutureStatus) status = g_new0(SutureStatus, 1);

	status->rows = g_ptr_array_new_with_free_func((GDestroyNotify)row_free);
	status->livepatch = suture_livepatch_open(root, error);
	if (!status->livepatch)
		return NULL;
	suture_enforcement_read(suture_livepatch_root(status->livepatch), &status->enforcement);
	status->stack = suture_live_stack_read(status->livepatch, root, boot_id, error);
	if (!status->stack)
		return NULL;
	status->pinned = suture_livepatch_list_leftovers(status->livepatch);
	status->stored = suture_store_list(root, release, &status->faults, error);
	if (!status->stored)
		return NULL;
	add_copy_faults(status);
	for (guint i = status->stack->entries->len; i > 0; i--)
		add_entry(status, i, timeout, now);
	for (guint i = 0; i < status->stored->len; i++)
		if (!is_in_stack(status, status->stored->pdata[i]))
			add_stored(status, root, status->stored->pdata[i]);
	return g_steal_pointer(&status);
}

static void check_build(SutureStatus *status, const gchar *id, const SuturePatchedBuild *build)
{
	SutureStoredFault *fault;
	GError *cause = NULL;

	if (suture_patched_check_loaded(status->livepatch, build, id, &cause))
		return;
	fault = g_new(SutureStoredFault, 1);
	*fault = (SutureStoredFault){g_build_filename("/sys/module", build->object, NULL), cause};
	g_ptr_array_add(status->faults, fault);
}

void suture_status_check_builds(SutureStatus *status)
{
	for (guint i = 0; i < status->stack->entries->len; i++) {
		const SutureStackEntry *entry = status->stack->entries->pdata[i];
		const GPtrArray *modules = entry->copy ? entry->copy->manifest->modules : NULL;

		for (guint j = 0; modules && j < modules->len; j++) {
			const SutureModule *module = modules->pdata[j];

			for (guint k = 0; k < module->patches->len; k++)
				check_build(status, entry->id, module->patches->pdata[k]);
		}
	}
}

static gint compare_names(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const gchar *const *)left, *(const gchar *const *)right);
}

GPtrArray *suture_status_fixed(const SutureStatus *status)
{
	g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
	GPtrArray *sorted = g_ptr_array_new();

	for (guint i = 0; i < status->rows->len; i++) {
		const SutureStatusRow *row = status->rows->pdata[i];
		GPtrArray *list = row->manifest ? row->manifest->patch.vulnerabilities : NULL;

		if (row->state != SUTURE_ROW_LIVE && row->state != SUTURE_ROW_PACKAGE_REMOVED)
			continue;
		for (guint j = 0; list && j < list->len; j++) {
			const SutureVulnerability *vulnerability = list->pdata[j];

			if (strcmp(vulnerability->status, "fixed") == 0 &&
			    g_hash_table_add(ids, vulnerability->id))
				g_ptr_array_add(sorted, vulnerability->id);
		}
	}
	g_ptr_array_sort(sorted, compare_names);
	return sorted;
}

const gchar **suture_status_live_ids(const SutureStatus *status)
{
	guint count = status->stack->entries->len, live = 0;
	const gchar **ids = g_new0(const gchar *, count + 1);

	for (guint i = 0; i < count; i++) {
		const SutureStackEntry *entry = status->stack->entries->pdata[i];

		if (entry->copy && suture_stack_entry_is_live(entry))
			ids[live++] = entry->id;
	}
	return ids;
}
