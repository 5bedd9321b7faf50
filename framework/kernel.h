/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions and data of the kernel that it does not export, looked up once at load. Functions are
 * called through static calls only: a static call is a direct call in the end, which needs no ENDBR
 * at its target. An indirect call of a function whose ENDBR the kernel has sealed faults (IBT), on
 * real processors only.
 */
#ifndef SUTURE_KERNEL_H
#define SUTURE_KERNEL_H

#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/task_work.h>
#include <linux/workqueue.h>

struct module;

/**
 * suture_kernel_find() - a symbol of vmlinux, for SUTURE_FIND()
 * @name:	its only one of this name
 *
 * Return: its address, or NULL with the name in the log.
 */
void *suture_kernel_find(const char *name);

/* Where static_call(suture_<name>) goes. True, or false with the name in the log. */
#define SUTURE_FIND(name)						\
({									\
	void *__address = suture_kernel_find(#name);			\
									\
	if (__address)							\
		static_call_update(suture_##name, __address);		\
	!!__address;							\
})

/**
 * suture_kernel_init() - look up everything below; before that, functions do nothing and return 0
 *
 * Return: 0, or a negative errno with the missing name in the log.
 */
int suture_kernel_init(void);

/*
 * The kernel's own, with its prototypes, and with its names after the prefix kernel_.
 * kernel_find_module() wants suture_modules_read_lock() of compat.h.
 */
unsigned long kernel_kallsyms_lookup_name(const char *name);
int kernel_kallsyms_lookup_size_offset(unsigned long addr, unsigned long *size,
				       unsigned long *offset);
int kernel_kallsyms_on_each_match_symbol(int (*fn)(void *data, unsigned long addr),
					 const char *name, void *data);
struct module *kernel_find_module(const char *name);
int kernel_stack_trace_save_tsk_reliable(struct task_struct *task, unsigned long *store,
					 unsigned int size);
int kernel_task_call_func(struct task_struct *task,
			  int (*fn)(struct task_struct *task, void *arg), void *arg);
struct callback_head *
kernel_task_work_cancel_match(struct task_struct *task,
			      bool (*match)(struct callback_head *work, void *data), void *data);
int kernel_wake_up_state(struct task_struct *task, unsigned int state);
struct task_struct *kernel_idle_task(int cpu);
int kernel_schedule_on_each_cpu(work_func_t func);
unsigned long kernel_ftrace_location(unsigned long address);

extern rwlock_t *kernel_tasklist_lock;
extern struct mutex *kernel_text_mutex;

#endif
