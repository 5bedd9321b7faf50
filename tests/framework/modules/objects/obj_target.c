// SPDX-License-Identifier: GPL-2.0-only
/* A module that comes and goes, and calls the function to patch whenever its own code runs. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/module.h>

#include "show.h"

static int obj_number = 5;
static int obj_fail;
module_param_named(fail, obj_fail, int, 0444);
/* For as long as it is set, init goes on. */
static bool obj_hold;
module_param_named(hold, obj_hold, bool, 0644);

static noinline __noclone int obj_value(void)
{
	return READ_ONCE(obj_number);
}

/* For patches to call. */
static noinline __noclone __used int obj_secret(void)
{
	return READ_ONCE(obj_number) * 2;
}

/* Set while the module is being loaded, this runs before init. */
static int early_set(const char *text, const struct kernel_param *parameter)
{
	pr_info("parameter: %d\n", obj_value());
	return 0;
}

static const struct kernel_param_ops early_ops = { .set = early_set };
module_param_cb(early, &early_ops, NULL, 0);
SHOW(value, "%d", obj_value());

static int __init obj_target_init(void)
{
	pr_info("init: %d\n", obj_value());
	while (READ_ONCE(obj_hold))
		msleep(20);
	return obj_fail;
}

static void __exit obj_target_exit(void)
{
	pr_info("exit: %d\n", obj_value());
}

module_init(obj_target_init);
module_exit(obj_target_exit);
MODULE_DESCRIPTION("A module that comes and goes");
MODULE_LICENSE("GPL");
