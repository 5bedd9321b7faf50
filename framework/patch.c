// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) "livepatch: " fmt

#include <linux/module.h>
#include <linux/printk.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "arch/arch.h"
#include "include/suture/livepatch.h"
#include "kernel.h"
#include "patch.h"
#include "stop_machine.h"
#include "world.h"

static LIST_HEAD(suture_sites);

/* Functions of patches that are off and stay loaded: tasks may be in them still. */
static LIST_HEAD(suture_remains);

struct suture_site *suture_site_find(unsigned long function)
{
	struct suture_site *site;

	list_for_each_entry(site, &suture_sites, node)
		if (site->function == function)
			return site;
	return NULL;
}

/* The version below on the stack, NULL for the original. */
static __always_inline struct klp_func *suture_func_below(struct suture_site *site,
							  struct klp_func *func)
{
	struct list_head *next = READ_ONCE(func->stack_node.next);

	return next == &site->stack ? NULL : list_entry(next, struct klp_func, stack_node);
}

/*
 * Called by ftrace at the entry of a patched function. It calls nothing that ftrace could trace,
 * so it needs no guard against recursion. With preemption off it is a read section that
 * suture_wait_for_handlers() waits for, also where RCU does not watch.
 */
static void notrace suture_handler(unsigned long ip, unsigned long parent_ip,
				   struct ftrace_ops *fops, struct ftrace_regs *fregs)
{
	struct suture_site *site = container_of(fops, struct suture_site, fops);
	struct klp_func *func;

	preempt_disable_notrace();
	func = list_first_or_null_rcu(&site->stack, struct klp_func, stack_node);
	if (unlikely(!func))
		goto out;

	/*
	 * Pairs with the barrier in suture_site_push(): the function on the stack has its
	 * transition flag.
	 */
	smp_rmb();
	if (unlikely(READ_ONCE(func->transition))) {
		/*
		 * Pairs with the barrier in suture_transition_init(): the flag comes after the
		 * world of its transition.
		 */
		smp_rmb();
		if (!suture_current_is_patched()) {
			func = suture_func_below(site, func);
			if (!func)
				goto out;
		}
	}
	if (!func->nop)
		suture_arch_redirect(fregs, (unsigned long)func->new_func);
out:
	preempt_enable_notrace();
}

void suture_patch_keep_remains(struct klp_patch *patch)
{
	struct klp_object *obj;
	struct klp_func *func;

	klp_for_each_object(patch, obj) {
		klp_for_each_func(obj, func) {
			if (!func->nop && func->old_func)
				list_add(&func->stack_node, &suture_remains);
		}
	}
}

int suture_remains_each(unsigned long function,
			int (*visit)(struct klp_func *func, void *data), void *data)
{
	struct klp_func *func;
	int ret = 0;

	list_for_each_entry(func, &suture_remains, stack_node) {
		if ((unsigned long)func->old_func == function && !ret)
			ret = visit(func, data);
	}
	return ret;
}

static void suture_wait_fn(struct work_struct *work)
{
}

static int suture_wait_stopped(void *data)
{
	return 0;
}

void suture_wait_for_handlers(void)
{
	/* Stopping needs no memory, and no CPU stops in a section with preemption off. */
	if (kernel_schedule_on_each_cpu(suture_wait_fn))
		suture_stop_machine(suture_wait_stopped, NULL);
}

static int suture_site_register(struct suture_site *site, const char *name)
{
	int ret;

	ret = ftrace_set_filter_ip(&site->fops, site->fentry, 0, 0);
	if (ret) {
		pr_err("failed to set ftrace filter for function '%s' (%d)\n", name, ret);
		return ret;
	}
	ret = register_ftrace_function(&site->fops);
	if (ret)
		pr_err("failed to register ftrace handler for function '%s' (%d)\n", name, ret);
	return ret;
}

static struct suture_site *suture_site_new(struct klp_func *func)
{
	struct suture_site *site = kzalloc(sizeof(*site), GFP_KERNEL);

	if (!site)
		return NULL;
	site->fops.func = suture_handler;
	site->fops.flags = FTRACE_OPS_FL_DYNAMIC | FTRACE_OPS_FL_IPMODIFY |
			   FTRACE_OPS_FL_PERMANENT | SUTURE_ARCH_FTRACE_FLAGS;
	site->function = (unsigned long)func->old_func;
	site->fentry = suture_arch_fentry(site->function);
	INIT_LIST_HEAD(&site->stack);
	return site;
}

/* Off the list of sites, nothing on its stack, and no handler has it, unless ftrace broke down. */
static void suture_site_free(struct suture_site *site)
{
	/* Then ftrace may call for ever: of what it needs nothing may go. */
	if (site->fops.flags & FTRACE_OPS_FL_ENABLED) {
		__module_get(THIS_MODULE);
		suture_wait_for_handlers();
		return;
	}
	ftrace_free_filter(&site->fops);
	kfree(site);
}

static void suture_site_push(struct suture_site *site, struct klp_func *func)
{
	/* Pairs with the first barrier in suture_handler(). */
	smp_wmb();
	list_add_rcu(&func->stack_node, &site->stack);
	func->site = site;
	func->patched = true;
}

/* The first replacement of a function: it is on the stack before ftrace calls. */
static int suture_func_patch_first(struct klp_func *func)
{
	struct suture_site *site = suture_site_new(func);
	int ret;

	if (!site)
		return -ENOMEM;
	if (!site->fentry) {
		pr_err("failed to find location for function '%s'\n", func->old_name);
		kfree(site);
		return -EINVAL;
	}
	suture_site_push(site, func);
	ret = suture_site_register(site, func->old_name);
	if (ret) {
		func->patched = false;
		func->site = NULL;
		list_del_rcu(&func->stack_node);
		/* Where others trace the function, ftrace may have called the handler meanwhile. */
		suture_wait_for_handlers();
		suture_site_free(site);
		return ret;
	}
	list_add(&site->node, &suture_sites);
	return 0;
}

/*
 * The patch has the function already, by another of its names. A nop is for what the patches below
 * called it, and not needed then.
 */
static int suture_func_patch_alias(const struct klp_func *func, const struct klp_func *top)
{
	if (func->nop)
		return 0;
	pr_err("patch '%s': functions '%s' and '%s' are one\n", func->owner->name, top->old_name,
	       func->old_name);
	return -EINVAL;
}

static int suture_func_patch(struct klp_func *func)
{
	struct suture_site *site;
	struct klp_func *top;

	if (WARN_ON(!func->old_func || func->patched))
		return -EINVAL;
	site = suture_site_find((unsigned long)func->old_func);
	if (!site)
		return suture_func_patch_first(func);
	top = list_first_entry(&site->stack, struct klp_func, stack_node);
	if (top->owner == func->owner)
		return suture_func_patch_alias(func, top);
	suture_site_push(site, func);
	return 0;
}

/*
 * The last one stays on the stack until ftrace does not call any more: the handler never falls
 * back to the original too early.
 */
static void suture_func_unpatch(struct klp_func *func)
{
	struct suture_site *site = func->site;

	if (!func->patched)
		return;
	if (list_is_singular(&site->stack)) {
		WARN_ON(unregister_ftrace_function(&site->fops));
		list_del_rcu(&func->stack_node);
		list_del(&site->node);
		suture_site_free(site);
	} else {
		list_del_rcu(&func->stack_node);
	}
	func->site = NULL;
	func->patched = false;
}

void suture_object_unpatch(struct klp_object *obj, bool nops_only)
{
	struct klp_func *func;

	klp_for_each_func(obj, func)
		if (func->nop || !nops_only)
			suture_func_unpatch(func);
	if (obj->dynamic || !nops_only)
		obj->patched = false;
}

int suture_object_patch(struct klp_object *obj)
{
	struct klp_func *func;
	int ret;

	if (WARN_ON(obj->patched))
		return -EINVAL;
	klp_for_each_func(obj, func) {
		ret = suture_func_patch(func);
		if (ret) {
			suture_object_unpatch(obj, false);
			return ret;
		}
	}
	obj->patched = true;
	return 0;
}

void suture_patch_unpatch(struct klp_patch *patch, bool nops_only)
{
	struct klp_object *obj;

	klp_for_each_object(patch, obj)
		if (obj->patched)
			suture_object_unpatch(obj, nops_only);
}
