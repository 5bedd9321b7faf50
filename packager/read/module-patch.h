/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/elf-file.h"
#include "packager/read/module-info.h"

/*
 * Fills @info's functions, objects and cumulative from the klp_patch of the module in @elf, found by its
 * relocations: the sizes of the structs differ between kernel versions, but the members that a patch author
 * fills in do not move (include/linux/livepatch.h: mod, objs, states, replace; name, funcs; old_name,
 * new_func, old_sympos). NO-FUNCTIONS when there is none, MODULE-MALFORMED when there are two or too many
 * functions.
 */
gboolean suture_module_patch_read(Elf *elf, SutureModuleInfo *info, const gchar *what,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;
