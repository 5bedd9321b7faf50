/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/build/error.h"
#include "packager/read/elf-file.h"

/*
 * The table of relocations against symbols that are not exported, as framework/include/suture/reloc.h
 * describes it: section .suture.relocs of a patch module, an entry of 48 bytes for each symbol whose name
 * begins with "__suture_reloc_".
 */
#define SUTURE_RELOCATION_ENTRY_BYTES 48
#define SUTURE_RELOCATION_TYPE_OFFSET 8 /* of the type in an entry */

typedef struct {
	guint64 at;     /* offset of the entry in the table */
	gsize section;  /* index of the section that it writes to */
	guint64 offset; /* where in it */
	guint32 type;   /* R_X86_64_*; never NONE */
	gsize size;     /* bytes that the type writes */
	gint64 addend;
	gchar *object; /* "vmlinux" or a module's name */
	gchar *symbol;
	guint64 sympos;
} SutureRelocation;

typedef struct {
	gsize section;      /* index of the table; 0: the module has none */
	GPtrArray *entries; /* SutureRelocation*, in the order of the table, without those of type NONE */
} SutureRelocationTable;
void suture_relocation_table_free(SutureRelocationTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRelocationTable, suture_relocation_table_free)

/*
 * Reads and checks the table of the module in @elf; @what names it in errors. RELOCATION-TABLE when the
 * framework could not use an entry, or would not see it.
 */
SutureRelocationTable *suture_relocation_table_read(Elf *elf, const gchar *what,
						    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The name of section @index; "" when it has none. */
const gchar *suture_elf_section_name(Elf *elf, gsize index);
