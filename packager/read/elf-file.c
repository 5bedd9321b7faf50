// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/elf-file.h"

#include <string.h>

#define BUILD_ID_MIN 8 /* bytes */
#define BUILD_ID_MAX 64

static gboolean library_ready(void)
{
	return elf_version(EV_CURRENT) != EV_NONE;
}

Elf *suture_elf_from_memory(GBytes *image)
{
	gsize size;
	gconstpointer data = g_bytes_get_data(image, &size);

	/* libelf's parameter is not const, but it does not write to what it reads. */
	return library_ready() && size >= EI_NIDENT ? elf_memory((char *)(guintptr)data, size) : NULL;
}

Elf *suture_elf_from_fd(int fd)
{
	return library_ready() ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
}

gboolean suture_elf_section(Elf *elf, gsize index, GElf_Shdr *ret_header, Elf_Data **ret_data)
{
	Elf_Scn *section = elf_getscn(elf, index);
	GElf_Shdr header;
	Elf_Data *data;

	if (!section || !gelf_getshdr(section, &header))
		return FALSE;
	data = elf_getdata(section, NULL);
	if (!data || (!data->d_buf && header.sh_type != SHT_NOBITS && header.sh_size))
		return FALSE;
	*ret_header = header;
	*ret_data = data;
	return TRUE;
}

gsize suture_elf_find_section(Elf *elf, const gchar *name)
{
	gsize names, count, found = 0;

	if (elf_getshdrstrndx(elf, &names) < 0 || elf_getshdrnum(elf, &count) < 0)
		return 0;
	for (gsize i = 1; i < count; i++) {
		Elf_Scn *section = elf_getscn(elf, i);
		GElf_Shdr header;
		const gchar *own;

		if (!section || !gelf_getshdr(section, &header))
			return 0;
		own = elf_strptr(elf, names, header.sh_name);
		if (g_strcmp0(own, name) != 0)
			continue;
		if (found)
			return 0;
		found = i;
	}
	return found;
}

gboolean suture_elf_holds(const Elf_Data *data, guint64 offset, guint64 size)
{
	return data->d_buf && offset <= data->d_size && size <= data->d_size - offset;
}

static gchar *hex_of(const guint8 *bytes, gsize size)
{
	GString *hex = g_string_sized_new(2 * size);

	for (gsize i = 0; i < size; i++)
		g_string_append_printf(hex, "%02x", bytes[i]);
	return g_string_free(hex, FALSE);
}

gchar *suture_elf_notes_build_id(Elf_Data *data)
{
	gsize offset = 0, next, name, description;
	GElf_Nhdr note;

	while (data->d_buf && (next = gelf_getnote(data, offset, &note, &name, &description)) > 0) {
		const gchar *bytes = data->d_buf;

		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    memcmp(bytes + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0 &&
		    note.n_descsz >= BUILD_ID_MIN && note.n_descsz <= BUILD_ID_MAX)
			return hex_of((const guint8 *)bytes + description, note.n_descsz);
		offset = next;
	}
	return NULL;
}

guint8 suture_elf_relocation_bytes(guint32 type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64:
		return 8;
	case R_X86_64_32:
	case R_X86_64_32S:
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		return 4;
	case R_X86_64_16:
	case R_X86_64_PC16:
		return 2;
	case R_X86_64_8:
	case R_X86_64_PC8:
		return 1;
	default:
		return 0;
	}
}
