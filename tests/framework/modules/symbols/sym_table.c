// SPDX-License-Identifier: GPL-2.0-only
/*
 * A patch with a table in which everything is right. Tests change the table in the file, one thing
 * at a time; what they let it point to is here.
 */

#include <linux/livepatch.h>
#include <linux/module.h>

#include "table.h"

static u64 kernel_word, target_word;
/* Freed after init. */
static u64 early_word __initdata;
static const char other_object[] __used = "sym_other";

SYM_RELOC(kernel, .place = &kernel_word, .type = R_X86_64_64, .object = "vmlinux",
	  .symbol = "saved_command_line");
SYM_RELOC(target, .place = &target_word, .type = R_X86_64_64, .object = "sym_target",
	  .symbol = "sym_secret");

static int new_show(char *buffer)
{
	return sysfs_emit(buffer, "patched %d %d\n", !!READ_ONCE(kernel_word),
			  !!READ_ONCE(target_word));
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

static int __init sym_table_init(void)
{
	WRITE_ONCE(early_word, 1);
	return klp_enable_patch(&patch);
}

static void __exit sym_table_exit(void)
{
}

module_init(sym_table_init);
module_exit(sym_table_exit);
MODULE_DESCRIPTION("Patch with a table to spoil");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
