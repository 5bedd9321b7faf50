// SPDX-License-Identifier: GPL-2.0-only
/* Relocations of the x86-64 psABI, section 4.4.1. */
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "../../reloc.h"
#include "../arch.h"

/*
 * Neither mapped nor executable on any x86-64 kernel, and within reach of all its code: error
 * pointers are kept free there.
 */
#define UNMAPPED (-PAGE_SIZE)

size_t suture_arch_reloc_size(u32 type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64:
		return 8;
	case R_X86_64_32:
	case R_X86_64_32S:
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		return 4;
	default:
		return 0;
	}
}

int suture_arch_reloc_compute(u32 type, unsigned long place, unsigned long value, u8 *bytes)
{
	bool fits = true;

	switch (type) {
	case R_X86_64_64:
		break;
	case R_X86_64_32:
		fits = value == (u32)value;
		break;
	case R_X86_64_32S:
		fits = value == (unsigned long)(s32)value;
		break;
	case R_X86_64_PC64:
		value -= place;
		break;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		value -= place;
		fits = value == (unsigned long)(s32)value;
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (!fits)
		return -ERANGE;
	/* Little endian: the low bytes come first. */
	memcpy(bytes, &value, suture_arch_reloc_size(type));
	return 0;
}

int suture_arch_reloc_absent(u32 type, unsigned long place, u8 *bytes)
{
	unsigned long value = 0;

	if (type == R_X86_64_PLT32) {
		value = (unsigned long)suture_klp_import_missing;
		/* From where the processor counts: the operand is the last of its instruction. */
		place += suture_arch_reloc_size(type);
	} else if (type == R_X86_64_PC32 || type == R_X86_64_PC64) {
		value = UNMAPPED;
	}
	return suture_arch_reloc_compute(type, place, value, bytes);
}
