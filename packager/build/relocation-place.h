/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/build/relocation-table.h"

/*
 * Who reads or rewrites the places of relocations while a module is loaded, and when. In this order:
 *
 * 1. The module loader takes name, versions and exports from sections of the file, and struct module.
 * 2. It applies relocations: the usual ones and, on kernels with CONFIG_LIVEPATCH, sections
 *    .klp.rela.vmlinux.*.
 * 3. It sorts exception tables, copies per-processor data and rewrites text: alternatives, paravirtual
 *    calls, retpolines, returns, call thunks, ENDBRs, the calls of ftrace.
 * 4. The framework applies the entries of its table against vmlinux, as the first of the notifiers.
 * 5. Notifiers take over jump labels, static calls, tracepoints.
 * 6. The framework applies the entries against other modules, when these are there: maybe much later.
 *
 * An entry that the framework applies (4 or 6) may write to text and plain data that stays, but not to an
 * instruction that 3 or 5 rewrite, nor to any section that they read. One that the loader applies (2) may
 * write to all but what 1 reads.
 */
typedef struct _SuturePatchSites SuturePatchSites;

/* The instructions of the module in @elf that the kernel rewrites. NULL when its relocations cannot be read.
 */
SuturePatchSites *suture_patch_sites_read(Elf *elf);
void suture_patch_sites_free(SuturePatchSites *sites);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SuturePatchSites, suture_patch_sites_free)

/* Whether @entry comes in time, applied by the loader or else by the framework: RELOCATION-PLACE names its
 * section, symbol and object. */
gboolean suture_relocation_check_place(const SuturePatchSites *sites, const SutureRelocation *entry,
				       gboolean by_loader, const gchar *what,
				       GError **error) G_GNUC_WARN_UNUSED_RESULT;
