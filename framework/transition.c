// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) "livepatch: " fmt

#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include "checks.h"
#include "core.h"
#include "patch.h"
#include "per_task.h"
#include "replace.h"
#include "stop_machine.h"
#include "tasks.h"
#include "transition.h"

/* Rounds at the slowest pace, of a second, before tasks are signalled, and between two signals. */
#define SUTURE_SIGNAL_ROUNDS 15
#define SUTURE_FIRST_DELAY (HZ / 50 ?: 1)

struct klp_patch *suture_transition_patch;

/*
 * All under suture_mutex. suture_to[patched] is what tasks must have left to see the patch's code,
 * or to see it no more.
 */
static bool suture_target;
static struct suture_checks *suture_to[2];
static unsigned long suture_delay;
static unsigned int suture_slow_rounds;

static void suture_transition_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(suture_transition_dwork, suture_transition_work);

static const char *suture_direction(bool patched)
{
	return patched ? "patching" : "unpatching";
}

static void suture_set_transition(struct klp_patch *patch, bool transition)
{
	struct klp_object *obj;
	struct klp_func *func;

	klp_for_each_object(patch, obj)
		klp_for_each_func(obj, func)
			WRITE_ONCE(func->transition, transition);
}

static void suture_checks_release(void)
{
	suture_checks_free(suture_to[false]);
	suture_checks_free(suture_to[true]);
	suture_to[false] = NULL;
	suture_to[true] = NULL;
}

/* Both ways at once: a transition that is turned round cannot fail for want of memory. */
static int suture_checks_prepare(struct klp_patch *patch)
{
	if (patch->consistency == KLP_IMMEDIATE)
		return 0;
	suture_to[false] = suture_checks_new(patch, false);
	suture_to[true] = suture_checks_new(patch, true);
	if (suture_to[false] && suture_to[true])
		return 0;
	suture_checks_release();
	return -ENOMEM;
}

static enum suture_world suture_first_world(struct klp_patch *patch, bool enable)
{
	if (patch->consistency == KLP_PER_TASK)
		return SUTURE_MIXED;
	return enable ? SUTURE_UNPATCHED : SUTURE_PATCHED;
}

int suture_transition_init(struct klp_patch *patch, bool enable)
{
	int ret;

	WARN_ON_ONCE(suture_transition_patch);
	ret = suture_checks_prepare(patch);
	if (ret)
		return ret;
	if (patch->consistency == KLP_PER_TASK) {
		ret = suture_tasks_begin(!enable);
		if (ret) {
			suture_checks_release();
			return ret;
		}
		suture_per_task_aim(suture_to[enable], enable);
	}
	suture_transition_patch = patch;
	suture_target = enable;
	pr_debug("'%s': initializing %s transition\n", patch->mod->name, suture_direction(enable));

	WRITE_ONCE(suture_world, suture_first_world(patch, enable));
	/* Pairs with the second barrier in suture_handler(): who sees the flag sees the world. */
	smp_wmb();
	suture_set_transition(patch, true);
	return 0;
}

/*
 * Code that tasks may still be in stays for ever: what was switched at once, and what was forced.
 */
static void suture_pin_old_code(struct klp_patch *patch)
{
	bool immediate = patch->consistency == KLP_IMMEDIATE;
	struct klp_patch *below;

	if (!suture_target) {
		patch->forced |= immediate;
		return;
	}
	if (!patch->replace)
		return;
	suture_for_each_patch(below) {
		if (below != patch)
			below->forced |= immediate || below->consistency == KLP_IMMEDIATE;
	}
}

static void suture_call_post_callbacks(struct klp_patch *patch)
{
	struct klp_object *obj;

	klp_for_each_object(patch, obj) {
		if (!suture_object_is_loaded(obj))
			continue;
		if (suture_target)
			suture_post_patch_callback(obj);
		else
			suture_post_unpatch_callback(obj);
	}
}

/* The world is settled: everything that the old one needed goes. */
static void suture_transition_complete(void)
{
	struct klp_patch *patch = suture_transition_patch;

	pr_debug("'%s': completing %s transition\n", patch->mod->name,
		 suture_direction(suture_target));
	if (!suture_target) {
		suture_patch_unpatch(patch, false);
		/* Without the flag, a handler that still has a function in hand would call it. */
		suture_wait_for_handlers();
	} else if (patch->replace) {
		suture_replace_unpatch_below(patch);
		suture_replace_discard_nops(patch);
	}
	suture_set_transition(patch, false);
	if (suture_target)
		suture_wait_for_handlers();
	suture_tasks_end();
	suture_checks_release();
	suture_call_post_callbacks(patch);
	pr_notice("'%s': %s complete\n", patch->mod->name, suture_direction(suture_target));
	suture_transition_patch = NULL;
}

static void suture_transition_finish(void)
{
	struct klp_patch *patch = suture_transition_patch;

	suture_pin_old_code(patch);
	suture_transition_complete();
	if (!patch->enabled)
		suture_patch_free_async(patch);
	else if (patch->replace)
		suture_replaced_patches_free(patch);
}

static void suture_transition_start(void)
{
	suture_delay = SUTURE_FIRST_DELAY;
	suture_slow_rounds = 0;
	suture_transition_patch->enabled = suture_target;
	pr_notice("'%s': starting %s transition\n", suture_transition_patch->mod->name,
		  suture_direction(suture_target));
}

static bool suture_time_to_signal(void)
{
	if (suture_delay < HZ || ++suture_slow_rounds % SUTURE_SIGNAL_ROUNDS)
		return false;
	if (suture_slow_rounds == SUTURE_SIGNAL_ROUNDS)
		pr_notice("signaling remaining tasks\n");
	return true;
}

static void suture_transition_try(void)
{
	if (suture_per_task_round(suture_time_to_signal())) {
		suture_transition_finish();
		return;
	}
	/* It may be waiting still, for a transition that was forced. */
	mod_delayed_work(system_wq, &suture_transition_dwork,
			 suture_delay < HZ ? suture_delay : round_jiffies_relative(HZ));
	suture_delay = min_t(unsigned long, suture_delay * 2, HZ);
}

static void suture_transition_work(struct work_struct *work)
{
	mutex_lock(&suture_mutex);
	if (suture_transition_patch)
		suture_transition_try();
	mutex_unlock(&suture_mutex);
}

/* Disabling that was given up ends like one that was turned round. */
static void suture_transition_give_up(void)
{
	suture_target = !suture_target;
	suture_transition_patch->enabled = suture_target;
	suture_transition_finish();
}

int suture_transition_run(void)
{
	struct klp_patch *patch = suture_transition_patch;
	int ret = 0;

	suture_transition_start();
	switch (patch->consistency) {
	case KLP_IMMEDIATE:
		suture_tasks_settle(suture_target);
		suture_transition_finish();
		break;
	case KLP_STOP_MACHINE:
		ret = suture_stop_machine_switch(suture_to[suture_target], suture_target,
						 patch->mod->name);
		if (!ret)
			suture_transition_finish();
		else if (!suture_target)
			suture_transition_give_up();
		break;
	default:
		suture_transition_try();
	}
	return ret;
}

void suture_transition_cancel(void)
{
	struct klp_patch *patch = suture_transition_patch;

	if (WARN_ON_ONCE(!suture_target))
		return;
	pr_debug("'%s': canceling patching transition, going to unpatch\n", patch->mod->name);
	suture_target = false;
	patch->enabled = false;
	suture_tasks_settle(false);
	suture_transition_complete();
}

void suture_transition_reverse(void)
{
	pr_debug("'%s': reversing transition from %s\n", suture_transition_patch->mod->name,
		 suture_target ? "patching to unpatching" : "unpatching to patching");
	suture_target = !suture_target;
	suture_per_task_aim(suture_to[suture_target], suture_target);
	suture_transition_start();
	mod_delayed_work(system_wq, &suture_transition_dwork, 0);
}

void suture_transition_force(void)
{
	struct klp_patch *patch = suture_transition_patch, *below;

	pr_warn("forcing remaining tasks to the %s state\n",
		suture_target ? "patched" : "unpatched");
	patch->forced = true;
	if (suture_target && patch->replace) {
		suture_for_each_patch(below)
			below->forced = true;
	}
	suture_tasks_settle(suture_target);
	suture_transition_finish();
}

int suture_transition_object_changed(void)
{
	struct suture_checks *old[2] = { suture_to[false], suture_to[true] };
	int ret = suture_checks_prepare(suture_transition_patch);

	if (ret) {
		memcpy(suture_to, old, sizeof(old));
		return ret;
	}
	suture_per_task_aim(suture_to[suture_target], suture_target);
	suture_wait_for_handlers();
	suture_checks_free(old[false]);
	suture_checks_free(old[true]);
	return 0;
}

struct suture_blockers_text {
	char *buffer;
	int length;
};

/* One word, and a name without line ends, whatever the task calls itself. */
static bool suture_blocker_print(struct task_struct *task, unsigned long where, void *data)
{
	struct suture_blockers_text *text = data;
	char function[KSYM_SYMBOL_LEN] = "-", comm[TASK_COMM_LEN];

	if (where) {
		sprint_symbol_no_offset(function, where);
		function[strcspn(function, " ")] = '\0';
	}
	get_task_comm(comm, task);
	strreplace(comm, '\n', '?');
	text->length += sysfs_emit_at(text->buffer, text->length, "%d %d %s %s\n", task->tgid,
				      task->pid, function, comm);
	return text->length < PAGE_SIZE - 1;
}

ssize_t suture_transition_blockers(char *buffer)
{
	struct suture_blockers_text text = { .buffer = buffer };

	suture_per_task_each_blocker(suture_blocker_print, &text);
	return text.length;
}

int suture_transition_module_init(void)
{
	return suture_tasks_module_init();
}

void suture_transition_module_exit(void)
{
	cancel_delayed_work_sync(&suture_transition_dwork);
	suture_tasks_module_exit();
	/*
	 * A task that dropped the last reference in suture_prompt_called() may not have returned
	 * from there yet.
	 */
	synchronize_rcu_tasks();
	/* States that are freed behind the handler's back. */
	rcu_barrier();
}
