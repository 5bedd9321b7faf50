/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/object.h"

/* What included code refers to that is not included: symbols of the running kernel. */
typedef struct _SutureReferences SutureReferences;

/* A symbol of the running kernel, by its name in the unit. */
typedef struct {
	gchar *name; /* in the unit before, or of an undefined symbol */
	gboolean local;
	gchar *elf_name;         /* of the undefined symbol in the extracted object */
	SutureDiffTarget target; /* object NULL: it is not known */
	gchar *problem;          /* why; NULL: none */
	gboolean used;           /* by the extracted object */
	guint symbol;            /* its index there */
} SutureReference;

SutureReferences *suture_references_new(const SutureDiffRequest *request);
void suture_references_free(SutureReferences *references);

/*
 * Whether @link of the included atom @from leads to a copy in the extracted object: to anything included, but
 * for the entries of changed functions, which are the originals' for all but tables that describe the new
 * code.
 */
gboolean suture_link_is_direct(const SutureAtom *from, const SutureLink *link);

/* Whether @link of @from is the key of an entry of a jump table which gets one that is always off instead. */
gboolean suture_link_is_replaced(const SutureAtom *from, const SutureLink *link);

/* The symbol that @link, which is not direct, leads to, and asks once what it is. NULL when the target has no
 * name. */
SutureReference *suture_references_find(SutureReferences *references, const SutureLink *link);

/* As the above, for the original of a changed function, and for any other name. */
SutureReference *suture_references_original(SutureReferences *references, const SutureAtom *function);
SutureReference *suture_references_name(SutureReferences *references, const gchar *name, gboolean local);

/* Gives each reference its name in the extracted object, which defines the global or local names of @defined
 * (a set of gchar*), and returns those that are used (SutureReference*, borrowed), sorted by it. */
GPtrArray *suture_references_settle(SutureReferences *references, GHashTable *defined);
