// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of symbols in a vmlinux: as it is, and (the input without an ELF header) as the only segment of
 * one. */
#include "packager/image/kallsyms.h"

#include <elf.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(GBytes *image)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureKallsyms) kallsyms = suture_kallsyms_read(image, "input", &error);

	g_assert((kallsyms == NULL) == (error != NULL));
	for (guint i = 0; kallsyms && i < suture_kallsyms_count(kallsyms); i++) {
		const SutureKallsym *symbol = suture_kallsyms_at(kallsyms, i);
		guint first = 0, count = 0;

		g_assert(i == 0 || symbol[-1].address <= symbol->address);
		g_assert(suture_kallsyms_find(kallsyms, symbol->name, &first, &count) && count > 0);
		g_assert(suture_kallsyms_named(kallsyms, first + count - 1)->name == symbol->name);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) whole = g_bytes_new(data, size), wrapped = NULL;
	const Elf64_Phdr segment = {
		.p_type = PT_LOAD,
		.p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
		.p_vaddr = G_GUINT64_CONSTANT(0xffffffff81000000),
		.p_filesz = size,
		.p_memsz = size,
	};
	const Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
	};
	GByteArray *bytes = g_byte_array_new();

	g_byte_array_append(bytes, (const guint8 *)&header, sizeof(header));
	g_byte_array_append(bytes, (const guint8 *)&segment, sizeof(segment));
	g_byte_array_append(bytes, data, (guint)size);
	wrapped = g_byte_array_free_to_bytes(bytes);
	check(whole);
	check(wrapped);
	return 0;
}
