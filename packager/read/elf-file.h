/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gelf.h>
#include <glib.h>

/* libelf, as the readers of modules and kernels use it. */

static inline void suture_elf_clear(Elf **elf)
{
	if (*elf)
		elf_end(*elf);
	*elf = NULL;
}
#define SUTURE_AUTO_ELF __attribute__((cleanup(suture_elf_clear))) Elf

/* An ELF file in memory (@image must outlive it) or behind a descriptor. NULL when libelf does not take it.
 */
Elf *suture_elf_from_memory(GBytes *image);
Elf *suture_elf_from_fd(int fd);

/* Section @index, its header and (unless SHT_NOBITS) its bytes. FALSE when the file does not hold them. */
gboolean suture_elf_section(Elf *elf, gsize index, GElf_Shdr *ret_header, Elf_Data **ret_data);

/* Index of the only section named @name; 0 when there is none or more than one. */
gsize suture_elf_find_section(Elf *elf, const gchar *name);

/* Whether [@offset, @offset + @size) lies within @data. */
gboolean suture_elf_holds(const Elf_Data *data, guint64 offset, guint64 size);

/* The GNU build-id among the ELF notes in @data as lower-case hex, or NULL (gABI "Note Section"). */
gchar *suture_elf_notes_build_id(Elf_Data *data);

/* How many bytes a relocation of the type R_X86_64_* writes; 0: none, or not one that object files of the
 * kernel have. */
guint8 suture_elf_relocation_bytes(guint32 type);
