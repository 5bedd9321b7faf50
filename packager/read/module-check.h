/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/module-info.h"
#include "signer/verify/module-signature.h"
#include "spec/manifest.h"

/* Size and SHA-256 of a module's @bytes against its entry in the manifest: FILE-DIGEST. */
gboolean suture_module_check_digest(const SutureModule *module, GBytes *bytes, GError **error);

/*
 * The kernel's signature on a module, then what the module says of itself against @manifest: name, kernel,
 * provider, consistency, build-id, srcversion, functions; klp_patch.replace is set in the first module of a
 * cumulative patch and nowhere else. Codes of SUTURE_VERIFY_ERROR (MODULE-*), of suture_module_info_read(),
 * MODULE-VERMAGIC, MODULE-CONSISTENCY, DISAGREE.
 */
gboolean suture_module_check_content(const SutureManifest *manifest, guint index, GBytes *bytes,
				     const SutureModuleTrust *trust, SutureModuleSigner **ret_signer,
				     GError **error);
