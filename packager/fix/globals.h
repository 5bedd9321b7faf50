/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/error.h"

/* Adds the names of the global symbols that object @after defines and object @before does not, static ones
 * counted, to the set
 * @names (gchar*, owned by it). What cannot be read adds nothing: comparing the two objects says why. */
void suture_globals_added(GBytes *before, GBytes *after, GHashTable *names);
