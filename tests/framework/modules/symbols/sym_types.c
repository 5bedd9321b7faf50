// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every type of relocation, into each kind of memory of a module. It patches nothing: the table is
 * applied all the same.
 */

#include <linux/kallsyms.h>
#include <linux/module.h>

#include "show.h"
#include "table.h"

KLP_IMPORT_FUNC(vmlinux, kallsyms_lookup_name, 0,
		unsigned long kallsyms_lookup_name(const char *name));

#define SYMBOL "saved_command_line"

static u64 data64;
static const u64 rodata64 = 1;
static u64 late64 __ro_after_init = 1;
static s32 data32s, pc32, plt32, skipped = 5;
static u32 data32;
static s64 pc64;

SYM_RELOC(data64, .place = &data64, .type = R_X86_64_64, .addend = 16, .symbol = SYMBOL);
SYM_RELOC(rodata64, .place = (void *)&rodata64, .type = R_X86_64_64, .object = "vmlinux",
	  .symbol = SYMBOL);
SYM_RELOC(late64, .place = &late64, .type = R_X86_64_64, .symbol = SYMBOL);
SYM_RELOC(data32s, .place = &data32s, .type = R_X86_64_32S, .symbol = SYMBOL);
/* What is left of an address of the kernel fits in 32 bits. */
SYM_RELOC(data32, .place = &data32, .type = R_X86_64_32, .addend = 0x80000000, .symbol = SYMBOL);
SYM_RELOC(pc32, .place = &pc32, .type = R_X86_64_PC32, .addend = -4, .symbol = SYMBOL);
SYM_RELOC(plt32, .place = &plt32, .type = R_X86_64_PLT32, .symbol = SYMBOL);
SYM_RELOC(pc64, .place = &pc64, .type = R_X86_64_PC64, .symbol = SYMBOL);
SYM_RELOC(none, .place = &skipped, .type = R_X86_64_NONE, .symbol = "suture_no_such_symbol");

static bool all_right(void)
{
	u64 value = kallsyms_lookup_name(SYMBOL);

	return READ_ONCE(data64) == value + 16 && READ_ONCE(rodata64) == value &&
	       READ_ONCE(late64) == value && READ_ONCE(data32s) == (s32)value &&
	       READ_ONCE(data32) == (u32)(value + 0x80000000) &&
	       READ_ONCE(pc32) == (s32)(value - 4 - (u64)&pc32) &&
	       READ_ONCE(plt32) == (s32)(value - (u64)&plt32) &&
	       READ_ONCE(pc64) == (s64)(value - (u64)&pc64) && READ_ONCE(skipped) == 5;
}

static bool at_init;
SHOW(right, "%d %d", at_init, all_right());

static int __init sym_types_init(void)
{
	at_init = all_right();
	return 0;
}

static void __exit sym_types_exit(void)
{
}

module_init(sym_types_init);
module_exit(sym_types_exit);
MODULE_DESCRIPTION("Relocations of every type");
MODULE_LICENSE("GPL");
