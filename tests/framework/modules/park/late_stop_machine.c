// SPDX-License-Identifier: GPL-2.0-only
#define FIX_MODEL KLP_STOP_MACHINE
#include "late_fix.h"
