/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/error.h"

/*
 * Keeps __LINE__ of what a fix does not touch: behind each hunk the patched source file @after gets "#line"
 * directives that go back to the numbers of the file @before, so that lines which only moved compile to the
 * same code. They stand where C's grammar is not in the middle of a macro: behind a line that is empty, or
 * that begins with "}". One that ends up in a comment does nothing; the next one does it then.
 */
gboolean suture_lines_keep(const gchar *before, const gchar *after, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
	guint64 first, last;
} SutureLineRange;

/* The lines of @before that @after, which may have such directives, has otherwise or not (SutureLineRange, in
 * order); where there are only new ones, the line in front of them. */
GArray *suture_lines_changed(const gchar *before, const gchar *after,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
