/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/image/error.h"

/* An x86-64 object file as a compiler made it, read once; pointers lead into the file, which it keeps. */
typedef struct {
	const gchar *name;
	const guint8 *bytes; /* NULL: none in the file (.bss) */
	guint64 size, flags, entry_size, alignment;
	GArray *relocations; /* SutureUnitRelocation, sorted by offset; may be empty */
} SutureUnitSection;

typedef struct {
	const gchar *name;
	guint64 value, size;
	guint section; /* 0: undefined; G_MAXUINT: in none (absolute, common) */
	guint8 type, bind;
} SutureUnitSymbol;

typedef struct {
	guint64 offset;
	gint64 addend;
	guint32 type;
	guint symbol; /* a valid index */
} SutureUnitRelocation;

typedef struct {
	GBytes *file;
	GArray *sections; /* SutureUnitSection, by ELF index */
	GArray *symbols;  /* SutureUnitSymbol, by ELF index */
} SutureUnit;

/* NULL with IMAGE-OBJECT, naming @what. */
SutureUnit *suture_unit_read(GBytes *file, const gchar *what, GError **error);
void suture_unit_free(SutureUnit *unit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureUnit, suture_unit_free)

static inline const SutureUnitSection *suture_unit_section(const SutureUnit *unit, guint index)
{
	return &g_array_index(unit->sections, SutureUnitSection, index);
}

static inline const SutureUnitSymbol *suture_unit_symbol(const SutureUnit *unit, guint index)
{
	return &g_array_index(unit->symbols, SutureUnitSymbol, index);
}

/* The first relocation of @section at or behind @offset; NULL: none. @ret_left: how many there are from it
 * on. */
const SutureUnitRelocation *suture_unit_relocations(const SutureUnitSection *section, guint64 offset,
						    guint *ret_left);
