/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/unit.h"

#include <jansson.h>

/* What happened to a fix, and why, as JSON (spec/explain.md). */

/* A unit that was compared: its functions, references, sections, layouts, refusals and notes. New. */
json_t *suture_report_unit(const SutureFixUnit *unit);

/* The whole: @notes are SutureNote*, @units SutureFixUnit*; those that did not change are listed by name.
 * New.
 */
json_t *suture_report_new(const SutureProfile *profile, GPtrArray *notes, GPtrArray *units);
