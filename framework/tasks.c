// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) "livepatch: " fmt

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>

#include "kernel.h"
#include "prompt.h"
#include "tasks.h"

#define SUTURE_MIN_BITS 6
#define SUTURE_MAX_BITS 20
/* Forks between the count of tasks and the walk over them. */
#define SUTURE_SPARE_STATES 32

enum suture_world suture_world;
struct suture_task_table *suture_task_table;
DEFINE_PER_CPU(bool, suture_idle_patched);

DEFINE_RAW_SPINLOCK(suture_tasks_lock);
u64 suture_generation;

/* States that are no task's yet; under suture_mutex only. */
static HLIST_HEAD(suture_pool);
static size_t suture_pool_size;
/* States in the table; under suture_tasks_lock. */
static size_t suture_table_size;

static struct tracepoint *suture_fork_point, *suture_free_point;

static struct suture_task_state *suture_table_find(struct suture_task_table *table,
						   struct task_struct *task)
{
	struct suture_task_state *state;

	hlist_for_each_entry_rcu_notrace(state, &table->heads[hash_ptr(task, table->bits)], node)
		if (state->task == task)
			return state;
	return NULL;
}

static void suture_table_add(struct suture_task_table *table, struct suture_task_state *state)
{
	lockdep_assert_held(&suture_tasks_lock);
	hlist_add_head_rcu(&state->node, &table->heads[hash_ptr(state->task, table->bits)]);
	suture_table_size++;
}

/*
 * In the context of the parent, before the child runs. A child without a state begins where the
 * transition did, which is safe.
 */
static void suture_task_forked(void *data, struct task_struct *parent, struct task_struct *child)
{
	struct suture_task_table *table;
	struct suture_task_state *state;
	unsigned long flags;
	bool patched;

	if (READ_ONCE(suture_world) != SUTURE_MIXED)
		return;
	patched = suture_task_is_patched(parent);
	if (patched == READ_ONCE(suture_task_table)->initial)
		return;
	state = kzalloc(sizeof(*state), GFP_ATOMIC | __GFP_NOWARN);
	if (!state)
		return;
	state->task = child;
	state->patched = patched;

	raw_spin_lock_irqsave(&suture_tasks_lock, flags);
	table = suture_task_table;
	if (suture_world == SUTURE_MIXED && !suture_table_find(table, child)) {
		suture_table_add(table, state);
		state = NULL;
	}
	raw_spin_unlock_irqrestore(&suture_tasks_lock, flags);
	kfree(state);
}

/* The task is dead and its memory is about to be used for another one. */
static void suture_task_freed(void *data, struct task_struct *task)
{
	struct suture_task_state *state = NULL;
	unsigned long flags;

	if (!READ_ONCE(suture_task_table))
		return;
	raw_spin_lock_irqsave(&suture_tasks_lock, flags);
	if (suture_task_table)
		state = suture_table_find(suture_task_table, task);
	if (state) {
		hlist_del_rcu(&state->node);
		suture_table_size--;
	}
	raw_spin_unlock_irqrestore(&suture_tasks_lock, flags);
	if (state)
		kfree_rcu(state, rcu);
}

static size_t suture_count_tasks(void)
{
	struct task_struct *group, *task;
	size_t count = 0;

	rcu_read_lock();
	for_each_process_thread(group, task)
		count++;
	rcu_read_unlock();
	return count;
}

int suture_tasks_begin(bool initial)
{
	unsigned int bits = clamp_t(unsigned int, ilog2(suture_count_tasks()) + 2, SUTURE_MIN_BITS,
				    SUTURE_MAX_BITS);
	struct suture_task_table *table;
	unsigned long flags;
	int cpu;

	table = kvzalloc(struct_size(table, heads, 1UL << bits), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	table->bits = bits;
	table->initial = initial;
	for_each_possible_cpu(cpu)
		per_cpu(suture_idle_patched, cpu) = initial;

	raw_spin_lock_irqsave(&suture_tasks_lock, flags);
	suture_generation++;
	suture_table_size = 0;
	WRITE_ONCE(suture_task_table, table);
	raw_spin_unlock_irqrestore(&suture_tasks_lock, flags);
	return 0;
}

void suture_tasks_reserve(void)
{
	size_t wanted = suture_count_tasks() + SUTURE_SPARE_STATES;
	struct suture_task_state *state;

	while (READ_ONCE(suture_table_size) + suture_pool_size < wanted) {
		state = kzalloc(sizeof(*state), GFP_KERNEL | __GFP_NOWARN);
		if (!state)
			return;
		hlist_add_head(&state->node, &suture_pool);
		suture_pool_size++;
	}
}

static struct suture_task_state *suture_pool_take(void)
{
	struct suture_task_state *state;

	if (hlist_empty(&suture_pool))
		return NULL;
	state = hlist_entry(suture_pool.first, struct suture_task_state, node);
	hlist_del_init(&state->node);
	suture_pool_size--;
	return state;
}

struct suture_task_state *suture_tasks_get(struct task_struct *task)
{
	struct suture_task_state *state;
	unsigned long flags;

	raw_spin_lock_irqsave(&suture_tasks_lock, flags);
	state = suture_table_find(suture_task_table, task);
	if (!state)
		state = suture_pool_take();
	if (state && !state->task) {
		state->task = task;
		state->patched = suture_task_table->initial;
		suture_table_add(suture_task_table, state);
	}
	raw_spin_unlock_irqrestore(&suture_tasks_lock, flags);
	return state;
}

void suture_tasks_set(struct suture_task_state *state, bool patched, u64 generation)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&suture_tasks_lock, flags);
	if (suture_world == SUTURE_MIXED && suture_generation == generation)
		WRITE_ONCE(state->patched, patched);
	raw_spin_unlock_irqrestore(&suture_tasks_lock, flags);
}

void suture_tasks_settle(bool patched)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&suture_tasks_lock, flags);
	WRITE_ONCE(suture_world, patched ? SUTURE_PATCHED : SUTURE_UNPATCHED);
	suture_generation++;
	raw_spin_unlock_irqrestore(&suture_tasks_lock, flags);
}

static void suture_pool_drain(void)
{
	struct suture_task_state *state;

	while ((state = suture_pool_take()))
		kfree(state);
}

/* One state at a time: cancelling takes locks that are held around suture_tasks_lock elsewhere. */
static struct suture_task_state *suture_table_take(struct suture_task_table *table,
						   struct hlist_head *head)
{
	struct suture_task_state *state = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&suture_tasks_lock, flags);
	if (!hlist_empty(head)) {
		state = hlist_entry(head->first, struct suture_task_state, node);
		hlist_del_init_rcu(&state->node);
		suture_table_size--;
	}
	raw_spin_unlock_irqrestore(&suture_tasks_lock, flags);
	return state;
}

void suture_tasks_end(void)
{
	struct suture_task_table *table = suture_task_table;
	struct suture_task_state *state;
	unsigned long flags;
	size_t i;

	if (!table)
		return;
	for (i = 0; i < 1UL << table->bits; i++) {
		while ((state = suture_table_take(table, &table->heads[i])))
			suture_prompt_cancel(state);
		cond_resched();
	}
	raw_spin_lock_irqsave(&suture_tasks_lock, flags);
	WRITE_ONCE(suture_task_table, NULL);
	raw_spin_unlock_irqrestore(&suture_tasks_lock, flags);
	kvfree(table);
	suture_pool_drain();
}

static void suture_tracepoint_find(struct tracepoint *point, void *data)
{
	if (!strcmp(point->name, "sched_process_fork"))
		suture_fork_point = point;
	else if (!strcmp(point->name, "sched_process_free"))
		suture_free_point = point;
}

int suture_tasks_module_init(void)
{
	int ret;

	for_each_kernel_tracepoint(suture_tracepoint_find, NULL);
	if (!suture_fork_point || !suture_free_point) {
		pr_err("the kernel has no tracepoint %s\n",
		       suture_fork_point ? "sched_process_free" : "sched_process_fork");
		return -ENOENT;
	}
	ret = tracepoint_probe_register(suture_free_point, suture_task_freed, NULL);
	if (ret)
		return ret;
	ret = tracepoint_probe_register(suture_fork_point, suture_task_forked, NULL);
	if (ret) {
		tracepoint_probe_unregister(suture_free_point, suture_task_freed, NULL);
		tracepoint_synchronize_unregister();
	}
	return ret;
}

void suture_tasks_module_exit(void)
{
	tracepoint_probe_unregister(suture_fork_point, suture_task_forked, NULL);
	tracepoint_probe_unregister(suture_free_point, suture_task_freed, NULL);
	tracepoint_synchronize_unregister();
}
