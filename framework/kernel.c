// SPDX-License-Identifier: GPL-2.0-only
/* Functions and data of the kernel that it does not export. */
#define pr_fmt(fmt) "livepatch: " fmt

#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/stacktrace.h>
#include <linux/static_call.h>
#include <linux/wait.h>

#include "arch/arch.h"
#include "kernel.h"
#include "symbols.h"

/* The kernel's declarations give the types, so a function that changed does not compile. */
DEFINE_STATIC_CALL_RET0(suture_kallsyms_lookup_name, kallsyms_lookup_name);
DEFINE_STATIC_CALL_RET0(suture_kallsyms_lookup_size_offset, kallsyms_lookup_size_offset);
DEFINE_STATIC_CALL_RET0(suture_kallsyms_on_each_match_symbol, kallsyms_on_each_match_symbol);
DEFINE_STATIC_CALL_RET0(suture_find_module, find_module);
DEFINE_STATIC_CALL_RET0(suture_stack_trace_save_tsk_reliable, stack_trace_save_tsk_reliable);
DEFINE_STATIC_CALL_RET0(suture_task_call_func, task_call_func);
DEFINE_STATIC_CALL_RET0(suture_task_work_cancel_match, task_work_cancel_match);
DEFINE_STATIC_CALL_RET0(suture_wake_up_state, wake_up_state);
DEFINE_STATIC_CALL_RET0(suture_idle_task, idle_task);
DEFINE_STATIC_CALL_RET0(suture_schedule_on_each_cpu, schedule_on_each_cpu);
DEFINE_STATIC_CALL_RET0(suture_ftrace_location, ftrace_location);

/* The kernel's own: the list of tasks, and who may write to code. */
rwlock_t *kernel_tasklist_lock;
struct mutex *kernel_text_mutex; /* held around suture_arch_text_write() */

unsigned long kernel_kallsyms_lookup_name(const char *name)
{
	return static_call(suture_kallsyms_lookup_name)(name);
}

int kernel_kallsyms_lookup_size_offset(unsigned long addr, unsigned long *size,
				       unsigned long *offset)
{
	return static_call(suture_kallsyms_lookup_size_offset)(addr, size, offset);
}

int kernel_kallsyms_on_each_match_symbol(int (*fn)(void *data, unsigned long addr),
					 const char *name, void *data)
{
	return static_call(suture_kallsyms_on_each_match_symbol)(fn, name, data);
}

struct module *kernel_find_module(const char *name)
{
	return static_call(suture_find_module)(name);
}

int kernel_stack_trace_save_tsk_reliable(struct task_struct *task, unsigned long *store,
					 unsigned int size)
{
	return static_call(suture_stack_trace_save_tsk_reliable)(task, store, size);
}

int kernel_task_call_func(struct task_struct *task,
			  int (*fn)(struct task_struct *task, void *arg), void *arg)
{
	return static_call(suture_task_call_func)(task, fn, arg);
}

struct callback_head *
kernel_task_work_cancel_match(struct task_struct *task,
			      bool (*match)(struct callback_head *work, void *data), void *data)
{
	return static_call(suture_task_work_cancel_match)(task, match, data);
}

int kernel_wake_up_state(struct task_struct *task, unsigned int state)
{
	return static_call(suture_wake_up_state)(task, state);
}

struct task_struct *kernel_idle_task(int cpu)
{
	return static_call(suture_idle_task)(cpu);
}

int kernel_schedule_on_each_cpu(work_func_t func)
{
	return static_call(suture_schedule_on_each_cpu)(func);
}

unsigned long kernel_ftrace_location(unsigned long address)
{
	return static_call(suture_ftrace_location)(address);
}

/*
 * kprobes know the address of every function, and may add to it the size of ENDBR. A direct call
 * may go there, so the function itself tells where it begins.
 */
static int __init find_kallsyms_lookup_name(void)
{
	static struct kprobe probe __initdata = {
		.symbol_name = "kallsyms_lookup_name",
		.flags = KPROBE_FLAG_DISABLED,
	};
	unsigned long address;
	int err;

	err = register_kprobe(&probe);
	if (err) {
		pr_err("no kprobe on %s: error %d\n", probe.symbol_name, err);
		return err;
	}
	address = (unsigned long)probe.addr;
	unregister_kprobe(&probe);

	static_call_update(suture_kallsyms_lookup_name, (void *)address);
	address = kernel_kallsyms_lookup_name(probe.symbol_name);
	if (!address) {
		pr_err("symbol '%s' not found in symbol table\n", probe.symbol_name);
		return -ENOENT;
	}
	static_call_update(suture_kallsyms_lookup_name, (void *)address);
	return 0;
}

/* Finds modules' symbols too, so only that one function comes from it which finds none of them. */
static int __init find_kallsyms(void)
{
	unsigned long address;
	int err;

	err = find_kallsyms_lookup_name();
	if (err)
		return err;
	address = kernel_kallsyms_lookup_name("kallsyms_on_each_match_symbol");
	if (!address) {
		pr_err("symbol '%s' not found in symbol table\n", "kallsyms_on_each_match_symbol");
		return -ENOENT;
	}
	static_call_update(suture_kallsyms_on_each_match_symbol, (void *)address);
	return 0;
}

void *__init suture_kernel_find(const char *name)
{
	unsigned long address;

	if (suture_symbol_find(NULL, name, 0, &address))
		return NULL;
	return (void *)address;
}

int __init suture_kernel_init(void)
{
	int err;

	err = find_kallsyms();
	if (err)
		return err;
	kernel_tasklist_lock = suture_kernel_find("tasklist_lock");
	kernel_text_mutex = suture_kernel_find("text_mutex");
	if (kernel_tasklist_lock && kernel_text_mutex &&
	    SUTURE_FIND(kallsyms_lookup_size_offset) && SUTURE_FIND(find_module) &&
	    SUTURE_FIND(stack_trace_save_tsk_reliable) && SUTURE_FIND(task_call_func) &&
	    SUTURE_FIND(task_work_cancel_match) && SUTURE_FIND(wake_up_state) &&
	    SUTURE_FIND(idle_task) && SUTURE_FIND(schedule_on_each_cpu) &&
	    SUTURE_FIND(ftrace_location))
		return suture_arch_kernel_init();
	return -ENOENT;
}
