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

/* Calls @visit with each DIE right below those of the units. */
void suture_debug_each(SutureDebug *debug, void (*visit)(gpointer data, Dwarf_Die *die), gpointer data);
