/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/build/error.h"

/* Where the packages of the framework put its source, and what was built of it. */
#define SUTURE_FRAMEWORK_FOLDER "/usr/src/suture-framework-" SUTURE_VERSION

/* What patch modules for the framework are compiled against. */
typedef struct {
	gchar *include; /* folder with compat/linux/livepatch.h, absolute */
	gchar *symvers; /* Module.symvers of the framework as built for the kernel, absolute; NULL: the patch
			   is for the kernel's own livepatch, and may use headers such as
			   <suture/consistency.h> */
} SutureFramework;
void suture_framework_free(SutureFramework *framework);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureFramework, suture_framework_free)

/*
 * The framework in @folder (NULL: SUTURE_FRAMEWORK_FOLDER): its include/, and the Module.symvers of a build
 * for @release (NULL: that is not needed), in the folder itself or in @folder/@release where it is built for
 * several kernels. FRAMEWORK when one of them is missing or is another module's; FRAMEWORK-KERNEL when the
 * suture.ko that lies beside was built for another release (a Module.symvers does not say what it was built
 * for).
 */
SutureFramework *suture_framework_find(const gchar *folder, const gchar *release,
				       GError **error) G_GNUC_WARN_UNUSED_RESULT;
