/* SPDX-License-Identifier: GPL-2.0-only */
/* The architecture's part of <suture/reloc.h>. */
#ifndef SUTURE_IMPORT_H
#define SUTURE_IMPORT_H

#ifdef CONFIG_X86_64
#include "../../arch/x86/import.h"
#else
#error "suture: there are no imports for this architecture yet"
#endif

#endif
