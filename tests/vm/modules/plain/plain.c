// SPDX-License-Identifier: GPL-2.0-only
/* A module that any kernel takes: it says hello and goodbye, and what it is told to. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

static char *word = "nothing";
module_param(word, charp, 0444);
MODULE_PARM_DESC(word, "what to say");

static int __init plain_init(void)
{
	pr_info("loaded, to say %s\n", word);
	return 0;
}

static void __exit plain_exit(void)
{
	pr_info("unloaded\n");
}

module_init(plain_init);
module_exit(plain_exit);
MODULE_DESCRIPTION("Module for the tests of the harness");
MODULE_LICENSE("GPL");
