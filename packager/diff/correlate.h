/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/object.h"

/*
 * Finds the twin before of each function and each variable after, in this order:
 *
 * 1. by name;
 * 2. functions and entries of registries whose names the compiler or a macro numbers: by the name without the
 *    numbers, first those of the same bytes, then those of the same number, then in their order;
 * 3. static variables of functions, which are numbered as well: by who refers to them. The variables of one
 *    name without its number to which a function refers before and after are the same, in the order of the
 *    places, if there are as many. If there are not, and bytes do not tell either, those that can be written
 *    to are marked ambiguous;
 * 4. what is left of those and is the only one of its name: by that name.
 *
 * Variables that belong to one expansion of a macro (names.h) have no twin.
 */
void suture_object_correlate(SutureObject *before, SutureObject *after);
