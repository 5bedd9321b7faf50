/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec/json.h"
#include "spec/manifest.h"

/* The modules and sources of a manifest to and from JSON; private to spec/. Types only, values are judged by
 * manifest.c. */
gboolean suture_modules_read(json_t *manifest, gint64 format, GPtrArray *modules, GError **error);
gboolean suture_sources_read(json_t *manifest, GPtrArray *sources, GError **error);
json_t *suture_modules_json(const GPtrArray *modules, gint64 format);
json_t *suture_sources_json(const GPtrArray *sources);
