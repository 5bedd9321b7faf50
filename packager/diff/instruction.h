/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* As much of an x86-64 instruction as is needed to know where it ends and where it leads. */
typedef struct {
	guint8 length;        /* bytes, 1 to 15 */
	guint8 relative_at;   /* where the displacement of a relative call or jump stands in it; 0: none */
	guint8 relative_size; /* 1 or 4 bytes */
	guint8 memory_at; /* where the 32 bits stand that say where in memory it reads or writes; 0: none (lea
			     does neither) */
} SutureInstruction;

/*
 * Reads the instruction in the first of the @size bytes at @bytes (Intel SDM volume 2, chapter 2 and appendix
 * A: 64-bit mode, with VEX and EVEX). FALSE when there is none, or it is cut short; @ret is untouched then.
 */
gboolean suture_instruction_read(const guint8 *bytes, gsize size, SutureInstruction *ret);
