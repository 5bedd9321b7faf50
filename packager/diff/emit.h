/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/spread.h"

/*
 * The extracted object (ET_REL): the included atoms in the order that they had, in sections of the names that
 * they had, with their alignment. Strings and constants are in sections that no linker merges. What is NEW
 * and global stays so; all else is local. Sets @ret_used to the references used (SutureReference*, by name in
 * it) and @ret_relocations to their number. NULL: nothing is included.
 */
GBytes *suture_emit(SutureSpread *spread, GPtrArray **ret_used, guint *ret_relocations);

/* "__suture_new.<unit>.<index>", newly allocated. */
gchar *suture_emit_alias(const SutureDiffRequest *request, guint index);
