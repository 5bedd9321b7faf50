// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/fetch-list.h"

#include "common/file.h"
#include "common/mutation.h"
#include "packager/read/kernel.h"
#include "packager/read/store.h"

#include <string.h>

#define SHA256_HEX 64 /* digits */

typedef struct {
	const SutureKernel *kernel;
	gchar *folder;       /* "<uname -r>/" */
	GHashTable *present; /* manifest digests */
	GPtrArray *results;
} Listing;

static void listing_clear(Listing *listing)
{
	g_free(listing->folder);
	g_clear_pointer(&listing->present, g_hash_table_unref);
	g_clear_pointer(&listing->results, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Listing, listing_clear)

const gchar *suture_fetch_outcome_name(SutureFetchOutcome outcome)
{
	static const gchar *const names[] = {"wanted",     "fetched",  "present", "held",
					     "superseded", "mismatch", "refused", "withdrawn"};

	return names[outcome];
}

void suture_fetch_result_set(SutureFetchResult *result, SutureFetchOutcome outcome, const gchar *reason,
			     const gchar *detail)
{
	result->outcome = outcome;
	g_free(result->reason);
	result->reason = g_strdup(reason);
	g_free(result->detail);
	result->detail = g_strdup(detail);
}

static void result_free(gpointer data)
{
	SutureFetchResult *result = data;

	g_clear_pointer(&result->target, suture_target_free);
	g_free(result->name);
	g_free(result->sha256);
	g_free(result->id);
	g_free(result->reason);
	g_free(result->detail);
	g_free(result);
}

SutureFetchResult *suture_fetch_result_new(const SutureKernel *kernel)
{
	SutureFetchResult *result = g_new0(SutureFetchResult, 1);

	result->kernel = kernel;
	return result;
}

GPtrArray *suture_fetch_results_new(void)
{
	return g_ptr_array_new_with_free_func(result_free);
}

/* A bundle lies in its kernel's folder, under a plain file name. */
static gboolean check_path(const SutureTufTarget *target, const SutureTarget *bundle, const gchar *folder,
			   GError **error)
{
	const gchar *file = target->name + strlen(folder);
	gboolean fits = suture_file_name_is_safe(file) && g_str_has_suffix(file, ".rpm") &&
			g_str_has_prefix(folder, bundle->patch.kernel.release) &&
			strlen(folder) == strlen(bundle->patch.kernel.release) + 1;

	if (fits || suture_check_skipped("tuf-target-custom"))
		return TRUE;
	g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_TARGET_CUSTOM,
		    "%s: lies at a path that is not its kernel's (%s); tell the publisher", target->name,
		    bundle->patch.kernel.release);
	return FALSE;
}

/* *@ret NULL, successfully, for a target that is no bundle. */
static gboolean read_bundle(const SutureTufTarget *target, const gchar *folder, SutureTarget **ret,
			    GError **error)
{
	g_autoptr(SutureTarget) bundle = NULL;
	g_autoptr(GError) cause = NULL;

	if (target->custom && !suture_target_parse(target->custom, &bundle, &cause)) {
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_TARGET_CUSTOM,
			    "%s: %s; tell the publisher, or update Suture", target->name, cause->message);
		return FALSE;
	}
	if (bundle && !check_path(target, bundle, folder, error))
		return FALSE;
	*ret = g_steal_pointer(&bundle);
	return TRUE;
}

static void judge(const Listing *listing, SutureFetchResult *result)
{
	g_autoptr(GError) other = NULL;

	if (!suture_kernel_match(&result->target->patch.kernel, listing->kernel, result->id, &other))
		suture_fetch_result_set(result, SUTURE_FETCH_MISMATCH, suture_error_reason(other),
					other->message);
	else if (g_hash_table_contains(listing->present, result->target->manifest_sha256))
		result->outcome = SUTURE_FETCH_PRESENT;
}

/* Metadata may list hex of any length. */
static gchar *sha256_of(const SutureTufTarget *target)
{
	const gchar *hex = g_hash_table_lookup(target->file.hashes, "sha256");

	return hex && strlen(hex) == SHA256_HEX ? g_strdup(hex) : NULL;
}

static void add(Listing *listing, const SutureTufTarget *target)
{
	SutureTarget *bundle = NULL;
	g_autoptr(GError) wrong = NULL;
	SutureFetchResult *result;

	if (!read_bundle(target, listing->folder, &bundle, &wrong))
		bundle = NULL;
	else if (!bundle)
		return;
	result = suture_fetch_result_new(listing->kernel);
	g_ptr_array_add(listing->results, result);
	result->name = g_strdup(target->name);
	result->size = (guint64)target->file.length;
	result->sha256 = sha256_of(target);
	result->target = bundle;
	result->id = bundle ? suture_patch_id(&bundle->patch) : NULL;
	if (bundle)
		judge(listing, result);
	else
		suture_fetch_result_set(result, SUTURE_FETCH_REFUSED, suture_error_reason(wrong),
					wrong->message);
}

/* What came another way (a package manager's) is fetched all the same: policy may ask for the repository's
 * word. So is what was damaged since: this is how it is repaired. */
static gboolean is_present(const SutureStored *bundle, const gchar *root, const SutureTrust *trust,
			   GError **error)
{
	g_autoptr(SutureReceipt) receipt = NULL;

	return suture_receipt_load(root, bundle->manifest_sha256, &receipt, NULL) && receipt &&
	       strcmp(receipt->origin, "tuf") == 0 &&
	       suture_stored_verify(bundle, trust, 0, NULL, NULL, error);
}

static gboolean find_present(Listing *listing, const gchar *root, const SutureTrust *trust,
			     GPtrArray *distrusted, GError **error)
{
	g_autoptr(GPtrArray) stored = suture_store_list(root, listing->kernel->release, NULL, error);

	for (guint i = stored ? stored->len : 0; i-- > 0;) {
		const SutureStored *bundle = stored->pdata[i];
		g_autoptr(GError) why = NULL;

		if (is_present(bundle, root, trust, &why))
			g_hash_table_add(listing->present, g_strdup(bundle->manifest_sha256));
		else if (why && suture_error_exit(why) == SUTURE_EXIT_UNTRUSTED &&
			 strcmp(bundle->origin, "fetched") == 0)
			g_ptr_array_add(distrusted, g_ptr_array_steal_index(stored, i));
	}
	return stored != NULL;
}

GPtrArray *suture_fetch_list(SutureTufClient *client, const gchar *root, const SutureTrust *trust,
			     const SutureKernel *kernel, GPtrArray *distrusted, GError **error)
{
	g_auto(Listing) listing = {
		.kernel = kernel,
		.folder = g_strconcat(kernel->release, "/", NULL),
		.present = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.results = suture_fetch_results_new(),
	};
	g_autoptr(GPtrArray) targets = suture_tuf_client_list(client, kernel->release, error);

	if (!targets || !find_present(&listing, root, trust, distrusted, error))
		return NULL;
	for (guint i = 0; i < targets->len; i++)
		add(&listing, targets->pdata[i]);
	return g_steal_pointer(&listing.results);
}
