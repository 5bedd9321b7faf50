/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/image/run-pre.h"
#include "packager/image/symvers.h"

/* What a reference of a patch is to be bound to. */
typedef struct {
	gchar *object;     /* "vmlinux" or a module's name with '_' */
	gchar *symbol;     /* its name there */
	guint64 sympos;    /* 0: the only one of its name */
	gboolean exported; /* by vmlinux: an ordinary undefined symbol is enough */
} SutureTarget;

void suture_target_clear(SutureTarget *target);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureTarget, suture_target_clear)

/*
 * Finds what @symbol of a unit of @running means; @local: the unit defines it as a local one. In this order:
 * not local and exported by vmlinux; not local and exported by another module ({that module, 0}); a symbol of
 * @running at the address that @run_pre (NULL: none) inferred; the only one of @running of that name; for a
 * unit of a module nothing else. FALSE, @ret untouched, with SYMBOL-ABSENT (also for an address at which
 * @running has no symbol of that name), SYMBOL-AMBIGUOUS, saying how many there are, or SYMBOL-INIT.
 */
gboolean suture_resolve(const SutureRunning *running, const SutureRunPre *run_pre,
			const SutureSymvers *symvers, const gchar *symbol, gboolean local, SutureTarget *ret,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;
