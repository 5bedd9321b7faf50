// SPDX-License-Identifier: GPL-2.0-only
#define BENCH_HOLD
#define BENCH_MODEL KLP_IMMEDIATE
#include "bench_patch.h"
