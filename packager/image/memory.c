// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/memory.h"

#include "packager/read/elf-file.h"

struct _SutureMemory {
	GBytes *file;
	GArray *blocks; /* SutureMemoryBlock, sorted by address */
};

SutureMemory *suture_memory_new(GBytes *file)
{
	SutureMemory *memory = g_new0(SutureMemory, 1);

	memory->file = g_bytes_ref(file);
	memory->blocks = g_array_new(FALSE, FALSE, sizeof(SutureMemoryBlock));
	return memory;
}

void suture_memory_free(SutureMemory *memory)
{
	g_bytes_unref(memory->file);
	g_array_unref(memory->blocks);
	g_free(memory);
}

/* Index of the first block that begins behind @address. */
static guint upper_bound(const SutureMemory *memory, guint64 address)
{
	guint low = 0, high = memory->blocks->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (g_array_index(memory->blocks, SutureMemoryBlock, middle).address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

gboolean suture_memory_add(SutureMemory *memory, guint64 address, guint64 size, guint64 offset, guint64 held)
{
	gsize file_size;
	const guint8 *bytes = g_bytes_get_data(memory->file, &file_size);
	SutureMemoryBlock block = {.address = address, .size = size, .held = held};
	guint at = upper_bound(memory, address);

	if (size == 0)
		return held == 0;
	if (held > size || address > G_MAXUINT64 - size || offset > file_size || held > file_size - offset)
		return FALSE;
	if (at < memory->blocks->len &&
	    g_array_index(memory->blocks, SutureMemoryBlock, at).address - address < size)
		return FALSE;
	if (at > 0) {
		const SutureMemoryBlock *before = &g_array_index(memory->blocks, SutureMemoryBlock, at - 1);

		if (address - before->address < before->size)
			return FALSE;
	}
	block.bytes = held ? bytes + offset : NULL;
	g_array_insert_val(memory->blocks, at, block);
	return TRUE;
}

guint suture_memory_count(const SutureMemory *memory)
{
	return memory->blocks->len;
}

const SutureMemoryBlock *suture_memory_at(const SutureMemory *memory, guint index)
{
	return &g_array_index(memory->blocks, SutureMemoryBlock, index);
}

const SutureMemoryBlock *suture_memory_find(const SutureMemory *memory, guint64 address, guint64 size)
{
	guint at = upper_bound(memory, address);
	const SutureMemoryBlock *block;

	if (at == 0)
		return NULL;
	block = suture_memory_at(memory, at - 1);
	return size <= block->size && address - block->address <= block->size - size ? block : NULL;
}

const guint8 *suture_memory_bytes(const SutureMemory *memory, guint64 address, guint64 size)
{
	const SutureMemoryBlock *block = suture_memory_find(memory, address, size);

	if (!block || size > block->held || address - block->address > block->held - size)
		return NULL;
	return block->bytes + (address - block->address);
}

static gboolean add_segments(SutureMemory *memory, Elf *elf)
{
	gsize count;

	if (elf_getphdrnum(elf, &count) < 0)
		return FALSE;
	for (gsize i = 0; i < count; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(elf, (int)i, &header))
			return FALSE;
		if (header.p_type == PT_LOAD && !suture_memory_add(memory, header.p_vaddr, header.p_memsz,
								   header.p_offset, header.p_filesz))
			return FALSE;
	}
	return memory->blocks->len > 0;
}

SutureMemory *suture_memory_of_vmlinux(GBytes *file, const gchar *what, GError **error)
{
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(file);
	g_autoptr(SutureMemory) memory = suture_memory_new(file);
	GElf_Ehdr header;

	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header) &&
	    gelf_getclass(elf) == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB &&
	    header.e_type == ET_EXEC && header.e_machine == EM_X86_64 && add_segments(memory, elf))
		return g_steal_pointer(&memory);
	g_set_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_VMLINUX,
		    "%s: is not a whole x86-64 vmlinux: give the uncompressed ELF file", what);
	return NULL;
}
