// SPDX-License-Identifier: GPL-2.0-only
/* Where functions are traced on x86, and what their names tell. */
#include <linux/ftrace.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "../../kernel.h"
#include "../arch.h"

unsigned long suture_arch_fentry(unsigned long function)
{
	unsigned long fentry = kernel_ftrace_location(function);

	/*
	 * The kernel names any traced place before the next symbol. One that is not at the
	 * function's beginning, after ENDBR at most, belongs to code without a symbol.
	 */
	if (fentry - function > FTRACE_MCOUNT_MAX_OFFSET)
		return 0;
	return fentry;
}

unsigned long suture_arch_fentry_return(unsigned long fentry)
{
	return fentry + MCOUNT_INSN_SIZE;
}

const char *suture_arch_syscall(const char *function)
{
	static const char * const prefixes[] = {
		"__x64_sys_", "__ia32_sys_", "__ia32_compat_sys_",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strstarts(function, prefixes[i]))
			return function + strlen(prefixes[i]);
	return NULL;
}
