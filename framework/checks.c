// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bsearch.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "arch/arch.h"
#include "checks.h"
#include "compat.h"
#include "core.h"
#include "kernel.h"
#include "patch.h"
#include "symbols.h"

#define SUTURE_STACK_DEPTH 128

/*
 * Addresses from start to end, both included: a call that never returns leaves the address behind
 * the function.
 */
struct suture_range {
	unsigned long start, end;
};

/**
 * struct suture_checks - ranges in the order of addresses, without overlaps
 * @count:	ranges in use
 * @room:	ranges allocated
 * @ranges:	the ranges
 */
struct suture_checks {
	size_t count, room;
	struct suture_range ranges[];
};

/* The stack of the task that is being looked at, too large for the stack of the one who looks. */
struct suture_stack {
	unsigned long entries[SUTURE_STACK_DEPTH];
};

static DEFINE_PER_CPU(struct suture_stack, suture_stack);

/* Counts only while there are no checks yet: the first of two passes. */
struct suture_collector {
	struct suture_checks *checks;
	size_t count;
};

static int suture_collect(unsigned long start, unsigned long size, void *data)
{
	struct suture_collector *collector = data;
	struct suture_checks *checks = collector->checks;

	collector->count++;
	if (!checks)
		return 0;
	if (checks->count == checks->room)
		return -ENOSPC;
	checks->ranges[checks->count].start = start;
	checks->ranges[checks->count].end = start + size;
	checks->count++;
	return 0;
}

static int suture_collect_text(struct module *mod, struct suture_collector *collector)
{
	unsigned long start, size;

	suture_module_text(mod, &start, &size);
	return suture_collect(start, size, collector);
}

/*
 * A task in a system call has the body on its stack, but not the entry, which is what patches name:
 * that ended in a jump. Who replaces the entry replaces the body.
 */
static int suture_collect_syscall(const char *entry, struct suture_collector *collector)
{
	static const char * const bodies[] = {
		"__se_sys_", "__do_sys_", "__se_compat_sys_", "__do_compat_sys_",
	};
	const char *call = suture_arch_syscall(entry);
	char name[KSYM_NAME_LEN];
	int i, ret = 0;

	for (i = 0; call && !ret && i < ARRAY_SIZE(bodies); i++) {
		snprintf(name, sizeof(name), "%s%s", bodies[i], call);
		ret = suture_symbol_each_named(name, suture_collect, collector);
		if (!ret)
			ret = suture_symbol_each_part(NULL, name, suture_collect, collector);
	}
	return ret;
}

static int suture_collect_function(struct module *mod, const char *name, void *function,
				   unsigned long size, struct suture_collector *collector)
{
	int ret = suture_collect((unsigned long)function, size, collector);

	if (!ret)
		ret = suture_symbol_each_part(mod, name, suture_collect, collector);
	return ret || mod ? ret : suture_collect_syscall(name, collector);
}

/*
 * A replacement by address: its parts have its symbol's name, not that of the function that it
 * replaces.
 */
static int suture_collect_replacement(struct klp_func *func, void *collector)
{
	char name[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(name, (unsigned long)func->new_func);
	/* "name [module]" */
	name[strcspn(name, " ")] = '\0';
	return suture_collect_function(func->owner, name, func->new_func, func->new_size,
				       collector);
}

/*
 * Every version that a task can be in. Below an immediate patch nobody ever waited for tasks to
 * leave the older ones, so all of them count, not just the newest.
 */
static int suture_collect_versions(struct klp_object *obj, struct klp_func *func,
				   struct suture_collector *collector)
{
	struct suture_site *site = suture_site_find((unsigned long)func->old_func);
	struct klp_func *version;
	int ret;

	ret = suture_collect_function(obj->mod, func->old_name, func->old_func, func->old_size,
				      collector);
	if (!ret)
		ret = suture_remains_each((unsigned long)func->old_func, suture_collect_replacement,
					  collector);
	if (ret || !site)
		return ret;
	list_for_each_entry(version, &site->stack, stack_node) {
		if (version == func || version->nop)
			continue;
		ret = suture_collect_replacement(version, collector);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * A task in the trampoline may have its new way already chosen, and nothing else on its stack
 * tells.
 */
static int suture_collect_trampoline(struct klp_func *func, struct suture_collector *collector)
{
	unsigned long fentry = suture_arch_fentry((unsigned long)func->old_func);

	return fentry ? suture_collect(suture_arch_fentry_return(fentry), 0, collector) : 0;
}

static int suture_collect_functions(struct klp_patch *patch, bool patched,
				    struct suture_collector *collector)
{
	struct klp_object *obj;
	struct klp_func *func;
	int ret;

	klp_for_each_object(patch, obj) {
		if (!suture_object_is_loaded(obj))
			continue;
		klp_for_each_func(obj, func) {
			if (!func->old_func)
				continue;
			ret = suture_collect_trampoline(func, collector);
			if (!ret && patched)
				ret = suture_collect_versions(obj, func, collector);
			if (!ret && !patched && func->nop)
				ret = suture_collect_function(obj->mod, func->old_name,
							      func->old_func, func->old_size,
							      collector);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static int suture_collect_all(struct klp_patch *patch, bool patched,
			      struct suture_collector *collector)
{
	struct klp_patch *below;
	int ret;

	ret = suture_collect_functions(patch, patched, collector);
	if (!ret && !patched)
		ret = suture_collect_text(patch->mod, collector);
	if (ret || !patched || !patch->replace)
		return ret;
	suture_for_each_patch(below) {
		ret = below == patch ? 0 : suture_collect_text(below->mod, collector);
		if (ret)
			return ret;
	}
	return 0;
}

static int suture_range_compare(const void *a, const void *b)
{
	const struct suture_range *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

static void suture_checks_merge(struct suture_checks *checks)
{
	size_t from, to = 0;

	sort(checks->ranges, checks->count, sizeof(checks->ranges[0]), suture_range_compare, NULL);
	for (from = 1; from < checks->count; from++) {
		struct suture_range *last = &checks->ranges[to], *next = &checks->ranges[from];

		if (next->start <= last->end)
			last->end = max(last->end, next->end);
		else
			checks->ranges[++to] = *next;
	}
	checks->count = checks->count ? to + 1 : 0;
}

struct suture_checks *suture_checks_new(struct klp_patch *patch, bool patched)
{
	struct suture_collector collector = {};
	size_t room;

	if (suture_collect_all(patch, patched, &collector))
		return NULL;
	room = collector.count;
	collector.checks = kvzalloc(struct_size(collector.checks, ranges, room), GFP_KERNEL);
	if (!collector.checks)
		return NULL;
	collector.checks->room = room;
	if (suture_collect_all(patch, patched, &collector)) {
		kvfree(collector.checks);
		return NULL;
	}
	suture_checks_merge(collector.checks);
	return collector.checks;
}

void suture_checks_free(struct suture_checks *checks)
{
	kvfree(checks);
}

static int suture_range_contains(const void *key, const void *element)
{
	unsigned long address = *(const unsigned long *)key;
	const struct suture_range *range = element;

	return address < range->start ? -1 : address > range->end;
}

int suture_checks_task(const struct suture_checks *checks, struct task_struct *task,
		       unsigned long *where)
{
	unsigned long *entries = this_cpu_ptr(&suture_stack)->entries;
	int count, i;

	if (suture_task_is_hooked(task))
		return -EINVAL;
	count = kernel_stack_trace_save_tsk_reliable(task, entries, SUTURE_STACK_DEPTH);
	if (count < 0)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		if (!bsearch(&entries[i], checks->ranges, checks->count, sizeof(checks->ranges[0]),
			     suture_range_contains))
			continue;
		if (where)
			*where = entries[i];
		return -EADDRINUSE;
	}
	return 0;
}
