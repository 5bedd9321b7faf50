/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/command.h"

#include <jansson.h>

/* Prints the report of a fix (spec/explain.md) on standard output: as text, or with --json as it is. */
void suture_build_explain(const SutureContext *context, json_t *report);
