/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/build/error.h"
#include "packager/read/module-info.h"

/* What an author says of a patch: patch.conf (suture-patch(5)), with single keys replaced by the command
 * line. */
typedef struct _SutureDescription SutureDescription;
void suture_description_free(SutureDescription *description);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureDescription, suture_description_free)

/* Reads the key file @path; NULL starts from an empty one. Codes DESCRIPTION-SYNTAX, DESCRIPTION-UNKNOWN, IO.
 */
SutureDescription *suture_description_load(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same from bytes; @what names them in errors. */
SutureDescription *suture_description_parse(GBytes *bytes, const gchar *what,
					    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts @value (for a list: @values) in the place of what the file says of @key, which must be a known key. */
void suture_description_set(SutureDescription *description, const gchar *key, const gchar *value);
void suture_description_set_list(SutureDescription *description, const gchar *key,
				 const gchar *const *values);

/*
 * A manifest with all that the description says; kernel, modules, toolchain and sources are still to come,
 * and provider, consistency and cumulative are settled by the module. @issued (seconds since the
 * epoch) stands in where the description has no "issued". Codes DESCRIPTION-MISSING, DESCRIPTION-VALUE, and
 * those of SUTURE_MANIFEST_ERROR and SUTURE_JSON_ERROR for values that the manifest format does not take.
 */
SutureManifest *suture_description_manifest(const SutureDescription *description, gint64 issued,
					    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The provider that sources are to be compiled for: the kernel's own livepatch when the description does not
 * say. DESCRIPTION-VALUE. */
gboolean suture_description_provider(const SutureDescription *description, SutureProvider *ret,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether it is to replace all below it; FALSE when the description does not say. DESCRIPTION-VALUE. */
gboolean suture_description_cumulative(const SutureDescription *description, gboolean *ret,
				       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Sets provider, consistency and cumulative of @patch from the module. Where the description says otherwise:
 * DISAGREE, and for the consistency CONSISTENCY.
 */
gboolean suture_description_settle(const SutureDescription *description, const SutureModuleInfo *module,
				   SuturePatch *patch, GError **error) G_GNUC_WARN_UNUSED_RESULT;
