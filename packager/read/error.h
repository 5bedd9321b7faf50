/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Refusals met while reading modules, kernels and bundles. */
#define SUTURE_BUNDLE_ERROR suture_bundle_error_quark()
GQuark suture_bundle_error_quark(void);
typedef enum {
	/* a module or kernel image as input: exit INPUT */
	SUTURE_BUNDLE_ERROR_NOT_MODULE,       /* "module-not-elf": not an ELF x86-64 relocatable file */
	SUTURE_BUNDLE_ERROR_MODULE_MALFORMED, /* "module-malformed": ELF that contradicts itself; no .modinfo;
						 name differs from the file's */
	SUTURE_BUNDLE_ERROR_NO_MARK,          /* "module-no-mark": without its provider's modinfo (livepatch,
						 suture_livepatch) */
	SUTURE_BUNDLE_ERROR_NO_FUNCTIONS,     /* "module-no-functions": no klp_patch that names functions was
						 found */
	SUTURE_BUNDLE_ERROR_VERMAGIC,         /* "module-vermagic": built for another kernel than stated (exit
						 MISMATCH) */
	SUTURE_BUNDLE_ERROR_NOT_KERNEL, /* "kernel-image": neither bzImage nor vmlinux with a build-id */

	/* the RPM file: exit UNTRUSTED */
	SUTURE_BUNDLE_ERROR_RPM_MALFORMED,  /* "rpm-malformed": librpm cannot read it */
	SUTURE_BUNDLE_ERROR_RPM_LEAD,       /* "rpm-lead": the lead is not what rpm writes for this package */
	SUTURE_BUNDLE_ERROR_RPM_RESERVED,   /* "rpm-reserved": non-zero bytes in reserved space or padding of
					       the signature header */
	SUTURE_BUNDLE_ERROR_RPM_TRAILING,   /* "rpm-trailing": bytes after the payload */
	SUTURE_BUNDLE_ERROR_RPM_UNSIGNED,   /* "rpm-unsigned": no header signature */
	SUTURE_BUNDLE_ERROR_RPM_SIGNATURES, /* "rpm-signatures": more than the one header signature */
	SUTURE_BUNDLE_ERROR_RPM_SIGNATURE,  /* "rpm-signature": the header signature does not verify */
	SUTURE_BUNDLE_ERROR_RPM_DIGEST,     /* "rpm-digest": header or payload digest does not match */
	SUTURE_BUNDLE_ERROR_RPM_NO_PAYLOAD_DIGEST, /* "rpm-no-payload-digest": no SHA-256 payload digest in
						      the signed header */
	SUTURE_BUNDLE_ERROR_RPM_KEY_UNKNOWN, /* "rpm-key-unknown": signed by a key that is not in the keyring
					      */
	SUTURE_BUNDLE_ERROR_RPM_KEY_EXPIRED, /* "rpm-key-expired": signed after the key's expiry */
	SUTURE_BUNDLE_ERROR_RPM_KEY_REVOKED, /* "rpm-key-revoked": by a key revoked as compromised, or signed
						after another revocation */
	SUTURE_BUNDLE_ERROR_RPM_FUTURE,      /* "rpm-signature-future" */
	SUTURE_BUNDLE_ERROR_RPM_WEAK,      /* "rpm-weak": SHA-1, RSA < 3072, or another algorithm than RSA and
					      Ed25519 */
	SUTURE_BUNDLE_ERROR_RPM_SCRIPTLET, /* "rpm-scriptlet": a bundle carries scriptlets, triggers or file
					      capabilities */
	SUTURE_BUNDLE_ERROR_KEYRING, /* "rpm-keyring": the keyring file is malformed or empty (exit INPUT) */

	/* payload and files: exit UNTRUSTED */
	SUTURE_BUNDLE_ERROR_PAYLOAD_PATH,  /* "payload-path": a path outside the bundle's folder, "..", or
					      absolute elsewhere */
	SUTURE_BUNDLE_ERROR_PAYLOAD_TYPE,  /* "payload-type": a symlink, hard link, device, FIFO or socket */
	SUTURE_BUNDLE_ERROR_PAYLOAD_EXTRA, /* "payload-extra": a file that the manifest does not list */
	SUTURE_BUNDLE_ERROR_PAYLOAD_MISSING, /* "payload-missing": a file that the manifest lists, or the
						manifest or its signature */
	SUTURE_BUNDLE_ERROR_PAYLOAD_SIZE,    /* "payload-size": over the limits of the manifest format */
	SUTURE_BUNDLE_ERROR_FILE_DIGEST,     /* "file-digest": a module differs from the manifest's size or
						SHA-256 */
	SUTURE_BUNDLE_ERROR_DISAGREE,    /* "disagree": target data, RPM header, manifest or module contradict
					    each other; names the member */
	SUTURE_BUNDLE_ERROR_CONSISTENCY, /* "module-consistency": the module sets another consistency model
					    than the manifest says */

	/* the kernel match: exit MISMATCH */
	SUTURE_BUNDLE_ERROR_KERNEL_RELEASE,  /* "kernel-release" */
	SUTURE_BUNDLE_ERROR_KERNEL_BUILD_ID, /* "kernel-build-id": same release, another build */
	SUTURE_BUNDLE_ERROR_KERNEL_ARCH,     /* "kernel-arch" */
} SutureBundleError;
