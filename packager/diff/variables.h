/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/debug.h"

/* What the debug information of an object says of the types of its variables. */
typedef struct {
	gchar *text;    /* "struct nla_policy[]", without const, volatile and typedefs */
	gboolean plain; /* numbers, characters, and pointers to these: nothing that has a layout */
} SutureVariableType;

/* The type of @die, which has one or is void, in that form; newly allocated. @ret_plain (may be NULL):
 * whether it is plain. */
gchar *suture_variable_type_text(Dwarf_Die *die, gboolean *ret_plain);

/*
 * By the names of all variables that have a place of their own in the object, static ones within functions
 * too: gchar* -> SutureVariableType*. Names that stand for several types are not in it, nor is anything where
 * there is no DWARF.
 */
GHashTable *suture_variable_types(SutureDebug *debug);
