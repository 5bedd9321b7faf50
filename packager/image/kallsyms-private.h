/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/image/kallsyms.h"
#include "packager/image/memory.h"

/* suture_kallsyms_read() of a vmlinux whose segments are known. */
SutureKallsyms *suture_kallsyms_of_memory(const SutureMemory *memory, const gchar *what, GError **error);

/*
 * A table of symbols made by hand, such as that of a module: add them in the kernel's order, end with
 * suture_kallsyms_finish(), and only then look anything up.
 */
SutureKallsyms *suture_kallsyms_new(void);
void suture_kallsyms_add(SutureKallsyms *kallsyms, guint64 address, gchar type, const gchar *name);
void suture_kallsyms_finish(SutureKallsyms *kallsyms);
