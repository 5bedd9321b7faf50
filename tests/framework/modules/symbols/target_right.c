// SPDX-License-Identifier: GPL-2.0-only
/* One of two files with a function of the same name. */

#include <linux/compiler.h>

#include "target.h"

static int sym_side = 2;

static noinline int sym_which(void)
{
	return READ_ONCE(sym_side);
}

int sym_right(void)
{
	return sym_which();
}
