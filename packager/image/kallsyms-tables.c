// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/kallsyms-tables.h"

#include <string.h>

/*
 * What scripts/kallsyms.c writes, each table aligned to a pointer:
 *   to 6.4:   addresses, [base,] number, names, markers, [numbers by name,] tokens, token offsets
 *   from 6.4: number, names, markers, tokens, token offsets, addresses, [base, numbers by name]
 * Addresses are 32 bits with a base or 64 bits without. Nothing but their form tells where they are.
 */
#define ALIGNMENT 8
#define MARKER_STEP 256 /* symbols */
#define SEQUENCE_BYTES 3
#define TOKEN_MAX 512       /* bytes */
#define SYMBOLS_MIN 4       /* fewer are no kernel */
#define STEPS_MAX (1 << 26) /* while looking for the beginning; a kernel takes less than 2^20 */
#define KERNEL_HALF (G_GUINT64_CONSTANT(1) << 63)

typedef struct {
	const guint8 *block;
	gsize size;
	gsize tokens, token_offsets; /* offsets in the block */
	guint steps;
} Search;

static guint64 align_up(guint64 offset)
{
	return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static guint16 get_16(const guint8 *bytes)
{
	guint16 value;

	memcpy(&value, bytes, sizeof(value));
	return GUINT16_FROM_LE(value);
}

static guint32 get_32(const guint8 *bytes)
{
	guint32 value;

	memcpy(&value, bytes, sizeof(value));
	return GUINT32_FROM_LE(value);
}

static guint64 get_64(const guint8 *bytes)
{
	guint64 value;

	memcpy(&value, bytes, sizeof(value));
	return GUINT64_FROM_LE(value);
}

gsize suture_kallsyms_tables_name(const guint8 **cursor, const guint8 *end, const guint8 **ret_codes)
{
	const guint8 *at = *cursor;
	gsize length;

	if (at >= end)
		return 0;
	length = *at++;
	/* Longer ones have two bytes of length from 6.1 on; before, none was longer. */
	if (length & 0x80) {
		if (at >= end)
			return 0;
		length = (length & 0x7f) | (gsize)*at++ << 7;
	}
	if (length > (gsize)(end - at))
		return 0;
	*ret_codes = at;
	*cursor = at + length;
	return length;
}

guint64 suture_kallsyms_tables_address(const SutureKallsymsTables *tables, guint32 index)
{
	guint32 value;

	if (tables->kind == SUTURE_KALLSYMS_ABSOLUTE)
		return get_64(tables->addresses + (gsize)index * sizeof(guint64));
	value = get_32(tables->addresses + (gsize)index * sizeof(guint32));
	if (tables->kind == SUTURE_KALLSYMS_RELATIVE)
		return tables->base + value;
	return value < 0x80000000 ? value : tables->base + (guint32)~value;
}

/* 256 offsets that begin with 0 and grow by at least a NUL. */
static gboolean looks_like_offsets(const guint8 *at)
{
	guint previous = 0;

	if (get_16(at) != 0)
		return FALSE;
	for (guint i = 1; i < SUTURE_KALLSYMS_TOKENS; i++) {
		guint offset = get_16(at + 2 * i);

		if (offset <= previous || offset > previous + TOKEN_MAX)
			return FALSE;
		previous = offset;
	}
	return TRUE;
}

/* Whether every offset is that of one string, the next begins behind its NUL, and the last ends before
 * @limit with nothing but padding behind it. */
static gboolean tokens_fit(const guint8 *tokens, const guint8 *offsets, gsize limit)
{
	guint last = get_16(offsets + 2 * (SUTURE_KALLSYMS_TOKENS - 1));
	gsize length;

	for (guint i = 0; i + 1 < SUTURE_KALLSYMS_TOKENS; i++) {
		guint start = get_16(offsets + 2 * i), next = get_16(offsets + 2 * (i + 1));

		if (memchr(tokens + start, 0, limit - start) != tokens + next - 1)
			return FALSE;
	}
	length = strnlen((const gchar *)tokens + last, limit - last);
	return length < limit - last && align_up(last + length + 1) == limit;
}

static gboolean find_tokens(Search *search)
{
	const guint8 *offsets = search->block + search->token_offsets;
	guint last = get_16(offsets + 2 * (SUTURE_KALLSYMS_TOKENS - 1));

	for (gsize length = align_up(last + 1);
	     length <= search->token_offsets && length <= last + TOKEN_MAX + ALIGNMENT; length += ALIGNMENT) {
		search->tokens = search->token_offsets - length;
		if (tokens_fit(search->block + search->tokens, offsets, length))
			return TRUE;
	}
	return FALSE;
}

static gboolean markers_fit(const Search *search, const guint8 *names, const guint8 *markers, guint index,
			    const guint8 *name)
{
	gsize place = (gsize)(markers - search->block) + (gsize)index / MARKER_STEP * sizeof(guint32);

	return place + sizeof(guint32) <= search->tokens &&
	       get_32(search->block + place) == (guint64)(name - names);
}

/* Where the names that begin at @names end; NULL: they do not. */
static const guint8 *walk_names(Search *search, const guint8 *names, guint32 count)
{
	const guint8 *end = search->block + search->tokens, *at = names, *codes;

	for (guint32 i = 0; i < count; i++)
		if (search->steps++ > STEPS_MAX || !suture_kallsyms_tables_name(&at, end, &codes))
			return NULL;
	return at;
}

static gboolean check_markers(const Search *search, const guint8 *names, const guint8 *markers, guint32 count)
{
	const guint8 *end = search->block + search->tokens, *at = names, *codes;

	for (guint32 i = 0; i < count; i++) {
		if (i % MARKER_STEP == 0 && !markers_fit(search, names, markers, i, at))
			return FALSE;
		suture_kallsyms_tables_name(&at, end, &codes);
	}
	return TRUE;
}

/* The number of symbols at @offset, when names and markers behind it fill the room before the tokens. */
static guint32 try_number(Search *search, gsize offset, const guint8 **ret_names_end)
{
	guint32 count = get_32(search->block + offset);
	const guint8 *names = search->block + offset + ALIGNMENT, *end;
	guint64 markers, behind;

	if (count < SYMBOLS_MIN || get_32(search->block + offset + 4) != 0 ||
	    count > (search->tokens - offset - ALIGNMENT) / 2)
		return 0;
	end = walk_names(search, names, count);
	if (!end)
		return 0;
	markers = align_up((guint64)(end - search->block));
	behind = align_up(markers + ((guint64)count + MARKER_STEP - 1) / MARKER_STEP * sizeof(guint32));
	if (behind != search->tokens && align_up(behind + (guint64)count * SEQUENCE_BYTES) != search->tokens)
		return 0;
	*ret_names_end = end;
	return check_markers(search, names, search->block + markers, count) ? count : 0;
}

static gboolean addresses_fit(const SutureKallsymsTables *tables)
{
	guint64 previous = suture_kallsyms_tables_address(tables, 0);

	for (guint32 i = 1; i < tables->n_symbols; i++) {
		guint64 address = suture_kallsyms_tables_address(tables, i);

		if (address < previous)
			return FALSE;
		previous = address;
	}
	return previous >= KERNEL_HALF;
}

static gboolean try_addresses(const Search *search, guint64 start, guint64 size, gboolean relative,
			      SutureKallsymsTables *tables)
{
	if (start > search->size || size > search->size - start)
		return FALSE;
	tables->addresses = search->block + start;
	tables->base = relative ? get_64(tables->addresses + size - ALIGNMENT) : 0;
	if (!relative) {
		tables->kind = SUTURE_KALLSYMS_ABSOLUTE;
		return addresses_fit(tables);
	}
	if (tables->base < KERNEL_HALF)
		return FALSE;
	tables->kind = SUTURE_KALLSYMS_PERCPU;
	if (addresses_fit(tables))
		return TRUE;
	tables->kind = SUTURE_KALLSYMS_RELATIVE;
	return addresses_fit(tables);
}

static gboolean find_addresses(const Search *search, gsize number, SutureKallsymsTables *tables)
{
	guint64 absolute = (guint64)tables->n_symbols * sizeof(guint64);
	guint64 relative = align_up((guint64)tables->n_symbols * sizeof(guint32)) + sizeof(guint64);
	guint64 behind = search->token_offsets + SUTURE_KALLSYMS_TOKENS * sizeof(guint16);

	/* A start before the block wraps to one behind it. */
	return try_addresses(search, behind, relative, TRUE, tables) ||
	       try_addresses(search, number - relative, relative, TRUE, tables) ||
	       try_addresses(search, behind, absolute, FALSE, tables) ||
	       try_addresses(search, number - absolute, absolute, FALSE, tables);
}

static void set_tokens(const Search *search, SutureKallsymsTables *tables)
{
	for (guint i = 0; i < SUTURE_KALLSYMS_TOKENS; i++)
		tables->tokens[i] = (const gchar *)search->block + search->tokens +
				    get_16(search->block + search->token_offsets + 2 * i);
}

/* All tables around the tokens that were found. */
static gboolean find_rest(Search *search, SutureKallsymsTables *ret)
{
	for (gsize at = search->tokens; at >= ALIGNMENT && search->steps++ <= STEPS_MAX; at -= ALIGNMENT) {
		SutureKallsymsTables tables = {.names = search->block + at};

		tables.n_symbols = try_number(search, at - ALIGNMENT, &tables.names_end);
		if (tables.n_symbols && find_addresses(search, at - ALIGNMENT, &tables)) {
			set_tokens(search, &tables);
			*ret = tables;
			return TRUE;
		}
	}
	return FALSE;
}

gboolean suture_kallsyms_tables_find(const guint8 *block, gsize size, SutureKallsymsTables *ret)
{
	Search search = {.block = block, .size = size};
	const gsize offsets_size = SUTURE_KALLSYMS_TOKENS * sizeof(guint16);

	for (gsize at = 0; size >= offsets_size && at <= size - offsets_size; at += ALIGNMENT) {
		search.token_offsets = at;
		if (looks_like_offsets(block + at) && find_tokens(&search) && find_rest(&search, ret))
			return TRUE;
	}
	return FALSE;
}
