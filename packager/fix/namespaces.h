/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/unit.h"

/*
 * Adds the name spaces of the exported symbols that the extracted object of @unit refers to, and the module
 * loader finds, to @namespaces (gchar*, each once). Codes of SUTURE_DIFF_ERROR.
 */
gboolean suture_namespaces_collect(const SutureFixUnit *unit, const SutureKernelView *view,
				   GPtrArray *namespaces, GError **error) G_GNUC_WARN_UNUSED_RESULT;
