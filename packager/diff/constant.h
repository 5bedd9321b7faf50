/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/spread.h"

/* Named data of the unit that stays one thing in the running kernel, however many units patch it. */

/* Whether it is a named constant whose value the fix changes. */
gboolean suture_constant_is_changed(const SutureAtom *atom);

/* Whether it has pointers to functions, or to what the object does not define. */
gboolean suture_constant_points_at_code(const SutureAtom *atom);

/*
 * Refuses what a copy of a changed constant in the patch would break: a function that hands out its address
 * leaves pointers to the copy where they outlive the patch, and compares addresses in vain. Fine are tables
 * of numbers and names, and those that are known to be read only while a function is called (nla_policy).
 */
void suture_constants_refuse(SutureSpread *spread);

/* Notes variables that are new where others are gone: renamed ones lose what they hold. */
void suture_variables_note(SutureSpread *spread);

/* Refuses variables that keep their place, and get another type with another layout. */
void suture_variables_refuse(SutureSpread *spread);
