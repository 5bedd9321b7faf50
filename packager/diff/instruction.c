// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/instruction.h"

#include <string.h>

#define LENGTH_MAX 15
#define LEA 0x8d

/* What follows the opcode. */
enum {
	NOTHING = 0,
	BAD = 1 << 0,
	MODRM = 1 << 1,
	IMM8 = 1 << 2,
	IMM16 = 1 << 3,
	IMM32 = 1 << 4,  /* 2 bytes with an operand size prefix */
	IMM64 = 1 << 5,  /* 8 bytes with REX.W, else as IMM32 */
	OFFSET = 1 << 6, /* 8 bytes, 4 with an address size prefix */
	RELATIVE8 = 1 << 7,
	RELATIVE32 = 1 << 8,
	TEST = 1 << 9, /* an immediate for the first two of the group only */
};

typedef struct {
	const guint8 *bytes;
	gsize size, at;
	gboolean wide, operand, address; /* REX.W, 66, 67 */
	gsize displacement;              /* where one of 32 bits stands; 0: none */
} Cursor;

static gboolean next(Cursor *cursor, guint8 *ret)
{
	if (cursor->at >= cursor->size || cursor->at >= LENGTH_MAX)
		return FALSE;
	*ret = cursor->bytes[cursor->at++];
	return TRUE;
}

static gboolean skip(Cursor *cursor, gsize count)
{
	if (count > cursor->size - cursor->at || cursor->at + count > LENGTH_MAX)
		return FALSE;
	cursor->at += count;
	return TRUE;
}

static gboolean is_prefix(guint8 byte)
{
	return byte != 0 && strchr("\x66\x67\xf2\xf3\xf0\x2e\x36\x3e\x26\x64\x65", byte);
}

/* Arithmetic in the first quarter: six forms for each of eight operations, then what 64-bit mode took away.
 */
static guint arithmetic(guint8 opcode)
{
	static const guint forms[8] = {MODRM, MODRM, MODRM, MODRM, IMM8, IMM32, BAD, BAD};

	return forms[opcode & 7];
}

static guint second_quarter(guint8 opcode)
{
	switch (opcode) {
	case 0x60:
	case 0x61:
	case 0x62:
		return BAD;
	case 0x63:
		return MODRM;
	case 0x68:
		return IMM32;
	case 0x69:
		return MODRM | IMM32;
	case 0x6a:
		return IMM8;
	case 0x6b:
		return MODRM | IMM8;
	default:
		return opcode >= 0x70 ? RELATIVE8 : NOTHING;
	}
}

static guint third_quarter(guint8 opcode)
{
	if (opcode == 0x81)
		return MODRM | IMM32;
	if (opcode == 0x80 || opcode == 0x83)
		return MODRM | IMM8;
	if (opcode == 0x82 || opcode == 0x9a)
		return BAD;
	if (opcode < 0x90)
		return MODRM;
	if (opcode >= 0xb8)
		return IMM64;
	if (opcode >= 0xb0 || opcode == 0xa8)
		return IMM8;
	if (opcode == 0xa9)
		return IMM32;
	return opcode >= 0xa0 && opcode <= 0xa3 ? OFFSET : NOTHING;
}

static guint last_quarter(guint8 opcode)
{
	static const guint c[16] = {MODRM | IMM8,
				    MODRM | IMM8,
				    IMM16,
				    0,
				    BAD,
				    BAD,
				    MODRM | IMM8,
				    MODRM | IMM32,
				    IMM16 | IMM8,
				    0,
				    IMM16,
				    0,
				    0,
				    IMM8,
				    BAD,
				    0};

	switch (opcode >> 4) {
	case 0xc:
		return c[opcode & 15];
	case 0xd:
		if (opcode >= 0xd4 && opcode <= 0xd6)
			return BAD;
		return opcode == 0xd7 ? NOTHING : MODRM;
	case 0xe:
		if (opcode <= 0xe3 || opcode == 0xeb)
			return RELATIVE8;
		if (opcode == 0xe8 || opcode == 0xe9)
			return RELATIVE32;
		return opcode <= 0xe7 ? IMM8 : opcode == 0xea ? BAD : NOTHING;
	default:
		if (opcode == 0xf6 || opcode == 0xf7)
			return MODRM | TEST | (opcode == 0xf6 ? IMM8 : IMM32);
		return opcode >= 0xfe ? MODRM : NOTHING;
	}
}

static guint one_byte(guint8 opcode)
{
	switch (opcode >> 6) {
	case 0:
		return arithmetic(opcode);
	case 1:
		return second_quarter(opcode);
	case 2:
		return third_quarter(opcode);
	default:
		return last_quarter(opcode);
	}
}

/* The map behind 0f; also map 1 of VEX and EVEX. */
static guint two_bytes(guint8 opcode)
{
	static const guint8 bare[] = {0x05, 0x06, 0x07, 0x08, 0x09, 0x0b, 0x0e,
				      0x77, 0xa0, 0xa1, 0xa2, 0xa8, 0xa9, 0xaa};
	static const guint8 with_byte[] = {0x0f, 0x70, 0x71, 0x72, 0x73, 0xa4,
					   0xac, 0xba, 0xc2, 0xc4, 0xc5, 0xc6};

	if (opcode >= 0x80 && opcode <= 0x8f)
		return RELATIVE32;
	if ((opcode >= 0x30 && opcode <= 0x37) || (opcode >= 0xc8 && opcode <= 0xcf) ||
	    memchr(bare, opcode, sizeof(bare)))
		return NOTHING;
	return memchr(with_byte, opcode, sizeof(with_byte)) ? MODRM | IMM8 : MODRM;
}

static gboolean opcode_of(Cursor *cursor, guint8 first, guint *ret)
{
	guint8 opcode;

	if (first != 0x0f) {
		*ret = one_byte(first);
		return TRUE;
	}
	if (!next(cursor, &opcode))
		return FALSE;
	if (opcode == 0x38 || opcode == 0x3a) {
		*ret = opcode == 0x38 ? MODRM : MODRM | IMM8;
		return next(cursor, &opcode);
	}
	*ret = two_bytes(opcode);
	return TRUE;
}

/* c5, c4 and 62: one, two or three bytes that stand for prefixes and for the map of the opcode. */
static gboolean vector_opcode(Cursor *cursor, guint8 first, guint *ret)
{
	gsize more = first == 0xc5 ? 0 : first == 0xc4 ? 1 : 2;
	guint8 payload, opcode, map = 1;

	if (!next(cursor, &payload) || !skip(cursor, more) || !next(cursor, &opcode))
		return FALSE;
	if (first != 0xc5)
		map = payload & (first == 0xc4 ? 31 : 7);
	if (map == 1)
		*ret = two_bytes(opcode) & ~(guint)RELATIVE32;
	else
		*ret = map == 3 ? MODRM | IMM8 : MODRM;
	return map > 0;
}

static gboolean skip_operand(Cursor *cursor, guint8 *ret_modrm)
{
	guint8 modrm, mode, scaled = 0;

	if (!next(cursor, &modrm))
		return FALSE;
	*ret_modrm = modrm;
	mode = modrm >> 6;
	if (mode == 3)
		return TRUE;
	if ((modrm & 7) == 4 && !next(cursor, &scaled))
		return FALSE;
	if (mode == 1)
		return skip(cursor, 1);
	if (mode != 2 && (modrm & 7) != 5 && ((modrm & 7) != 4 || (scaled & 7) != 5))
		return TRUE;
	cursor->displacement = cursor->at;
	return skip(cursor, 4);
}

static gsize immediate_size(const Cursor *cursor, guint form, guint8 modrm)
{
	gsize size = 0, full = cursor->operand ? 2 : 4;

	if ((form & TEST) && (modrm & 0x38) > 0x08)
		return 0;
	if (form & IMM8)
		size += 1;
	if (form & IMM16)
		size += 2;
	if (form & IMM32)
		size += full;
	if (form & IMM64)
		size += cursor->wide ? 8 : full;
	if (form & OFFSET)
		size += cursor->address ? 4 : 8;
	return size;
}

/* Prefixes; @ret is the first byte behind them. */
static gboolean skip_prefixes(Cursor *cursor, guint8 *ret)
{
	do {
		if (!next(cursor, ret))
			return FALSE;
		cursor->operand |= *ret == 0x66;
		cursor->address |= *ret == 0x67;
	} while (is_prefix(*ret));
	if ((*ret & 0xf0) != 0x40)
		return TRUE;
	cursor->wide = (*ret & 8) != 0;
	return next(cursor, ret);
}

gboolean suture_instruction_read(const guint8 *bytes, gsize size, SutureInstruction *ret)
{
	Cursor cursor = {.bytes = bytes, .size = size};
	SutureInstruction instruction = {0};
	guint8 first, modrm = 0;
	gboolean read;
	guint form;

	if (!skip_prefixes(&cursor, &first))
		return FALSE;
	if (first == 0xc4 || first == 0xc5 || first == 0x62)
		read = vector_opcode(&cursor, first, &form);
	else
		read = opcode_of(&cursor, first, &form);
	if (!read || (form & BAD) || ((form & MODRM) && !skip_operand(&cursor, &modrm)))
		return FALSE;
	if (form & (RELATIVE8 | RELATIVE32)) {
		instruction.relative_at = (guint8)cursor.at;
		instruction.relative_size = form & RELATIVE8 ? 1 : 4;
	}
	if (first != LEA)
		instruction.memory_at = (guint8)cursor.displacement;
	if (!skip(&cursor, instruction.relative_size + immediate_size(&cursor, form, modrm)))
		return FALSE;
	instruction.length = (guint8)cursor.at;
	*ret = instruction;
	return TRUE;
}
