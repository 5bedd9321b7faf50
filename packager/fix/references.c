// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/references.h"

#include "packager/elf/elf-edit.h"

#include <string.h>

/* struct suture_reloc of framework/include/suture/reloc.h */
enum { ENTRY_BYTES = 48, PLACE = 0, TYPE = 8, ADDEND = 16, OBJECT = 24, SYMBOL = 32, SYMPOS = 40 };
#define TABLE ".suture.relocs"
#define STRINGS ".rodata.suture"
#define ENTRY_PREFIX "__suture_reloc_"
#define GONE G_MAXUINT32
#define CALL_SITES ".call_sites"
#define CALL_SITE_BYTES 4
#define CALL_OPCODE_BYTES 1

SutureReference *suture_reference_new(const gchar *elf_name, const gchar *object, const gchar *symbol,
				      guint64 sympos)
{
	SutureReference *reference = g_new0(SutureReference, 1);

	*reference = (SutureReference){g_strdup(elf_name), g_strdup(object), g_strdup(symbol), sympos};
	return reference;
}

void suture_reference_free(SutureReference *reference)
{
	g_free(reference->elf_name);
	g_free(reference->object);
	g_free(reference->symbol);
	g_free(reference);
}

/* One relocation on its way into the table. */
typedef struct {
	gsize section; /* that it writes to */
	Elf64_Rela rela;
	const SutureReference *reference;
} Entry;

typedef struct {
	Elf *elf;
	SutureElfEdit *edit;
	gsize n_sections, symtab, strtab;
	GArray *symbols;     /* Elf64_Sym, as read */
	GHashTable *by_name; /* const gchar* elf_name -> SutureReference* */
	GPtrArray *meanings; /* for each symbol: its SutureReference*, or NULL */
	GArray *stand_ins;   /* guint32 for each symbol: itself, or the function that an alias stands for */
	GArray *entries;     /* Entry */
	GArray *locals;      /* Elf64_Sym, to be added behind those that there are */
	GHashTable *places;  /* index of a section -> index of its symbol in locals, + 1 */
	GByteArray *strings;
	GHashTable *string_offsets; /* gchar* -> offset + 1 */
} Work;

static void work_clear(Work *work)
{
	g_clear_pointer(&work->edit, suture_elf_edit_free);
	g_clear_pointer(&work->symbols, g_array_unref);
	g_clear_pointer(&work->by_name, g_hash_table_unref);
	g_clear_pointer(&work->meanings, g_ptr_array_unref);
	g_clear_pointer(&work->stand_ins, g_array_unref);
	g_clear_pointer(&work->entries, g_array_unref);
	g_clear_pointer(&work->locals, g_array_unref);
	g_clear_pointer(&work->places, g_hash_table_unref);
	g_clear_pointer(&work->strings, g_byte_array_unref);
	g_clear_pointer(&work->string_offsets, g_hash_table_unref);
	suture_elf_clear(&work->elf);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Work, work_clear)

static gboolean damaged(const gchar *problem, GError **error)
{
	g_set_error(error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_LINK, "the linked module: %s", problem);
	return FALSE;
}

static const Elf64_Sym *symbol_at(const Work *work, guint32 index)
{
	return &g_array_index(work->symbols, Elf64_Sym, index);
}

static const gchar *name_of(const Work *work, const Elf64_Sym *symbol)
{
	const GByteArray *names = suture_elf_edit_bytes(work->edit, work->strtab);
	const gchar *text = (const gchar *)names->data;

	if (symbol->st_name >= names->len || !memchr(text + symbol->st_name, 0, names->len - symbol->st_name))
		return "";
	return text + symbol->st_name;
}

static gboolean read_symbols(Work *work, GError **error)
{
	for (gsize i = 1; i < work->n_sections; i++) {
		const GElf_Shdr *header = suture_elf_edit_header(work->edit, i);
		const GByteArray *bytes = suture_elf_edit_bytes(work->edit, i);

		if (header->sh_type != SHT_SYMTAB || !bytes)
			continue;
		if (work->symtab || header->sh_link == 0 || header->sh_link >= work->n_sections ||
		    !suture_elf_edit_bytes(work->edit, header->sh_link))
			return damaged("its symbols cannot be read", error);
		work->symtab = i;
		work->strtab = header->sh_link;
		g_array_append_vals(work->symbols, bytes->data, bytes->len / sizeof(Elf64_Sym));
	}
	return work->symbols->len > 0 || damaged("has no symbols", error);
}

/* The function that begins where @alias is. */
static gboolean find_function(const Work *work, const Elf64_Sym *alias, guint32 *ret)
{
	for (guint32 i = 1; i < work->symbols->len; i++) {
		const Elf64_Sym *symbol = symbol_at(work, i);

		if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx == alias->st_shndx &&
		    symbol->st_value == alias->st_value &&
		    !g_str_has_prefix(name_of(work, symbol), SUTURE_NEW_FUNCTION_PREFIX)) {
			*ret = i;
			return TRUE;
		}
	}
	return FALSE;
}

static gboolean classify_symbols(Work *work, GError **error)
{
	g_ptr_array_set_size(work->meanings, (gint)work->symbols->len);
	for (guint32 i = 0; i < work->symbols->len; i++) {
		const Elf64_Sym *symbol = symbol_at(work, i);
		const gchar *name = name_of(work, symbol);
		guint32 stand_in = i;

		if (i > 0 && symbol->st_shndx == SHN_UNDEF)
			work->meanings->pdata[i] = g_hash_table_lookup(work->by_name, name);
		else if (g_str_has_prefix(name, SUTURE_NEW_FUNCTION_PREFIX) &&
			 !find_function(work, symbol, &stand_in))
			return damaged("a new function has no symbol", error);
		g_array_append_val(work->stand_ins, stand_in);
	}
	return TRUE;
}

static const gchar *section_name(const Work *work, gsize section)
{
	gsize names;
	const gchar *name =
		elf_getshdrstrndx(work->elf, &names) == 0
			? elf_strptr(work->elf, names, suture_elf_edit_header(work->edit, section)->sh_name)
			: NULL;

	return name ? name : "";
}

/* Sections that the link of the module throws away: nobody applies what they refer to. */
static gboolean is_discarded(const Work *work, gsize section)
{
	const GElf_Shdr *header = suture_elf_edit_header(work->edit, section);
	const gchar *name = section_name(work, section);

	return !*name || g_str_has_prefix(name, ".discard") || !(header->sh_flags & SHF_ALLOC);
}

/* Takes the relocations against references out of the section of relocations @index. */
static gboolean extract(Work *work, gsize index, GError **error)
{
	const GElf_Shdr *header = suture_elf_edit_header(work->edit, index);
	GByteArray *bytes = suture_elf_edit_bytes(work->edit, index);
	guint kept = 0;

	if (header->sh_link != work->symtab || header->sh_info == 0 || header->sh_info >= work->n_sections ||
	    bytes->len % sizeof(Elf64_Rela))
		return damaged("its relocations cannot be read", error);
	for (guint at = 0; at < bytes->len; at += sizeof(Elf64_Rela)) {
		Entry entry = {.section = header->sh_info};
		guint32 symbol;

		memcpy(&entry.rela, bytes->data + at, sizeof(entry.rela));
		symbol = ELF64_R_SYM(entry.rela.r_info);
		if (symbol >= work->symbols->len)
			return damaged("a relocation has no symbol", error);
		entry.reference = work->meanings->pdata[symbol];
		if (!entry.reference) {
			memmove(bytes->data + kept, bytes->data + at, sizeof(Elf64_Rela));
			kept += sizeof(Elf64_Rela);
		} else if (!is_discarded(work, entry.section)) {
			g_array_append_val(work->entries, entry);
		}
	}
	g_byte_array_set_size(bytes, kept);
	return TRUE;
}

static gboolean extract_all(Work *work, GError **error)
{
	for (gsize i = 1; i < work->n_sections; i++)
		if (suture_elf_edit_header(work->edit, i)->sh_type == SHT_RELA &&
		    suture_elf_edit_bytes(work->edit, i) && !extract(work, i, error))
			return FALSE;
	return TRUE;
}

/* Whether the call instruction at @offset of @section gets where it leads to by a late relocation. */
static gboolean is_late_call(const Work *work, gsize section, guint64 offset, gboolean late)
{
	for (guint i = 0; i < work->entries->len; i++) {
		const Entry *entry = &g_array_index(work->entries, Entry, i);

		if (entry->section == section && entry->rela.r_offset - CALL_OPCODE_BYTES == offset)
			return late || strcmp(entry->reference->object, "vmlinux") != 0;
	}
	return FALSE;
}

/* Entries are 4 bytes each, a place-relative reference to the call; the section is as long as they are many.
 */
static gboolean drop_late_calls(Work *work, gsize relas_index, gboolean late, GError **error)
{
	const GElf_Shdr *header = suture_elf_edit_header(work->edit, relas_index);
	GByteArray *relas = suture_elf_edit_bytes(work->edit, relas_index);
	GByteArray *sites = suture_elf_edit_bytes(work->edit, header->sh_info);
	guint kept = 0;

	if (!sites || sites->len / CALL_SITE_BYTES != relas->len / sizeof(Elf64_Rela))
		return damaged("its " CALL_SITES " cannot be read", error);
	for (guint at = 0; at < relas->len; at += sizeof(Elf64_Rela)) {
		const Elf64_Sym *symbol;
		Elf64_Rela rela;

		memcpy(&rela, relas->data + at, sizeof(rela));
		symbol = symbol_at(work, ELF64_R_SYM(rela.r_info));
		if (is_late_call(work, symbol->st_shndx, symbol->st_value + (guint64)rela.r_addend, late))
			continue;
		rela.r_offset = (guint64)kept * CALL_SITE_BYTES;
		memcpy(relas->data + kept++ * sizeof(rela), &rela, sizeof(rela));
	}
	g_byte_array_set_size(relas, kept * (guint)sizeof(Elf64_Rela));
	g_byte_array_set_size(sites, kept * CALL_SITE_BYTES);
	return TRUE;
}

static gboolean drop_all_late_calls(Work *work, gboolean late, GError **error)
{
	for (gsize i = 1; i < work->n_sections; i++) {
		const GElf_Shdr *header = suture_elf_edit_header(work->edit, i);

		if (header->sh_type == SHT_RELA && suture_elf_edit_bytes(work->edit, i) &&
		    strcmp(section_name(work, header->sh_info), CALL_SITES) == 0 &&
		    !drop_late_calls(work, i, late, error))
			return FALSE;
	}
	return TRUE;
}

static guint32 add_local(Work *work, const gchar *name, guint8 type, gsize section, guint64 value,
			 guint64 size)
{
	Elf64_Sym symbol = {
		.st_info = ELF64_ST_INFO(STB_LOCAL, type),
		.st_shndx = (Elf64_Half)section,
		.st_value = value,
		.st_size = size,
	};

	if (name)
		symbol.st_name = suture_elf_edit_add_text(work->edit, work->strtab, name);
	g_array_append_val(work->locals, symbol);
	return work->locals->len - 1;
}

/* A symbol in locals at the start of @section. */
static guint32 start_of(Work *work, gsize section)
{
	gpointer key = GSIZE_TO_POINTER(section);
	guint32 index = GPOINTER_TO_UINT(g_hash_table_lookup(work->places, key));

	if (index)
		return index - 1;
	index = add_local(work, NULL, STT_SECTION, section, 0, 0);
	g_hash_table_insert(work->places, key, GUINT_TO_POINTER(index + 1));
	return index;
}

static guint64 string_offset(Work *work, const gchar *text)
{
	guint offset = GPOINTER_TO_UINT(g_hash_table_lookup(work->string_offsets, text));

	if (offset)
		return offset - 1;
	offset = work->strings->len;
	g_byte_array_append(work->strings, (const guint8 *)text, (guint)strlen(text) + 1);
	g_hash_table_insert(work->string_offsets, g_strdup(text), GUINT_TO_POINTER(offset + 1));
	return offset;
}

static void add_pointer(Work *work, GByteArray *relas, guint32 n_locals, guint64 at, gsize section,
			guint64 offset)
{
	const Elf64_Rela rela = {
		.r_offset = at,
		.r_info = ELF64_R_INFO((guint64)n_locals + start_of(work, section), R_X86_64_64),
		.r_addend = (gint64)offset,
	};

	g_byte_array_append(relas, (const guint8 *)&rela, sizeof(rela));
}

static void put_64(GByteArray *bytes, guint at, guint64 value)
{
	value = GUINT64_TO_LE(value);
	memcpy(bytes->data + at, &value, sizeof(value));
}

static void write_entry(Work *work, GByteArray *table, GByteArray *relas, guint32 n_locals, gsize table_index,
			gsize strings_index, const Entry *entry)
{
	guint at = table->len;
	g_autofree gchar *name = g_strdup_printf(ENTRY_PREFIX "%u", at / ENTRY_BYTES);

	g_byte_array_set_size(table, at + ENTRY_BYTES);
	memset(table->data + at, 0, ENTRY_BYTES);
	put_64(table, at + TYPE, ELF64_R_TYPE(entry->rela.r_info));
	put_64(table, at + ADDEND, (guint64)entry->rela.r_addend);
	put_64(table, at + SYMPOS, entry->reference->sympos);
	add_pointer(work, relas, n_locals, at + PLACE, entry->section, entry->rela.r_offset);
	add_pointer(work, relas, n_locals, at + OBJECT, strings_index,
		    string_offset(work, entry->reference->object));
	add_pointer(work, relas, n_locals, at + SYMBOL, strings_index,
		    string_offset(work, entry->reference->symbol));
	add_local(work, name, STT_OBJECT, table_index, at, ENTRY_BYTES);
}

static gsize add_data(Work *work, const gchar *name, guint64 alignment, GByteArray *bytes)
{
	const GElf_Shdr header = {.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC, .sh_addralign = alignment};

	return suture_elf_edit_add(work->edit, name, &header, bytes);
}

static void write_table(Work *work, guint32 n_locals)
{
	GByteArray *table = g_byte_array_new(), *relas = g_byte_array_new();
	gsize table_index = add_data(work, TABLE, 8, table);
	gsize strings_index = add_data(work, STRINGS, 1, g_byte_array_ref(work->strings));
	const GElf_Shdr header = {
		.sh_type = SHT_RELA,
		.sh_flags = SHF_INFO_LINK,
		.sh_link = (Elf64_Word)work->symtab,
		.sh_info = (Elf64_Word)table_index,
		.sh_addralign = 8,
		.sh_entsize = sizeof(Elf64_Rela),
	};

	for (guint i = 0; i < work->entries->len; i++)
		write_entry(work, table, relas, n_locals, table_index, strings_index,
			    &g_array_index(work->entries, Entry, i));
	suture_elf_edit_add(work->edit, ".rela" TABLE, &header, relas);
}

static gboolean stays(const Work *work, guint32 index)
{
	return !work->meanings->pdata[index] && g_array_index(work->stand_ins, guint32, index) == index;
}

static guint32 count_locals(const Work *work)
{
	guint32 count = 0;

	for (guint32 i = 0; i < work->symbols->len; i++)
		count += ELF64_ST_BIND(symbol_at(work, i)->st_info) == STB_LOCAL && stays(work, i);
	return count;
}

/* Old local symbols, the added ones, global ones; returns the new index of each old one. */
static GArray *write_symbols(Work *work, guint32 n_locals)
{
	GByteArray *out = suture_elf_edit_bytes(work->edit, work->symtab);
	GArray *moved = g_array_sized_new(FALSE, FALSE, sizeof(guint32), work->symbols->len);
	guint32 local = 0, global = n_locals + work->locals->len;

	g_byte_array_set_size(out, 0);
	for (guint32 i = 0; i < work->symbols->len; i++) {
		gboolean is_local = ELF64_ST_BIND(symbol_at(work, i)->st_info) == STB_LOCAL;
		guint32 index = !stays(work, i) ? GONE : is_local ? local++ : global++;

		g_array_append_val(moved, index);
	}
	g_byte_array_set_size(out, global * (guint)sizeof(Elf64_Sym));
	for (guint32 i = 0; i < work->symbols->len; i++) {
		guint32 index = g_array_index(moved, guint32, i);

		if (index != GONE)
			memcpy(out->data + index * sizeof(Elf64_Sym), symbol_at(work, i), sizeof(Elf64_Sym));
	}
	if (work->locals->len)
		memcpy(out->data + n_locals * sizeof(Elf64_Sym), work->locals->data,
		       work->locals->len * sizeof(Elf64_Sym));
	suture_elf_edit_header(work->edit, work->symtab)->sh_info = n_locals + work->locals->len;
	return moved;
}

/* Relocations of the file as it was read, by the symbols' new numbers. */
static void renumber(Work *work, const GArray *moved)
{
	for (gsize i = 1; i < work->n_sections; i++) {
		GElf_Shdr *header = suture_elf_edit_header(work->edit, i);
		GByteArray *bytes = suture_elf_edit_bytes(work->edit, i);

		if (header->sh_type == SHT_GROUP && header->sh_link == work->symtab &&
		    header->sh_info < moved->len)
			header->sh_info = g_array_index(moved, guint32, header->sh_info);
		if (header->sh_type != SHT_RELA || !bytes)
			continue;
		for (guint at = 0; at < bytes->len; at += sizeof(Elf64_Rela)) {
			Elf64_Rela rela;
			guint32 symbol;

			memcpy(&rela, bytes->data + at, sizeof(rela));
			symbol = g_array_index(work->stand_ins, guint32, ELF64_R_SYM(rela.r_info));
			rela.r_info = ELF64_R_INFO((guint64)g_array_index(moved, guint32, symbol),
						   ELF64_R_TYPE(rela.r_info));
			memcpy(bytes->data + at, &rela, sizeof(rela));
		}
	}
}

static gboolean work_init(Work *work, GBytes *linked, GPtrArray *references, GError **error)
{
	work->elf = suture_elf_from_memory(linked);
	work->edit = work->elf ? suture_elf_edit_new(work->elf) : NULL;
	work->symbols = g_array_new(FALSE, TRUE, sizeof(Elf64_Sym));
	work->by_name = g_hash_table_new(g_str_hash, g_str_equal);
	work->meanings = g_ptr_array_new();
	work->stand_ins = g_array_new(FALSE, FALSE, sizeof(guint32));
	work->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
	work->locals = g_array_new(FALSE, FALSE, sizeof(Elf64_Sym));
	work->places = g_hash_table_new(NULL, NULL);
	work->strings = g_byte_array_new();
	work->string_offsets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (!work->edit || elf_getshdrnum(work->elf, &work->n_sections) < 0)
		return damaged("is no relocatable object", error);
	for (guint i = 0; i < references->len; i++) {
		SutureReference *reference = references->pdata[i];

		g_hash_table_insert(work->by_name, reference->elf_name, reference);
	}
	return read_symbols(work, error);
}

GBytes *suture_references_tabulate(GBytes *linked, GPtrArray *references, gboolean late, GError **error)
{
	g_auto(Work) work = {0};
	g_autoptr(GArray) moved = NULL;
	guint32 n_locals;

	if (!work_init(&work, linked, references, error) || !classify_symbols(&work, error) ||
	    !extract_all(&work, error) || !drop_all_late_calls(&work, late, error))
		return NULL;
	n_locals = count_locals(&work);
	if (work.entries->len)
		write_table(&work, n_locals);
	moved = write_symbols(&work, n_locals);
	renumber(&work, moved);
	return suture_elf_edit_write(work.edit);
}
