// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/object.h"

#include <string.h>

#define ALIGNMENT_MAX 65536
#define SECTIONS_MAX 30000 /* so that the extracted object, with relocations, numbers them as usual */

static void section_free(SutureSection *section)
{
	if (!section)
		return;
	g_array_unref(section->links);
	g_ptr_array_unref(section->atoms);
	g_free(section);
}

static void atom_free(SutureAtom *atom)
{
	g_clear_pointer(&atom->entries, g_ptr_array_unref);
	g_clear_pointer(&atom->reasons, g_ptr_array_unref);
	g_free(atom->sentence);
	g_free(atom);
}

void suture_object_free(SutureObject *object)
{
	g_clear_pointer(&object->atoms, g_ptr_array_unref);
	g_clear_pointer(&object->symbols, g_ptr_array_unref);
	g_clear_pointer(&object->sections, g_ptr_array_unref);
	suture_elf_clear(&object->elf);
	g_bytes_unref(object->bytes);
	g_free(object);
}

static gboolean malformed(const SutureObject *object, const gchar *problem, GError **error)
{
	g_set_error(error, SUTURE_DIFF_ERROR, SUTURE_DIFF_ERROR_MALFORMED,
		    "%s: is not an object file that can be compared: %s: compile it again", object->what,
		    problem);
	return FALSE;
}

static gboolean check_header(const SutureObject *object, GError **error)
{
	GElf_Ehdr header;
	gsize count;

	if (!object->elf || elf_kind(object->elf) != ELF_K_ELF || gelf_getclass(object->elf) != ELFCLASS64 ||
	    !gelf_getehdr(object->elf, &header))
		return malformed(object, "it is no ELF file of 64 bits", error);
	if (header.e_type != ET_REL || header.e_machine != EM_X86_64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB)
		return malformed(object, "it is no relocatable file for x86-64", error);
	if (elf_getshdrnum(object->elf, &count) < 0 || count < 2 || count > SECTIONS_MAX)
		return malformed(object, "it has no sections, or too many", error);
	return TRUE;
}

static gboolean read_section(SutureObject *object, gsize index, GError **error)
{
	SutureSection *section = g_new0(SutureSection, 1);
	Elf_Data *data;
	gsize names;

	section->object = object;
	section->index = (guint)index;
	section->links = g_array_new(FALSE, TRUE, sizeof(SutureLink));
	section->atoms = g_ptr_array_new();
	g_ptr_array_add(object->sections, section);
	if (elf_getshdrstrndx(object->elf, &names) < 0 ||
	    !suture_elf_section(object->elf, index, &section->header, &data))
		return malformed(object, "a section lies outside of it", error);
	section->name = elf_strptr(object->elf, names, section->header.sh_name);
	if (!section->name || !g_utf8_validate(section->name, -1, NULL) ||
	    section->header.sh_addralign > ALIGNMENT_MAX || section->header.sh_size > G_MAXUINT32)
		return malformed(object, "a section without a name, or too large", error);
	section->rule = suture_section_rule(section->name, &section->header);
	section->linked_to = section->header.sh_flags & SHF_LINK_ORDER ? section->header.sh_link : 0;
	if (section->header.sh_type == SHT_NOBITS || section->header.sh_size == 0)
		return TRUE;
	if (data->d_size != section->header.sh_size)
		return malformed(object, "a section is cut short", error);
	section->bytes = data->d_buf;
	return TRUE;
}

static SutureSection *section_at(const SutureObject *object, gsize index)
{
	return index < object->sections->len ? object->sections->pdata[index] : NULL;
}

static gboolean read_symbol(SutureObject *object, const SutureSection *table, Elf_Data *data, int index,
			    GError **error)
{
	SutureSymbol *symbol = g_new0(SutureSymbol, 1);
	GElf_Sym from;

	g_ptr_array_add(object->symbols, symbol);
	if (!gelf_getsym(data, index, &from))
		return malformed(object, "its symbols are cut short", error);
	symbol->name = elf_strptr(object->elf, table->header.sh_link, from.st_name);
	symbol->value = from.st_value;
	symbol->size = from.st_size;
	symbol->type = GELF_ST_TYPE(from.st_info);
	symbol->bind = GELF_ST_BIND(from.st_info);
	symbol->undefined = from.st_shndx == SHN_UNDEF;
	if (!symbol->name || !g_utf8_validate(symbol->name, -1, NULL))
		return malformed(object, "a symbol has no name, or one that is no text", error);
	if (symbol->undefined || from.st_shndx >= SHN_LORESERVE)
		return from.st_shndx == SHN_XINDEX || from.st_shndx == SHN_COMMON
			       ? malformed(object, "symbols of a kind that the kernel does not use", error)
			       : TRUE;
	symbol->section = section_at(object, from.st_shndx);
	if (!symbol->section || symbol->value > symbol->section->header.sh_size ||
	    symbol->size > symbol->section->header.sh_size - symbol->value)
		return malformed(object, "a symbol lies outside of its section", error);
	return TRUE;
}

static gboolean read_symbols(SutureObject *object, GError **error)
{
	for (guint i = 1; i < object->sections->len; i++) {
		SutureSection *section = object->sections->pdata[i];
		GElf_Shdr header;
		Elf_Data *data;

		if (section->header.sh_type != SHT_SYMTAB)
			continue;
		if (object->symbols->len)
			return malformed(object, "it has two symbol tables", error);
		if (!suture_elf_section(object->elf, i, &header, &data))
			return malformed(object, "its symbols cannot be read", error);
		for (gsize k = 0; k < data->d_size / sizeof(Elf64_Sym); k++)
			if (!read_symbol(object, section, data, (int)k, error))
				return FALSE;
	}
	return object->symbols->len > 0 || malformed(object, "it has no symbols", error);
}

static gboolean read_link(SutureObject *object, SutureSection *section, Elf_Data *data, int index,
			  GError **error)
{
	SutureLink link = {0};
	GElf_Rela from;

	if (!gelf_getrela(data, index, &from) || GELF_R_SYM(from.r_info) >= object->symbols->len)
		return malformed(object, "a relocation names no symbol", error);
	link.offset = from.r_offset;
	link.type = (guint32)GELF_R_TYPE(from.r_info);
	link.addend = from.r_addend;
	link.symbol = object->symbols->pdata[GELF_R_SYM(from.r_info)];
	link.size = suture_elf_relocation_bytes(link.type);
	if (link.type == R_X86_64_NONE)
		return TRUE;
	if (!section->bytes || link.offset >= section->header.sh_size ||
	    link.size > section->header.sh_size - link.offset)
		return malformed(object, "a relocation lies outside of its section", error);
	/* So that sums of it with offsets cannot wrap. */
	if (link.addend > G_MAXINT32 * G_GINT64_CONSTANT(4) ||
	    link.addend < -G_MAXINT32 * G_GINT64_CONSTANT(4))
		return malformed(object, "a relocation leads nowhere", error);
	g_array_append_val(section->links, link);
	return TRUE;
}

static gint compare_links(gconstpointer left, gconstpointer right)
{
	const SutureLink *a = left, *b = right;

	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static gboolean read_links(SutureObject *object, const SutureSection *relocations, GError **error)
{
	SutureSection *section = section_at(object, relocations->header.sh_info);
	GElf_Shdr header;
	Elf_Data *data;

	if (!section || !suture_elf_section(object->elf, relocations->index, &header, &data))
		return malformed(object, "relocations are for no section", error);
	if (section->rule->kind == SUTURE_SECTION_HARMLESS || section->rule->kind == SUTURE_SECTION_FILE)
		return TRUE;
	for (gsize i = 0; i < data->d_size / sizeof(Elf64_Rela); i++)
		if (!read_link(object, section, data, (int)i, error))
			return FALSE;
	g_array_sort(section->links, compare_links);
	for (guint i = 1; i < section->links->len; i++) {
		const SutureLink *one = &g_array_index(section->links, SutureLink, i - 1);

		if (g_array_index(section->links, SutureLink, i).offset - one->offset < MAX(one->size, 1))
			return malformed(object, "two relocations fill the same place", error);
	}
	return TRUE;
}

static gboolean read_all(SutureObject *object, GError **error)
{
	gsize count = 0;

	if (!check_header(object, error))
		return FALSE;
	elf_getshdrnum(object->elf, &count);
	g_ptr_array_add(object->sections, NULL);
	for (gsize i = 1; i < count; i++)
		if (!read_section(object, i, error))
			return FALSE;
	if (!read_symbols(object, error))
		return FALSE;
	for (guint i = 1; i < object->sections->len; i++) {
		const SutureSection *section = object->sections->pdata[i];

		if (section->header.sh_type == SHT_REL)
			return malformed(object, "it has relocations without addends", error);
		if (section->header.sh_type == SHT_RELA && !read_links(object, section, error))
			return FALSE;
	}
	return TRUE;
}

SutureObject *suture_object_read(GBytes *bytes, const gchar *what, GError **error)
{
	g_autoptr(SutureObject) object = g_new0(SutureObject, 1);

	object->bytes = g_bytes_ref(bytes);
	object->elf = suture_elf_from_memory(bytes);
	object->what = what;
	object->sections = g_ptr_array_new_with_free_func((GDestroyNotify)section_free);
	object->symbols = g_ptr_array_new_with_free_func(g_free);
	object->atoms = g_ptr_array_new_with_free_func((GDestroyNotify)atom_free);
	if (!read_all(object, error))
		return NULL;
	suture_object_divide(object);
	return g_steal_pointer(&object);
}

SutureLink *suture_atom_link(const SutureAtom *atom, guint index)
{
	return &g_array_index(atom->section->links, SutureLink, atom->first_link + index);
}

const guint8 *suture_atom_bytes(const SutureAtom *atom)
{
	return atom->section->bytes ? atom->section->bytes + atom->start : NULL;
}

gchar *suture_atom_name(const SutureAtom *atom)
{
	if (atom->symbol)
		return g_strdup(atom->symbol->name);
	return g_strdup_printf("%s+0x%" G_GINT64_MODIFIER "x", atom->section->name, atom->start);
}

gboolean suture_atom_is_local(const SutureAtom *atom)
{
	return !atom->symbol || atom->symbol->bind == STB_LOCAL;
}

gboolean suture_atom_is_writable(const SutureAtom *atom)
{
	/* Written at boot, and by the linker's relocations, but not by the kernel. */
	if (g_str_has_prefix(atom->section->name, ".data.rel.ro"))
		return FALSE;
	return (atom->section->header.sh_flags & SHF_WRITE) != 0;
}

gboolean suture_atom_is_anonymous(const SutureAtom *atom)
{
	if (atom->kind == SUTURE_ATOM_STRING || atom->kind == SUTURE_ATOM_CONSTANT ||
	    atom->kind == SUTURE_ATOM_CODE)
		return TRUE;
	return atom->kind == SUTURE_ATOM_DATA &&
	       (atom->own || (!atom->symbol && !suture_atom_is_writable(atom)));
}
