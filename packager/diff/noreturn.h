/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/object.h"

/* Whether @link of @from is a call (not a jump) that nothing comes back from: of a function of the same
 * object that has no return, leads nowhere else, and whose parts have and do neither. objtool finds this out
 * by itself where it sees the function, which it does not in the extracted object. */
gboolean suture_link_never_returns(const SutureAtom *from, const SutureLink *link);
