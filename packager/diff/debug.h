/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <elfutils/libdw.h>
#include <glib.h>

/* Debug information of an object file, with what the linker would fill in filled in. */
typedef struct {
	guint8 *bytes;
	Elf *elf;
	Dwarf *dwarf;
} SutureDebug;

/* FALSE when @object has none; the functions below find nothing in it then. @debug has to be cleared in any
 * case. */
gboolean suture_debug_read(SutureDebug *debug, GBytes *object);
void suture_debug_clear(SutureDebug *debug);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureDebug, suture_debug_clear)

gboolean suture_debug_is_known(const SutureDebug *debug);

/* Name of what @die stands for, wherever that is said; NULL: none. */
const gchar *suture_debug_name(Dwarf_Die *die);

/* Where the variable @die is, when it has a place of its own in the object: a section's number and an offset
 * within it, in one. */
gboolean suture_debug_address(Dwarf_Die *die, guint64 *ret);
guint64 suture_debug_section(guint64 address);
guint64 suture_debug_offset(guint64 address);

/* Calls @visit with each DIE right below those of the units. */
void suture_debug_each(SutureDebug *debug, void (*visit)(gpointer data, Dwarf_Die *die), gpointer data);
