/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/error.h"
#include "packager/read/keyring.h"
#include "signer/verify/cms.h"
#include "signer/verify/module-signature.h"
#include "spec/manifest.h"
#include "spec/receipt.h"
#include "spec/target.h"

/* Where bundles live in both stores and in the RPM payload, below the store's folder: "<uname
 * -r>/<name>-<version>-<release>". */
#define SUTURE_BUNDLE_PACKAGE_STORE "/usr/lib/suture"
#define SUTURE_BUNDLE_FETCHED_STORE "/var/lib/suture/bundles"
#define SUTURE_BUNDLE_MAX_PACKAGE_BYTES (1024LL * 1024 * 1024)

/* What bundles are judged by: the content of a trust folder (rpm-keyring.asc, cms-ca.pem, cms-crl.pem if
 * present, module.pem). */
typedef struct {
	SutureKeyring *keyring;
	SutureCmsTrust *cms;
	SutureModuleTrust *modules;
} SutureTrust;
/*
 * Where this host's trust anchors are: SUTURE_TRUST_ADOPTED once they came out of the repository's signed
 * metadata, before that SUTURE_TRUST_PROVISIONED; below @root (NULL: "/"). Newly allocated.
 */
#define SUTURE_TRUST_PROVISIONED "/etc/suture/trust"
#define SUTURE_TRUST_ADOPTED "/var/lib/suture/trust"
gchar *suture_trust_folder(const gchar *root);
/* Loads @folder. COMMON-CONFIG names the file that is missing or malformed and says what belongs there. */
SutureTrust *suture_trust_load(const gchar *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Without the keyring (NULL), which suture_stored_verify() does not need and which takes gpg to read: a host
 * applies at boot. Not for suture_bundle_verify(). */
SutureTrust *suture_trust_load_at_rest(const gchar *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_trust_free(SutureTrust *trust);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureTrust, suture_trust_free)

/* One check of a bundle, as `suture verify` prints it. Names: "rpm" "manifest" "files" "modules" "agreement"
 * "kernel". */
typedef struct {
	const gchar *check; /* static */
	gboolean passed;
	gchar *detail; /* who signed, or the refusal's words */
} SutureCheck;

/* A bundle on an open descriptor whose checks passed. */
typedef struct {
	SutureManifest *manifest;
	GBytes *manifest_bytes, *manifest_signature;
	gchar *manifest_sha256;
	SutureReceipt *receipt; /* filled but for origin and the tuf_ versions */
	GPtrArray *modules;     /* GBytes* of the verified modules, in the order of manifest->modules */
	GPtrArray *checks;      /* SutureCheck* */
} SutureBundle;
void suture_bundle_free(SutureBundle *bundle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureBundle, suture_bundle_free)

/*
 * Checks 3, 4 and 5 of the trust model on the RPM file open at @fd, in that order, then the agreement of RPM
 * header, manifest, modules and (when not NULL) @target, then, when @kernel is not NULL, the kernel match.
 * @now: seconds since the epoch, for every judgement of time. Check 2 (length and SHA-256 of the file) is the
 * caller's, before this. Nothing is written anywhere. All is read from one sealed copy in memory, so that
 * whoever may write to the file cannot change it between a check and its use; @fd is read once and stays as
 * it is. A header signature up to five minutes ahead of @now is not in the future. On failure *@ret_checks
 * (when not NULL) still gets the checks that were made, the last one not passed.
 */
SutureBundle *suture_bundle_verify(int fd, const gchar *what, const SutureTrust *trust,
				   const SutureTarget *target, const SutureKernel *kernel, gint64 now,
				   GPtrArray **ret_checks, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Three-way rpm comparison of "version-release" strings, as rpm orders packages (rpmvercmp on each part). */
gint suture_version_compare(const gchar *version_a, const gchar *release_a, const gchar *version_b,
			    const gchar *release_b);
