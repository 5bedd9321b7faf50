// SPDX-License-Identifier: GPL-2.0-only
/*
 * A shadow variable: a field for a structure that cannot grow, since objects of the old size
 * exist already and unpatched code makes more of them. This one adds to struct sample_visit when
 * it was made:
 *
 *	insmod sample-target.ko
 *	exec 3< /proc/sample_target
 *	insmod sample-shadow.ko
 *	exec 4< /proc/sample_target
 *	sleep 2
 *	cat <&3					# visitor: 123, before the patch
 *	cat <&4					# visitor: 123, 2000 ms ago
 *
 * The object's address and a number of the author's choice find the variable. What makes the
 * object attaches it, what frees the object frees it; objects from before the patch have none,
 * and the patch has to get along with that.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "sample-target.h"

#define SHADOW_MADE 1 /* ktime_t */

static int made_now(void *object, void *shadow, void *unused)
{
	*(ktime_t *)shadow = ktime_get();
	return 0;
}

static struct sample_visit *patched_visit_new(void)
{
	struct sample_visit *visit = kzalloc(sizeof(*visit), GFP_KERNEL);

	if (!visit)
		return NULL;
	visit->visitor = task_pid_nr(current);
	/* Without memory the visit has no age; that is no reason to refuse it. */
	klp_shadow_alloc(visit, SHADOW_MADE, sizeof(ktime_t), GFP_KERNEL, made_now, NULL);
	return visit;
}

static void patched_visit_free(struct sample_visit *visit)
{
	klp_shadow_free(visit, SHADOW_MADE, NULL);
	kfree(visit);
}

static void patched_title(struct seq_file *m)
{
	struct sample_visit *visit = m->private;
	const ktime_t *made = klp_shadow_get(visit, SHADOW_MADE);

	if (made)
		seq_printf(m, "visitor: %d, %lld ms ago\n", visit->visitor,
			   ktime_ms_delta(ktime_get(), *made));
	else
		seq_printf(m, "visitor: %d, before the patch\n", visit->visitor);
}

/* The visits that are left will be freed by the old code, which knows no shadow variables. */
static void free_all(struct klp_object *object)
{
	klp_shadow_free_all(SHADOW_MADE, NULL);
}

static struct klp_func functions[] = {
	{
		.old_name = "sample_visit_new",
		.new_func = patched_visit_new,
	},
	{
		.old_name = "sample_visit_free",
		.new_func = patched_visit_free,
	},
	{
		.old_name = "sample_title",
		.new_func = patched_title,
	},
	{}
};

static struct klp_object objects[] = {
	{
		.name = "sample_target",
		.funcs = functions,
		.callbacks = {
			.post_unpatch = free_all,
		},
	},
	{}
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
};

static int __init sample_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit sample_exit(void)
{
}

module_init(sample_init);
module_exit(sample_exit);
MODULE_DESCRIPTION("Live patch sample: shadow variables");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
