// SPDX-License-Identifier: GPL-2.0-only
#define FIX_MODEL KLP_PER_TASK
#include "late_fix.h"
