// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/elf/elf-edit.h"

#include <string.h>

#if G_BYTE_ORDER != G_LITTLE_ENDIAN
#error "modules for x86-64 are written in the byte order of the machine"
#endif

#define ALIGNMENT_MAX 4096

typedef struct {
	GElf_Shdr header;
	GByteArray *bytes; /* NULL for SHT_NULL and SHT_NOBITS */
} Section;

struct _SutureElfEdit {
	GElf_Ehdr header;
	gsize names; /* index of the section names */
	GArray *sections;
};

static void section_clear(gpointer data)
{
	Section *section = data;

	g_clear_pointer(&section->bytes, g_byte_array_unref);
}

void suture_elf_edit_free(SutureElfEdit *edit)
{
	g_array_unref(edit->sections);
	g_free(edit);
}

static gboolean copy_section(Elf *elf, gsize index, Section *section)
{
	Elf_Data *data;

	/* Section 0 is only a header. */
	if (index == 0)
		return gelf_getshdr(elf_getscn(elf, 0), &section->header) != NULL;
	if (!suture_elf_section(elf, index, &section->header, &data) ||
	    section->header.sh_addralign > ALIGNMENT_MAX)
		return FALSE;
	if (section->header.sh_type == SHT_NOBITS || section->header.sh_type == SHT_NULL)
		return TRUE;
	section->bytes = g_byte_array_new();
	if (data->d_buf)
		g_byte_array_append(section->bytes, data->d_buf, (guint)data->d_size);
	return data->d_size == section->header.sh_size;
}

SutureElfEdit *suture_elf_edit_new(Elf *elf)
{
	g_autoptr(SutureElfEdit) edit = g_new0(SutureElfEdit, 1);
	gsize count;

	edit->sections = g_array_new(FALSE, TRUE, sizeof(Section));
	g_array_set_clear_func(edit->sections, section_clear);
	if (!gelf_getehdr(elf, &edit->header) || edit->header.e_type != ET_REL || edit->header.e_phnum ||
	    elf_getshdrnum(elf, &count) < 0 || count != edit->header.e_shnum || count < 2 ||
	    elf_getshdrstrndx(elf, &edit->names) < 0 || edit->names != edit->header.e_shstrndx)
		return NULL;
	g_array_set_size(edit->sections, (guint)count);
	for (gsize i = 0; i < count; i++)
		if (!copy_section(elf, i, &g_array_index(edit->sections, Section, i)))
			return NULL;
	return edit->names < count && suture_elf_edit_bytes(edit, edit->names) ? g_steal_pointer(&edit)
									       : NULL;
}

GElf_Shdr *suture_elf_edit_header(SutureElfEdit *edit, gsize index)
{
	return &g_array_index(edit->sections, Section, index).header;
}

GByteArray *suture_elf_edit_bytes(SutureElfEdit *edit, gsize index)
{
	return g_array_index(edit->sections, Section, index).bytes;
}

guint32 suture_elf_edit_add_text(SutureElfEdit *edit, gsize index, const gchar *text)
{
	GByteArray *bytes = suture_elf_edit_bytes(edit, index);
	guint32 offset = bytes->len;

	g_byte_array_append(bytes, (const guint8 *)text, (guint)strlen(text) + 1);
	return offset;
}

gsize suture_elf_edit_add(SutureElfEdit *edit, const gchar *name, const GElf_Shdr *header, GByteArray *bytes)
{
	Section section = {.header = *header, .bytes = bytes};

	section.header.sh_name = suture_elf_edit_add_text(edit, edit->names, name);
	/* Behind all that were read. */
	section.header.sh_offset = G_MAXUINT64;
	g_array_append_val(edit->sections, section);
	return edit->sections->len - 1;
}

static gint compare_places(gconstpointer left, gconstpointer right, gpointer data)
{
	guint a = *(const guint *)left, b = *(const guint *)right;
	guint64 at = suture_elf_edit_header(data, a)->sh_offset,
		bt = suture_elf_edit_header(data, b)->sh_offset;

	if (at != bt)
		return at < bt ? -1 : 1;
	return a < b ? -1 : a > b;
}

static void pad(GByteArray *out, guint64 alignment)
{
	static const guint8 zeros[ALIGNMENT_MAX];
	guint over = alignment > 1 ? (guint)(out->len % alignment) : 0;

	if (over)
		g_byte_array_append(out, zeros, (guint)alignment - over);
}

static void write_section(GByteArray *out, Section *section)
{
	if (section->bytes) {
		pad(out, section->header.sh_addralign);
		section->header.sh_size = section->bytes->len;
	}
	section->header.sh_offset = out->len;
	if (section->bytes)
		g_byte_array_append(out, section->bytes->data, section->bytes->len);
}

GBytes *suture_elf_edit_write(SutureElfEdit *edit)
{
	GByteArray *out = g_byte_array_new();
	g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(guint));

	for (guint i = 1; i < edit->sections->len; i++)
		g_array_append_val(order, i);
	g_array_sort_with_data(order, compare_places, edit);
	g_byte_array_append(out, (const guint8 *)&edit->header, sizeof(Elf64_Ehdr));
	for (guint i = 0; i < order->len; i++)
		write_section(out, &g_array_index(edit->sections, Section, g_array_index(order, guint, i)));
	pad(out, sizeof(guint64));
	edit->header.e_shoff = out->len;
	edit->header.e_shnum = (Elf64_Half)edit->sections->len;
	memcpy(out->data, &edit->header, sizeof(Elf64_Ehdr));
	for (guint i = 0; i < edit->sections->len; i++)
		g_byte_array_append(out, (const guint8 *)suture_elf_edit_header(edit, i), sizeof(Elf64_Shdr));
	return g_byte_array_free_to_bytes(out);
}
