// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/module-patch.h"

#include <string.h>

#define POINTER 8
#define VMLINUX "vmlinux"
#define MODULE_SECTION ".gnu.linkonce.this_module"
#define SYMBOL_NAME_MAX 511 /* KSYM_NAME_LEN - 1 */
#define OBJECT_NAME_MAX 55  /* MODULE_NAME_LEN - 1 */
#define STRUCT_MAX 4096 /* no klp_object or klp_func is larger: an array ends where a gap of this size is */

/* A place in the module: a section's index and an offset in it. */
typedef struct {
	gsize section;
	guint64 offset;
} Place;

typedef struct {
	Place at, to;
} Pointer;

typedef struct {
	Place at;
	guint64 size;
} Object;

/* What one pass over the module's relocations and symbols leaves: its static pointers, sorted by place. */
typedef struct {
	Elf *elf;
	gsize n_sections;
	gsize this_module;
	GArray *pointers; /* Pointer */
	GArray *objects;  /* Object: data symbols with their sizes, sorted */
} Image;

static void image_clear(Image *image)
{
	g_clear_pointer(&image->pointers, g_array_unref);
	g_clear_pointer(&image->objects, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Image, image_clear)

static gint compare_places(gconstpointer a, gconstpointer b)
{
	const Place *left = a, *right = b; /* the first member of Pointer and Object */

	if (left->section != right->section)
		return left->section < right->section ? -1 : 1;
	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static gboolean place_add(const Place *place, guint64 by, Place *ret)
{
	if (place->offset > G_MAXUINT64 - by)
		return FALSE;
	*ret = (Place){place->section, place->offset + by};
	return TRUE;
}

/* The place that the pointer @by bytes after @place leads to. */
static gboolean follow(const Image *image, const Place *place, guint64 by, Place *ret)
{
	Place at;
	guint found;

	if (!place_add(place, by, &at) ||
	    !g_array_binary_search(image->pointers, &at, compare_places, &found))
		return FALSE;
	*ret = g_array_index(image->pointers, Pointer, found).to;
	return TRUE;
}

static gboolean flags_of(const Image *image, const Place *place, guint64 wanted, guint64 unwanted)
{
	Elf_Scn *section = elf_getscn(image->elf, place->section);
	GElf_Shdr header;

	return section && gelf_getshdr(section, &header) && (header.sh_flags & wanted) == wanted &&
	       !(header.sh_flags & unwanted);
}

/* The NUL-terminated printable string of 1 to @limit bytes at @place, or NULL. */
static const gchar *string_at(const Image *image, const Place *place, gsize limit)
{
	GElf_Shdr header;
	Elf_Data *data;
	const gchar *text;
	gsize room, length;

	if (!flags_of(image, place, SHF_ALLOC, SHF_EXECINSTR) ||
	    !suture_elf_section(image->elf, place->section, &header, &data) ||
	    !suture_elf_holds(data, place->offset, 1))
		return NULL;
	text = (const gchar *)data->d_buf + place->offset;
	room = MIN(data->d_size - place->offset, limit + 1);
	length = strnlen(text, room);
	if (length == 0 || length == room)
		return NULL;
	for (gsize i = 0; i < length; i++)
		if (!g_ascii_isgraph(text[i]))
			return NULL;
	return text;
}

static gboolean bytes_at(const Image *image, const Place *place, guint64 by, gpointer ret, gsize size)
{
	GElf_Shdr header;
	Elf_Data *data;
	Place at;

	if (!place_add(place, by, &at) || !suture_elf_section(image->elf, at.section, &header, &data) ||
	    !suture_elf_holds(data, at.offset, size))
		return FALSE;
	memcpy(ret, (const gchar *)data->d_buf + at.offset, size);
	return TRUE;
}

/* Where the array at @place ends: with the symbol that names it, or else with its section. */
static guint64 array_end(const Image *image, const Place *place)
{
	Elf_Scn *section = elf_getscn(image->elf, place->section);
	GElf_Shdr header;
	guint found;

	if (g_array_binary_search(image->objects, place, compare_places, &found)) {
		const Object *object = &g_array_index(image->objects, Object, found);

		return object->at.offset + object->size;
	}
	return section && gelf_getshdr(section, &header) ? header.sh_size : 0;
}

static gboolean full(const GPtrArray *functions)
{
	return functions->len > SUTURE_MANIFEST_MAX_FUNCTIONS;
}

/* Adds the klp_func entries of the array at @place; entries are where a name and a function stand side by
 * side. */
static gboolean read_functions(const Image *image, const Place *place, const gchar *object,
			       GPtrArray *functions)
{
	guint64 end = array_end(image, place), last = place->offset;
	Place entry = *place;
	guint before = functions->len;

	for (; entry.offset < end && end - entry.offset >= 3 * POINTER && entry.offset - last <= STRUCT_MAX &&
	       !full(functions);
	     entry.offset += POINTER) {
		Place name, function, ignored;
		const gchar *text = NULL;
		guint64 sympos;

		if (follow(image, &entry, 0, &name) && follow(image, &entry, POINTER, &function) &&
		    flags_of(image, &function, SHF_EXECINSTR, 0))
			text = string_at(image, &name, SYMBOL_NAME_MAX);
		if (text && !follow(image, &entry, 2 * POINTER, &ignored) &&
		    bytes_at(image, &entry, 2 * POINTER, &sympos, sizeof(sympos))) {
			g_ptr_array_add(functions,
					suture_function_new(object, text, GUINT64_FROM_LE(sympos)));
			last = entry.offset;
		} else if (functions->len == before) {
			return FALSE; /* the first entry stands at the array's start */
		}
	}
	return functions->len > before;
}

/* What a klp_patch names. */
typedef struct {
	GPtrArray *functions; /* SutureFunction* */
	GHashTable *objects;  /* set of gchar*: modules */
} Named;

static void named_clear(Named *named)
{
	g_clear_pointer(&named->functions, g_ptr_array_unref);
	g_clear_pointer(&named->objects, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Named, named_clear)

static gboolean too_many(GHashTable *objects)
{
	return g_hash_table_size(objects) > SUTURE_MANIFEST_MAX_PATCHES;
}

/* Adds what the klp_object array at @place names. */
static gboolean read_objects(const Image *image, const Place *place, Named *named)
{
	GPtrArray *functions = named->functions;
	guint64 end = array_end(image, place), last = place->offset;
	Place entry = *place;

	for (; entry.offset < end && end - entry.offset >= 2 * POINTER && entry.offset - last <= STRUCT_MAX &&
	       !full(functions) && !too_many(named->objects);
	     entry.offset += POINTER) {
		Place name, array;
		const gchar *object = VMLINUX;
		gboolean found = follow(image, &entry, POINTER, &array) &&
				 flags_of(image, &array, SHF_ALLOC | SHF_WRITE, SHF_EXECINSTR);

		if (found && follow(image, &entry, 0, &name))
			found = (object = string_at(image, &name, OBJECT_NAME_MAX)) != NULL;
		if (!found && functions->len == 0)
			return FALSE;
		if (!found)
			continue;
		/* One without functions ends nothing, unless it is the first. */
		if (!read_functions(image, &array, object, functions) && functions->len == 0)
			return FALSE;
		if (strcmp(object, VMLINUX) != 0)
			g_hash_table_add(named->objects, g_strdup(object));
		last = entry.offset;
	}
	return functions->len > 0;
}

static gboolean read_patch(const Image *image, const Place *patch, Named *named)
{
	Place objects;

	named->functions = g_ptr_array_new_with_free_func((GDestroyNotify)suture_function_free);
	named->objects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return flags_of(image, patch, SHF_ALLOC | SHF_WRITE, SHF_EXECINSTR) &&
	       follow(image, patch, POINTER, &objects) &&
	       flags_of(image, &objects, SHF_ALLOC | SHF_WRITE, SHF_EXECINSTR) &&
	       read_objects(image, &objects, named);
}

/* Adds the 64-bit absolute relocations of one RELA section that fill data of the loaded module. */
static gboolean add_pointers(Image *image, const GElf_Shdr *header, Elf_Data *data)
{
	Place target = {header->sh_info, 0};
	GElf_Shdr symbols_header;
	Elf_Data *symbols;

	if (!flags_of(image, &target, SHF_ALLOC, SHF_EXECINSTR))
		return TRUE;
	if (!suture_elf_section(image->elf, header->sh_link, &symbols_header, &symbols) ||
	    symbols_header.sh_type != SHT_SYMTAB)
		return FALSE;
	for (gsize i = 0; i < data->d_size / sizeof(Elf64_Rela); i++) {
		GElf_Rela relocation;
		GElf_Sym symbol;
		Pointer pointer;

		if (!gelf_getrela(data, i, &relocation) ||
		    !gelf_getsym(symbols, GELF_R_SYM(relocation.r_info), &symbol))
			return FALSE;
		if (GELF_R_TYPE(relocation.r_info) != R_X86_64_64 || symbol.st_shndx == SHN_UNDEF ||
		    symbol.st_shndx >= SHN_LORESERVE)
			continue;
		pointer.at = (Place){header->sh_info, relocation.r_offset};
		/* Modular arithmetic as the loader's; the result is checked where it is used. */
		pointer.to = (Place){symbol.st_shndx, symbol.st_value + (guint64)relocation.r_addend};
		g_array_append_val(image->pointers, pointer);
	}
	return TRUE;
}

static gboolean add_objects(Image *image, Elf_Data *data)
{
	for (gsize i = 0; i < data->d_size / sizeof(Elf64_Sym); i++) {
		GElf_Sym symbol;
		Object object;

		if (!gelf_getsym(data, i, &symbol))
			return FALSE;
		if (GELF_ST_TYPE(symbol.st_info) != STT_OBJECT || symbol.st_size == 0 ||
		    symbol.st_value > G_MAXUINT64 - symbol.st_size)
			continue;
		object = (Object){{symbol.st_shndx, symbol.st_value}, symbol.st_size};
		g_array_append_val(image->objects, object);
	}
	return TRUE;
}

static gboolean image_read(Image *image)
{
	image->pointers = g_array_new(FALSE, FALSE, sizeof(Pointer));
	image->objects = g_array_new(FALSE, FALSE, sizeof(Object));
	image->this_module = suture_elf_find_section(image->elf, MODULE_SECTION);
	if (elf_getshdrnum(image->elf, &image->n_sections) < 0)
		return FALSE;
	for (gsize i = 1; i < image->n_sections; i++) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!suture_elf_section(image->elf, i, &header, &data))
			return FALSE;
		if (header.sh_type == SHT_RELA && !add_pointers(image, &header, data))
			return FALSE;
		if (header.sh_type == SHT_SYMTAB && !add_objects(image, data))
			return FALSE;
	}
	g_array_sort(image->pointers, compare_places);
	g_array_sort(image->objects, compare_places);
	return TRUE;
}

static gint compare_names(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const gchar *const *)left, *(const gchar *const *)right);
}

static void take_objects(const Named *named, SutureModuleInfo *info)
{
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, named->objects);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		g_ptr_array_add(info->objects, g_strdup(name));
	g_ptr_array_sort(info->objects, compare_names);
}

static gboolean take_patch(const Image *image, const Place *place, const Named *named, SutureModuleInfo *info,
			   const gchar *what, GError **error)
{
	guint8 replace;

	if (info->functions->len || full(named->functions) || too_many(named->objects) ||
	    !bytes_at(image, place, 3 * POINTER, &replace, 1)) {
		g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_MODULE_MALFORMED,
			    "%s: %s: build one klp_patch a module", what,
			    info->functions->len ? "has more than one klp_patch"
						 : "its klp_patch is cut short or patches too much");
		return FALSE;
	}
	g_ptr_array_unref(info->functions);
	info->functions = g_ptr_array_ref(named->functions);
	take_objects(named, info);
	info->cumulative = replace != 0;
	return TRUE;
}

gboolean suture_module_patch_read(Elf *elf, SutureModuleInfo *info, const gchar *what, GError **error)
{
	g_auto(Image) image = {.elf = elf};

	if (!image_read(&image)) {
		g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_MODULE_MALFORMED,
			    "%s: its relocations or symbols cannot be read: build the module again", what);
		return FALSE;
	}
	for (guint i = 0; image.this_module && i < image.pointers->len; i++) {
		const Pointer *pointer = &g_array_index(image.pointers, Pointer, i);
		g_auto(Named) named = {0};

		if (pointer->to.section != image.this_module || pointer->to.offset != 0)
			continue;
		if (read_patch(&image, &pointer->at, &named) &&
		    !take_patch(&image, &pointer->at, &named, info, what, error))
			return FALSE;
	}
	if (info->functions->len == 0) {
		g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_NO_FUNCTIONS,
			    "%s: has no klp_patch that names a function to replace", what);
		return FALSE;
	}
	return TRUE;
}
