/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/elf-file.h"

/*
 * A relocatable ELF file (gABI, 64 bits, little endian) whose sections are changed and added to. What is
 * written depends on nothing but what was read and changed: sections in the order of their places in the
 * file, new ones behind them, then the section headers.
 */
typedef struct _SutureElfEdit SutureElfEdit;

/* Copies all of @elf, which need not outlive it. NULL when it cannot be copied (sections that the file does
 * not hold, section numbers of the extended kind, alignments over a page). */
SutureElfEdit *suture_elf_edit_new(Elf *elf);
void suture_elf_edit_free(SutureElfEdit *edit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureElfEdit, suture_elf_edit_free)

/* Header and bytes of section @index, both the edit's; bytes may be changed and appended (size and place in
 * the header are set when it is written). NULL bytes: the section has none in the file. */
GElf_Shdr *suture_elf_edit_header(SutureElfEdit *edit, gsize index);
GByteArray *suture_elf_edit_bytes(SutureElfEdit *edit, gsize index);

/* Adds a section named @name and returns its index; takes @bytes. */
gsize suture_elf_edit_add(SutureElfEdit *edit, const gchar *name, const GElf_Shdr *header, GByteArray *bytes);

/* Appends @text with its NUL to the string table in section @index; returns its offset there. */
guint32 suture_elf_edit_add_text(SutureElfEdit *edit, gsize index, const gchar *text);

GBytes *suture_elf_edit_write(SutureElfEdit *edit);
