// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/kallsyms-private.h"
#include "packager/image/kallsyms-tables.h"

#include <string.h>

#define NAME_MAX_BYTES 2048 /* KSYM_NAME_LEN is 512 in 6.12 */

/* The symbols of one name: @first and @count in by_name. */
typedef struct {
	guint first, count;
} Group;

struct _SutureKallsyms {
	gint references;
	GStringChunk *names;
	GArray *symbols;    /* SutureKallsym, in the kernel's order */
	GArray *by_name;    /* guint: indices in symbols, those of one name side by side in their order */
	GHashTable *groups; /* gchar* name -> index in sizes + 1 */
	GArray *sizes;      /* Group */
};

SutureKallsyms *suture_kallsyms_new(void)
{
	SutureKallsyms *kallsyms = g_new0(SutureKallsyms, 1);

	kallsyms->references = 1;
	kallsyms->names = g_string_chunk_new(64 * 1024);
	kallsyms->symbols = g_array_new(FALSE, FALSE, sizeof(SutureKallsym));
	kallsyms->by_name = g_array_new(FALSE, FALSE, sizeof(guint));
	kallsyms->groups = g_hash_table_new(g_str_hash, g_str_equal);
	kallsyms->sizes = g_array_new(FALSE, FALSE, sizeof(Group));
	return kallsyms;
}

SutureKallsyms *suture_kallsyms_ref(SutureKallsyms *kallsyms)
{
	g_atomic_int_inc(&kallsyms->references);
	return kallsyms;
}

void suture_kallsyms_unref(SutureKallsyms *kallsyms)
{
	if (!g_atomic_int_dec_and_test(&kallsyms->references))
		return;
	g_hash_table_unref(kallsyms->groups);
	g_array_unref(kallsyms->sizes);
	g_array_unref(kallsyms->by_name);
	g_array_unref(kallsyms->symbols);
	g_string_chunk_free(kallsyms->names);
	g_free(kallsyms);
}

void suture_kallsyms_add(SutureKallsyms *kallsyms, guint64 address, gchar type, const gchar *name)
{
	gpointer known, group;
	SutureKallsym symbol = {.address = address, .type = type};

	if (g_hash_table_lookup_extended(kallsyms->groups, name, &known, &group)) {
		symbol.name = known;
	} else {
		const Group one = {0};

		symbol.name = g_string_chunk_insert(kallsyms->names, name);
		g_array_append_val(kallsyms->sizes, one);
		group = GUINT_TO_POINTER(kallsyms->sizes->len);
		g_hash_table_insert(kallsyms->groups, (gpointer)symbol.name, group);
	}
	g_array_index(kallsyms->sizes, Group, GPOINTER_TO_UINT(group) - 1).count++;
	g_array_append_val(kallsyms->symbols, symbol);
}

void suture_kallsyms_finish(SutureKallsyms *kallsyms)
{
	guint first = 0;

	for (guint i = 0; i < kallsyms->sizes->len; i++) {
		Group *group = &g_array_index(kallsyms->sizes, Group, i);

		group->first = first;
		first += group->count;
		group->count = 0;
	}
	g_array_set_size(kallsyms->by_name, kallsyms->symbols->len);
	for (guint i = 0; i < kallsyms->symbols->len; i++) {
		const SutureKallsym *symbol = suture_kallsyms_at(kallsyms, i);
		guint index = GPOINTER_TO_UINT(g_hash_table_lookup(kallsyms->groups, symbol->name));
		Group *group = &g_array_index(kallsyms->sizes, Group, index - 1);

		g_array_index(kallsyms->by_name, guint, group->first + group->count++) = i;
	}
}

/* Type and name of the codes, in @ret of @room bytes; FALSE: too long, or nothing behind the type. */
static gboolean expand(const SutureKallsymsTables *tables, const guint8 *codes, gsize count, gchar *ret,
		       gsize room)
{
	gsize used = 0;

	for (gsize i = 0; i < count; i++) {
		const gchar *token = tables->tokens[codes[i]];
		gsize length = strlen(token);

		if (length >= room - used)
			return FALSE;
		memcpy(ret + used, token, length);
		used += length;
	}
	ret[used] = '\0';
	return used > 1;
}

static gboolean decode(SutureKallsyms *kallsyms, const SutureKallsymsTables *tables)
{
	const guint8 *cursor = tables->names, *codes;

	for (guint32 i = 0; i < tables->n_symbols; i++) {
		gsize count = suture_kallsyms_tables_name(&cursor, tables->names_end, &codes);
		gchar text[NAME_MAX_BYTES];

		if (count == 0 || !expand(tables, codes, count, text, sizeof(text)) ||
		    !g_ascii_isgraph(text[0]))
			return FALSE;
		suture_kallsyms_add(kallsyms, suture_kallsyms_tables_address(tables, i), text[0], text + 1);
	}
	suture_kallsyms_finish(kallsyms);
	return TRUE;
}

SutureKallsyms *suture_kallsyms_of_memory(const SutureMemory *memory, const gchar *what, GError **error)
{
	for (guint i = 0; i < suture_memory_count(memory); i++) {
		const SutureMemoryBlock *block = suture_memory_at(memory, i);
		g_autoptr(SutureKallsyms) kallsyms = suture_kallsyms_new();
		SutureKallsymsTables tables;

		if (block->held && suture_kallsyms_tables_find(block->bytes, block->held, &tables) &&
		    decode(kallsyms, &tables))
			return g_steal_pointer(&kallsyms);
	}
	g_set_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_KALLSYMS,
		    "%s: has no table of symbols that can be read: the kernel must be built with "
		    "CONFIG_KALLSYMS",
		    what);
	return NULL;
}

SutureKallsyms *suture_kallsyms_read(GBytes *vmlinux, const gchar *what, GError **error)
{
	g_autoptr(SutureMemory) memory = suture_memory_of_vmlinux(vmlinux, what, error);

	return memory ? suture_kallsyms_of_memory(memory, what, error) : NULL;
}

guint suture_kallsyms_count(const SutureKallsyms *kallsyms)
{
	return kallsyms->symbols->len;
}

const SutureKallsym *suture_kallsyms_at(const SutureKallsyms *kallsyms, guint index)
{
	return &g_array_index(kallsyms->symbols, SutureKallsym, index);
}

gboolean suture_kallsyms_find(const SutureKallsyms *kallsyms, const gchar *name, guint *ret_first,
			      guint *ret_count)
{
	guint index = GPOINTER_TO_UINT(g_hash_table_lookup(kallsyms->groups, name));
	const Group *group;

	if (index == 0)
		return FALSE;
	group = &g_array_index(kallsyms->sizes, Group, index - 1);
	*ret_first = group->first;
	*ret_count = group->count;
	return TRUE;
}

const SutureKallsym *suture_kallsyms_named(const SutureKallsyms *kallsyms, guint entry)
{
	return suture_kallsyms_at(kallsyms, g_array_index(kallsyms->by_name, guint, entry));
}
