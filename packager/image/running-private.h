/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/image/kallsyms-private.h"
#include "packager/image/running.h"

struct _SutureRunning {
	gint references;
	gchar *object;
	SutureMemory *memory;
	SutureKallsyms *symbols;
	GArray *entries; /* guint64, sorted: where ftrace can be put; NULL: no list says */
	GArray *seals;   /* guint64, sorted: endbr64 that go */
	GArray *init;    /* SutureRunningRange: what is dropped after the start */
	gchar **depends; /* names of modules */

	/* Of modules alone. */
	GArray *relocations;   /* SutureRunningRelocation, sorted by place */
	GHashTable *undefined; /* gchar* name -> guint64*, made-up addresses of what other objects define */
	GHashTable *shifting;  /* gchar* names of symbols both in sections that stay and in others */
};

typedef struct {
	guint64 start, end;
} SutureRunningRange;

/* What the file does not hold yet: @target is the symbol's address with the addend. */
typedef struct {
	guint64 place, target;
	guint32 type;
} SutureRunningRelocation;

/* One without anything in it; takes @memory. */
SutureRunning *suture_running_new(const gchar *object, SutureMemory *memory);

/* Sorts addresses or relocations by their first member. */
void suture_running_sort(GArray *array);

/* How many bytes a relocation of @type writes; 0: not one of those that compilers make for the kernel. */
gsize suture_relocation_bytes(guint32 type);
gboolean suture_relocation_is_relative(guint32 type);

/*
 * What a relocation of @type at @place of a linked object refers to: the symbol's address and the addend.
 * FALSE: the image has no such reference there.
 */
gboolean suture_running_target(const SutureRunning *running, guint64 place, guint32 type,
			       guint64 *ret_target);

/* The first place in [@from, @to) that the file leaves to be relocated; FALSE: none, as in vmlinux. */
gboolean suture_running_relocated(const SutureRunning *running, guint64 from, guint64 to, guint64 *ret_place);

/*
 * The address that a name has if it is defined elsewhere: in a module, for a symbol that the module leaves
 * undefined. FALSE: it does not.
 */
gboolean suture_running_undefined(const SutureRunning *running, const gchar *name, guint64 *ret_address);
