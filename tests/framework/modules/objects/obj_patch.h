/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Patches for a stack, by OBJ_NUMBER: of vmlinux's version_proc_show() and of obj_target's
 * obj_value(), which reaches a function of obj_target in turn. With OBJ_MORE the patch has a
 * function and an object more, so that one without it that replaces it needs nops. Callbacks say in
 * the log what they are called for, and keep a shadow variable; the parameter refuse lets one of
 * them fail.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <suture/reloc.h>

KLP_IMPORT_FUNC(obj_target, obj_secret, 0, int obj_secret(void));

static bool refuse;
module_param(refuse, bool, 0644);
static bool replace;
module_param(replace, bool, 0444);
static int model;
module_param(model, int, 0444);

static int new_version(struct seq_file *m, void *v)
{
	seq_printf(m, "%d\n", OBJ_NUMBER);
	return 0;
}

static int new_value(void)
{
	return OBJ_NUMBER * 100 + obj_secret();
}

static int before(struct klp_object *obj)
{
	pr_info("pre_patch\n");
	if (refuse)
		return -ENODEV;
	if (!klp_shadow_get_or_alloc(obj, OBJ_NUMBER, sizeof(long), GFP_KERNEL, NULL, NULL))
		return -ENOMEM;
	return 0;
}

static void done(struct klp_object *obj)
{
	pr_info("post_patch\n");
}

static void leaving(struct klp_object *obj)
{
	pr_info("pre_unpatch\n");
}

static void after(struct klp_object *obj)
{
	pr_info("post_unpatch\n");
	klp_shadow_free(obj, OBJ_NUMBER, NULL);
}

static struct klp_func kernel_functions[] = {
	{ .old_name = "version_proc_show", .new_func = new_version },
#ifdef OBJ_MORE
	{ .old_name = "cmdline_proc_show", .new_func = new_version },
#endif
	{ }
};

static struct klp_func target_functions[] = {
	{ .old_name = "obj_value", .new_func = new_value },
	{ }
};

#ifdef OBJ_MORE
static struct klp_func more_functions[] = {
	{ .old_name = "obj_more", .new_func = new_value },
	{ }
};
#endif

static struct klp_object objects[] = {
	{ .funcs = kernel_functions },
	{
		.name = "obj_target",
		.funcs = target_functions,
		.callbacks = {
			.pre_patch = before,
			.post_patch = done,
			.pre_unpatch = leaving,
			.post_unpatch = after,
		},
	},
#ifdef OBJ_MORE
	{ .name = "obj_more", .funcs = more_functions },
#endif
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init obj_patch_init(void)
{
	patch.replace = replace;
	patch.consistency = model;
	return klp_enable_patch(&patch);
}

static void __exit obj_patch_exit(void)
{
}

module_init(obj_patch_init);
module_exit(obj_patch_exit);
MODULE_DESCRIPTION("Patch of a stack");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
