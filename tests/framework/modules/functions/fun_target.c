// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function to replace, and what its replacement depends on. Writing "<what> <number>" to the
 * parameter call calls the function; reading gives what it returned.
 */

#include <linux/freezer.h>
#include <linux/jump_label.h>
#include <linux/module.h>

static long fun_result;

static noinline __noclone long fun_step(const char *what, unsigned long number)
{
	return -EPROTO;
}

static int call_set(const char *text, const struct kernel_param *parameter)
{
	unsigned long number;
	char what[16];

	if (sscanf(text, "%15s %li", what, &number) != 2)
		return -EINVAL;
	fun_result = fun_step(what, number);
	return 0;
}

static int call_get(char *buffer, const struct kernel_param *parameter)
{
	return sysfs_emit(buffer, "%ld\n", fun_result);
}

static const struct kernel_param_ops call_ops = { .set = call_set, .get = call_get };
module_param_cb(call, &call_ops, NULL, 0644);

/* An exported static key of vmlinux that does no harm when no task is being frozen. */
static int key_set(const char *text, const struct kernel_param *parameter)
{
	bool on;
	int err = kstrtobool(text, &on);

	if (err)
		return err;
	if (on)
		static_branch_enable(&freezer_active);
	else
		static_branch_disable(&freezer_active);
	return 0;
}

static const struct kernel_param_ops key_ops = { .set = key_set };
module_param_cb(key, &key_ops, NULL, 0200);

static int __init fun_target_init(void)
{
	return 0;
}

static void __exit fun_target_exit(void)
{
}

module_init(fun_target_init);
module_exit(fun_target_exit);
MODULE_DESCRIPTION("A function to replace");
MODULE_LICENSE("GPL");
