/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of arch/arch.h that the ftrace handler calls, on x86. */
#ifndef SUTURE_ARCH_CALL_H
#define SUTURE_ARCH_CALL_H

#include <linux/ftrace.h>

#include "../../compat.h"

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS

/* Every trampoline goes on where the handler left the instruction pointer. */
#define SUTURE_ARCH_FTRACE_FLAGS 0

static __always_inline void suture_arch_redirect(struct ftrace_regs *fregs, unsigned long ip)
{
	ftrace_regs_set_instruction_pointer(fregs, ip);
}

#else

/* Only the trampoline that saves all registers does. */
#define SUTURE_ARCH_FTRACE_FLAGS FTRACE_OPS_FL_SAVE_REGS

static __always_inline void suture_arch_redirect(struct ftrace_regs *fregs, unsigned long ip)
{
	ftrace_get_regs(fregs)->ip = ip;
}

#endif
#endif
