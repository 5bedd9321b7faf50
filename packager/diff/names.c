// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/names.h"

#include <string.h>

static const gchar *const own_names[] = {
	"__key",
	"_key",
	"__warned",
	"__already_done",
	"__func__",
	"__FUNCTION__",
	"__PRETTY_FUNCTION__",
	"_rs",
	"_entry",
	"_entry_ptr",
	"CSWTCH",
	"__print_once",
	"___print_once",
	"descriptor",
	"__msg",
	"C",
	"__compound_literal",
	"_fmt",
	"__lkp_key",
	"__dyndbg",
	"pi_entry",
};
static const gchar *const own_prefixes[] = {"__UNIQUE_ID_ddebug", ".LC", "__func_stack_frame_non_standard",
					    "switch.table", "__UNIQUE_ID___addressable"};

static gsize digits_at_end(const gchar *name, gsize length)
{
	gsize count = 0;

	while (count < length && g_ascii_isdigit(name[length - 1 - count]))
		count++;
	return count;
}

static const gchar *base_of(const gchar *name, gboolean *ret_numbered)
{
	g_autofree gchar *base = g_strdup(name);
	gsize length, digits;
	gboolean numbered = FALSE;

	/* Every ".<number>", also those before another suffix: "f.constprop.0.isra.1". */
	for (gchar *dot = strchr(base, '.'); dot; dot = strchr(dot, '.')) {
		gsize count = strspn(dot + 1, "0123456789");

		if (count > 0 && (dot[1 + count] == '\0' || dot[1 + count] == '.') && dot != base) {
			memmove(dot, dot + 1 + count, strlen(dot + 1 + count) + 1);
			numbered = TRUE;
		} else {
			dot++;
		}
	}
	length = strlen(base);
	digits = digits_at_end(base, length);
	if (digits > 0 &&
	    (g_str_has_prefix(base, "__UNIQUE_ID_") || g_str_has_prefix(base, "__addressable_") ||
	     g_str_has_prefix(base, "__BTF_ID__"))) {
		base[length - digits] = '\0';
		numbered = TRUE;
	}
	if (ret_numbered)
		*ret_numbered = numbered;
	return g_intern_string(base);
}

/* "__initcall__kmod_mmap__489_3832_init4": how many macros and lines came before. */
static gchar *initcall_base(const gchar *name)
{
	g_autoptr(GRegex) numbers = g_regex_new("__[0-9]+_[0-9]+_", 0, 0, NULL);

	return g_regex_replace_literal(numbers, name, -1, 0, "__", 0, NULL);
}

const gchar *suture_name_base(const gchar *name, gboolean *ret_numbered)
{
	if (g_str_has_prefix(name, "__initcall__")) {
		g_autofree gchar *call = initcall_base(name);

		if (ret_numbered)
			*ret_numbered = TRUE;
		return g_intern_string(call ? call : name);
	}
	return base_of(name, ret_numbered);
}

/* Where the suffix @suffix begins that ends @name, numbers behind it left aside. */
static const gchar *suffix_of(const gchar *name, const gchar *suffix)
{
	const gchar *found = NULL;

	for (const gchar *at = strstr(name, suffix); at; at = strstr(at + 1, suffix)) {
		const gchar *rest = at + strlen(suffix);

		if (*rest == '.' && g_ascii_isdigit(rest[1]))
			rest += 1 + strspn(rest + 1, "0123456789");
		if (*rest == '\0')
			found = at;
	}
	return found;
}

gboolean suture_name_is_cold(const gchar *name)
{
	return suffix_of(name, ".cold") != NULL;
}

gchar *suture_name_parent(const gchar *name)
{
	const gchar *at = suffix_of(name, ".cold");

	if (!at)
		at = suffix_of(name, ".part");
	return at && at > name ? g_strndup(name, (gsize)(at - name)) : NULL;
}

gboolean suture_name_is_own(const gchar *base)
{
	for (gsize i = 0; i < G_N_ELEMENTS(own_names); i++)
		if (strcmp(base, own_names[i]) == 0)
			return TRUE;
	for (gsize i = 0; i < G_N_ELEMENTS(own_prefixes); i++)
		if (g_str_has_prefix(base, own_prefixes[i]))
			return TRUE;
	return FALSE;
}

const gchar *suture_name_exported(const gchar *name)
{
	static const gchar *const prefixes[] = {"__ksymtab_", "__export_symbol_"};

	for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++)
		if (g_str_has_prefix(name, prefixes[i]))
			return name + strlen(prefixes[i]);
	return NULL;
}

gboolean suture_name_is_flag(const gchar *base)
{
	static const gchar *const flags[] = {"__key",          "_key",      "__warned",
					     "__already_done", "_rs",       "__print_once",
					     "___print_once",  "__lkp_key", NULL};

	return g_strv_contains(flags, base);
}
