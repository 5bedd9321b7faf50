// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets allocations fail while a module's notifiers and init run, and not in the loader around them:
 * writing N to the parameter left makes the Nth allocation of the writer from then on fail, within
 * those windows. It reads 0 once that came to pass, what is left to count before.
 */

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>

#ifdef CONFIG_FAULT_INJECTION

static unsigned int left;
static struct task_struct *writer;

static int window_begin(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	if (current != writer || !left)
		return 1;
	current->fail_nth = left;
	return 0;
}

static int window_end(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	left = current->fail_nth;
	current->fail_nth = 0;
	return 0;
}

static struct kretprobe notifiers = {
	.kp.symbol_name = "blocking_notifier_call_chain_robust",
	.entry_handler = window_begin,
	.handler = window_end,
};

static struct kretprobe init = {
	.kp.symbol_name = "do_one_initcall",
	.entry_handler = window_begin,
	.handler = window_end,
};

static struct kretprobe *probes[] = { &notifiers, &init };

static int left_set(const char *text, const struct kernel_param *parameter)
{
	writer = current;
	return param_set_uint(text, parameter);
}

static const struct kernel_param_ops left_ops = { .set = left_set, .get = param_get_uint };
module_param_cb(left, &left_ops, &left, 0644);

static int __init obj_window_init(void)
{
	return register_kretprobes(probes, ARRAY_SIZE(probes));
}

static void __exit obj_window_exit(void)
{
	unregister_kretprobes(probes, ARRAY_SIZE(probes));
}

#else

static int __init obj_window_init(void)
{
	return -EOPNOTSUPP;
}

static void __exit obj_window_exit(void)
{
}

#endif

module_init(obj_window_init);
module_exit(obj_window_exit);
MODULE_DESCRIPTION("Failing allocations in notifiers and init of modules");
MODULE_LICENSE("GPL");
