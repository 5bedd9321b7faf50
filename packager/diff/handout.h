/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/spread.h"

/*
 * Notes in @spread->diff which functions that are new, and new constants that point at code, have their
 * address taken by what is included: something in the kernel may still have it when the patch is reverted and
 * its memory is gone. What is merely called is not among them.
 */
void suture_handouts_note(SutureSpread *spread);
