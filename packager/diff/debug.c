// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/debug.h"

#include "packager/read/elf-file.h"

#include <dwarf.h>
#include <string.h>

#define SECTION_SHIFT 32

void suture_debug_clear(SutureDebug *debug)
{
	if (debug->dwarf)
		dwarf_end(debug->dwarf);
	suture_elf_clear(&debug->elf);
	g_clear_pointer(&debug->bytes, g_free);
}

const gchar *suture_debug_name(Dwarf_Die *die)
{
	Dwarf_Attribute found;

	return dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &found));
}

/* Registers and places on the stack are no variables of the object. */
gboolean suture_debug_address(Dwarf_Die *die, guint64 *ret)
{
	Dwarf_Attribute location;
	Dwarf_Op *operations;
	size_t count;

	if (!dwarf_attr(die, DW_AT_location, &location) ||
	    dwarf_getlocation(&location, &operations, &count) != 0 || count == 0 ||
	    operations[0].atom != DW_OP_addr)
		return FALSE;
	*ret = operations[0].number;
	return TRUE;
}

guint64 suture_debug_section(guint64 address)
{
	return address >> SECTION_SHIFT;
}

guint64 suture_debug_offset(guint64 address)
{
	return address & ((1ULL << SECTION_SHIFT) - 1);
}

/* All sections of an object start at 0: the number of the section makes an address of 64 bits tell which. */
static guint64 place_of(const GElf_Sym *symbol, gsize width)
{
	guint64 section = symbol->st_shndx < SHN_LORESERVE ? symbol->st_shndx : 0;

	return symbol->st_value + (width == 8 ? section << SECTION_SHIFT : 0);
}

static void fill_section(guint8 *bytes, gsize size, const GElf_Shdr *target, Elf_Data *relocations,
			 Elf_Data *symbols)
{
	for (gsize i = 0; i < relocations->d_size / sizeof(Elf64_Rela); i++) {
		GElf_Rela rela;
		GElf_Sym symbol;
		guint64 value;
		gsize width;

		if (!gelf_getrela(relocations, (int)i, &rela) ||
		    !gelf_getsym(symbols, (int)GELF_R_SYM(rela.r_info), &symbol))
			return;
		width = GELF_R_TYPE(rela.r_info) == R_X86_64_64 ? 8 : 4;
		if (target->sh_offset > size || target->sh_size > size - target->sh_offset ||
		    rela.r_offset > target->sh_size || width > target->sh_size - rela.r_offset ||
		    (width == 4 && GELF_R_TYPE(rela.r_info) != R_X86_64_32))
			continue;
		value = place_of(&symbol, width) + (guint64)rela.r_addend;
		memcpy(bytes + target->sh_offset + rela.r_offset, &value, width);
	}
}

static void fill_links(SutureDebug *debug, Elf *elf, gsize size)
{
	gsize count = 0, names = 0;

	elf_getshdrnum(elf, &count);
	elf_getshdrstrndx(elf, &names);
	for (gsize i = 1; i < count; i++) {
		GElf_Shdr header, target, table;
		Elf_Data *data, *filled, *symbols;
		const gchar *name;

		if (!suture_elf_section(elf, i, &header, &data) || header.sh_type != SHT_RELA ||
		    !suture_elf_section(elf, header.sh_info, &target, &filled) ||
		    !suture_elf_section(elf, header.sh_link, &table, &symbols) ||
		    table.sh_type != SHT_SYMTAB || (target.sh_flags & SHF_COMPRESSED) ||
		    target.sh_type == SHT_NOBITS)
			continue;
		name = elf_strptr(elf, names, target.sh_name);
		if (name && g_str_has_prefix(name, ".debug_"))
			fill_section(debug->bytes, size, &target, data, symbols);
	}
}

gboolean suture_debug_read(SutureDebug *debug, GBytes *object)
{
	gsize size;
	gconstpointer data = g_bytes_get_data(object, &size);
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(object);

	if (!elf)
		return FALSE;
	debug->bytes = g_memdup2(data, size);
	fill_links(debug, elf, size);
	debug->elf = elf_memory((char *)debug->bytes, size);
	debug->dwarf = debug->elf ? dwarf_begin_elf(debug->elf, DWARF_C_READ, NULL) : NULL;
	return suture_debug_is_known(debug);
}

gboolean suture_debug_is_known(const SutureDebug *debug)
{
	return debug->dwarf != NULL;
}

void suture_debug_each(SutureDebug *debug, void (*visit)(gpointer, Dwarf_Die *), gpointer data)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die top, child;

	while (debug->dwarf && dwarf_get_units(debug->dwarf, unit, &unit, NULL, NULL, &top, NULL) == 0) {
		if (dwarf_child(&top, &child) != 0)
			continue;
		do
			visit(data, &child);
		while (dwarf_siblingof(&child, &child) == 0);
	}
}
