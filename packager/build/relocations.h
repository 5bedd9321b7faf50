/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/build/error.h"

#include <glib.h>

/* How a module's references to symbols that are not exported come about (relocation-table.h). */

/* How much of the table the target can do. */
typedef struct {
	gboolean framework; /* the module is for the framework, which applies the table */
	gboolean loader;    /* the kernel has CONFIG_LIVEPATCH: its module loader applies sections
			       .klp.rela.vmlinux.* of every module, before it looks at anything that they
			       write to, and its own livepatch .klp.rela.<object>.* of the modules that are
			       for it, once the object is there
			       (Documentation/livepatch/module-elf-format.rst) */
} SutureRelocationMeans;

/*
 * The module with every entry that the kernel itself can apply in its hands: sections
 * .klp.rela.<object>.<section> (SHF_RELA_LIVEPATCH, symbols .klp.sym.<object>.<name>,<sympos> in
 * SHN_LIVEPATCH), the entry's type then R_X86_64_NONE, and no other relocation at its place. The same module
 * where there is nothing to do. Same bytes in, same bytes out.
 *
 * RELOCATION-TABLE for a table that cannot be used, RELOCATION-PLACE for an entry that would come too late,
 * RELOCATION-UNAPPLIED for one that nobody would apply.
 */
GBytes *suture_relocations_settle(GBytes *module, const SutureRelocationMeans *means, const gchar *what,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same refusals for a module that stays as it is, so that all its table is for the framework. */
gboolean suture_relocations_check(GBytes *module, gboolean framework, const gchar *what,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;
