/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/debug.h"
#include "packager/diff/diff.h"

/*
 * The structs, unions and enumerations of file scope, by kind and name, whose layout the DWARF of @after says
 * otherwise than that of @before: size, the members' names, places, sizes and bit fields, enumerators'
 * values. Types that only one of the two knows do not count, nor do types declared within a function.
 * Anonymous ones count as members of what contains them, and as the typedef that names them. Returns
 * SutureDiffLayout*, by name; empty when one of the two has no DWARF.
 */
GPtrArray *suture_layout_compare(SutureDebug *before, SutureDebug *after);

/* For each name of @functions (a set of gchar*) what was inlined into it, according to @debug:
 * gchar* -> GPtrArray of gchar*, each once, in their order. */
GHashTable *suture_layout_inlined(SutureDebug *debug, GHashTable *functions);
