/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/diff.h"
#include "packager/fix/compile.h"
#include "packager/fix/touched.h"
#include "packager/image/resolve.h"

/* One unit of one object on its way into a patch: compiled before and after, checked, compared. */
typedef struct {
	const SutureCommandLine *line;
	guint number;
	gchar *object; /* a unit that is part of two modules stands here twice */
	SutureRunning *running;
	SutureCompilation *before, *after; /* owned by who compiles them */
	gboolean same;                     /* compiled to the same bytes */
	SutureRunPre *run_pre;
	SutureDiff *diff;
} SutureFixUnit;
void suture_fix_unit_free(SutureFixUnit *unit);

/* The kernel that runs, opened as far as it is needed. */
typedef struct _SutureKernelView SutureKernelView;
/* @more_symvers: the Module.symvers of another module that the loader finds symbols in; NULL: none. */
SutureKernelView *suture_kernel_view_open(const SutureProfile *profile, const gchar *more_symvers,
					  GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_kernel_view_free(SutureKernelView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureKernelView, suture_kernel_view_free)

/* "vmlinux" or a module; opened once; borrowed. */
SutureRunning *suture_kernel_view_object(SutureKernelView *view, const gchar *object,
					 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The export called @symbol that the module loader would find: of vmlinux, or of that other module. NULL:
 * none. */
const SutureExport *suture_kernel_view_export(const SutureKernelView *view, const gchar *symbol);

/* Whether the sectioned objects before and after are the same bytes, into @unit. If not, @view learns which
 * global symbols the patch itself will have by it. */
gboolean suture_fix_unit_look(SutureFixUnit *unit, SutureKernelView *view,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The run-pre check of the object before and the diff of the two, both into @unit. A function may differ from
 * what runs only because it has a section of its own; then the unit is compiled once more without that, and
 * the check is of that object. SYMBOL-AMBIGUOUS when a function
 * that the fix changes could not be looked at. Refusals are in the diff. Codes of SUTURE_IMAGE_ERROR, of
 * suture_compile(), and MALFORMED.
 */
gboolean suture_fix_unit_compare(SutureFixUnit *unit, SutureKernelView *view, const SutureTouched *touched,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;
