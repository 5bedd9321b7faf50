// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/unit.h"

#include "packager/read/elf-file.h"

#define SECTIONS_MAX 0x10000

static void section_clear(gpointer section)
{
	g_clear_pointer(&((SutureUnitSection *)section)->relocations, g_array_unref);
}

void suture_unit_free(SutureUnit *unit)
{
	g_array_unref(unit->sections);
	g_array_unref(unit->symbols);
	g_bytes_unref(unit->file);
	g_free(unit);
}

/* Whatever libelf may have of its own ends with its handle. */
static const guint8 *in_file(const SutureUnit *unit, guint64 offset, guint64 size)
{
	gsize file_size;
	const guint8 *bytes = g_bytes_get_data(unit->file, &file_size);

	return offset <= file_size && size <= file_size - offset ? bytes + offset : NULL;
}

/* A string of section @strings, which ends within the file. */
static const gchar *text_at(Elf *elf, const SutureUnit *unit, gsize strings, guint64 offset)
{
	GElf_Shdr header;

	if (!elf_strptr(elf, strings, offset) || !gelf_getshdr(elf_getscn(elf, strings), &header) ||
	    offset >= header.sh_size || header.sh_offset > G_MAXUINT64 - offset)
		return NULL;
	return (const gchar *)in_file(unit, header.sh_offset + offset, 1);
}

static gboolean read_sections(SutureUnit *unit, Elf *elf)
{
	gsize count, names;

	if (elf_getshdrnum(elf, &count) < 0 || count == 0 || count > SECTIONS_MAX ||
	    elf_getshdrstrndx(elf, &names) < 0)
		return FALSE;
	g_array_set_size(unit->sections, (guint)count);
	for (guint i = 0; i < count; i++) {
		SutureUnitSection *section = &g_array_index(unit->sections, SutureUnitSection, i);
		Elf_Scn *scn = elf_getscn(elf, i);
		GElf_Shdr header;

		section->relocations = g_array_new(FALSE, FALSE, sizeof(SutureUnitRelocation));
		if (!scn || !gelf_getshdr(scn, &header))
			return FALSE;
		section->name = i ? text_at(elf, unit, names, header.sh_name) : "";
		section->size = header.sh_size;
		section->flags = header.sh_flags;
		section->entry_size = header.sh_entsize;
		section->alignment = MAX(header.sh_addralign, 1);
		if (header.sh_type != SHT_NOBITS && header.sh_type != SHT_NULL)
			section->bytes = in_file(unit, header.sh_offset, header.sh_size);
		if (!section->name ||
		    (!section->bytes && header.sh_type != SHT_NOBITS && header.sh_type != SHT_NULL))
			return FALSE;
	}
	return TRUE;
}

static gboolean read_symbols(SutureUnit *unit, Elf *elf, gsize index)
{
	GElf_Shdr header;
	Elf_Data *data;

	if (unit->symbols->len || !suture_elf_section(elf, index, &header, &data))
		return FALSE;
	g_array_set_size(unit->symbols, (guint)(data->d_size / sizeof(Elf64_Sym)));
	for (guint i = 0; i < unit->symbols->len; i++) {
		SutureUnitSymbol *symbol = &g_array_index(unit->symbols, SutureUnitSymbol, i);
		GElf_Sym raw;

		if (!gelf_getsym(data, (int)i, &raw))
			return FALSE;
		symbol->name = text_at(elf, unit, header.sh_link, raw.st_name);
		symbol->value = raw.st_value;
		symbol->size = raw.st_size;
		symbol->section = raw.st_shndx < SHN_LORESERVE ? raw.st_shndx : G_MAXUINT;
		symbol->type = GELF_ST_TYPE(raw.st_info);
		symbol->bind = GELF_ST_BIND(raw.st_info);
		if (!symbol->name ||
		    (symbol->section != G_MAXUINT && symbol->section >= unit->sections->len) ||
		    symbol->value > G_MAXUINT64 - symbol->size)
			return FALSE;
	}
	return TRUE;
}

static gint compare_offsets(gconstpointer left, gconstpointer right)
{
	guint64 a = ((const SutureUnitRelocation *)left)->offset,
		b = ((const SutureUnitRelocation *)right)->offset;

	return a < b ? -1 : a > b;
}

static gboolean read_relocations(SutureUnit *unit, Elf *elf, gsize index)
{
	SutureUnitSection *section;
	GElf_Shdr header;
	Elf_Data *data;

	if (!suture_elf_section(elf, index, &header, &data) || header.sh_info >= unit->sections->len)
		return FALSE;
	section = &g_array_index(unit->sections, SutureUnitSection, header.sh_info);
	for (gsize i = 0; i < data->d_size / sizeof(Elf64_Rela); i++) {
		SutureUnitRelocation relocation;
		GElf_Rela rela;

		if (!gelf_getrela(data, (int)i, &rela) || GELF_R_SYM(rela.r_info) >= unit->symbols->len ||
		    rela.r_offset >= section->size)
			return FALSE;
		relocation.offset = rela.r_offset;
		relocation.addend = rela.r_addend;
		relocation.type = (guint32)GELF_R_TYPE(rela.r_info);
		relocation.symbol = (guint)GELF_R_SYM(rela.r_info);
		if (relocation.type != R_X86_64_NONE)
			g_array_append_val(section->relocations, relocation);
	}
	g_array_sort(section->relocations, compare_offsets);
	return TRUE;
}

static gboolean read_sections_of(SutureUnit *unit, Elf *elf, guint32 type,
				 gboolean (*read)(SutureUnit *unit, Elf *elf, gsize index))
{
	for (guint i = 1; i < unit->sections->len; i++) {
		GElf_Shdr header;

		if (!gelf_getshdr(elf_getscn(elf, i), &header) ||
		    (header.sh_type == type && !read(unit, elf, i)))
			return FALSE;
	}
	return TRUE;
}

static gboolean read_all(SutureUnit *unit, Elf *elf)
{
	GElf_Ehdr header;

	return elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header) &&
	       gelf_getclass(elf) == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB &&
	       header.e_type == ET_REL && header.e_machine == EM_X86_64 && read_sections(unit, elf) &&
	       read_sections_of(unit, elf, SHT_SYMTAB, read_symbols) &&
	       read_sections_of(unit, elf, SHT_RELA, read_relocations);
}

SutureUnit *suture_unit_read(GBytes *file, const gchar *what, GError **error)
{
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(file);
	g_autoptr(SutureUnit) unit = g_new0(SutureUnit, 1);

	unit->file = g_bytes_ref(file);
	unit->sections = g_array_new(FALSE, TRUE, sizeof(SutureUnitSection));
	g_array_set_clear_func(unit->sections, section_clear);
	unit->symbols = g_array_new(FALSE, TRUE, sizeof(SutureUnitSymbol));
	if (read_all(unit, elf))
		return g_steal_pointer(&unit);
	g_set_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_OBJECT,
		    "%s: is not a whole x86-64 object file: compile it again", what);
	return NULL;
}

const SutureUnitRelocation *suture_unit_relocations(const SutureUnitSection *section, guint64 offset,
						    guint *ret_left)
{
	guint low = 0, high = section->relocations->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (g_array_index(section->relocations, SutureUnitRelocation, middle).offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_left = section->relocations->len - low;
	return *ret_left ? &g_array_index(section->relocations, SutureUnitRelocation, low) : NULL;
}
