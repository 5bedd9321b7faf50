/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/diff.h"
#include "packager/read/elf-file.h"

/*
 * Pairs of objects for the tests of the diff: one C source, compiled twice with the kernel's options. The
 * source says NOW(after, before) where the two differ, or asks #ifdef AFTER.
 */

/* What else there is to say of a pair; all may be NULL or FALSE. */
typedef struct {
	const gchar *object;            /* "vmlinux" when NULL */
	const gchar *const *flags;      /* for the compiler */
	const gchar *exported;          /* names, with a space before and behind each */
	const gchar *foreign;           /* names of symbols that a module "other" has, likewise */
	const gchar *unknown;           /* names that the running kernel has not, likewise */
	const gchar *sealed, *untraced; /* names, likewise */
	const gchar *taken;             /* names of the kernel's global symbols, likewise */
	const gchar *frozen;            /* names of static keys that are read-only, likewise */
	const guint
		*touched; /* lines of the source that the fix touches, 0 behind the last; NULL: not known */
	gboolean late;
} Means;

/* The object of one half; the test fails when the compiler refuses it. */
GBytes *pair_compile(const gchar *source, gboolean after, const gchar *const *flags);

/* The diff of the two, which must succeed; freed by suture_diff_free(). @means may be NULL. */
SutureDiff *pair_diff(const gchar *source, const Means *means);

/* As the above; fails unless it refuses nothing, or exactly one with @code for @name. */
SutureDiff *pair_accept(const gchar *source, const Means *means);
void pair_refuse(const gchar *source, const Means *means, SutureDiffError code, const gchar *name);

/* The function of that name in the report, or NULL. */
const SutureDiffFunction *pair_function(const SutureDiff *diff, const gchar *name);
/* Fails unless exactly these are in the report, "+name" for new ones, with blanks between, sorted. */
void pair_functions(const SutureDiff *diff, const gchar *expected);
/* Whether one of the reasons for the function contains @text. */
gboolean pair_reason(const SutureDiff *diff, const gchar *function, const gchar *text);
gboolean pair_references(const SutureDiff *diff, const gchar *elf_name);
const SutureDiffSection *pair_section(const SutureDiff *diff, const gchar *name);
gboolean pair_notes(const SutureDiff *diff, const gchar *text);

/* Bytes of section @name of the extracted object: -1 when it has none. */
gint64 pair_size(const SutureDiff *diff, const gchar *name);
/* Its content, at @offset. */
gconstpointer pair_bytes(const SutureDiff *diff, const gchar *name, gsize offset);
/* What the relocation number @index of that section refers to, as "name+addend" with the name of the symbol
 * or the section, and the type in *@ret_type (may be NULL). Newly allocated; NULL: there is none. */
gchar *pair_link(const SutureDiff *diff, const gchar *section, guint index, guint *ret_type);
/* Whether a relocation of the section refers to that symbol or section, whatever the addend. */
gboolean pair_links_to(const SutureDiff *diff, const gchar *section, const gchar *target);
/* The symbol of that name in the extracted object. */
gboolean pair_symbol(const SutureDiff *diff, const gchar *name, GElf_Sym *ret);
