/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Refusals met while building and packing. Exit code INPUT unless said otherwise. */
#define SUTURE_BUILD_ERROR suture_build_error_quark()
GQuark suture_build_error_quark(void);
typedef enum {
	SUTURE_BUILD_ERROR_SOURCE,  /* "build-source": neither a folder of C sources, nor a .c, nor a .ko */
	SUTURE_BUILD_ERROR_NAME,    /* "build-module-name": the patch's name is no name for a kernel module */
	SUTURE_BUILD_ERROR_HEADERS, /* "kernel-headers": not a configured kernel build tree */
	SUTURE_BUILD_ERROR_IMAGE, /* "kernel-image-mismatch": the image is another release's than the headers
				     or the module (exit MISMATCH) */
	SUTURE_BUILD_ERROR_COMPILE, /* "build-compile": kbuild or the compiler refused the sources */
	SUTURE_BUILD_ERROR_EMPTY,   /* "build-no-module": the Kbuild makes no module */

	SUTURE_BUILD_ERROR_DESCRIPTION_SYNTAX,  /* "description-syntax": not a key file */
	SUTURE_BUILD_ERROR_DESCRIPTION_UNKNOWN, /* "description-unknown": a group or key that there is not */
	SUTURE_BUILD_ERROR_DESCRIPTION_MISSING, /* "description-missing": a key that must be there */
	SUTURE_BUILD_ERROR_DESCRIPTION_VALUE,   /* "description-value": a word that the key does not take */
	SUTURE_BUILD_ERROR_DISAGREE, /* "description-disagrees": description and module contradict each other
				      */
	SUTURE_BUILD_ERROR_CONSISTENCY, /* "description-consistency": the module sets another consistency
					   model than the description says */
	SUTURE_BUILD_ERROR_DATE, /* "source-date-epoch": SOURCE_DATE_EPOCH is not a number of seconds */

	SUTURE_BUILD_ERROR_FRAMEWORK,        /* "framework-folder": not a built framework */
	SUTURE_BUILD_ERROR_FRAMEWORK_KERNEL, /* "framework-mismatch": it was built for another kernel (exit
						MISMATCH) */
	SUTURE_BUILD_ERROR_RELOCATION_TABLE, /* "relocation-table": .suture.relocs that cannot be used */
	SUTURE_BUILD_ERROR_RELOCATION_PLACE, /* "relocation-place": an entry of it would come too late */
	SUTURE_BUILD_ERROR_RELOCATION_UNAPPLIED, /* "relocation-unapplied": an entry that nobody would
						    apply */

	SUTURE_BUILD_ERROR_PATCHED, /* "patched-module": a file given as a patched module's that cannot be
				       one: the patch does not patch it, it was given before, or its build
				       cannot be named */

	SUTURE_BUILD_ERROR_MATRIX, /* "build-matrix": of several kernels some have no bundle */

	SUTURE_BUILD_ERROR_UNSIGNED,   /* "bundle-unsigned": a module or the manifest has no signature */
	SUTURE_BUILD_ERROR_INCOMPLETE, /* "bundle-incomplete": a file that the manifest lists is not there */
	SUTURE_BUILD_ERROR_EXTRA,      /* "bundle-extra": a file that the manifest does not list */
	SUTURE_BUILD_ERROR_DIFFERS,    /* "bundle-differs": a module is not the one that the manifest lists */
	SUTURE_BUILD_ERROR_TEMPLATE,   /* "spec-template": no such distribution, or an unknown placeholder */
	SUTURE_BUILD_ERROR_VALUE,      /* "spec-value": a value that cannot stand in a spec file */
	SUTURE_BUILD_ERROR_KERNEL_FORM, /* "spec-kernel-release": the distribution names its kernels otherwise
					 */
	SUTURE_BUILD_ERROR_RPM,         /* "rpm-build": librpmbuild failed (exit FAILURE) */
} SutureBuildError;
