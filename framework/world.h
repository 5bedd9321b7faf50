/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which code a task sees while a patch is in transition. Small and inline: the ftrace handler asks
 * at every call of a function in transition.
 */
#ifndef SUTURE_WORLD_H
#define SUTURE_WORLD_H

#include <linux/hash.h>
#include <linux/percpu.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/task_work.h>

/**
 * enum suture_world - the state of the whole system towards the patch in transition
 * @SUTURE_UNPATCHED:	no task sees its code
 * @SUTURE_PATCHED:	all do
 * @SUTURE_MIXED:	each task has its own state
 */
enum suture_world {
	SUTURE_UNPATCHED,
	SUTURE_PATCHED,
	SUTURE_MIXED,
};

/**
 * struct suture_task_state - the state of one task in a world that is mixed
 * @node:	in the table, under RCU; in the pool before that
 * @task:	the key
 * @patched:	it sees the patch's code; changed under suture_tasks_lock
 * @queued:	@work waits to be called, and holds references to the task and to this module
 * @abandoned:	the table is gone: @work, which is being called, frees this
 * @generation:	of the transition that @work was queued for
 * @work:	makes the task look at itself on its way to user space
 * @rcu:	frees this behind the handler's back
 */
struct suture_task_state {
	struct hlist_node node;
	struct task_struct *task;
	bool patched;
	bool queued;
	bool abandoned;
	u64 generation;
	struct callback_head work;
	struct rcu_head rcu;
};

/**
 * struct suture_task_table - the tasks whose state is known; every other is where the transition
 * began
 * @bits:	2^bits heads
 * @initial:	state of the others
 * @heads:	chains of suture_task_state.node
 */
struct suture_task_table {
	unsigned int bits;
	bool initial;
	struct hlist_head heads[];
};

extern enum suture_world suture_world;
extern struct suture_task_table *suture_task_table;
DECLARE_PER_CPU(bool, suture_idle_patched);

/* With preemption off, which is the read section for the table and its entries. */
static __always_inline bool suture_task_is_patched(struct task_struct *task)
{
	struct suture_task_table *table = READ_ONCE(suture_task_table);
	struct suture_task_state *state;

	hlist_for_each_entry_rcu_notrace(state, &table->heads[hash_ptr(task, table->bits)], node)
		if (state->task == task)
			return READ_ONCE(state->patched);
	return table->initial;
}

/*
 * Whether current sees the code of the patch in transition. Idle tasks (pid 0) have a flag of
 * their own: they run where RCU does not watch.
 */
static __always_inline bool suture_current_is_patched(void)
{
	enum suture_world world = READ_ONCE(suture_world);

	if (world != SUTURE_MIXED)
		return world == SUTURE_PATCHED;
	if (unlikely(!current->pid))
		return this_cpu_read(suture_idle_patched);
	return suture_task_is_patched(current);
}

#endif
