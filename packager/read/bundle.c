// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/bundle.h"

#include "common/mutation.h"
#include "packager/read/kernel.h"
#include "packager/read/module-check.h"
#include "packager/read/naming.h"
#include "packager/read/payload.h"
#include "packager/read/rpm-content.h"
#include "packager/read/rpm-signature.h"
#include "signer/verify/digest.h"

#include <rpm/rpmver.h>
#include <string.h>

/* One verification under way; each step_*() is one of the checks that `suture verify` prints. */
typedef struct {
	int fd;
	const gchar *what;
	const SutureTrust *trust;
	const SutureTarget *target;
	const SutureKernel *kernel;
	gint64 now;
	SutureRpmFile *file;
	SuturePayload *payload;
	SutureRpmSigner *rpm_signer;
	SutureCmsSigner *cms_signer;
	SutureBundle *bundle;
} Verification;

static void verification_clear(Verification *verification)
{
	g_clear_pointer(&verification->file, suture_rpm_file_free);
	g_clear_pointer(&verification->payload, suture_payload_free);
	g_clear_pointer(&verification->rpm_signer, suture_rpm_signer_free);
	g_clear_pointer(&verification->cms_signer, suture_cms_signer_free);
	g_clear_pointer(&verification->bundle, suture_bundle_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Verification, verification_clear)

static void check_free(gpointer data)
{
	SutureCheck *check = data;

	g_free(check->detail);
	g_free(check);
}

void suture_bundle_free(SutureBundle *bundle)
{
	g_clear_pointer(&bundle->manifest, suture_manifest_free);
	g_clear_pointer(&bundle->manifest_bytes, g_bytes_unref);
	g_clear_pointer(&bundle->manifest_signature, g_bytes_unref);
	g_clear_pointer(&bundle->receipt, suture_receipt_free);
	g_free(bundle->manifest_sha256);
	g_ptr_array_unref(bundle->modules);
	g_ptr_array_unref(bundle->checks);
	g_free(bundle);
}

static gchar *time_text(gint64 seconds)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

	return time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("");
}

static gboolean step_rpm(Verification *v, gchar **ret_detail, GError **error)
{
	g_autofree gchar *when = NULL;

	v->file = suture_rpm_file_open(v->fd, v->what, error);
	if (!v->file)
		return FALSE;
	v->rpm_signer = suture_rpm_signature_verify(v->file, v->trust->keyring, v->now, error);
	if (!v->rpm_signer ||
	    (!suture_check_skipped("rpm-scriptlet") && !suture_rpm_content_check_passive(v->file, error)))
		return FALSE;
	v->payload = suture_payload_read(v->file, error);
	if (!v->payload || !suture_rpm_content_check_files(v->file, v->payload, error))
		return FALSE;
	when = time_text(v->rpm_signer->signed_at);
	*ret_detail = g_strdup_printf("signed by %s (%s) at %s", v->rpm_signer->fingerprint,
				      v->rpm_signer->user_id, when);
	return TRUE;
}

/* After step_rpm(), which read the payload. */
static GBytes *take_file(const Verification *v, const gchar *name)
{
	g_assert(v->payload != NULL);
	return g_bytes_ref(g_hash_table_lookup(v->payload->files, name));
}

static gboolean step_manifest(Verification *v, gchar **ret_detail, GError **error)
{
	SutureBundle *bundle = v->bundle;
	g_autofree gchar *end = NULL;

	bundle->manifest_bytes = take_file(v, SUTURE_MANIFEST_FILE);
	bundle->manifest_signature = take_file(v, SUTURE_MANIFEST_SIGNATURE_FILE);
	bundle->manifest_sha256 = suture_digest_bytes(bundle->manifest_bytes);
	if (!suture_cms_verify(v->trust->cms, bundle->manifest_bytes, bundle->manifest_signature, v->now,
			       &v->cms_signer, error) ||
	    !(bundle->manifest = suture_manifest_parse(bundle->manifest_bytes, error))) {
		g_prefix_error(error, "%s: ", v->what);
		return FALSE;
	}
	end = time_text(v->cms_signer->not_after);
	*ret_detail = g_strdup_printf("signed by %s, certificate until %s", v->cms_signer->subject, end);
	return TRUE;
}

static gboolean check_missing(const Verification *v, const SutureModule *module, GError **error)
{
	GBytes *bytes = g_hash_table_lookup(v->payload->files, module->file);

	if (!bytes) {
		g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_PAYLOAD_MISSING,
			    "%s: its manifest lists %s, which the payload does not hold", v->what,
			    module->file);
		return FALSE;
	}
	g_ptr_array_add(v->bundle->modules, g_bytes_ref(bytes));
	return suture_module_check_digest(module, bytes, error);
}

static gboolean step_files(Verification *v, gchar **ret_detail, GError **error)
{
	GPtrArray *modules = v->bundle->manifest->modules;
	guint64 total = 0;

	for (guint i = 0; i < modules->len; i++) {
		const SutureModule *module = g_ptr_array_index(modules, i);

		if (!check_missing(v, module, error)) {
			g_prefix_error(error, "%s: ", v->what);
			return FALSE;
		}
		total += module->size;
	}
	if (!suture_check_skipped("payload-extra") &&
	    g_hash_table_size(v->payload->files) != modules->len + 2) {
		g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_PAYLOAD_EXTRA,
			    "%s: its payload holds a module that its manifest does not list", v->what);
		return FALSE;
	}
	*ret_detail = g_strdup_printf("%u of %u modules as listed, %" G_GUINT64_FORMAT " bytes", modules->len,
				      modules->len, total);
	return TRUE;
}

static gboolean step_modules(Verification *v, gchar **ret_detail, GError **error)
{
	const SutureManifest *manifest = v->bundle->manifest;
	g_autoptr(SutureModuleSigner) signer = NULL;

	for (guint i = 0; i < manifest->modules->len; i++) {
		g_clear_pointer(&signer, suture_module_signer_free);
		if (!suture_module_check_content(manifest, i, g_ptr_array_index(v->bundle->modules, i),
						 v->trust->modules, &signer, error)) {
			g_prefix_error(error, "%s: ", v->what);
			return FALSE;
		}
	}
	g_assert(signer != NULL); /* a manifest that parsed names one module or more */
	*ret_detail = g_strdup_printf("signed by %s (%s)", signer->subject, signer->key_id);
	return TRUE;
}

static gboolean check_target(const Verification *v, GError **error)
{
	const gchar *member = suture_patch_difference(&v->target->patch, &v->bundle->manifest->patch);

	if (!member && strcmp(v->target->manifest_sha256, v->bundle->manifest_sha256) != 0)
		member = "manifest_sha256";
	if (!member || suture_check_skipped("disagree-target"))
		return TRUE;
	g_set_error(
		error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_DISAGREE,
		"%s: %s differs between the repository's target data and the manifest: tell the repository's "
		"keeper",
		v->what, member);
	return FALSE;
}

static gboolean step_agreement(Verification *v, gchar **ret_detail, GError **error)
{
	if (!suture_rpm_content_check_manifest(v->file, v->payload, v->bundle->manifest, error) ||
	    (v->target && !check_target(v, error)))
		return FALSE;
	*ret_detail = g_strdup(v->target ? "package, manifest, modules and target data agree"
					 : "package, manifest and modules agree");
	return TRUE;
}

static gboolean step_kernel(Verification *v, gchar **ret_detail, GError **error)
{
	const SutureKernel *wanted = &v->bundle->manifest->patch.kernel;

	if (!suture_kernel_match(wanted, v->kernel, v->what, error))
		return FALSE;
	*ret_detail = g_strdup_printf("%s %s, build-id %s", wanted->release, wanted->arch, wanted->build_id);
	return TRUE;
}

static gboolean fill_receipt(Verification *v, GError **error)
{
	SutureReceipt *receipt = v->bundle->receipt = suture_receipt_new();
	g_autofree gchar *package_sha256 = suture_digest_fd(v->file->fd, NULL, error);
	g_autofree gchar *name = NULL;

	if (!package_sha256)
		return FALSE;
	name = suture_bundle_rpm_name(&v->bundle->manifest->patch);
	g_free(receipt->manifest_sha256);
	receipt->manifest_sha256 = g_strdup(v->bundle->manifest_sha256);
	g_free(receipt->accepted);
	receipt->accepted = time_text(v->now);
	g_free(receipt->package_sha256);
	receipt->package_sha256 = g_steal_pointer(&package_sha256);
	g_free(receipt->package_name);
	receipt->package_name =
		g_strdup_printf("%s-%s-%s.%s", name, v->bundle->manifest->patch.version,
				v->bundle->manifest->patch.release, v->bundle->manifest->patch.kernel.arch);
	g_free(receipt->rpm_key);
	receipt->rpm_key = g_ascii_strdown(v->rpm_signer->fingerprint, -1);
	receipt->rpm_signed = v->rpm_signer->signed_at;
	g_free(receipt->cms_certificate);
	receipt->cms_certificate = g_strdup(v->cms_signer->certificate);
	g_free(receipt->cms_subject);
	receipt->cms_subject = g_strdup(v->cms_signer->subject);
	g_free(receipt->cms_not_after);
	receipt->cms_not_after = time_text(v->cms_signer->not_after);
	return TRUE;
}

typedef gboolean (*Step)(Verification *verification, gchar **ret_detail, GError **error);

static gboolean run_step(Verification *v, const gchar *name, Step step, GError **error)
{
	SutureCheck *check = g_new0(SutureCheck, 1);
	g_autoptr(GError) cause = NULL;

	check->check = name;
	check->passed = step(v, &check->detail, &cause);
	if (!check->passed)
		check->detail = g_strdup(cause->message);
	g_ptr_array_add(v->bundle->checks, check);
	if (cause)
		g_propagate_error(error, g_steal_pointer(&cause));
	return check->passed;
}

static gboolean run(Verification *v, GError **error)
{
	return run_step(v, "rpm", step_rpm, error) && run_step(v, "manifest", step_manifest, error) &&
	       run_step(v, "files", step_files, error) && run_step(v, "modules", step_modules, error) &&
	       run_step(v, "agreement", step_agreement, error) &&
	       (!v->kernel || run_step(v, "kernel", step_kernel, error)) && fill_receipt(v, error);
}

SutureBundle *suture_bundle_verify(int fd, const gchar *what, const SutureTrust *trust,
				   const SutureTarget *target, const SutureKernel *kernel, gint64 now,
				   GPtrArray **ret_checks, GError **error)
{
	g_auto(Verification)
		v = {.fd = fd, .what = what, .trust = trust, .target = target, .kernel = kernel, .now = now};
	gboolean passed;

	v.bundle = g_new0(SutureBundle, 1);
	v.bundle->modules = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	v.bundle->checks = g_ptr_array_new_with_free_func(check_free);
	passed = run(&v, error);
	if (ret_checks)
		*ret_checks = g_ptr_array_ref(v.bundle->checks);
	return passed ? g_steal_pointer(&v.bundle) : NULL;
}

gint suture_version_compare(const gchar *version_a, const gchar *release_a, const gchar *version_b,
			    const gchar *release_b)
{
	gint order = rpmvercmp(version_a, version_b);

	return order ? order : rpmvercmp(release_a, release_b);
}
