/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/debug.h"
#include "packager/diff/object.h"

/*
 * Pairs the static variables of functions by what DWARF says of where they are declared: the function, the
 * name, and which of that name it is there. The numbers in their symbols, and the order in which code uses
 * them, change with the code. Functions that have more or fewer of a name than before tell nothing.
 */
void suture_statics_pair(SutureObject *before, SutureObject *after, SutureDebug *before_debug,
			 SutureDebug *after_debug);
