// SPDX-License-Identifier: GPL-2.0-only
/* Writing to code on x86. */
#include <linux/errno.h>
#include <linux/memory.h>
#include <linux/static_call.h>
#include <asm/text-patching.h>

#include "../../kernel.h"
#include "../arch.h"

DEFINE_STATIC_CALL_RET0(suture_text_poke, text_poke);
DEFINE_STATIC_CALL_RET0(suture_text_poke_sync, text_poke_sync);

int __init suture_arch_kernel_init(void)
{
	return SUTURE_FIND(text_poke) && SUTURE_FIND(text_poke_sync) ? 0 : -ENOENT;
}

void suture_arch_text_write(void *place, const void *bytes, size_t size)
{
	static_call(suture_text_poke)(place, bytes, size);
}

void suture_arch_text_sync(void)
{
	static_call(suture_text_poke_sync)();
}
