/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/spread.h"

/* The refusals of the diff: each with its code and a sentence on what the author of the fix can do. */

/* A changed or new atom, by what is known of its section. */
void suture_refuse_atom(SutureSpread *spread, SutureAtom *atom);
/* A new global whose name the running kernel has for something else. */
void suture_refuse_moved(SutureSpread *spread, SutureAtom *atom);
/* A constant that changed and that @reader, which stays, points at. */
void suture_refuse_data(SutureSpread *spread, SutureAtom *constant, const SutureAtom *reader);
/* A constant that changed and whose address @reader hands out. */
void suture_refuse_address(SutureSpread *spread, SutureAtom *constant, const SutureAtom *reader);
void suture_refuse_untraceable(SutureSpread *spread, SutureAtom *function);
void suture_refuse_frozen_key(SutureSpread *spread, SutureAtom *entry, const SutureReference *key);
void suture_refuse_key(SutureSpread *spread, SutureAtom *entry, const SutureReference *key);
void suture_refuse_relocation(SutureSpread *spread, SutureAtom *from, const SutureLink *link);
void suture_refuse_sealed(SutureSpread *spread, SutureAtom *from, const SutureReference *reference);
/* @reference: NULL when what @link leads to has no name. */
void suture_refuse_reference(SutureSpread *spread, SutureAtom *from, const SutureLink *link,
			     const SutureReference *reference);
/* Whether included code may not refer to @target at all; refused then. */
gboolean suture_refuse_target(SutureSpread *spread, SutureAtom *from, const SutureAtom *target);
/* Gives what is not included its sentence, and refuses what nothing accounts for. */
void suture_refuse_rest(SutureSpread *spread);
