// SPDX-License-Identifier: GPL-2.0-only
/* Many functions, for the memory that patching one takes. bench_many.inc is generated. */
#include <linux/module.h>

#define BENCH_FUNCTION(n)						\
	noinline void bench_many_##n(void)				\
	{								\
		asm volatile("");					\
	}
#include "bench_many.inc"

MODULE_DESCRIPTION("Functions to patch by the hundred");
MODULE_LICENSE("GPL");
