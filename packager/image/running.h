/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/image/error.h"

/*
 * One object that runs (klp_object): the kernel or a module, as it was built. Never changes once opened: safe
 * to use from several threads.
 *
 * Addresses: vmlinux has those that it was linked for. A module has none before it is loaded; its sections
 * stand far apart at addresses that mean nothing but same or other place, in the order of its sections.
 */
typedef struct _SutureRunning SutureRunning;

typedef struct {
	const gchar *name;
	guint64 address;
	guint64 sympos; /* for klp_func and .klp.sym: 0 when the only one of its name, else counted from 1 */
	gboolean global;
} SutureRunningSymbol;

/*
 * @path: an uncompressed vmlinux (ELF), stripped or not: symbols are those of its embedded table. NULL with
 * IMAGE-VMLINUX, KALLSYMS-ABSENT or the codes of suture_file_read().
 */
SutureRunning *suture_running_open_vmlinux(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * @path: a .ko as it was built, plain or compressed by gzip, xz or zstd; @name: its name with '_'
 * ("nf_tables"). Symbols are counted in the order of its symbol table, as the kernel does while the module is
 * being loaded. NULL with IMAGE-MODULE or the codes of suture_file_read().
 */
SutureRunning *suture_running_open_module(const gchar *path, const gchar *name,
					  GError **error) G_GNUC_WARN_UNUSED_RESULT;
SutureRunning *suture_running_ref(SutureRunning *running);
void suture_running_unref(SutureRunning *running);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRunning, suture_running_unref)

/* "vmlinux", "nf_tables". */
const gchar *suture_running_object(const SutureRunning *running);

/*
 * How many symbols are called @name, and number @index of them, counted from 0 as the kernel counts; FALSE:
 * there are not so many.
 */
guint suture_running_count(const SutureRunning *running, const gchar *name);
gboolean suture_running_symbol(const SutureRunning *running, const gchar *name, guint index,
			       SutureRunningSymbol *ret);

/* sympos of the symbol called @name at @address. FALSE: none is there. */
gboolean suture_running_sympos(const SutureRunning *running, const gchar *name, guint64 address,
			       guint64 *ret_sympos);

/*
 * Whether sympos of @name is another once the module has dropped its init sections, so that no number is
 * right for both a module that is being loaded and one that is live. FALSE for vmlinux.
 */
gboolean suture_running_shifts(const SutureRunning *running, const gchar *name);

/* Whether what is at @address is gone once the kernel has booted or the module is loaded (__init). */
gboolean suture_running_is_init(const SutureRunning *running, guint64 address);

/* The modules that are loaded whenever this one is (modinfo "depends"), with '_'; NULL-terminated; borrowed.
 */
const gchar *const *suture_running_depends(const SutureRunning *running);

/*
 * Whether ftrace can be put at the entry of the function at @address: the kernel's own list (__mcount_loc)
 * holds it or, behind an endbr64, the next instruction. Without that list: whether the bytes are those of a
 * call to __fentry__ or its nop.
 */
gboolean suture_running_traceable(const SutureRunning *running, guint64 address);

/*
 * Whether the kernel takes the endbr64 at @address away at boot or load (.ibt_endbr_seal), so that no new
 * pointer to the function there may be made.
 */
gboolean suture_running_sealed(const SutureRunning *running, guint64 address);

/*
 * The @size bytes at @address as they are in the file; NULL when it does not hold them all (outside, .bss).
 * In a module, places that are relocated hold what the file holds there.
 */
const guint8 *suture_running_bytes(const SutureRunning *running, guint64 address, gsize size);
