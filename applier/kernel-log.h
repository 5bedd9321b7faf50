/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * What the kernel says to its log while something is asked of it: an errno tells that it refused, the log
 * why. For people; nothing is decided by it, and where it cannot be read nothing is said.
 */
typedef struct _SutureKernelLog SutureKernelLog;

/* Remembers where dev/kmsg below @root (a descriptor) ends now. */
SutureKernelLog *suture_kernel_log_mark(int root);
void suture_kernel_log_free(SutureKernelLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureKernelLog, suture_kernel_log_free)

/* What livepatch, the framework or the module loader complained of since, about the module @name or about
 * none: "; the kernel log says: ..." on one line, or "". Newly allocated. */
gchar *suture_kernel_log_said(SutureKernelLog *log, const gchar *name);
