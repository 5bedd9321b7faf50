/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/dry-run.h"

/* What a dry run has said so far: dry-run.c reads it, dry-run-index.c makes the index of it. */

typedef struct {
	gchar *source, *modfile; /* modfile: what -DKBUILD_MODFILE says, NULL when it is not a module's */
	GArray *compile;         /* guint32: indexes of words */
	GArray *objtool;         /* NULL: none */
} SutureDryRunUnit;

struct _SutureDryRun {
	GHashTable *units;    /* gchar* -> SutureDryRunUnit* */
	GHashTable *words;    /* gchar* -> index + 1 */
	GPtrArray *word_list; /* gchar*, owned by words */
	GHashTable *modules;  /* unit -> GPtrArray* of gchar* paths of modules */
	GHashTable *archives; /* path of an archive -> GPtrArray* of gchar* members */
	GHashTable *links;    /* "vmlinux", or path of a module -> GArray*: words of objtool at its link */
	gboolean delayed;     /* objtool waits for the link */
};
