/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/command.h"
#include "spec/patch.h"

/* The kernels of this host: those with an image and modules. */

/* Adds the releases of the installed kernels to the set @releases (gchar*, owned by it). */
void suture_installed_releases(const SutureContext *context, GHashTable *releases);

/*
 * The running kernel, and each installed one with the build-id that its image says (SutureKernel*, freed with
 * the array), sorted by release. One whose image cannot be read is told of (g_message()) and left out.
 */
GPtrArray *suture_installed_kernels(const SutureContext *context, const SutureKernel *running);
void suture_installed_free(gpointer kernel);

/* The one of @kernels that the next boot starts, as far as can be told: the newest. Borrowed. */
const SutureKernel *suture_installed_next(GPtrArray *kernels);
