// SPDX-License-Identifier: GPL-2.0-only
/* What patches reach into: functions and data that are not exported, two of them with one name. */

#include <linux/module.h>

#include "show.h"
#include "target.h"

static int sym_hidden __used = 1000;
static int sym_base = 7;

static noinline __noclone __used int sym_secret(int value)
{
	return value + READ_ONCE(sym_base);
}

/* Replaced by the patches. */
static noinline __noclone int sym_show(char *buffer)
{
	return sysfs_emit(buffer, "original %d\n", READ_ONCE(sym_base));
}

static int show_show(char *buffer, const struct kernel_param *parameter)
{
	return sym_show(buffer);
}

static const struct kernel_param_ops show_ops = { .get = show_show };
module_param_cb(show, &show_ops, NULL, 0444);
SHOW(which, "%d %d", sym_left(), sym_right());
module_param_named(hidden, sym_hidden, int, 0644);

static int __init sym_target_init(void)
{
	return 0;
}

static void __exit sym_target_exit(void)
{
}

module_init(sym_target_init);
module_exit(sym_target_exit);
MODULE_DESCRIPTION("Symbols for patches to find");
MODULE_LICENSE("GPL");
