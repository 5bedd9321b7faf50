/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernel versions, all of them: the other files are written once. Features are
 * told by the macros that came with them where there are any, since distributions bring features
 * back to older versions.
 */
#ifndef SUTURE_COMPAT_H
#define SUTURE_COMPAT_H

#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

/* Threads of the kernel that were cloned from a process (vhost): before 6.4, PF_IO_WORKER alone. */
#ifndef PF_USER_WORKER
#define PF_USER_WORKER 0
#endif

/* Renamed in 6.2. */
#ifndef ftrace_regs_set_instruction_pointer
#define ftrace_regs_set_instruction_pointer(fregs, ip) ftrace_instruction_pointer_set(fregs, ip)
#endif

/**
 * suture_task_is_hooked() - whether kretprobes keep a task's stack from being looked at
 * @task:	not running on any processor, or the one that asks
 *
 * Their return addresses are looked up for tasks that are not runnable, and for the one that asks;
 * for others the kernel warns.
 */
static inline bool suture_task_is_hooked(struct task_struct *task)
{
#ifdef CONFIG_RETHOOK
	return task != current && task_is_running(task) && !llist_empty(&task->rethooks);
#else
	return false;
#endif
}

/**
 * struct suture_memory - a piece of a module's memory whose bytes have one use and one protection
 * @start:	its address
 * @size:	in bytes, 0 when the module has no such piece
 */
struct suture_memory {
	unsigned long start;
	unsigned long size;
};

/* Text, then three kinds of data: plain, read-only, read-only after init. */
#define SUTURE_MEMORY_TEXT	0
#define SUTURE_MEMORY_COUNT	4

/**
 * suture_module_memory() - one piece of what stays of a module as long as it is loaded
 * @mod:	the module
 * @index:	SUTURE_MEMORY_TEXT, or another one below SUTURE_MEMORY_COUNT
 *
 * What is freed after the module's init is in none of them.
 */
static inline struct suture_memory suture_module_memory(const struct module *mod,
							unsigned int index)
{
/* One struct module_layout became an array of pieces in 6.4; the macro came with that. */
#ifdef mod_mem_type_is_init
	static const enum mod_mem_type types[SUTURE_MEMORY_COUNT] = {
		MOD_TEXT, MOD_DATA, MOD_RODATA, MOD_RO_AFTER_INIT,
	};
	const struct module_memory *memory = &mod->mem[types[index]];

	return (struct suture_memory){ (unsigned long)memory->base, memory->size };
#else
	const struct module_layout *layout = &mod->core_layout;
	const unsigned int ends[SUTURE_MEMORY_COUNT + 1] = {
		0, layout->text_size, layout->ro_size, layout->ro_after_init_size, layout->size,
	};

	return (struct suture_memory){
		.start = (unsigned long)layout->base + ends[index],
		.size = ends[index + 1] - ends[index],
	};
#endif
}

/**
 * suture_module_text() - all code of a module that stays as long as it is loaded
 * @mod:	the module
 * @start:	set to its first address
 * @size:	set to the bytes from there
 */
static inline void suture_module_text(const struct module *mod, unsigned long *start,
				      unsigned long *size)
{
	struct suture_memory text = suture_module_memory(mod, SUTURE_MEMORY_TEXT);

	*start = text.start;
	*size = text.size;
}

/**
 * suture_module_contains() - whether bytes are a module's own, all in one of its pieces
 * @mod:	the module
 * @address:	of the first byte
 * @size:	how many bytes; at least 1
 *
 * False for what is freed after the module's init, also while it is still there.
 */
static inline bool suture_module_contains(const struct module *mod, unsigned long address,
					  unsigned long size)
{
	unsigned int i;

	for (i = 0; i < SUTURE_MEMORY_COUNT; i++) {
		struct suture_memory memory = suture_module_memory(mod, i);

		if (address >= memory.start && size <= memory.size &&
		    address - memory.start <= memory.size - size)
			return true;
	}
	return false;
}

/*
 * Around kernel_find_module() and walks of mod->kallsyms. By preemption off, since before 6.15 the
 * list of modules asserts that; later ones are content with it.
 */
static inline void suture_modules_read_lock(void)
{
	rcu_read_lock_sched();
}

static inline void suture_modules_read_unlock(void)
{
	rcu_read_unlock_sched();
}

#endif
