/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/build-options.h"
#include "cli/command.h"

/*
 * `suture build --kernels LIST`: the same fix for each profile, every build a process of its own with the
 * same options, as many at a time as processors and memory allow, and each into a folder of its own below
 * that of the options: <release>, or where two have the same, <release>-<start of the id>. Prints a table, or
 * with --json what spec/matrix.md says; FALSE with MATRIX when any failed, after all the others were done.
 */
gboolean suture_build_matrix(const SutureContext *context, const SutureBuildOptions *options,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
