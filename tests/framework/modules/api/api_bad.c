// SPDX-License-Identifier: GPL-2.0-only
/*
 * A patch of version_proc_show() and of api_target's api_value(), in which one thing is wrong: the
 * parameter tells which.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kallsyms.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>

static char *wrong = "nothing";
module_param(wrong, charp, 0444);

static int new_version(struct seq_file *m, void *v)
{
	seq_puts(m, "api_bad\n");
	return 0;
}

static int new_value(void)
{
	return 2;
}

/* Room for one entry more each. */
static struct klp_func kernel_functions[3] = {
	{ .old_name = "version_proc_show", .new_func = new_version },
};

static struct klp_func target_functions[3] = {
	{ .old_name = "api_value", .new_func = new_value },
};

static struct klp_func more_functions[2] = {
	{ .old_name = "api_other", .new_func = new_value },
};

static struct klp_func no_functions[1];

static struct klp_object objects[4] = {
	{ .funcs = kernel_functions },
	{ .name = "api_target", .funcs = target_functions },
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };
static char name[KSYM_NAME_LEN + 1];

/* A second function for an object. */
static const struct {
	const char *wrong;
	struct klp_func *functions;
	struct klp_func entry;
} function_cases[] = {
	{ "function_nameless", target_functions, { NULL, new_value } },
	{ "function_empty", target_functions, { "", new_value } },
	{ "function_twice", target_functions, { "api_value", new_value } },
	{ "function_twice_sympos", target_functions, { "api_value", new_value, 1 } },
	{ "function_alias", target_functions, { "api_alias", new_value } },
	{ "function_unknown", target_functions, { "api_no_such_function", new_value } },
	{ "function_untraced", target_functions, { "api_untraced", new_value } },
	{ "function_data", target_functions, { "api_number", new_value } },
	{ "replacement_missing", target_functions, { "api_untraced", NULL } },
	{ "replacement_nowhere", target_functions, { "api_untraced", (void *)8 } },
	{ "replacement_data", target_functions, { "api_untraced", (void *)more_functions } },
	{ "kernel_function_unknown", kernel_functions, { "api_no_such_function", new_value } },
	{ "kernel_function_gone", kernel_functions, { "start_kernel", new_value } },
};

/* A third object. */
static const struct {
	const char *wrong;
	struct klp_object entry;
} object_cases[] = {
	{ "no_functions", { "api_more", NULL } },
	{ "object_twice", { "api_target", more_functions } },
	{ "vmlinux_twice", { NULL, more_functions } },
	{ "vmlinux_named", { "vmlinux", more_functions } },
	{ "object_nameless", { "", more_functions } },
	{ "object_self", { KBUILD_MODNAME, more_functions } },
	{ "object_suture", { "suture", more_functions } },
	{ "object_unknown", { "api_unknown", more_functions } },
	{ "object_without_any", { "api_unknown", no_functions } },
};

static struct klp_patch *patch_pointer = &patch;
static unsigned int abi = SUTURE_KLP_ABI;

static bool is_wrong(const char *what)
{
	return !strcmp(wrong, what);
}

static void spoil_function(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(function_cases); i++)
		if (is_wrong(function_cases[i].wrong))
			function_cases[i].functions[1] = function_cases[i].entry;
}

static void spoil_object(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(object_cases); i++)
		if (is_wrong(object_cases[i].wrong))
			objects[2] = object_cases[i].entry;
}

static void spoil_patch(void)
{
	if (is_wrong("no_patch"))
		patch_pointer = NULL;
	if (is_wrong("no_module"))
		patch.mod = NULL;
	if (is_wrong("no_objects"))
		patch.objs = NULL;
	if (is_wrong("consistency"))
		patch.consistency = 99;
	if (is_wrong("abi"))
		abi++;
	/* Of another ABI nothing but the module is where it is expected. */
	if (is_wrong("abi_of_a_stranger")) {
		abi--;
		patch.objs = (void *)8;
	}
}

/* As long as the longest name that there is, or by one longer. */
static void spoil_name(void)
{
	char *end = name + KSYM_NAME_LEN - 1;

	memset(name, 'x', KSYM_NAME_LEN - 1);
	if (is_wrong("function_long"))
		*end = 'x';
	if (is_wrong("function_long") || is_wrong("function_longest"))
		target_functions[1] = (struct klp_func){ name, new_value };
	if (is_wrong("object_long"))
		objects[2] = (struct klp_object){ end - MODULE_NAME_LEN, more_functions };
	if (is_wrong("object_longest"))
		objects[2] = (struct klp_object){ end - MODULE_NAME_LEN + 1, more_functions };
}

/* After init, which is the only place for it. */
static int again_set(const char *text, const struct kernel_param *parameter)
{
	return suture_klp_enable_patch(&patch, SUTURE_KLP_ABI);
}

static const struct kernel_param_ops again_ops = { .set = again_set };
module_param_cb(again, &again_ops, NULL, 0200);

static int __init api_bad_init(void)
{
	int err;

	if (is_wrong("not_enabled"))
		return 0;
	spoil_function();
	spoil_object();
	spoil_patch();
	spoil_name();

	err = suture_klp_enable_patch(patch_pointer, abi);
	if (is_wrong("enabled_twice"))
		pr_info("%d, then %d\n", err, suture_klp_enable_patch(&patch, abi));
	return err;
}

static void __exit api_bad_exit(void)
{
}

module_init(api_bad_init);
module_exit(api_bad_exit);
MODULE_DESCRIPTION("Patch with one fault");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
