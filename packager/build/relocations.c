// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/relocations.h"

#include "packager/build/relocation-place.h"
#include "packager/elf/elf-edit.h"

#include <string.h>

/* <linux/elf.h> */
#define SHF_RELA_LIVEPATCH 0x00100000
#define SHN_LIVEPATCH 0xff20

typedef struct {
	const SutureRelocationMeans *means;
	const gchar *what;
	Elf *elf;
	SutureRelocationTable *table;
} Work;

static gboolean is_early(const Work *work, const SutureRelocation *entry)
{
	return work->means->loader && strcmp(entry->object, "vmlinux") == 0;
}

/* In sections .klp.rela: the loader's, or the kernel's own livepatch's once the object is there. */
static gboolean by_kernel(const Work *work, const SutureRelocation *entry)
{
	return is_early(work, entry) || (work->means->loader && !work->means->framework);
}

static gboolean refuse_table(const Work *work, const SutureRelocation *entry, const gchar *problem,
			     GError **error)
{
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_RELOCATION_TABLE,
		    "%s: the relocation to symbol %s of %s: %s", work->what, entry->symbol, entry->object,
		    problem);
	return FALSE;
}

static gint compare_entries(gconstpointer left, gconstpointer right)
{
	const SutureRelocation *a = *(SutureRelocation *const *)left, *b = *(SutureRelocation *const *)right;

	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Two that write to the same bytes would leave the one that happens to be applied last. */
static gboolean check_overlaps(const Work *work, GError **error)
{
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();

	for (guint i = 0; i < work->table->entries->len; i++)
		g_ptr_array_add(sorted, work->table->entries->pdata[i]);
	g_ptr_array_sort(sorted, compare_entries);
	for (guint i = 1; i < sorted->len; i++) {
		const SutureRelocation *one = sorted->pdata[i - 1], *two = sorted->pdata[i];

		if (one->section == two->section && two->offset - one->offset < one->size)
			return refuse_table(work, two, "another entry writes to the same place", error);
	}
	return TRUE;
}

static gboolean check_entries(const Work *work, GError **error)
{
	g_autoptr(SuturePatchSites) sites = suture_patch_sites_read(work->elf);

	if (!sites) {
		g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_RELOCATION_TABLE,
			    "%s: its relocations cannot be read: build the module again", work->what);
		return FALSE;
	}
	for (guint i = 0; i < work->table->entries->len; i++) {
		const SutureRelocation *entry = work->table->entries->pdata[i];

		if (!work->means->framework && !by_kernel(work, entry)) {
			g_set_error(
				error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_RELOCATION_UNAPPLIED,
				"%s: nobody would apply the relocation to symbol %s of %s: the kernel has no "
				"CONFIG_LIVEPATCH; build for provider framework",
				work->what, entry->symbol, entry->object);
			return FALSE;
		}
		if (!suture_relocation_check_place(sites, entry, is_early(work, entry), work->what, error))
			return FALSE;
	}
	return check_overlaps(work, error);
}

/* A new section: for one object, and one section that is written to. */
typedef struct {
	gchar *name;
	gsize section;
	GByteArray *bytes; /* taken by the edit in the end */
} Rela;

static void rela_free(gpointer data)
{
	Rela *rela = data;

	g_free(rela->name);
	g_byte_array_unref(rela->bytes);
	g_free(rela);
}

/* The new sections, and the symbols, one for each name. */
typedef struct {
	SutureElfEdit *edit;
	gsize symtab;
	GHashTable *symbols; /* gchar* name -> index + 1 */
	GPtrArray *relas;    /* Rela*, in the order of the table */
} Conversion;

static void conversion_clear(Conversion *conversion)
{
	g_clear_pointer(&conversion->edit, suture_elf_edit_free);
	g_clear_pointer(&conversion->symbols, g_hash_table_unref);
	g_clear_pointer(&conversion->relas, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Conversion, conversion_clear)

static gboolean conversion_init(Conversion *conversion, const Work *work, GError **error)
{
	gsize count = 0;

	conversion->symbols = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	conversion->relas = g_ptr_array_new_with_free_func(rela_free);
	conversion->edit = suture_elf_edit_new(work->elf);
	elf_getshdrnum(work->elf, &count);
	for (gsize i = 1; conversion->edit && i < count; i++) {
		const GElf_Shdr *header = suture_elf_edit_header(conversion->edit, i);

		if (header->sh_type != SHT_SYMTAB)
			continue;
		conversion->symtab = i;
		if (header->sh_link > 0 && header->sh_link < count &&
		    suture_elf_edit_bytes(conversion->edit, header->sh_link))
			return TRUE;
	}
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_RELOCATION_TABLE,
		    "%s: sections cannot be added to it: build the module again", work->what);
	return FALSE;
}

/* Global symbols come last in the table, so that no index changes. */
static guint32 symbol_index(Conversion *conversion, const SutureRelocation *entry)
{
	GByteArray *symtab = suture_elf_edit_bytes(conversion->edit, conversion->symtab);
	gsize strtab = suture_elf_edit_header(conversion->edit, conversion->symtab)->sh_link;
	g_autofree gchar *name = g_strdup_printf(".klp.sym.%s.%s,%" G_GUINT64_FORMAT, entry->object,
						 entry->symbol, entry->sympos);
	guint32 index = GPOINTER_TO_UINT(g_hash_table_lookup(conversion->symbols, name));
	Elf64_Sym symbol = {.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE), .st_shndx = SHN_LIVEPATCH};

	if (index)
		return index;
	index = symtab->len / sizeof(Elf64_Sym);
	symbol.st_name = suture_elf_edit_add_text(conversion->edit, strtab, name);
	g_byte_array_append(symtab, (const guint8 *)&symbol, sizeof(symbol));
	g_hash_table_insert(conversion->symbols, g_steal_pointer(&name), GUINT_TO_POINTER(index));
	return index;
}

static gsize bytes_of(guint64 info)
{
	switch (ELF64_R_TYPE(info)) {
	case R_X86_64_NONE:
		return 0;
	case R_X86_64_64:
	case R_X86_64_PC64:
		return 8;
	default:
		return 4;
	}
}

/*
 * Takes away what the compiler put at the place, such as the jump of an import to the function that reports
 * it missing: the loader refuses to relocate what is not zero. One that only overlaps is an error.
 */
static gboolean clear_place(Conversion *conversion, const SutureRelocation *entry, gsize n_sections)
{
	for (gsize i = 1; i < n_sections; i++) {
		const GElf_Shdr *header = suture_elf_edit_header(conversion->edit, i);
		GByteArray *bytes = suture_elf_edit_bytes(conversion->edit, i);

		if (header->sh_type != SHT_RELA || header->sh_info != entry->section || !bytes)
			continue;
		for (gsize at = 0; at + sizeof(Elf64_Rela) <= bytes->len; at += sizeof(Elf64_Rela)) {
			Elf64_Rela rela;

			memcpy(&rela, bytes->data + at, sizeof(rela));
			if (rela.r_offset >= entry->offset + entry->size ||
			    entry->offset >= rela.r_offset + bytes_of(rela.r_info) || !bytes_of(rela.r_info))
				continue;
			if (rela.r_offset != entry->offset || bytes_of(rela.r_info) != entry->size)
				return FALSE;
			rela = (Elf64_Rela){.r_offset = rela.r_offset};
			memcpy(bytes->data + at, &rela, sizeof(rela));
		}
	}
	return TRUE;
}

static gboolean is_zero(Conversion *conversion, const SutureRelocation *entry)
{
	const GByteArray *bytes = suture_elf_edit_bytes(conversion->edit, entry->section);

	for (gsize i = 0; bytes && i < entry->size; i++)
		if (bytes->data[entry->offset + i])
			return FALSE;
	return TRUE;
}

static Rela *rela_for(Conversion *conversion, const Work *work, const SutureRelocation *entry)
{
	g_autofree gchar *name = g_strdup_printf(".klp.rela.%s.%s", entry->object,
						 suture_elf_section_name(work->elf, entry->section));
	Rela *rela;

	for (guint i = 0; i < conversion->relas->len; i++) {
		rela = conversion->relas->pdata[i];
		if (rela->section == entry->section && strcmp(rela->name, name) == 0)
			return rela;
	}
	rela = g_new0(Rela, 1);
	*rela = (Rela){g_steal_pointer(&name), entry->section, g_byte_array_new()};
	g_ptr_array_add(conversion->relas, rela);
	return rela;
}

static void add_rela(Conversion *conversion, const Work *work, const SutureRelocation *entry)
{
	const Elf64_Rela rela = {
		.r_offset = entry->offset,
		.r_info = ELF64_R_INFO(symbol_index(conversion, entry), entry->type),
		.r_addend = entry->addend,
	};

	g_byte_array_append(rela_for(conversion, work, entry)->bytes, (const guint8 *)&rela, sizeof(rela));
}

static gboolean convert(Conversion *conversion, const Work *work, const SutureRelocation *entry,
			gsize n_sections, GError **error)
{
	GByteArray *table = suture_elf_edit_bytes(conversion->edit, work->table->section);

	if (!clear_place(conversion, entry, n_sections))
		return refuse_table(work, entry, "another relocation overlaps its place", error);
	if (!is_zero(conversion, entry))
		return refuse_table(work, entry, "its place is not zero", error);
	add_rela(conversion, work, entry);
	memset(table->data + entry->at + SUTURE_RELOCATION_TYPE_OFFSET, 0, sizeof(guint64));
	return TRUE;
}

static void add_sections(Conversion *conversion)
{
	for (guint i = 0; i < conversion->relas->len; i++) {
		const Rela *rela = conversion->relas->pdata[i];
		const GElf_Shdr header = {
			.sh_type = SHT_RELA,
			.sh_flags = SHF_ALLOC | SHF_INFO_LINK | SHF_RELA_LIVEPATCH,
			.sh_link = (Elf64_Word)conversion->symtab,
			.sh_info = (Elf64_Word)rela->section,
			.sh_addralign = 8,
			.sh_entsize = sizeof(Elf64_Rela),
		};

		suture_elf_edit_add(conversion->edit, rela->name, &header, g_byte_array_ref(rela->bytes));
	}
}

static GBytes *convert_all(const Work *work, GError **error)
{
	g_auto(Conversion) conversion = {0};
	gsize n_sections = 0;

	if (!conversion_init(&conversion, work, error))
		return NULL;
	elf_getshdrnum(work->elf, &n_sections);
	for (guint i = 0; i < work->table->entries->len; i++) {
		const SutureRelocation *entry = work->table->entries->pdata[i];

		if (by_kernel(work, entry) && !convert(&conversion, work, entry, n_sections, error))
			return NULL;
	}
	add_sections(&conversion);
	return suture_elf_edit_write(conversion.edit);
}

static gboolean any_by_kernel(const Work *work)
{
	for (guint i = 0; i < work->table->entries->len; i++)
		if (by_kernel(work, work->table->entries->pdata[i]))
			return TRUE;
	return FALSE;
}

GBytes *suture_relocations_settle(GBytes *module, const SutureRelocationMeans *means, const gchar *what,
				  GError **error)
{
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(module);
	g_autoptr(SutureRelocationTable) table = NULL;
	Work work = {means, what, elf, NULL};

	if (!elf || elf_kind(elf) != ELF_K_ELF || gelf_getclass(elf) != ELFCLASS64) {
		g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_RELOCATION_TABLE,
			    "%s: is not an ELF file of 64 bits", what);
		return NULL;
	}
	table = suture_relocation_table_read(elf, what, error);
	work.table = table;
	if (!table || !check_entries(&work, error))
		return NULL;
	return any_by_kernel(&work) ? convert_all(&work, error) : g_bytes_ref(module);
}

gboolean suture_relocations_check(GBytes *module, gboolean framework, const gchar *what, GError **error)
{
	const SutureRelocationMeans means = {.framework = framework};
	g_autoptr(GBytes) same = suture_relocations_settle(module, &means, what, error);

	return same != NULL;
}
