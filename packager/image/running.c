// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/running-private.h"

#include <elf.h>
#include <string.h>

#define CALL_BYTES 5

static const guint8 endbr[] = {0xf3, 0x0f, 0x1e, 0xfa};
static const guint8 nop[CALL_BYTES] = {0x0f, 0x1f, 0x44, 0x00, 0x00};

SutureRunning *suture_running_new(const gchar *object, SutureMemory *memory)
{
	SutureRunning *running = g_new0(SutureRunning, 1);

	running->references = 1;
	running->object = g_strdup(object);
	running->memory = memory;
	running->seals = g_array_new(FALSE, FALSE, sizeof(guint64));
	running->init = g_array_new(FALSE, FALSE, sizeof(SutureRunningRange));
	running->depends = g_new0(gchar *, 1);
	return running;
}

SutureRunning *suture_running_ref(SutureRunning *running)
{
	g_atomic_int_inc(&running->references);
	return running;
}

void suture_running_unref(SutureRunning *running)
{
	if (!g_atomic_int_dec_and_test(&running->references))
		return;
	g_clear_pointer(&running->shifting, g_hash_table_unref);
	g_clear_pointer(&running->undefined, g_hash_table_unref);
	g_clear_pointer(&running->relocations, g_array_unref);
	g_clear_pointer(&running->entries, g_array_unref);
	g_clear_pointer(&running->symbols, suture_kallsyms_unref);
	g_array_unref(running->seals);
	g_array_unref(running->init);
	g_strfreev(running->depends);
	suture_memory_free(running->memory);
	g_free(running->object);
	g_free(running);
}

static gint compare_addresses(gconstpointer left, gconstpointer right)
{
	guint64 a = *(const guint64 *)left, b = *(const guint64 *)right;

	return a < b ? -1 : a > b;
}

void suture_running_sort(GArray *array)
{
	g_array_sort(array, compare_addresses);
}

static gboolean holds(GArray *sorted, guint64 address)
{
	return g_array_binary_search(sorted, &address, compare_addresses, NULL);
}

const gchar *suture_running_object(const SutureRunning *running)
{
	return running->object;
}

guint suture_running_count(const SutureRunning *running, const gchar *name)
{
	guint first, count;

	return suture_kallsyms_find(running->symbols, name, &first, &count) ? count : 0;
}

gboolean suture_running_symbol(const SutureRunning *running, const gchar *name, guint index,
			       SutureRunningSymbol *ret)
{
	const SutureKallsym *symbol;
	guint first, count;

	if (!suture_kallsyms_find(running->symbols, name, &first, &count) || index >= count)
		return FALSE;
	symbol = suture_kallsyms_named(running->symbols, first + index);
	*ret = (SutureRunningSymbol){symbol->name, symbol->address, count == 1 ? 0 : index + 1,
				     g_ascii_isupper(symbol->type)};
	return TRUE;
}

gboolean suture_running_sympos(const SutureRunning *running, const gchar *name, guint64 address,
			       guint64 *ret_sympos)
{
	SutureRunningSymbol symbol;

	for (guint i = 0; suture_running_symbol(running, name, i, &symbol); i++)
		if (symbol.address == address) {
			*ret_sympos = symbol.sympos;
			return TRUE;
		}
	return FALSE;
}

gboolean suture_running_shifts(const SutureRunning *running, const gchar *name)
{
	return running->shifting && g_hash_table_contains(running->shifting, name);
}

gboolean suture_running_is_init(const SutureRunning *running, guint64 address)
{
	for (guint i = 0; i < running->init->len; i++) {
		const SutureRunningRange *range = &g_array_index(running->init, SutureRunningRange, i);

		if (address >= range->start && address < range->end)
			return TRUE;
	}
	return FALSE;
}

const gchar *const *suture_running_depends(const SutureRunning *running)
{
	return (const gchar *const *)running->depends;
}

const guint8 *suture_running_bytes(const SutureRunning *running, guint64 address, gsize size)
{
	return suture_memory_bytes(running->memory, address, size);
}

static gboolean is_endbr(const SutureRunning *running, guint64 address)
{
	const guint8 *bytes = suture_running_bytes(running, address, sizeof(endbr));

	return bytes && memcmp(bytes, endbr, sizeof(endbr)) == 0;
}

static gboolean calls_tracer(const SutureRunning *running, guint64 address)
{
	const guint8 *bytes = suture_running_bytes(running, address, CALL_BYTES);
	SutureRunningSymbol tracer = {0};
	guint64 target;

	if (!bytes)
		return FALSE;
	if (memcmp(bytes, nop, sizeof(nop)) == 0)
		return TRUE;
	return bytes[0] == 0xe8 && suture_running_target(running, address + 1, R_X86_64_PLT32, &target) &&
	       (suture_running_symbol(running, "__fentry__", 0, &tracer) ||
		suture_running_undefined(running, "__fentry__", &tracer.address)) &&
	       target == tracer.address - 4;
}

gboolean suture_running_traceable(const SutureRunning *running, guint64 address)
{
	guint64 entry = is_endbr(running, address) ? address + sizeof(endbr) : address;

	if (running->entries)
		return holds(running->entries, entry);
	return calls_tracer(running, entry);
}

gboolean suture_running_sealed(const SutureRunning *running, guint64 address)
{
	return holds(running->seals, address);
}

gsize suture_relocation_bytes(guint32 type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64:
		return sizeof(guint64);
	case R_X86_64_32:
	case R_X86_64_32S:
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		return sizeof(guint32);
	default:
		return 0;
	}
}

gboolean suture_relocation_is_relative(guint32 type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32 || type == R_X86_64_PC64;
}

static gboolean linked_target(const SutureRunning *running, guint64 place, guint32 type, guint64 *ret_target)
{
	gsize size = suture_relocation_bytes(type);
	const guint8 *bytes = size ? suture_running_bytes(running, place, size) : NULL;
	guint64 value = 0;

	if (!bytes)
		return FALSE;
	memcpy(&value, bytes, size);
	value = GUINT64_FROM_LE(value);
	if (size == sizeof(guint32) && type != R_X86_64_32)
		value = (guint64)(gint64)(gint32)value;
	*ret_target = suture_relocation_is_relative(type) ? value + place : value;
	return TRUE;
}

gboolean suture_running_relocated(const SutureRunning *running, guint64 from, guint64 to, guint64 *ret_place)
{
	guint low = 0, high = running->relocations ? running->relocations->len : 0;
	const guint end = high;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (g_array_index(running->relocations, SutureRunningRelocation, middle).place < from)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == end || g_array_index(running->relocations, SutureRunningRelocation, low).place >= to)
		return FALSE;
	*ret_place = g_array_index(running->relocations, SutureRunningRelocation, low).place;
	return TRUE;
}

gboolean suture_running_target(const SutureRunning *running, guint64 place, guint32 type, guint64 *ret_target)
{
	const SutureRunningRelocation *relocation;
	gsize size = suture_relocation_bytes(type);
	guint64 first;
	guint found;

	/* In a module, the assembler has done those within a section. */
	if (!running->relocations ||
	    (suture_relocation_is_relative(type) &&
	     !suture_running_relocated(running, place - MIN(place, 3), place + size, &first)))
		return linked_target(running, place, type, ret_target);
	if (!g_array_binary_search(running->relocations, &place, compare_addresses, &found))
		return FALSE;
	relocation = &g_array_index(running->relocations, SutureRunningRelocation, found);
	if (relocation->type != type)
		return FALSE;
	*ret_target = relocation->target;
	return TRUE;
}

gboolean suture_running_undefined(const SutureRunning *running, const gchar *name, guint64 *ret_address)
{
	const guint64 *address = running->undefined ? g_hash_table_lookup(running->undefined, name) : NULL;

	if (address)
		*ret_address = *address;
	return address != NULL;
}
