// SPDX-License-Identifier: GPL-2.0-only
/* Loading and unloading of the framework. */

#include <linux/module.h>

#include "core.h"
#include "kernel.h"
#include "objects.h"
#include "shadow.h"
#include "sysfs.h"
#include "transition.h"

/*
 * Modules are watched last, when everything that they may need is there. Patches can come only
 * after this has returned.
 */
static int __init suture_init(void)
{
	int err;

	err = suture_kernel_init();
	if (err)
		return err;
	err = suture_transition_module_init();
	if (err)
		return err;
	err = suture_core_init();
	if (err)
		goto err_transition;
	err = suture_sysfs_init();
	if (err)
		goto err_core;
	err = suture_objects_init();
	if (err)
		goto err_sysfs;
	return 0;

err_sysfs:
	suture_sysfs_exit();
err_core:
	suture_core_exit();
err_transition:
	suture_transition_module_exit();
	return err;
}

static void __exit suture_exit(void)
{
	suture_objects_exit();
	suture_core_exit();
	suture_sysfs_exit();
	suture_shadow_exit();
	/* The last: it waits until no task is in code of this module any more. */
	suture_transition_module_exit();
}

module_init(suture_init);
module_exit(suture_exit);

MODULE_DESCRIPTION("Live patching with a consistency model for each patch");
MODULE_VERSION("0.1.0");
MODULE_LICENSE("GPL");
