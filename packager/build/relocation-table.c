// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/relocation-table.h"

#include <string.h>

#define TABLE ".suture.relocs"
#define PREFIX "__suture_reloc_"
#define ENTRIES_MAX 65536
#define OBJECT_MAX 55  /* MODULE_NAME_LEN - 1 */
#define SYMBOL_MAX 511 /* KSYM_NAME_LEN - 1 */

/* struct suture_reloc */
enum { PLACE = 0, TYPE = SUTURE_RELOCATION_TYPE_OFFSET, ADDEND = 16, OBJECT = 24, SYMBOL = 32, SYMPOS = 40 };

typedef struct {
	gsize section;
	guint64 offset;
} Place;

typedef struct {
	Elf *elf;
	const gchar *what;
	SutureRelocationTable *table;
	Elf_Data *data;
	GHashTable *pointers; /* guint64 offset in the table -> Place */
	GArray *starts;       /* guint64, of the entries that symbols name, sorted */
} Reader;

static void reader_clear(Reader *reader)
{
	g_clear_pointer(&reader->pointers, g_hash_table_unref);
	g_clear_pointer(&reader->starts, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reader, reader_clear)

static void relocation_free(SutureRelocation *relocation)
{
	g_free(relocation->object);
	g_free(relocation->symbol);
	g_free(relocation);
}

void suture_relocation_table_free(SutureRelocationTable *table)
{
	g_ptr_array_unref(table->entries);
	g_free(table);
}

const gchar *suture_elf_section_name(Elf *elf, gsize index)
{
	Elf_Scn *section = elf_getscn(elf, index);
	const gchar *name = NULL;
	GElf_Shdr header;
	gsize names;

	if (section && gelf_getshdr(section, &header) && elf_getshdrstrndx(elf, &names) == 0)
		name = elf_strptr(elf, names, header.sh_name);
	return name ? name : "";
}

G_GNUC_PRINTF(3, 4)
static gboolean refuse(const Reader *reader, GError **error, const gchar *format, ...)
{
	g_autofree gchar *problem = NULL;
	va_list args;

	va_start(args, format);
	problem = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_RELOCATION_TABLE,
		    "%s: " TABLE ": %s; make it by <suture/reloc.h>", reader->what, problem);
	return FALSE;
}

static gboolean malformed(const Reader *reader, guint64 at, const gchar *problem, GError **error)
{
	return refuse(reader, error, "the entry at offset %" G_GUINT64_FORMAT " %s", at, problem);
}

static gboolean find_table(Reader *reader, GError **error)
{
	gsize count;

	if (elf_getshdrnum(reader->elf, &count) < 0)
		return refuse(reader, error, "the sections cannot be read");
	for (gsize i = 1; i < count; i++) {
		if (strcmp(suture_elf_section_name(reader->elf, i), TABLE) != 0)
			continue;
		if (reader->table->section)
			return refuse(reader, error, "stands there twice");
		reader->table->section = i;
	}
	return TRUE;
}

/* The pointers of the table are filled in by the module loader. */
static gboolean add_pointers(Reader *reader, const GElf_Shdr *header, Elf_Data *data, GError **error)
{
	GElf_Shdr symbols_header;
	Elf_Data *symbols;

	if (!suture_elf_section(reader->elf, header->sh_link, &symbols_header, &symbols) ||
	    symbols_header.sh_type != SHT_SYMTAB)
		return refuse(reader, error, "its relocations have no symbols");
	for (gsize i = 0; i < data->d_size / sizeof(Elf64_Rela); i++) {
		GElf_Rela relocation;
		GElf_Sym symbol;
		guint64 *key;
		Place *place;

		if (!gelf_getrela(data, (int)i, &relocation) ||
		    !gelf_getsym(symbols, (int)GELF_R_SYM(relocation.r_info), &symbol) ||
		    GELF_R_TYPE(relocation.r_info) != R_X86_64_64 || symbol.st_shndx == SHN_UNDEF ||
		    symbol.st_shndx >= SHN_LORESERVE)
			return refuse(reader, error, "a pointer leads out of the module");
		key = g_new(guint64, 1);
		*key = relocation.r_offset;
		place = g_new(Place, 1);
		/* Modular arithmetic as the loader's; what comes of it is checked where it is used. */
		*place = (Place){symbol.st_shndx, symbol.st_value + (guint64)relocation.r_addend};
		if (!g_hash_table_insert(reader->pointers, key, place))
			return refuse(reader, error, "a pointer is set twice");
	}
	return TRUE;
}

static gboolean add_starts(Reader *reader, const GElf_Shdr *header, Elf_Data *data, GError **error)
{
	for (gsize i = 0; i < data->d_size / sizeof(Elf64_Sym); i++) {
		const gchar *name;
		GElf_Sym symbol;

		if (!gelf_getsym(data, (int)i, &symbol))
			return refuse(reader, error, "the symbols cannot be read");
		name = elf_strptr(reader->elf, header->sh_link, symbol.st_name);
		if (!name || !g_str_has_prefix(name, PREFIX))
			continue;
		if (!reader->table->section || symbol.st_shndx != reader->table->section)
			return refuse(reader, error, "%s is not in it", name);
		g_array_append_val(reader->starts, symbol.st_value);
	}
	return TRUE;
}

static gint compare_starts(gconstpointer a, gconstpointer b)
{
	guint64 left = *(const guint64 *)a, right = *(const guint64 *)b;

	return left < right ? -1 : left > right;
}

static gboolean scan(Reader *reader, GError **error)
{
	gsize count;

	if (elf_getshdrnum(reader->elf, &count) < 0)
		return refuse(reader, error, "the sections cannot be read");
	for (gsize i = 1; i < count; i++) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!suture_elf_section(reader->elf, i, &header, &data))
			return refuse(reader, error, "the sections cannot be read");
		if (header.sh_type == SHT_SYMTAB && !add_starts(reader, &header, data, error))
			return FALSE;
		if (reader->table->section && header.sh_type == SHT_RELA &&
		    header.sh_info == reader->table->section && !add_pointers(reader, &header, data, error))
			return FALSE;
	}
	g_array_sort(reader->starts, compare_starts);
	return TRUE;
}

/* Entries that no symbol names would never be applied, and overlapping ones would be read askew. */
static gboolean check_starts(Reader *reader, GError **error)
{
	GElf_Shdr header;

	if (!suture_elf_section(reader->elf, reader->table->section, &header, &reader->data) ||
	    header.sh_type != SHT_PROGBITS || !(header.sh_flags & SHF_ALLOC))
		return refuse(reader, error, "is no section of data that is loaded");
	if (reader->starts->len > ENTRIES_MAX)
		return refuse(reader, error, "has more than %d entries", ENTRIES_MAX);
	for (guint i = 0; i < reader->starts->len; i++)
		if (g_array_index(reader->starts, guint64, i) != (guint64)i * SUTURE_RELOCATION_ENTRY_BYTES)
			return malformed(reader, (guint64)i * SUTURE_RELOCATION_ENTRY_BYTES,
					 "has no symbol " PREFIX "... of its own", error);
	return reader->data->d_size == (gsize)reader->starts->len * SUTURE_RELOCATION_ENTRY_BYTES ||
	       refuse(reader, error, "is not all entries that have a symbol " PREFIX "... of their own");
}

static guint64 word_at(const Reader *reader, guint64 at)
{
	guint64 word;

	memcpy(&word, (const gchar *)reader->data->d_buf + at, sizeof(word));
	return GUINT64_FROM_LE(word);
}

/* A copy of the NUL-terminated printable text of 1 to @limit bytes that the pointer at @at leads to, or NULL.
 */
static gchar *text_at(const Reader *reader, guint64 at, gsize limit)
{
	const Place *place = g_hash_table_lookup(reader->pointers, &at);
	GElf_Shdr header;
	Elf_Data *data;
	const gchar *text;
	gsize room, length;

	if (!place || !suture_elf_section(reader->elf, place->section, &header, &data) ||
	    !(header.sh_flags & SHF_ALLOC) || !suture_elf_holds(data, place->offset, 1))
		return NULL;
	text = (const gchar *)data->d_buf + place->offset;
	room = MIN(data->d_size - place->offset, limit + 1);
	length = strnlen(text, room);
	if (length == 0 || length == room)
		return NULL;
	for (gsize i = 0; i < length; i++)
		if (!g_ascii_isgraph(text[i]) || text[i] == ',')
			return NULL;
	return g_strndup(text, length);
}

/* The framework knows no smaller ones. */
static gsize bytes_of(guint64 type)
{
	gsize bytes = type <= G_MAXUINT32 ? suture_elf_relocation_bytes((guint32)type) : 0;

	return bytes >= sizeof(guint32) ? bytes : 0;
}

static gboolean read_place(const Reader *reader, SutureRelocation *entry, GError **error)
{
	const Place *place = g_hash_table_lookup(reader->pointers, &entry->at);
	Elf_Scn *section = place ? elf_getscn(reader->elf, place->section) : NULL;
	GElf_Shdr header;

	if (!section || !gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC) ||
	    place->offset > header.sh_size || entry->size > header.sh_size - place->offset)
		return malformed(reader, entry->at, "does not lead to a place in the module", error);
	entry->section = place->section;
	entry->offset = place->offset;
	return TRUE;
}

static gboolean read_names(const Reader *reader, SutureRelocation *entry, GError **error)
{
	guint64 object = entry->at + OBJECT;
	gboolean unset = !g_hash_table_contains(reader->pointers, &object) && word_at(reader, object) == 0;

	entry->object = unset ? g_strdup("vmlinux") : text_at(reader, object, OBJECT_MAX);
	if (!entry->object)
		return malformed(reader, entry->at, "names no object", error);
	entry->symbol = text_at(reader, entry->at + SYMBOL, SYMBOL_MAX);
	return entry->symbol || malformed(reader, entry->at, "names no symbol", error);
}

static gboolean read_entry(const Reader *reader, guint64 at, GError **error)
{
	static const guint64 plain[] = {TYPE, ADDEND, SYMPOS};
	guint64 type = word_at(reader, at + TYPE);
	SutureRelocation *entry;

	for (gsize i = 0; i < G_N_ELEMENTS(plain); i++) {
		guint64 field = at + plain[i];

		if (g_hash_table_contains(reader->pointers, &field))
			return malformed(reader, at, "has a pointer in the place of a number", error);
	}
	if (type == R_X86_64_NONE)
		return TRUE;
	if (!bytes_of(type))
		return malformed(reader, at, "is of a type that the framework does not apply", error);
	entry = g_new0(SutureRelocation, 1);
	g_ptr_array_add(reader->table->entries, entry);
	entry->at = at;
	entry->type = (guint32)type;
	entry->size = bytes_of(type);
	entry->addend = (gint64)word_at(reader, at + ADDEND);
	entry->sympos = word_at(reader, at + SYMPOS);
	return read_place(reader, entry, error) && read_names(reader, entry, error);
}

SutureRelocationTable *suture_relocation_table_read(Elf *elf, const gchar *what, GError **error)
{
	g_autoptr(SutureRelocationTable) table = g_new0(SutureRelocationTable, 1);
	g_auto(Reader) reader = {
		.elf = elf,
		.what = what,
		.table = table,
		.pointers = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free),
		.starts = g_array_new(FALSE, FALSE, sizeof(guint64)),
	};

	table->entries = g_ptr_array_new_with_free_func((GDestroyNotify)relocation_free);
	if (!find_table(&reader, error) || !scan(&reader, error))
		return NULL;
	if (table->section && !check_starts(&reader, error))
		return NULL;
	for (guint i = 0; table->section && i < reader.starts->len; i++)
		if (!read_entry(&reader, g_array_index(reader.starts, guint64, i), error))
			return NULL;
	return g_steal_pointer(&table);
}
