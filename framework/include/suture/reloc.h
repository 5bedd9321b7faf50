/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a patch module reaches symbols that are not exported, in vmlinux or in a module that may come
 * later: a table of relocations, which the framework applies. Those against vmlinux are applied
 * when the patch module is loaded, before its init; those against a module, which must be an object
 * of the patch, before the patch is enabled for it.
 *
 * Authors of patches in C use KLP_IMPORT_FUNC() and KLP_IMPORT_DATA(); tools write the table.
 */
#ifndef SUTURE_RELOC_FORMAT_H
#define SUTURE_RELOC_FORMAT_H

#include <linux/types.h>

/**
 * struct suture_reloc - an entry of the table
 * @place:	where to write: in text or data that stays as long as the module is loaded
 * @type:	R_X86_64_64, 32, 32S, PC32, PLT32 or PC64, as the psABI defines them; NONE is skipped
 * @addend:	of the ELF relocation
 * @object:	name of the module that has the symbol; NULL or "vmlinux": the kernel itself
 * @symbol:	its name there
 * @sympos:	which of several with that name, counted from 1 as in klp_func.old_sympos; 0: it is the only one
 *
 * Pointers are 64 bits wide and are relocated by the module loader (R_X86_64_64). Entries lie in a
 * read-only allocated section SUTURE_RELOC_SECTION, aligned to 8 bytes. A module knows no section
 * bounds, so each entry has a symbol of its own: any name that begins with SUTURE_RELOC_PREFIX,
 * local or global. Entries without a symbol are not seen.
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

#endif
