// SPDX-License-Identifier: GPL-2.0-only
#define FIX_MODEL KLP_IMMEDIATE
#include "fix.h"
