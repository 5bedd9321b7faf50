/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/policy.h"

/*
 * Who takes whose place among patches, directly or through others; private to policy/. A patch takes the
 * place of those that its supersedes list names and, when versions are compared, of the next older one of its
 * own name (unless that one names it in return).
 */
typedef struct _SuturePlaces SuturePlaces;

/* @patches: const SuturePatch*, which must outlive the result. @compare NULL: versions do not count. */
SuturePlaces *suture_places_new(GPtrArray *patches, SutureVersionCompare compare);
void suture_places_free(SuturePlaces *places);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SuturePlaces, suture_places_free)

/* One byte for each patch: whether it takes the place of patch @index. @index itself is not set. Newly
 * allocated. */
guint8 *suture_places_takers(const SuturePlaces *places, guint index);

/* The same for what a stack entry names: a patch that matches @entry, takes the place of one that does, or
 * lists
 * @entry itself as superseded. */
guint8 *suture_places_providers(const SuturePlaces *places, const gchar *entry);
