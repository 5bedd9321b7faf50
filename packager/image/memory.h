/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/image/error.h"

/*
 * What an ELF file puts into memory: blocks at addresses, sorted, none over another. Bytes are those of the
 * file, which the memory keeps a reference to.
 */
typedef struct _SutureMemory SutureMemory;

typedef struct {
	guint64 address, size;
	const guint8 *bytes; /* of the file; NULL: none */
	guint64 held;        /* how many; the rest is zeros */
} SutureMemoryBlock;

SutureMemory *suture_memory_new(GBytes *file);
void suture_memory_free(SutureMemory *memory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMemory, suture_memory_free)

/* FALSE: it lies over another block, wraps, or the file does not hold [@offset, @offset + @block->held). */
gboolean suture_memory_add(SutureMemory *memory, guint64 address, guint64 size, guint64 offset, guint64 held);

guint suture_memory_count(const SutureMemory *memory);
const SutureMemoryBlock *suture_memory_at(const SutureMemory *memory, guint index);

/* The block that holds [@address, @address + @size), or NULL. */
const SutureMemoryBlock *suture_memory_find(const SutureMemory *memory, guint64 address, guint64 size);

/* The @size bytes at @address; NULL when the file does not hold them all. */
const guint8 *suture_memory_bytes(const SutureMemory *memory, guint64 address, guint64 size);

/* The loaded segments of an x86-64 vmlinux (ET_EXEC). NULL with IMAGE-VMLINUX, naming @what. */
SutureMemory *suture_memory_of_vmlinux(GBytes *file, const gchar *what, GError **error);
