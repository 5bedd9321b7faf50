// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/running-private.h"

#include "common/file.h"
#include "packager/read/archive-file.h"
#include "packager/read/elf-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (512 * 1024 * 1024)
#define SECTION_STEP (G_GUINT64_CONSTANT(1) << 32) /* no section is larger */
#define UNDEFINED_START (G_GUINT64_CONSTANT(1) << 63)
#define SECTIONS_MAX 0x10000
#define DEPENDS "depends="

typedef struct {
	SutureRunning *running;
	Elf *elf;
	gsize n_sections;
	gsize symtab;
	GElf_Shdr symtab_header;
	Elf_Data *symbols;
	GHashTable *staying, *leaving; /* gchar* names of symbols in sections of the one kind and the other */
} Reader;

static void reader_clear(Reader *reader)
{
	g_clear_pointer(&reader->running, suture_running_unref);
	g_clear_pointer(&reader->staying, g_hash_table_unref);
	g_clear_pointer(&reader->leaving, g_hash_table_unref);
	suture_elf_clear(&reader->elf);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reader, reader_clear)

static GBytes *refuse(const gchar *path, const gchar *problem, GError **error)
{
	g_set_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_MODULE,
		    "%s: %s: give the .ko of the kernel's build", path, problem);
	return NULL;
}

static GBytes *unpack(struct archive *archive, const gchar *path, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	la_int64_t position;
	const void *block;
	size_t size;
	int status;

	while ((status = archive_read_data_block(archive, &block, &size, &position)) == ARCHIVE_OK) {
		if (size > FILE_MAX - bytes->len)
			return refuse(path, "is larger than a module", error);
		g_byte_array_append(bytes, block, (guint)size);
	}
	if (status != ARCHIVE_EOF)
		return refuse(path, "is damaged", error);
	return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

static GBytes *read_file(const gchar *path, GError **error)
{
	SUTURE_AUTO_FD fd = suture_file_open(path, O_RDONLY, error);
	SUTURE_AUTO_ARCHIVE *archive = NULL;
	struct stat status;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) < 0)
		return suture_error_set_errno(error, errno, "%s", path), NULL;
	archive = suture_archive_open_raw(fd, 0, (guint64)status.st_size);
	return archive ? unpack(archive, path, error) : suture_file_read_fd(fd, FILE_MAX, path, error);
}

static guint64 section_address(gsize index)
{
	return (index + 1) * SECTION_STEP;
}

static gboolean add_sections(Reader *reader)
{
	for (gsize i = 1; i < reader->n_sections; i++) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!suture_elf_section(reader->elf, i, &header, &data))
			return FALSE;
		if (header.sh_type == SHT_SYMTAB) {
			reader->symtab = i;
			reader->symtab_header = header;
			reader->symbols = data;
		}
		if ((header.sh_flags & SHF_ALLOC) &&
		    (header.sh_size >= SECTION_STEP ||
		     !suture_memory_add(reader->running->memory, section_address(i), header.sh_size,
					header.sh_offset, header.sh_type == SHT_NOBITS ? 0 : header.sh_size)))
			return FALSE;
	}
	return reader->symtab > 0;
}

static gboolean is_loaded(Reader *reader, gsize section)
{
	GElf_Shdr header;

	return section < reader->n_sections && gelf_getshdr(elf_getscn(reader->elf, section), &header) &&
	       (header.sh_flags & SHF_ALLOC);
}

/* Whether the section is still there when the module is live: what is called .init* is dropped. */
static gboolean stays(Reader *reader, gsize section)
{
	GElf_Shdr header;
	const gchar *name;
	gsize names;

	if (!is_loaded(reader, section) || elf_getshdrstrndx(reader->elf, &names) < 0 ||
	    !gelf_getshdr(elf_getscn(reader->elf, section), &header))
		return FALSE;
	name = elf_strptr(reader->elf, names, header.sh_name);
	return name && !g_str_has_prefix(name, ".init");
}

static void note_init(Reader *reader)
{
	for (gsize i = 1; i < reader->n_sections; i++) {
		SutureRunningRange range = {section_address(i), section_address(i + 1)};

		if (is_loaded(reader, i) && !stays(reader, i))
			g_array_append_val(reader->running->init, range);
	}
}

/* Texts "key=value", each with its NUL; a name may have '-'. */
static void read_depends(Reader *reader)
{
	gsize index = suture_elf_find_section(reader->elf, ".modinfo");
	GElf_Shdr header;
	Elf_Data *data;
	const gchar *text, *end;

	if (!index || !suture_elf_section(reader->elf, index, &header, &data) || !data->d_buf)
		return;
	text = data->d_buf;
	end = text + data->d_size;
	for (const gchar *next; (next = memchr(text, '\0', (gsize)(end - text))); text = next + 1) {
		g_autofree gchar *names = NULL;

		if (!g_str_has_prefix(text, DEPENDS) || text[strlen(DEPENDS)] == '\0')
			continue;
		names = g_strdelimit(g_strdup(text + strlen(DEPENDS)), "-", '_');
		g_strfreev(reader->running->depends);
		reader->running->depends = g_strsplit(names, ",", -1);
	}
}

static void add_undefined(Reader *reader, const gchar *name)
{
	GHashTable *undefined = reader->running->undefined;
	guint64 address = UNDEFINED_START + g_hash_table_size(undefined) * SECTION_STEP;

	if (!g_hash_table_contains(undefined, name))
		g_hash_table_insert(undefined, g_strdup(name), g_memdup2(&address, sizeof(address)));
}

static void add_symbol(Reader *reader, const GElf_Sym *symbol, const gchar *name)
{
	gboolean in_section = symbol->st_shndx < reader->n_sections;
	guint64 address =
		in_section ? section_address(symbol->st_shndx) + symbol->st_value : symbol->st_value;
	gchar type = GELF_ST_TYPE(symbol->st_info) == STT_FUNC ? 't' : 'd';

	if (GELF_ST_BIND(symbol->st_info) != STB_LOCAL)
		type = g_ascii_toupper(type);
	suture_kallsyms_add(reader->running->symbols, address, type, name);
	g_hash_table_add(stays(reader, symbol->st_shndx) ? reader->staying : reader->leaving, g_strdup(name));
}

static gboolean add_symbols(Reader *reader)
{
	gsize count = reader->symbols->d_size / sizeof(Elf64_Sym);

	for (gsize i = 1; i < count; i++) {
		const gchar *name;
		GElf_Sym symbol;

		if (!gelf_getsym(reader->symbols, (int)i, &symbol))
			return FALSE;
		name = elf_strptr(reader->elf, reader->symtab_header.sh_link, symbol.st_name);
		if (!name)
			return FALSE;
		if (*name == '\0')
			continue;
		if (symbol.st_shndx == SHN_UNDEF)
			add_undefined(reader, name);
		else
			add_symbol(reader, &symbol, name);
	}
	suture_kallsyms_finish(reader->running->symbols);
	return TRUE;
}

static void find_shifting(Reader *reader)
{
	GHashTableIter iterator;
	gpointer name;

	g_hash_table_iter_init(&iterator, reader->leaving);
	while (g_hash_table_iter_next(&iterator, &name, NULL))
		if (g_hash_table_contains(reader->staying, name))
			g_hash_table_add(reader->running->shifting, g_strdup(name));
}

static gboolean symbol_address(Reader *reader, gsize index, guint64 *ret)
{
	GElf_Sym symbol;
	const gchar *name;

	if (index > G_MAXINT || !gelf_getsym(reader->symbols, (int)index, &symbol))
		return FALSE;
	if (symbol.st_shndx == SHN_UNDEF) {
		name = elf_strptr(reader->elf, reader->symtab_header.sh_link, symbol.st_name);
		return name && suture_running_undefined(reader->running, name, ret);
	}
	*ret = symbol.st_shndx < reader->n_sections ? section_address(symbol.st_shndx) + symbol.st_value
						    : symbol.st_value;
	return TRUE;
}

static gboolean add_relocations(Reader *reader, const GElf_Shdr *header, Elf_Data *data)
{
	gsize count = data->d_size / sizeof(Elf64_Rela);

	if (header->sh_link != reader->symtab || header->sh_info >= reader->n_sections)
		return FALSE;
	for (gsize i = 0; i < count; i++) {
		SutureRunningRelocation relocation;
		GElf_Rela rela;

		if (!gelf_getrela(data, (int)i, &rela))
			return FALSE;
		if (GELF_R_TYPE(rela.r_info) == R_X86_64_NONE)
			continue;
		if (rela.r_offset >= SECTION_STEP ||
		    !symbol_address(reader, GELF_R_SYM(rela.r_info), &relocation.target))
			return FALSE;
		relocation.place = section_address(header->sh_info) + rela.r_offset;
		relocation.target += (guint64)rela.r_addend;
		relocation.type = (guint32)GELF_R_TYPE(rela.r_info);
		g_array_append_val(reader->running->relocations, relocation);
	}
	return TRUE;
}

static gboolean read_relocations(Reader *reader)
{
	for (gsize i = 1; i < reader->n_sections; i++) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!suture_elf_section(reader->elf, i, &header, &data) ||
		    (header.sh_type == SHT_RELA && is_loaded(reader, header.sh_info) &&
		     !add_relocations(reader, &header, data)))
			return FALSE;
	}
	suture_running_sort(reader->running->relocations);
	return TRUE;
}

/* What the entries of a section of addresses refer to. NULL: there is no such section. */
static GArray *read_list(Reader *reader, const gchar *name, guint32 type)
{
	gsize index = suture_elf_find_section(reader->elf, name), size = suture_relocation_bytes(type);
	g_autoptr(GArray) addresses = NULL;
	GElf_Shdr header;

	if (index == 0 || !gelf_getshdr(elf_getscn(reader->elf, index), &header) ||
	    !suture_running_bytes(reader->running, section_address(index), header.sh_size))
		return NULL;
	addresses = g_array_new(FALSE, FALSE, sizeof(guint64));
	for (guint64 at = 0; at < header.sh_size; at += size) {
		guint64 target;

		if (suture_running_target(reader->running, section_address(index) + at, type, &target))
			g_array_append_val(addresses, target);
	}
	suture_running_sort(addresses);
	return g_steal_pointer(&addresses);
}

static void read_lists(Reader *reader)
{
	SutureRunning *running = reader->running;
	GArray *seals = read_list(reader, ".ibt_endbr_seal", R_X86_64_PC32);

	running->entries = read_list(reader, "__mcount_loc", R_X86_64_64);
	if (!running->entries)
		running->entries = read_list(reader, "__patchable_function_entries", R_X86_64_64);
	if (!running->entries)
		running->entries = g_array_new(FALSE, FALSE, sizeof(guint64));
	if (seals) {
		g_array_unref(running->seals);
		running->seals = seals;
	}
}

static gboolean reader_open(Reader *reader, GBytes *file, const gchar *name)
{
	GElf_Ehdr header;

	reader->elf = suture_elf_from_memory(file);
	if (!reader->elf || elf_kind(reader->elf) != ELF_K_ELF || !gelf_getehdr(reader->elf, &header) ||
	    gelf_getclass(reader->elf) != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    header.e_type != ET_REL || header.e_machine != EM_X86_64 ||
	    elf_getshdrnum(reader->elf, &reader->n_sections) < 0 || reader->n_sections > SECTIONS_MAX ||
	    suture_elf_find_section(reader->elf, ".gnu.linkonce.this_module") == 0)
		return FALSE;
	reader->staying = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	reader->leaving = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	reader->running = suture_running_new(name, suture_memory_new(file));
	reader->running->symbols = suture_kallsyms_new();
	reader->running->relocations = g_array_new(FALSE, FALSE, sizeof(SutureRunningRelocation));
	reader->running->undefined = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	reader->running->shifting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return TRUE;
}

SutureRunning *suture_running_open_module(const gchar *path, const gchar *name, GError **error)
{
	g_autoptr(GBytes) file = read_file(path, error);
	g_auto(Reader) reader = {0};

	if (!file)
		return NULL;
	if (!reader_open(&reader, file, name) || !add_sections(&reader) || !add_symbols(&reader) ||
	    !read_relocations(&reader)) {
		refuse(path, "is not a whole kernel module", error);
		return NULL;
	}
	find_shifting(&reader);
	note_init(&reader);
	read_depends(&reader);
	read_lists(&reader);
	return g_steal_pointer(&reader.running);
}
