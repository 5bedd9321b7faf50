/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/apply.h"
#include "applier/status.h"
#include "spec/json.h"

/* What --json of apply, revert, list and status share; the fields are described in suture-list(8). All return
 * new references. */
json_t *suture_rows_json(GPtrArray *rows);
/* An array of strings. @strings: const gchar*. */
json_t *suture_strings_json(GPtrArray *strings);
/* {"id", "seconds", "transition_seconds"} for each SutureApplied. */
json_t *suture_applied_json(GPtrArray *done);

/* Prints @json on standard output, for people and programs. */
void suture_print_json(json_t *json);

/* An option error unless only the command's name is left. */
gboolean suture_no_arguments(int argc, char **argv, GError **error) G_GNUC_WARN_UNUSED_RESULT;
