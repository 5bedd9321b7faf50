// SPDX-License-Identifier: GPL-2.0-only
/* A replacement that contains what the kernel rewrites at run time, or finds through tables. */

#include <linux/atomic.h>
#include <linux/freezer.h>
#include <linux/jump_label.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <asm/alternative.h>
#include <asm/cpufeature.h>
#include <trace/events/power.h>

#define CREATE_TRACE_POINTS
#include "fun_trace.h"

/* 2 when the kernel put the second instruction in the place of the first. */
static int alternative_of_always(void)
{
	int result;

	alternative_io("movl $1, %0", "movl $2, %0", X86_FEATURE_ALWAYS, "=r" (result), "i" (0));
	return result;
}

/* 3: no processor that runs this has the feature. */
static int alternative_of_never(void)
{
	int result;

	alternative_io("movl $3, %0", "movl $4, %0", X86_FEATURE_IA64, "=r" (result), "i" (0));
	return result;
}

/* Inline, unlike get_user(): its entry of the exception table is in this module. */
static long get_inline(unsigned long address)
{
	long value;

	if (!user_access_begin((void __user *)address, sizeof(value)))
		return -EPERM;
	unsafe_get_user(value, (long __user *)address, fault);
	user_access_end();
	return value;
fault:
	user_access_end();
	return -EFAULT;
}

static long get_called(unsigned long address)
{
	long value, err = get_user(value, (long __user *)address);

	return err ?: value;
}

static DEFINE_STATIC_KEY_FALSE(own_key);

static long own_key_flipped(void)
{
	long before = static_branch_unlikely(&own_key) ? 1 : 0;

	if (before)
		static_branch_disable(&own_key);
	else
		static_branch_enable(&own_key);
	return before * 10 + (static_branch_unlikely(&own_key) ? 1 : 0);
}

/* Lock prefixes, which the kernel takes away on one processor, and paravirtual instructions. */
static long locked(unsigned long number)
{
	atomic_long_t value = ATOMIC_LONG_INIT(number);
	unsigned long flags;
	bool off;

	local_irq_save(flags);
	off = irqs_disabled();
	atomic_long_inc(&value);
	local_irq_restore(flags);
	return off && !irqs_disabled() ? atomic_long_read(&value) : -EIO;
}

static long new_step(const char *what, unsigned long number)
{
	if (!strcmp(what, "trace")) {
		trace_fun_step(number);
		trace_cpu_idle(number, 0);
		return trace_fun_step_enabled() * 10 + trace_cpu_idle_enabled();
	}
	if (!strcmp(what, "warn"))
		return WARN(number, "fun_patch warns of %lu\n", number);
	if (!strcmp(what, "alternative"))
		return alternative_of_always() * 10 + alternative_of_never();
	if (!strcmp(what, "feature"))
		return static_cpu_has(X86_FEATURE_FPU) * 10 + static_cpu_has(X86_FEATURE_IA64);
	if (!strcmp(what, "key"))
		return static_branch_unlikely(&freezer_active) ? 1 : 0;
	if (!strcmp(what, "own_key"))
		return own_key_flipped();
	if (!strcmp(what, "inline"))
		return get_inline(number ?: current->mm->arg_start);
	if (!strcmp(what, "called"))
		return get_called(number ?: current->mm->arg_start);
	if (!strcmp(what, "locked"))
		return locked(number);
	return -EINVAL;
}

static struct klp_func functions[] = {
	{ .old_name = "fun_step", .new_func = new_step },
	{ }
};

static struct klp_object objects[] = {
	{ .name = "fun_target", .funcs = functions },
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init fun_patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit fun_patch_exit(void)
{
}

module_init(fun_patch_init);
module_exit(fun_patch_exit);
MODULE_DESCRIPTION("Patch with everything that needs the kernel's tables");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
