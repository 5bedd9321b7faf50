// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/vendor.h"

#include <stdlib.h>

gboolean suture_vendor_parse(const gchar *usage, const gchar *summary, const GOptionEntry *entries, int *argc,
			     char ***argv, GError **error)
{
	g_autoptr(GOptionContext) options = g_option_context_new(usage);

	g_option_context_set_summary(options, summary);
	g_option_context_add_main_entries(options, entries, NULL);
	return g_option_context_parse(options, argc, argv, error);
}

gboolean suture_vendor_usage(GError **error, const gchar *format, ...)
{
	g_autofree gchar *words = NULL;
	va_list args;

	va_start(args, format);
	words = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s; '%s --help' says more", words,
		    g_get_prgname());
	return FALSE;
}

void suture_vendor_print_json(json_t *json)
{
	gchar *text = json_dumps(json, JSON_INDENT(2));

	g_print("%s\n", text);
	free(text);
}
