/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/bundle.h"

/* A bundle at rest in one of the two stores. */
typedef struct {
	gchar *id;           /* folder name: <name>-<version>-<release> */
	gchar *release;      /* of the kernel whose folder it stands in */
	const gchar *origin; /* "rpm" (/usr/lib/suture) or "fetched" (/var/lib/suture/bundles); static */
	int folder;          /* descriptor of its folder, owned */
	SutureManifest *manifest;
	GBytes *manifest_bytes, *manifest_signature;
	gchar *manifest_sha256;
} SutureStored;
void suture_stored_free(SutureStored *stored);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureStored, suture_stored_free)

/* A folder that could not be read as a bundle: shown in status, never used. */
typedef struct {
	gchar *path;
	GError *error; /* its message is without the path */
} SutureStoredFault;
void suture_stored_fault_free(SutureStoredFault *fault);

/*
 * The bundles for kernel @release in both stores below @root (NULL: "/"), merged by manifest digest (the
 * fetched one wins), sorted by id. Manifests are parsed here but NOT verified: call suture_stored_verify()
 * before acting. SutureStored*; faults go to *@ret_faults (SutureStoredFault*, sorted by path) when not
 * NULL. An absent store is an empty one.
 */
GPtrArray *suture_store_list(const gchar *root, const gchar *release, GPtrArray **ret_faults,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Checks the bundle at rest once more: CMS over the manifest, id and kernel release against the folder's
 * names, no extra files, size and SHA-256 of every module on the descriptors returned, module signatures.
 * @now 0: certificate time was judged by a receipt. *@ret_modules gets sealed copies (memfd, as gint through
 * GINT_TO_POINTER; closed by the array's free function) in the manifest's order.
 */
gboolean suture_stored_verify(const SutureStored *stored, const SutureTrust *trust, gint64 now,
			      GPtrArray **ret_modules, SutureCmsSigner **ret_signer,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes a verified bundle to the fetched store (staging folder, then one rename) and its receipt. An equal
 * one already there is success. */
gboolean suture_store_add(const gchar *root, const SutureBundle *bundle,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether what stands at the place of @stored now, which may have been replaced since, is there and verifies;
 * codes of suture_stored_verify(). */
gboolean suture_store_verifies(const gchar *root, const SutureStored *stored, const SutureTrust *trust,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes a bundle from the fetched store, with its receipt. */
gboolean suture_store_remove(const gchar *root, const SutureStored *stored,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes what calls of the two above that were killed left. Call it under the lock that guards the store. */
gboolean suture_store_sweep(const gchar *root, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Receipts: /var/lib/suture/receipts/<manifest sha256>.json. *@ret NULL, successfully, when there is none. */
gboolean suture_receipt_load(const gchar *root, const gchar *manifest_sha256, SutureReceipt **ret,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Absent is success. */
gboolean suture_receipt_remove(const gchar *root, const gchar *manifest_sha256,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean suture_receipt_save(const gchar *root, const SutureReceipt *receipt,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Removes what saves that were killed left, as each save does; needs no lock of the caller's. */
gboolean suture_receipt_sweep(const gchar *root, GError **error) G_GNUC_WARN_UNUSED_RESULT;
