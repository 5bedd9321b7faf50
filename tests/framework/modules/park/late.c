// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that comes and goes. Its init calls the function that late_*.ko patch and tells the
 * log which version it met; so does every reader of /sys/module/late/parameters/version.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

/* Read anew each time, so that the compiler cannot know what a call returns. */
static const char *late_name = "old";

static noinline const char *late_version(void)
{
	return READ_ONCE(late_name);
}

static int late_version_get(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%s\n", late_version());
}

static const struct kernel_param_ops late_ops = {
	.get = late_version_get,
};

module_param_cb(version, &late_ops, NULL, 0444);

static int __init late_init(void)
{
	pr_info("%s\n", late_version());
	return 0;
}

static void __exit late_exit(void)
{
}

module_init(late_init);
module_exit(late_exit);
MODULE_DESCRIPTION("A module that is patched when it comes");
MODULE_LICENSE("GPL");
