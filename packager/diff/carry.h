/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/spread.h"

/*
 * Functions that changed, and that cannot be redirected since they have no call of ftrace, but that only
 * their own unit calls and nothing points at: the body of a system call, and other inline functions that the
 * compiler did not inline. The patch has a copy of its own (SutureAtom.carried), and the functions that call
 * them count as changed, so that nothing that runs calls the old one.
 */
void suture_carry_untraceable(SutureSpread *spread);
