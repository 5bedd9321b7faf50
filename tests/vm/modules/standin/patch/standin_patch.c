// SPDX-License-Identifier: GPL-2.0-only
/* In the place of a patch, in tests of the harness: it needs the stand-in's header and symbols. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/livepatch.h>

static int __init standin_patch_init(void)
{
	pr_info("answer %d\n", standin_answer());
	return 0;
}

static void __exit standin_patch_exit(void)
{
}

module_init(standin_patch_init);
module_exit(standin_patch_exit);
MODULE_DESCRIPTION("Stand-in for a patch");
MODULE_LICENSE("GPL");
