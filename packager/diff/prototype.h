/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/spread.h"

/* Notes in @spread->diff which exported functions have other parameters, or another type, than before: what
 * calls them from outside this kernel's source is not compiled anew. */
void suture_prototypes_note(SutureSpread *spread);
