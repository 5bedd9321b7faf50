/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a patch module reaches symbols that are not exported, in vmlinux or in a module that may come
 * later: a table of relocations, which the framework applies. Those against vmlinux are applied
 * when the patch module is loaded, before its init; those against a module, which must be an object
 * of the patch, before that object is patched. While such a module is not there, a call through
 * one faults, and a pointer from one is NULL.
 *
 * What the kernel itself reads from the patch module at load, before the framework sees it, must
 * not depend on the table: replacements of alternatives and of paravirtual calls, return sites,
 * addresses of jump labels, of static calls and of exception tables.
 *
 * Authors of patches in C use KLP_IMPORT_FUNC() and KLP_IMPORT_DATA(); tools write the table.
 */
#ifndef SUTURE_RELOC_TABLE_H
#define SUTURE_RELOC_TABLE_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "import.h"

/**
 * struct suture_reloc - an entry of the table
 * @place:	where to write: text or data that stays as long as the module is loaded
 * @type:	R_X86_64_64, 32, 32S, PC32, PLT32 or PC64 of the psABI; NONE is skipped
 * @addend:	of the relocation
 * @object:	name of the module that has the symbol; NULL or "vmlinux": the kernel itself
 * @symbol:	its name there
 * @sympos:	which of several with that name, as in klp_func.old_sympos; 0: there is only one
 *
 * Pointers are relocated by the module loader (R_X86_64_64). Entries lie in the read-only allocated
 * section SUTURE_RELOC_SECTION, aligned to 8 bytes, none overlapping another. A module does not
 * know where its sections begin, so each entry has a symbol of its own, local or global, whose name
 * begins with SUTURE_RELOC_PREFIX; one without is not seen.
 */
struct suture_reloc {
	void *place;
	__u64 type;
	__s64 addend;
	const char *object;
	const char *symbol;
	__u64 sympos;
};

#define SUTURE_RELOC_SECTION	".suture.relocs"
#define SUTURE_RELOC_PREFIX	"__suture_reloc_"

/**
 * KLP_IMPORT_FUNC() - declare a function that is not exported, so that it can be called
 * @object:	vmlinux, or the name of a module that is an object of the patch; without quotes
 * @symbol:	the function's name there, without quotes; read_one.isra.0 is welcome
 * @sympos:	as klp_func.old_sympos
 * @...:	a declaration of it, by the name under which the patch calls it
 *
 *	KLP_IMPORT_FUNC(vmlinux, do_one_initcall, 0, int do_one_initcall(initcall_t fn));
 *	KLP_IMPORT_FUNC(ext4, do_split, 2, struct dentry *second_do_split(struct inode *inode));
 *
 * At file scope, before the first use of the name. The name may be one that a header of the kernel
 * declares already, with the same type. It is this file's own; other files may have theirs. Its
 * address may be taken: that of a jump to the function, not equal to the function's.
 */
#define KLP_IMPORT_FUNC(object, symbol, sympos, ...)						\
	__SUTURE_IMPORT(__COUNTER__, jump, #object, #symbol, sympos, __VA_ARGS__)

/**
 * KLP_IMPORT_DATA() - declare a pointer to data that is not exported
 * @object:	as above
 * @symbol:	the variable's name there
 * @sympos:	as above
 * @...:	a declaration of the pointer, by a name that nothing else has
 *
 *	KLP_IMPORT_DATA(vmlinux, saved_command_line, 0, char **imported_command_line);
 *
 * At file scope. The pointer is not to be written to. Not for functions: the call of a function
 * that the kernel itself calls by no pointer faults where the processor enforces IBT.
 */
#define KLP_IMPORT_DATA(object, symbol, sympos, ...)						\
	__SUTURE_IMPORT(__COUNTER__, pointer, #object, #symbol, sympos, __VA_ARGS__)

/* The names need a number, since those of symbols need not be identifiers of C. */
#define __SUTURE_IMPORT(n, ...) __SUTURE_IMPORT_NUMBERED(n, __VA_ARGS__)

/* The names begin with SUTURE_RELOC_PREFIX. */
#define __SUTURE_IMPORT_NUMBERED(n, kind, object_name, symbol_name, position, ...)		\
	extern __VA_ARGS__ __asm__("__suture_import_" #n);					\
	__asm__("suture_import_" #kind " " #n "\n");						\
	extern char __suture_place_##n[] __asm__(".Lsuture_place_" #n);				\
	static const struct suture_reloc __suture_reloc_##n					\
		__used __section(SUTURE_RELOC_SECTION) __aligned(8) = {				\
			.place = __suture_place_##n,						\
			.type = SUTURE_IMPORT_TYPE_##kind,					\
			.addend = SUTURE_IMPORT_ADDEND_##kind,					\
			.object = object_name,							\
			.symbol = symbol_name,							\
			.sympos = position,							\
		}

#endif
