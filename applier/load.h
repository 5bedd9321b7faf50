/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/error.h"
#include "spec/patch.h"

/*
 * Loads the module in the sealed descriptor @fd, as finit_module(2) does; @name names it in errors. Nothing
 * but these bytes reaches the kernel: no modprobe configuration, no dependencies, no parameters. Every answer
 * of the kernel has its own code, MODULE-*, with what it said to dev/kmsg below @root; a patch of
 * @consistency stop-machine whose time did not come gets BLOCKED.
 */
gboolean suture_module_load(int root, int fd, const gchar *name, SutureConsistency consistency,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The error for the kernel's answer @code (an errno) to loading @name; @said ends it. Private to applier/. */
void suture_module_set_answer(GError **error, int code, SutureConsistency consistency, const gchar *name,
			      const gchar *said);

/* Whether the kernel may keep the module of a patch that is off. */
typedef enum {
	SUTURE_STAY_NO,     /* it lets go of it a moment after the patch's folder has vanished */
	SUTURE_STAY_MAYBE,  /* or never, when somebody forced the patch */
	SUTURE_STAY_PINNED, /* never: model immediate */
} SutureStay;

/* What a patch of that provider and model is to expect. */
SutureStay suture_stay(SutureProvider provider, SutureConsistency consistency);

/*
 * Unloads the module @name, in some tries unless it is pinned anyway. Absent is success, and so is one that
 * stays as @stay lets it: *@ret_pinned. MODULE-IN-USE.
 */
gboolean suture_module_unload(const gchar *name, SutureStay stay, gboolean *ret_pinned,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;
