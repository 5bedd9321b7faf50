// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/relocation-place.h"

#include <string.h>

#define SITE_MAX 255 /* bytes */
#define JUMP_LABELS "__jump_table"

/*
 * Sections whose entries point at instructions that are rewritten, and how many bytes of each: what the
 * kernel's <asm/alternative.h>, <asm/jump_label.h> and <linux/static_call_types.h> say, up to 6.12. bytes 0:
 * the entry says it itself, so many bytes before its end (alternatives) or behind its start. entry: bytes of
 * an entry that begins with the instruction and goes on to refer to something else; 0: nothing else in it is
 * referred to that is not rewritten, or put in the place of what is.
 */
static const struct {
	const gchar *section;
	guint8 bytes;
	guint8 length_before_end, length_at;
	guint8 entry;
} site_sections[] = {
	{".altinstructions", 0, 2, 0, 0}, /* struct alt_instr: 12 bytes in 6.1, 14 from 6.3 on */
	{".parainstructions", 0, 0, 9, 0},  {".retpoline_sites", 6, 0, 0, 0}, /* a prefix and a call, or a
										 conditional jump */
	{".return_sites", 5, 0, 0, 0},      {".call_sites", 5, 0, 0, 0},      {".cfi_sites", 16, 0, 0, 0},
	{".ibt_endbr_seal", 4, 0, 0, 0},    {".smp_locks", 1, 0, 0, 0},       {"__mcount_loc", 5, 0, 0, 0},
	{JUMP_LABELS, 5, 0, 0, 16},         /* then where it may jump to, and the key */
	{".static_call_sites", 6, 0, 0, 8}, /* then the key */
};

/* Read before any relocation is applied, or not part of what is loaded for the module. */
static const gchar *const read_first[] = {
	".gnu.linkonce.this_module", ".modinfo", "__versions", "__version_ext", ".suture.relocs",
};
static const gchar *const read_first_prefixes[] = {"__ksymtab", "__kcrctab", ".klp.", ".note"};

/* Data that nobody reads but the module's own code. */
static const gchar *const plain_data[] = {".data", ".rodata", ".bss", ".ref.data", ".exit.data"};

typedef struct {
	gsize section;
	guint64 start, end;
	const gchar *by; /* static: the section that names it */
} Site;

struct _SuturePatchSites {
	Elf *elf;
	GArray *sites; /* Site, sorted by section and start */
};

void suture_patch_sites_free(SuturePatchSites *sites)
{
	g_array_unref(sites->sites);
	g_free(sites);
}

static gint compare_sites(gconstpointer a, gconstpointer b)
{
	const Site *left = a, *right = b;

	if (left->section != right->section)
		return left->section < right->section ? -1 : 1;
	return left->start < right->start ? -1 : left->start > right->start;
}

static guint64 target_of(const GElf_Rela *relocation, const GElf_Sym *symbol)
{
	return symbol->st_value + (guint64)relocation->r_addend;
}

/* Every entry has the same number of relocations, so that their number tells the size of one. */
static guint8 alternative_length(const Elf_Data *table, gsize n_relocations, guint64 offset)
{
	gsize entries = n_relocations / 2, bytes = entries ? table->d_size / entries : 0;
	guint64 at = bytes ? offset / bytes * bytes + bytes : 0;

	if (bytes < 3 || at > table->d_size || !table->d_buf)
		return SITE_MAX;
	return ((const guint8 *)table->d_buf)[at - 2];
}

static guint8 paravirt_length(const Elf_Data *table, guint64 offset)
{
	if (!suture_elf_holds(table, offset, 10))
		return SITE_MAX;
	return ((const guint8 *)table->d_buf)[offset + 9];
}

static guint8 length_of(gsize kind, const Elf_Data *table, gsize n_relocations, guint64 offset)
{
	if (site_sections[kind].bytes)
		return site_sections[kind].bytes;
	return site_sections[kind].length_before_end ? alternative_length(table, n_relocations, offset)
						     : paravirt_length(table, offset);
}

static gboolean names_instruction(gsize kind, guint64 offset)
{
	return !site_sections[kind].entry || offset % site_sections[kind].entry == 0;
}

/* A jump label's instruction is rewritten in the length that it has: a short jump or its nop, else five
 * bytes. */
static gboolean is_short_jump(Elf *elf, const Site *site)
{
	static const guint8 nop[] = {0x66, 0x90};
	GElf_Shdr header;
	Elf_Data *data;
	const guint8 *bytes;

	if (!suture_elf_section(elf, site->section, &header, &data) ||
	    !suture_elf_holds(data, site->start, sizeof(nop)))
		return FALSE;
	bytes = (const guint8 *)data->d_buf + site->start;
	return bytes[0] == 0xeb || memcmp(bytes, nop, sizeof(nop)) == 0;
}

static gboolean add_sites(SuturePatchSites *sites, gsize kind, const GElf_Shdr *header, Elf_Data *data)
{
	gsize count = data->d_size / sizeof(Elf64_Rela);
	GElf_Shdr symbols_header, table_header;
	Elf_Data *symbols, *table;

	if (!suture_elf_section(sites->elf, header->sh_link, &symbols_header, &symbols) ||
	    symbols_header.sh_type != SHT_SYMTAB ||
	    !suture_elf_section(sites->elf, header->sh_info, &table_header, &table))
		return FALSE;
	for (gsize i = 0; i < count; i++) {
		GElf_Rela relocation;
		GElf_Sym symbol;
		Site site;

		if (!gelf_getrela(data, (int)i, &relocation) ||
		    !gelf_getsym(symbols, (int)GELF_R_SYM(relocation.r_info), &symbol))
			return FALSE;
		if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE ||
		    !names_instruction(kind, relocation.r_offset))
			continue;
		site.section = symbol.st_shndx;
		site.start = target_of(&relocation, &symbol);
		site.end = site.start + length_of(kind, table, count, relocation.r_offset);
		site.by = site_sections[kind].section;
		if (strcmp(site.by, JUMP_LABELS) == 0 && is_short_jump(sites->elf, &site))
			site.end = site.start + 2;
		if (site.end > site.start)
			g_array_append_val(sites->sites, site);
	}
	return TRUE;
}

SuturePatchSites *suture_patch_sites_read(Elf *elf)
{
	g_autoptr(SuturePatchSites) sites = g_new0(SuturePatchSites, 1);
	gsize count;

	sites->elf = elf;
	sites->sites = g_array_new(FALSE, FALSE, sizeof(Site));
	if (elf_getshdrnum(elf, &count) < 0)
		return NULL;
	for (gsize i = 1; i < count; i++) {
		const gchar *name;
		GElf_Shdr header;
		Elf_Data *data;

		if (!suture_elf_section(elf, i, &header, &data))
			return NULL;
		if (header.sh_type != SHT_RELA)
			continue;
		name = suture_elf_section_name(elf, header.sh_info);
		for (gsize kind = 0; kind < G_N_ELEMENTS(site_sections); kind++)
			if (strcmp(name, site_sections[kind].section) == 0 &&
			    !add_sites(sites, kind, &header, data))
				return NULL;
	}
	g_array_sort(sites->sites, compare_sites);
	return g_steal_pointer(&sites);
}

/* The section that names an instruction which @entry would write to, or NULL. */
static const gchar *find_site(const SuturePatchSites *sites, const SutureRelocation *entry)
{
	guint low = 0, high = sites->sites->len;
	guint64 end = entry->offset + entry->size;

	/* The first that begins behind the place. */
	while (low < high) {
		guint middle = low + (high - low) / 2;
		const Site *site = &g_array_index(sites->sites, Site, middle);

		if (site->section < entry->section || (site->section == entry->section && site->start < end))
			low = middle + 1;
		else
			high = middle;
	}
	for (; low > 0; low--) {
		const Site *site = &g_array_index(sites->sites, Site, low - 1);

		if (site->section != entry->section || site->start + SITE_MAX <= entry->offset)
			return NULL;
		if (site->end > entry->offset)
			return site->by;
	}
	return NULL;
}

static gboolean has_prefix(const gchar *name, const gchar *const *prefixes, gsize count)
{
	for (gsize i = 0; i < count; i++)
		if (g_str_has_prefix(name, prefixes[i]))
			return TRUE;
	return FALSE;
}

static gboolean is_read_first(const gchar *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(read_first); i++)
		if (strcmp(name, read_first[i]) == 0)
			return TRUE;
	return has_prefix(name, read_first_prefixes, G_N_ELEMENTS(read_first_prefixes));
}

/* Text and data that only the module's own code uses, and that stay. What no kernel is known to read may be
 * read by the next, so that this is a list of what is known to be plain. */
static gboolean is_plain(const gchar *name, guint64 flags)
{
	if (g_str_has_prefix(name, ".init") || g_str_has_prefix(name, ".altinstr") ||
	    g_str_has_prefix(name, ".static_call") || g_str_has_prefix(name, ".data..percpu"))
		return FALSE;
	return (flags & SHF_EXECINSTR) || has_prefix(name, plain_data, G_N_ELEMENTS(plain_data));
}

static gboolean refuse(const SutureRelocation *entry, const gchar *section, const gchar *what,
		       const gchar *problem, GError **error)
{
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_RELOCATION_PLACE,
		    "%s: the relocation to symbol %s of %s at %s+0x%" G_GINT64_MODIFIER
		    "x comes too late: %s",
		    what, entry->symbol, entry->object, section, entry->offset, problem);
	return FALSE;
}

gboolean suture_relocation_check_place(const SuturePatchSites *sites, const SutureRelocation *entry,
				       gboolean by_loader, const gchar *what, GError **error)
{
	const gchar *name = suture_elf_section_name(sites->elf, entry->section), *site;
	Elf_Scn *section = elf_getscn(sites->elf, entry->section);
	g_autofree gchar *problem = NULL;
	GElf_Shdr header;

	if (!section || !gelf_getshdr(section, &header) || is_read_first(name))
		return refuse(entry, name, what, "the kernel reads that section before any relocation",
			      error);
	if (by_loader)
		return TRUE;
	if (!is_plain(name, header.sh_flags))
		return refuse(entry, name, what,
			      "the kernel reads that section at load, or drops it, before the framework "
			      "writes to it; let ordinary text or data have the reference",
			      error);
	site = find_site(sites, entry);
	if (!site)
		return TRUE;
	problem = g_strdup_printf("the kernel rewrites that instruction at load, as %s asks for; let another "
				  "instruction have the reference",
				  site);
	return refuse(entry, name, what, problem, error);
}
