/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/error.h"

/* How a patch module reaches what the kernel does not export. */

typedef struct {
	gchar *elf_name; /* of the undefined symbol that stands for it */
	gchar *object;   /* "vmlinux" or a module's name */
	gchar *symbol;   /* its name there */
	guint64 sympos;
} SutureReference;
SutureReference *suture_reference_new(const gchar *elf_name, const gchar *object, const gchar *symbol,
				      guint64 sympos);
void suture_reference_free(SutureReference *reference);

/* Functions to be patched to have a symbol with this prefix for as long as the module is being put together.
 */
#define SUTURE_NEW_FUNCTION_PREFIX "__suture_new."

/*
 * The relocatable object @linked, after the link of its parts and objtool, with
 * - every relocation against one of @references (SutureReference*) moved into the table .suture.relocs, one
 *   entry each (packager/build/relocation-table.h), and these undefined symbols gone;
 * - every symbol with SUTURE_NEW_FUNCTION_PREFIX replaced by the function that begins at its place;
 * - no entry of .call_sites for a call that is filled in after the kernel read that table: of a module's
 * function, and with @late of any in the table. Where the processor's call depth is tracked, such a call is
 * not counted, and the kernel fills the return buffer the earlier. LINK when it cannot be read. Same bytes
 * in, same bytes out.
 */
GBytes *suture_references_tabulate(GBytes *linked, GPtrArray *references, gboolean late,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;
