/* SPDX-License-Identifier: GPL-2.0-only */
/* What the imports of patch modules (include/suture/reloc.h) are made of on x86. */
#ifndef SUTURE_ARCH_IMPORT_H
#define SUTURE_ARCH_IMPORT_H

#include <asm/elf.h>
#include <asm/ibt.h>

/*
 * jump: a function that jumps to another one; until its operand is written, to the framework, which
 * traps. Before it are the bytes that compilers leave there for call thunks and CFI.
 * pointer: one that nobody is to write to but the framework.
 */
__asm__(".macro suture_import_jump n\n"
	".pushsection .text\n"
	".balign 16, 0x90\n"
	".skip 16, 0x90\n"
	".type __suture_import_\\n, STT_FUNC\n"
	"__suture_import_\\n:\n"
	ASM_ENDBR
	"jmp suture_klp_import_missing\n"
	".Lsuture_place_\\n = . - 4\n"
	".size __suture_import_\\n, . - __suture_import_\\n\n"
	".popsection\n"
	".endm\n"
	".macro suture_import_pointer n\n"
	".pushsection .rodata\n"
	".balign 8\n"
	".type __suture_import_\\n, STT_OBJECT\n"
	"__suture_import_\\n:\n"
	".Lsuture_place_\\n: .quad 0\n"
	".size __suture_import_\\n, 8\n"
	".popsection\n"
	".endm\n");

#define SUTURE_IMPORT_TYPE_jump		R_X86_64_PLT32
#define SUTURE_IMPORT_ADDEND_jump	(-4)
#define SUTURE_IMPORT_TYPE_pointer	R_X86_64_64
#define SUTURE_IMPORT_ADDEND_pointer	0

#endif
