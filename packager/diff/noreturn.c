// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/noreturn.h"

#include "packager/diff/instruction.h"

#include <string.h>

#define CALL 0xe8
#define GROUP 0xff /* calls and jumps through pointers, among others */

static gboolean is_call(const SutureAtom *from, const SutureLink *link)
{
	guint64 at = link->offset - from->start;

	return link->branch && at > 0 && suture_atom_bytes(from)[at - 1] == CALL;
}

static gboolean is_one_of(guint8 byte, const guint8 *bytes, gsize count)
{
	return memchr(bytes, byte, count) != NULL;
}

/* Near and far returns, iret, and jumps through a pointer; prefixes are left aside. */
static gboolean leaves(const guint8 *bytes, guint8 length)
{
	static const guint8 prefixes[] = {0xf2, 0xf3, 0x66, 0x3e, 0x2e},
			    returns[] = {0xc2, 0xc3, 0xca, 0xcb, 0xcf};
	guint8 at = 0;

	while (at + 1 < length &&
	       (is_one_of(bytes[at], prefixes, sizeof(prefixes)) || (bytes[at] & 0xf0) == 0x40))
		at++;
	if (bytes[at] == GROUP && at + 1 < length)
		return ((bytes[at + 1] >> 3) & 6) == 4;
	return is_one_of(bytes[at], returns, sizeof(returns));
}

static gboolean has_return(const SutureAtom *code)
{
	const guint8 *bytes = suture_atom_bytes(code);
	gsize at = code->entry > code->start ? (gsize)(code->entry - code->start) : 0;
	SutureInstruction instruction;

	for (; at < code->size; at += instruction.length)
		if (!suture_instruction_read(bytes + at, code->size - at, &instruction) ||
		    leaves(bytes + at, instruction.length))
			return TRUE;
	return FALSE;
}

static const SutureAtom *whole_of(const SutureAtom *code)
{
	return code->parent ? code->parent : code;
}

/* A jump elsewhere: to another function, or to the thunk that returns. */
static gboolean jumps_out(const SutureAtom *code)
{
	for (guint i = 0; i < code->n_links; i++) {
		const SutureLink *link = suture_atom_link(code, i);

		if (link->branch && !is_call(code, link) &&
		    (!link->target || whole_of(link->target) != whole_of(code)))
			return TRUE;
	}
	return FALSE;
}

static gboolean may_return(const SutureAtom *code)
{
	return !suture_atom_bytes(code) || has_return(code) || jumps_out(code);
}

gboolean suture_link_never_returns(const SutureAtom *from, const SutureLink *link)
{
	const SutureAtom *function = link->target;
	const GPtrArray *atoms;

	if (!is_call(from, link) || !function || function->kind != SUTURE_ATOM_FUNCTION ||
	    function->size == 0 || function->parent || may_return(function))
		return FALSE;
	atoms = function->section->object->atoms;
	for (guint i = 0; i < atoms->len; i++) {
		const SutureAtom *part = atoms->pdata[i];

		if (part->parent == function && may_return(part))
			return FALSE;
	}
	return TRUE;
}
