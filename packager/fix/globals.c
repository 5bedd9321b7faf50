// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/globals.h"

#include "packager/read/elf-file.h"

static void read_table(Elf *elf, const GElf_Shdr *header, Elf_Data *data, gboolean locals, GHashTable *names)
{
	for (gsize i = 1; i < data->d_size / sizeof(Elf64_Sym); i++) {
		const gchar *name;
		GElf_Sym symbol;

		if (!gelf_getsym(data, (int)i, &symbol))
			return;
		name = elf_strptr(elf, header->sh_link, symbol.st_name);
		if (name && *name && symbol.st_shndx != SHN_UNDEF &&
		    (locals || GELF_ST_BIND(symbol.st_info) != STB_LOCAL))
			g_hash_table_add(names, g_strdup(name));
	}
}

static GHashTable *read_names(GBytes *object, gboolean locals)
{
	GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(object);
	gsize count = 0;

	if (!elf || elf_getshdrnum(elf, &count) < 0)
		return names;
	for (gsize i = 1; i < count; i++) {
		GElf_Shdr header;
		Elf_Data *data;

		if (suture_elf_section(elf, i, &header, &data) && header.sh_type == SHT_SYMTAB)
			read_table(elf, &header, data, locals, names);
	}
	return names;
}

void suture_globals_added(GBytes *before, GBytes *after, GHashTable *names)
{
	/* A static one that becomes global is no new one. */
	g_autoptr(GHashTable) old = read_names(before, TRUE);
	g_autoptr(GHashTable) new = read_names(after, FALSE);
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, new);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		if (!g_hash_table_contains(old, name))
			g_hash_table_add(names, g_strdup(name));
}
