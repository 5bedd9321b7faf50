/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/tuf-metadata.h"

/* Private to the parsers of TUF metadata: members of JSON, with refusals that say where. */

/* What a parse function needs to say where it stands. */
typedef struct {
	const gchar *what;
	GError **error;
} SutureTufParse;

/* Always FALSE. */
gboolean suture_tuf_parse_refuse(const SutureTufParse *at, SutureTufError code, const gchar *format, ...)
	G_GNUC_PRINTF(3, 4);
/* The form of the JSON is judged by spec/; here it is metadata that cannot be trusted. Takes @cause; FALSE.
 */
gboolean suture_tuf_parse_malformed(const SutureTufParse *at, GError *cause);

/* The getters of spec/json.h; every failure is MALFORMED. */
json_t *suture_tuf_parse_object(const SutureTufParse *at, json_t *object, const gchar *path,
				const gchar *key);
json_t *suture_tuf_parse_array(const SutureTufParse *at, json_t *object, const gchar *path, const gchar *key,
			       gsize max);
const gchar *suture_tuf_parse_string(const SutureTufParse *at, json_t *object, const gchar *path,
				     const gchar *key);
gboolean suture_tuf_parse_integer(const SutureTufParse *at, json_t *object, const gchar *path,
				  const gchar *key, gint64 min, gint64 *ret);

/* The roles, keys and delegations of root and targets metadata (tuf-roles.c). */
gboolean suture_tuf_parse_root(const SutureTufParse *at, SutureTufMetadata *metadata, json_t *signed_part);
gboolean suture_tuf_parse_delegations(const SutureTufParse *at, SutureTufMetadata *metadata,
				      json_t *signed_part);
