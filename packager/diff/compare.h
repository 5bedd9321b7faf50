/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/object.h"

/*
 * Whether an atom before and one after say the same: the same bytes, apart from places that the linker fills,
 * and links that mean the same. Two links mean the same when they lead to the same place of twins, to the
 * same undefined symbol, or to strings, constants and other anonymous atoms of the same content. Of
 * functions, the entries of tables that describe them are compared as well. Line numbers in entries do not
 * count; @after is marked then.
 *
 * @ret_why (may be NULL) says in words what differs; newly allocated.
 */
gboolean suture_atom_equal(SutureAtom *before, SutureAtom *after, gchar **ret_why);

/* Whether the two have the same bytes and links at the same places, wherever these lead. */
gboolean suture_atom_resembles(const SutureAtom *before, const SutureAtom *after);

/* Gives each atom of @after its state, once it has its twin. */
void suture_object_compare(SutureObject *before, SutureObject *after);
