// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/running-private.h"

#include "common/file.h"
#include "packager/read/elf-file.h"

#include <string.h>

#define FILE_MAX (2048LL * 1024 * 1024) /* with DWARF */
#define SEAL_SECTION ".ibt_endbr_seal"

static gboolean range_of_symbols(const SutureRunning *running, const gchar *first, const gchar *last,
				 SutureRunningRange *ret)
{
	SutureRunningSymbol start, end;

	if (!suture_running_symbol(running, first, 0, &start) ||
	    !suture_running_symbol(running, last, 0, &end) || end.address < start.address)
		return FALSE;
	*ret = (SutureRunningRange){start.address, end.address};
	return TRUE;
}

static gboolean range_of_section(GBytes *file, const gchar *name, SutureRunningRange *ret)
{
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(file);
	gsize index = elf ? suture_elf_find_section(elf, name) : 0;
	GElf_Shdr header;

	if (index == 0 || !gelf_getshdr(elf_getscn(elf, index), &header) ||
	    header.sh_addr > G_MAXUINT64 - header.sh_size)
		return FALSE;
	*ret = (SutureRunningRange){header.sh_addr, header.sh_addr + header.sh_size};
	return TRUE;
}

/* Addresses in the table at @range, each 64 bits, or 32 bits relative to its place. NULL: it is not there. */
static GArray *read_addresses(const SutureRunning *running, const SutureRunningRange *range,
			      gboolean relative)
{
	const gsize entry = relative ? sizeof(gint32) : sizeof(guint64);
	const guint8 *bytes = suture_running_bytes(running, range->start, range->end - range->start);
	g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(guint64));

	for (guint64 at = 0; bytes && at + entry <= range->end - range->start; at += entry) {
		guint64 value = 0;

		memcpy(&value, bytes + at, entry);
		value = GUINT64_FROM_LE(value);
		if (relative)
			value = range->start + at + (guint64)(gint64)(gint32)value;
		g_array_append_val(addresses, value);
	}
	suture_running_sort(addresses);
	return bytes ? g_steal_pointer(&addresses) : NULL;
}

/* The lists that the kernel itself reads at boot. An empty one is as good as none. */
static void read_lists(SutureRunning *running, GBytes *file)
{
	SutureRunningRange range;

	if (range_of_symbols(running, "__start_mcount_loc", "__stop_mcount_loc", &range) &&
	    range.end > range.start)
		running->entries = read_addresses(running, &range, FALSE);
	if (range_of_section(file, SEAL_SECTION, &range) ||
	    range_of_symbols(running, "__ibt_endbr_seal", "__ibt_endbr_seal_end", &range)) {
		GArray *seals = read_addresses(running, &range, TRUE);

		if (seals) {
			g_array_unref(running->seals);
			running->seals = seals;
		}
	}
}

SutureRunning *suture_running_open_vmlinux(const gchar *path, GError **error)
{
	g_autoptr(GBytes) file = suture_file_read(path, FILE_MAX, error);
	SutureMemory *memory = file ? suture_memory_of_vmlinux(file, path, error) : NULL;
	g_autoptr(SutureRunning) running = memory ? suture_running_new("vmlinux", memory) : NULL;
	SutureRunningRange init;

	if (!running)
		return NULL;
	running->symbols = suture_kallsyms_of_memory(memory, path, error);
	if (!running->symbols)
		return NULL;
	read_lists(running, file);
	if (range_of_symbols(running, "__init_begin", "__init_end", &init))
		g_array_append_val(running->init, init);
	return g_steal_pointer(&running);
}
