/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/fix.h"
#include "packager/fix/unit.h"

/*
 * Adds to @notes (SutureNote*) what the patch of @units (SutureFixUnit*, compared) can do less than a kernel
 * that was built with the fix: modules that cannot be loaded again while it is live, and functions that
 * change at different moments.
 */
void suture_limits_note(const SutureFixRequest *request, const GPtrArray *units, SutureKernelView *view,
			GPtrArray *notes);
