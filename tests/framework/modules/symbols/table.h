/* SPDX-License-Identifier: GPL-2.0-only */
/* A table written by hand, for what the macros of suture/reloc.h do not write. */
#ifndef SYM_TABLE_H
#define SYM_TABLE_H

#include <asm/elf.h>
#include <suture/reloc.h>

#define SYM_RELOC(number, ...)								\
	static const struct suture_reloc __suture_reloc_by_hand_##number		\
		__used __section(SUTURE_RELOC_SECTION) __aligned(8) = { __VA_ARGS__ }

#endif
