// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/ready.h"

#include "applier/patched.h"
#include "applier/preflight.h"
#include "applier/provider.h"
#include "common/mutation.h"
#include "packager/read/kernel.h"
#include "packager/read/module-info.h"

#include <string.h>

void suture_ready_free(SutureReady *ready)
{
	g_clear_pointer(&ready->receipt, suture_receipt_free);
	g_clear_pointer(&ready->modules, g_ptr_array_unref);
	g_free(ready);
}

gboolean suture_apply_record(const SutureApplyOptions *options, const gchar *event, const gchar *id,
			     const gchar *manifest_sha256, const SutureReceipt *receipt, const GError *cause,
			     const gchar *detail, GError **error)
{
	const SutureEvent record = {
		.event = event,
		.bundle = id,
		.manifest_sha256 = manifest_sha256,
		.package_sha256 = receipt && *receipt->package_sha256 ? receipt->package_sha256 : NULL,
		.reason = cause ? suture_error_reason(cause) : "ok",
		.detail = cause ? cause->message : detail,
	};

	return options->sink(&record, options->sink_data, error);
}

gboolean suture_apply_refuse(const SutureApplyOptions *options, GError *cause, GError **error)
{
	if (suture_apply_record(options, "refuse", NULL, NULL, NULL, cause, NULL, error))
		g_propagate_error(error, cause);
	else
		g_error_free(cause);
	return FALSE;
}

static gchar *utc(gint64 seconds)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

	return time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("");
}

static SutureReceipt *receipt_for_package(const SutureApplyOptions *options, const SutureStored *stored,
					  const SutureCmsSigner *signer)
{
	SutureReceipt *receipt = suture_receipt_new();

	receipt->manifest_sha256 = g_strdup(stored->manifest_sha256);
	receipt->origin = g_strdup("rpm");
	receipt->accepted = utc(options->now);
	receipt->package_sha256 = g_strdup("");
	receipt->package_name = g_strdup(stored->id);
	receipt->rpm_key = g_strdup("");
	receipt->cms_certificate = g_strdup(signer->certificate);
	receipt->cms_subject = g_strdup(signer->subject);
	receipt->cms_not_after = utc(signer->not_after);
	return receipt;
}

/* The fetcher writes a receipt with every bundle; only what the package manager installed may lack one. */
static gboolean verify_at_rest(const SutureApplyOptions *options, SutureReady *ready, GError **error)
{
	const SutureStored *stored = ready->stored;
	g_autoptr(SutureCmsSigner) signer = NULL;

	if (!suture_receipt_load(options->root, stored->manifest_sha256, &ready->receipt, error))
		return FALSE;
	if (!ready->receipt && strcmp(stored->origin, "rpm") != 0 &&
	    !suture_check_skipped("receipt-missing")) {
		g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_RECEIPT,
			    "%s: in the store without its receipt; remove its folder and fetch it again",
			    stored->id);
		return FALSE;
	}
	ready->receipt_is_new = ready->receipt == NULL;
	if (!suture_stored_verify(stored, options->trust, ready->receipt_is_new ? options->now : 0,
				  &ready->modules, &signer, error))
		return FALSE;
	if (ready->receipt_is_new)
		ready->receipt = receipt_for_package(options, stored, signer);
	return TRUE;
}

static gboolean is_for_framework(const SutureStored *stored)
{
	return stored->manifest->patch.provider == SUTURE_PROVIDER_FRAMEWORK;
}

/* The framework may still have to be loaded, and then needs to be there. */
static gboolean check_provider(const SutureApplyOptions *options, const SutureLivepatch *livepatch,
			       const SutureStored *stored, GError **error)
{
	if (suture_livepatch_has(livepatch, stored->manifest->patch.provider))
		return TRUE;
	if (is_for_framework(stored))
		return suture_framework_installed(options->root, options->kernel->release, stored->id, error);
	g_set_error(
		error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_PROVIDER,
		"%s: built for the kernel's own livepatch, which this kernel has not; get the bundle that is "
		"built for the framework, or boot a kernel with CONFIG_LIVEPATCH",
		stored->id);
	return FALSE;
}

static gboolean is_earlier_module(const SutureManifest *manifest, guint index, const gchar *name)
{
	for (guint i = 0; i < index; i++) {
		g_autofree gchar *earlier = suture_module_kernel_name(manifest->modules->pdata[i]);

		if (strcmp(earlier, name) == 0)
			return TRUE;
	}
	return FALSE;
}

/* A patch module needs few exported symbols: loading its dependencies for it would run code that nobody
 * signed off with the patch. The framework alone is loaded for it (provider.h). */
static gboolean check_dependencies(const SutureLivepatch *livepatch, const SutureReady *ready, guint index,
				   GBytes *module, GError **error)
{
	const SutureManifest *manifest = ready->stored->manifest;
	const SutureModule *entry = manifest->modules->pdata[index];
	g_autoptr(SutureModuleInfo) info = suture_module_info_read(module, entry->file, error);
	g_auto(GStrv) names = NULL;

	if (!info)
		return FALSE;
	names = g_strsplit(info->depends ? info->depends : "", ",", -1);
	for (guint i = 0; names[i]; i++) {
		if (!*names[i] || suture_livepatch_module_loaded(livepatch, names[i]) ||
		    is_earlier_module(manifest, index, names[i]) ||
		    (is_for_framework(ready->stored) && strcmp(names[i], "suture") == 0))
			continue;
		g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_MODULE_DEPENDENCY,
			    "%s: %s needs the module %s, which is not loaded; load it (modprobe %s) and try "
			    "again",
			    ready->stored->id, entry->file, names[i], names[i]);
		return FALSE;
	}
	return TRUE;
}

static gboolean check_key(const SutureApplyOptions *options, const SutureLivepatch *livepatch,
			  const SutureStored *stored, GBytes *module, GError **error)
{
	g_autoptr(SutureModuleSigner) signer = NULL;

	return suture_module_signature_verify(options->trust->modules, module, &signer, error) &&
	       suture_preflight_key(suture_livepatch_root(livepatch), signer->key_id, signer->subject,
				    stored->id, options->module_certificates, error);
}

static gboolean check_modules(const SutureApplyOptions *options, const SutureLivepatch *livepatch,
			      const SutureReady *ready, GError **error)
{
	for (guint i = 0; i < ready->modules->len; i++) {
		int fd = GPOINTER_TO_INT(ready->modules->pdata[i]);
		g_autoptr(GMappedFile) map = g_mapped_file_new_from_fd(fd, FALSE, error);
		g_autoptr(GBytes) module = map ? g_mapped_file_get_bytes(map) : NULL;

		if (!module || !check_dependencies(livepatch, ready, i, module, error) ||
		    !check_key(options, livepatch, ready->stored, module, error))
			return FALSE;
	}
	return TRUE;
}

SutureReady *suture_ready_new(const SutureApplyOptions *options, const SutureLivepatch *livepatch,
			      const SutureStored *stored, GError **error)
{
	g_autoptr(SutureReady) ready = g_new0(SutureReady, 1);

	ready->stored = stored;
	if (!verify_at_rest(options, ready, error) ||
	    !suture_kernel_match(&stored->manifest->patch.kernel, options->kernel, stored->id, error) ||
	    !check_provider(options, livepatch, stored, error) ||
	    !suture_patched_check(livepatch, options->root, options->kernel->release, stored->manifest,
				  stored->id, error) ||
	    !check_modules(options, livepatch, ready, error))
		return NULL;
	return g_steal_pointer(&ready);
}

gboolean suture_ready_accept(const SutureApplyOptions *options, const SutureReady *ready, GError **error)
{
	const SutureStored *stored = ready->stored;

	if (!ready->receipt_is_new)
		return TRUE;
	return suture_receipt_save(options->root, ready->receipt, error) &&
	       suture_apply_record(options, "accept", stored->id, stored->manifest_sha256, ready->receipt,
				   NULL, "installed by the package manager", error);
}
