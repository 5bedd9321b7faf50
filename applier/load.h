/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/error.h"

/*
 * Loads the module in the sealed descriptor @fd, as finit_module(2) does; @name names it in errors. Nothing
 * but these bytes reaches the kernel: no modprobe configuration, no dependencies, no parameters. Every answer
 * of the kernel has its own code, MODULE-*.
 */
gboolean suture_module_load(int fd, const gchar *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The error for the kernel's answer @code (an errno) to loading @name. Private to applier/. */
void suture_module_set_answer(GError **error, int code, const gchar *name);

/*
 * Unloads the module @name. The kernel lets go of a disabled patch a moment after its folder has vanished, so
 * this tries for some seconds: MODULE-IN-USE. Absent is success.
 */
gboolean suture_module_unload(const gchar *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
