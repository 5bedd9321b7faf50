/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/commands.h"

/*
 * Who may include what: for every file of the tree that a unit reaches by textual #include lines, whatever
 * #if stands around them, the units that do. Serialised as a GVariant: sorted paths, each with the numbers of
 * its units (commands.h), as differences in a variable-length code.
 */
#define SUTURE_INCLUDES_TYPE "a(say)"

typedef struct _SutureIncludes SutureIncludes;

/*
 * Reads all units' sources below @tree. *@ret_absent (NULL allowed): a set of the paths that were looked for
 * and are not there, sources and what they would include. New. IO, CANCELLED.
 */
GVariant *suture_includes_make(const SutureCommands *commands, const gchar *tree, SutureProgress progress,
			       gpointer data, GHashTable **ret_absent,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Over a file's content (kept). NULL when it is no index. */
SutureIncludes *suture_includes_new_from_bytes(GBytes *bytes);
void suture_includes_free(SutureIncludes *includes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureIncludes, suture_includes_free)

/*
 * Adds the numbers of the units that may include @path, below @n_units, to the set @numbers (guint32 as
 * pointers). FALSE: the index is damaged. A path that nobody includes adds nothing.
 */
gboolean suture_includes_find(const SutureIncludes *includes, const gchar *path, guint n_units,
			      GHashTable *numbers);

/* One name that a line of C includes. */
typedef struct {
	gchar *name;
	gboolean quoted;   /* "x.h": looked for beside the file first */
	gboolean from_top; /* a path in the tree, looked for nowhere else */
} SutureIncludeName;

/*
 * All that @text, of @length bytes, includes: GArray of SutureIncludeName. A macro in place of a name stands
 * for every text that the file defines it as, and TRACE_INCLUDE for the header that define_trace.h goes on to
 * include.
 */
GArray *suture_includes_scan(const gchar *text, gsize length);

/* Adds the files that assembler within a C file puts in as they are (.incbin). */
void suture_includes_scan_binaries(const gchar *text, gsize length, GArray *names);
