/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec/json.h"
#include "spec/patch.h"

/*
 * The "custom" member of a bundle's entry in TUF targets metadata (spec/target.md): enough to select and
 * order bundles without downloading them. {"suture": {"format": 1, "manifest_sha256": hex, <members of
 * SuturePatch as in the manifest>}}. Codes of SUTURE_JSON_ERROR and SUTURE_MANIFEST_ERROR.
 */
typedef struct {
	SuturePatch patch;      /* kernel.vermagic is NULL */
	gchar *manifest_sha256; /* hex, of manifest.json's bytes */
} SutureTarget;

void suture_target_free(SutureTarget *target);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureTarget, suture_target_free)
/* @custom: the "custom" object. Sets *@ret to NULL, successfully, when it has no "suture" member: not a
 * bundle. */
gboolean suture_target_parse(json_t *custom, SutureTarget **ret, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* New reference to a "custom" object for the manifest whose bytes hash to @manifest_sha256. */
json_t *suture_target_custom(const SuturePatch *patch, const gchar *manifest_sha256);
