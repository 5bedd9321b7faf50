// SPDX-License-Identifier: GPL-2.0-only
/* Reaches functions and data of vmlinux and of a module that comes later. */

#include <linux/kallsyms.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <suture/reloc.h>

#include "show.h"

KLP_IMPORT_FUNC(vmlinux, kallsyms_lookup_name, 0,
		unsigned long kallsyms_lookup_name(const char *name));
KLP_IMPORT_DATA(vmlinux, saved_command_line, 0, char **imported_command_line);
KLP_IMPORT_FUNC(sym_target, sym_secret, 0, int imported_secret(int value));
KLP_IMPORT_FUNC(sym_target, sym_which, 2, int imported_which(void));
KLP_IMPORT_DATA(sym_target, sym_hidden, 0, int *imported_hidden);

static int new_show(char *buffer)
{
	return sysfs_emit(buffer, "patched %d %d %d\n", imported_secret(1), imported_which(),
			  READ_ONCE(*imported_hidden));
}

static struct klp_func functions[] = {
	{ .old_name = "sym_show", .new_func = new_show },
	{ }
};

static struct klp_object objects[] = {
	{ .name = "sym_target", .funcs = functions },
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

/* Whether the kernel's own function finds the kernel's own data where this module found them. */
static bool found_same(void)
{
	return kallsyms_lookup_name("saved_command_line") == (unsigned long)imported_command_line;
}

static bool same_at_init;
SHOW(vmlinux, "%d %d %s", same_at_init, found_same(), *imported_command_line);
SHOW(pointer, "%lx", (unsigned long)imported_hidden);
SHOW(call, "%d", imported_secret(1));

static int __init sym_import_init(void)
{
	same_at_init = found_same();
	return klp_enable_patch(&patch);
}

static void __exit sym_import_exit(void)
{
}

module_init(sym_import_init);
module_exit(sym_import_exit);
MODULE_DESCRIPTION("Patch that needs what is not exported");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
