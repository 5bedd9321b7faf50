/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/image/error.h"

/*
 * The kernel's own table of symbols, embedded in every vmlinux with CONFIG_KALLSYMS, stripped or not, in the
 * layouts of Linux 5.14 to 6.12 (names compressed by tokens; addresses absolute, relative, or relative but
 * for those of processors' data). Never changes once read: safe to use from several threads.
 */
typedef struct _SutureKallsyms SutureKallsyms;

typedef struct {
	guint64 address; /* as linked: what /proc/kallsyms says with nokaslr */
	gchar type;      /* nm(1)'s letter: upper case for global symbols */
	const gchar *name;
} SutureKallsym;

/*
 * Reads the tables of the ELF file @vmlinux, which need not outlive the result. @what names it in messages.
 * NULL with IMAGE-VMLINUX (not such a file) or KALLSYMS-ABSENT (no tables that fit together).
 */
SutureKallsyms *suture_kallsyms_read(GBytes *vmlinux, const gchar *what,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;
SutureKallsyms *suture_kallsyms_ref(SutureKallsyms *kallsyms);
void suture_kallsyms_unref(SutureKallsyms *kallsyms);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureKallsyms, suture_kallsyms_unref)

/* The symbols in the kernel's order, which is that of addresses and the one that sympos counts in. */
guint suture_kallsyms_count(const SutureKallsyms *kallsyms);
const SutureKallsym *suture_kallsyms_at(const SutureKallsyms *kallsyms, guint index);

/*
 * How many symbols are called @name: entries @ret_first to @ret_first + @ret_count - 1 for
 * suture_kallsyms_named(), which gives them in the kernel's order. FALSE: none.
 */
gboolean suture_kallsyms_find(const SutureKallsyms *kallsyms, const gchar *name, guint *ret_first,
			      guint *ret_count);
const SutureKallsym *suture_kallsyms_named(const SutureKallsyms *kallsyms, guint entry);
