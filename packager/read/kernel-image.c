// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/file.h"
#include "packager/read/archive-file.h"
#include "packager/read/elf-file.h"
#include "packager/read/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Linux/x86 boot protocol 2.08 and later: offsets in the setup header. */
#define SETUP_BYTES 0x270
#define SETUP_SECTS 0x1f1
#define BOOT_FLAG 0x1fe
#define HEADER_MAGIC 0x202
#define VERSION 0x206
#define PAYLOAD_OFFSET 0x248
#define PAYLOAD_LENGTH 0x24c
#define SECTOR 512
#define VERSION_WITH_PAYLOAD 0x208
#define UNPACKED_MAX (1024LL * 1024 * 1024)

static guint32 get_32(const guint8 *bytes)
{
	guint32 value;

	memcpy(&value, bytes, sizeof(value));
	return GUINT32_FROM_LE(value);
}

static gchar *not_kernel(const gchar *path, const gchar *why, GError **error)
{
	g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_NOT_KERNEL,
		    "%s: %s: give the vmlinuz or vmlinux of the kernel to patch", path, why);
	return NULL;
}

static gchar *elf_build_id(int fd, const gchar *path, GError **error)
{
	SUTURE_AUTO_ELF *elf = suture_elf_from_fd(fd);
	GElf_Ehdr header;
	gsize count;

	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header) ||
	    (header.e_type != ET_EXEC && header.e_type != ET_DYN) || elf_getshdrnum(elf, &count) < 0)
		return not_kernel(path, "is neither a bzImage nor an ELF vmlinux", error);
	for (gsize i = 1; i < count; i++) {
		Elf_Scn *section = elf_getscn(elf, i);
		GElf_Shdr section_header;
		Elf_Data *data;
		gchar *build_id = NULL;

		if (!section || !gelf_getshdr(section, &section_header) || section_header.sh_type != SHT_NOTE)
			continue;
		data = elf_getdata(section, NULL);
		if (data)
			build_id = suture_elf_notes_build_id(data);
		if (build_id)
			return build_id;
	}
	return not_kernel(path, "has no GNU build-id", error);
}

/*
 * Bytes behind the compressed stream: the kernel's build appends the unpacked size to every kind but gzip,
 * which has it already (scripts/Makefile.lib, size_append).
 */
static guint64 trailer_size(int fd, guint64 offset)
{
	guint8 magic[2];

	if (pread(fd, magic, sizeof(magic), (off_t)offset) != sizeof(magic))
		return 0;
	return magic[0] == 0x1f && magic[1] == 0x8b ? 0 : sizeof(guint32);
}

/* Unpacks [@offset, @offset + @length) of @fd into a memfd. */
static int unpack(int fd, guint64 offset, guint64 length, const gchar *path, GError **error)
{
	SUTURE_AUTO_FD memory = memfd_create("vmlinux", MFD_CLOEXEC);
	SUTURE_AUTO_ARCHIVE *archive = suture_archive_open_raw(fd, offset, length);
	guint64 total = 0;
	la_int64_t position;
	const void *block;
	size_t size;
	int status;

	if (memory < 0)
		return suture_error_set_errno(error, errno, "memfd_create"), -1;
	if (!archive)
		return not_kernel(path, "its payload is not compressed in a known way", error), -1;
	while ((status = archive_read_data_block(archive, &block, &size, &position)) == ARCHIVE_OK) {
		total += size;
		if (total > UNPACKED_MAX)
			return not_kernel(path, "its payload is larger than a kernel", error), -1;
		if (!suture_file_write_fd(memory, block, size, error))
			return -1;
	}
	if (status != ARCHIVE_EOF || total == 0)
		return not_kernel(path, "its payload is damaged", error), -1;
	return suture_fd_steal(&memory);
}

/* Whether @setup starts a bzImage that says where its payload is. */
static gboolean payload_place(const guint8 *setup, guint64 *ret_offset, guint64 *ret_length)
{
	guint sectors = setup[SETUP_SECTS] ? setup[SETUP_SECTS] : 4;

	if (setup[BOOT_FLAG] != 0x55 || setup[BOOT_FLAG + 1] != 0xaa ||
	    memcmp(setup + HEADER_MAGIC, "HdrS", 4) != 0 ||
	    (get_32(setup + VERSION) & 0xffff) < VERSION_WITH_PAYLOAD)
		return FALSE;
	*ret_offset = (guint64)(sectors + 1) * SECTOR + get_32(setup + PAYLOAD_OFFSET);
	*ret_length = get_32(setup + PAYLOAD_LENGTH);
	return *ret_length > sizeof(guint32);
}

/* A descriptor of the kernel as ELF: @fd itself, or a memfd that *@memory then owns. -1: @error is set. */
static int unpacked(int fd, const gchar *path, int *memory, GError **error)
{
	guint8 setup[SETUP_BYTES] = {0};
	guint64 offset, length;

	if (pread(fd, setup, sizeof(setup), 0) != sizeof(setup) || !payload_place(setup, &offset, &length))
		return fd;
	*memory = unpack(fd, offset, length - trailer_size(fd, offset), path, error);
	return *memory;
}

gchar *suture_kernel_image_build_id(const gchar *path, GError **error)
{
	SUTURE_AUTO_FD fd = suture_file_open(path, O_RDONLY, error);
	SUTURE_AUTO_FD memory = -1;
	int elf = fd < 0 ? -1 : unpacked(fd, path, &memory, error);

	return elf < 0 ? NULL : elf_build_id(elf, path, error);
}

gboolean suture_kernel_image_unpack(const gchar *path, int to, GError **error)
{
	SUTURE_AUTO_FD fd = suture_file_open(path, O_RDONLY, error);
	SUTURE_AUTO_FD memory = -1;
	int elf = fd < 0 ? -1 : unpacked(fd, path, &memory, error);
	g_autofree gchar *build_id = elf < 0 ? NULL : elf_build_id(elf, path, error);
	struct stat status;

	if (!build_id)
		return FALSE;
	if (fstat(elf, &status) < 0)
		return suture_error_set_errno(error, errno, "%s", path);
	return suture_file_copy_range(elf, 0, (guint64)status.st_size, to, error);
}
