// SPDX-License-Identifier: GPL-2.0-only
#define FIX_REPLACE true
#define FIX_MODEL KLP_PER_TASK
#include "fix.h"
