/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#define SUTURE_KALLSYMS_TOKENS 256

/* How an entry says its symbol's address. */
typedef enum {
	SUTURE_KALLSYMS_ABSOLUTE, /* 64 bits */
	SUTURE_KALLSYMS_RELATIVE, /* 32 bits, unsigned, to the base */
	SUTURE_KALLSYMS_PERCPU, /* 32 bits: not negative: absolute; negative: behind the base (its -1 is 0) */
} SutureKallsymsAddresses;

/* The tables where they were found, all within one block of memory and bounded by its end. */
typedef struct {
	guint32 n_symbols;
	const guint8 *names, *names_end;
	const gchar *tokens[SUTURE_KALLSYMS_TOKENS]; /* each ended by a NUL within the block */
	const guint8 *addresses;
	guint64 base;
	SutureKallsymsAddresses kind;
} SutureKallsymsTables;

/* Looks for the tables in @size bytes at @block. FALSE: there are none that fit together. */
gboolean suture_kallsyms_tables_find(const guint8 *block, gsize size, SutureKallsymsTables *ret);

/* Address number @index of the tables. */
guint64 suture_kallsyms_tables_address(const SutureKallsymsTables *tables, guint32 index);

/*
 * The compressed name at *@cursor, below @end: its tokens' numbers in @ret_codes, so many of them; moves
 * *@cursor behind it. 0: it is empty or does not end below @end.
 */
gsize suture_kallsyms_tables_name(const guint8 **cursor, const guint8 *end, const guint8 **ret_codes);
