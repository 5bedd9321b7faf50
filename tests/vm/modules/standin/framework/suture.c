// SPDX-License-Identifier: GPL-2.0-only
/* In the place of the framework, in tests of the harness: one export. */
#include <linux/module.h>
#include "include/compat/linux/livepatch.h"

#define ANSWER 42

int standin_answer(void)
{
	return ANSWER;
}
EXPORT_SYMBOL_GPL(standin_answer);

MODULE_DESCRIPTION("Stand-in for the framework");
MODULE_LICENSE("GPL");
