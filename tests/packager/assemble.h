/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/process.h"
#include "common/staging.h"

#include <string.h>

/* The object file that GNU as makes of @text, for x86-64. */
static inline GBytes *assemble(const gchar *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureScratch) scratch = suture_scratch_new(&error);
	g_autofree gchar *object = g_build_filename(suture_scratch_path(scratch), "test.o", NULL);
	const gchar *const argv[] = {"as", "--64", "-o", object, "-", NULL};
	g_autoptr(GBytes) input = g_bytes_new(text, strlen(text));
	gchar *data = NULL;
	gsize size = 0;

	g_assert_no_error(error);
	if (!suture_process_run(argv, NULL, NULL, input, NULL, &error))
		g_error("%s\n%s", error->message, text);
	g_file_get_contents(object, &data, &size, &error);
	g_assert_no_error(error);
	return g_bytes_new_take(data, size);
}
