// SPDX-License-Identifier: GPL-2.0-only
/* Functions to patch, and one that cannot be patched. */

#include <linux/module.h>

#include "show.h"

static int api_number = 1;

static noinline int api_value(void)
{
	return READ_ONCE(api_number);
}

asm(".set api_alias, api_value");

static notrace noinline int api_untraced(void)
{
	return READ_ONCE(api_number);
}

SHOW(value, "%d %d", api_value(), api_untraced());

static int __init api_target_init(void)
{
	return 0;
}

static void __exit api_target_exit(void)
{
}

module_init(api_target_init);
module_exit(api_target_exit);
MODULE_DESCRIPTION("Functions to patch");
MODULE_LICENSE("GPL");
