/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libkmod.h>

/* libkmod's types for load.c, provider.c and patched.c. */
typedef struct kmod_ctx KmodContext;
typedef struct kmod_module KmodModule;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KmodContext, kmod_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KmodModule, kmod_module_unref)

/* Without any configuration: what is loaded is decided elsewhere. @folder: lib/modules/<release>; NULL: the
 * running kernel's. */
KmodContext *suture_kmod_context_new(const gchar *folder, GError **error);
