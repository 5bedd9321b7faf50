/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/image/error.h"

/* Module.symvers: what the kernel and its modules export. Never changes once read. */
typedef struct _SutureSymvers SutureSymvers;

typedef struct {
	const gchar *name;
	const gchar *object; /* "vmlinux", or the module's name with '_': "nf_tables" */
	guint32 crc;
	gboolean gpl;
	const gchar *name_space; /* NULL: none */
} SutureExport;

/*
 * One line an export: crc, name, module's path, EXPORT_SYMBOL or EXPORT_SYMBOL_GPL, name space, parted by
 * tabs (Linux Documentation/kbuild/modules.rst; the last field may be absent). NULL with IMAGE-SYMVERS,
 * naming @what and the line: for other forms, two exports of one name, over 64 MiB.
 */
SutureSymvers *suture_symvers_parse(GBytes *text, const gchar *what,
				    GError **error) G_GNUC_WARN_UNUSED_RESULT;
SutureSymvers *suture_symvers_read(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_symvers_free(SutureSymvers *symvers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureSymvers, suture_symvers_free)

/* The export called @name, or NULL; and all, in the file's order. */
const SutureExport *suture_symvers_find(const SutureSymvers *symvers, const gchar *name);
guint suture_symvers_count(const SutureSymvers *symvers);
const SutureExport *suture_symvers_at(const SutureSymvers *symvers, guint index);
