// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/tuf-metadata.h"

#include "common/mutation.h"
#include "fetcher/client/tuf-parse.h"
#include "spec/time.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SIGNATURES 1024
#define MAX_METADATA_BYTES (256 * 1024 * 1024)

const gchar *suture_tuf_type_name(SutureTufType type)
{
	static const gchar *const names[] = {"root", "timestamp", "snapshot", "targets"};

	return names[type];
}

static void file_clear(SutureTufFile *file)
{
	g_clear_pointer(&file->hashes, g_hash_table_unref);
}

static void file_free(gpointer data)
{
	file_clear(data);
	g_free(data);
}

static void target_free(gpointer data)
{
	SutureTufTarget *target = data;

	g_free(target->name);
	file_clear(&target->file);
	g_free(target);
}

static void signature_free(gpointer data)
{
	SutureTufSignature *signature = data;

	g_free(signature->keyid);
	g_free(signature->signature);
	g_free(signature);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureTufFile, file_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureTufTarget, target_free)

void suture_tuf_metadata_free(SutureTufMetadata *metadata)
{
	g_clear_pointer(&metadata->bytes, g_bytes_unref);
	g_clear_pointer(&metadata->signed_bytes, g_bytes_unref);
	g_clear_pointer(&metadata->signatures, g_ptr_array_unref);
	g_clear_pointer(&metadata->keys, g_hash_table_unref);
	g_clear_pointer(&metadata->roles, g_hash_table_unref);
	g_clear_pointer(&metadata->files, g_hash_table_unref);
	g_clear_pointer(&metadata->targets, g_ptr_array_unref);
	g_clear_pointer(&metadata->delegations, g_ptr_array_unref);
	g_clear_pointer(&metadata->document, json_decref);
	g_free(metadata);
}

static gboolean parse_signature(const SutureTufParse *at, json_t *entry, GHashTable *seen,
				GPtrArray *signatures)
{
	const gchar *keyid = suture_tuf_parse_string(at, entry, "signatures", "keyid");
	const gchar *value = keyid ? suture_tuf_parse_string(at, entry, "signatures", "sig") : NULL;
	SutureTufSignature *signature;

	if (!value)
		return FALSE;
	if (!g_hash_table_add(seen, (gpointer)keyid) && !suture_check_skipped("tuf-duplicate-keyid"))
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_DUPLICATE_KEYID,
					       "two signatures by key id %.80s", keyid);
	signature = g_new(SutureTufSignature, 1);
	*signature = (SutureTufSignature){g_strdup(keyid), g_strdup(value)};
	g_ptr_array_add(signatures, signature);
	return TRUE;
}

static gboolean parse_signatures(const SutureTufParse *at, SutureTufMetadata *metadata)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	json_t *list = suture_tuf_parse_array(at, metadata->document, "", "signatures", MAX_SIGNATURES);
	json_t *entry;
	gsize i;

	if (!list)
		return FALSE;
	metadata->signatures = g_ptr_array_new_with_free_func(signature_free);
	json_array_foreach (list, i, entry) {
		if (!json_is_object(entry))
			return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
						       "a signature is not an object");
		if (!parse_signature(at, entry, seen, metadata->signatures))
			return FALSE;
	}
	return TRUE;
}

/* Section 4.2.1: "YYYY-MM-DDTHH:MM:SSZ", always UTC. */
static gboolean parse_time(const SutureTufParse *at, json_t *signed_part, const gchar *key, gint64 *ret)
{
	const gchar *text = suture_tuf_parse_string(at, signed_part, "signed", key);

	if (!text)
		return FALSE;
	*ret = suture_time_parse(text);
	if (*ret >= 0)
		return TRUE;
	return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
				       "signed.%s: \"%.40s\" is not a time like 2026-11-22T12:00:00Z", key,
				       text);
}

static gboolean parse_common(const SutureTufParse *at, SutureTufMetadata *metadata, json_t *signed_part)
{
	const gchar *type = suture_tuf_parse_string(at, signed_part, "signed", "_type");
	const gchar *version =
		type ? suture_tuf_parse_string(at, signed_part, "signed", "spec_version") : NULL;

	if (!version)
		return FALSE;
	if (!suture_check_skipped("tuf-type") && strcmp(type, suture_tuf_type_name(metadata->type)) != 0)
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_TYPE, "is %.40s metadata, not %s", type,
					       suture_tuf_type_name(metadata->type));
	if (!suture_check_skipped("tuf-spec-version") &&
	    (!g_str_has_prefix(version, "1.") || !g_ascii_isdigit(version[2])))
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_SPEC_VERSION,
					       "follows version %.40s of the TUF specification, not 1.x",
					       version);
	return suture_tuf_parse_integer(at, signed_part, "signed", "version", 1, &metadata->version) &&
	       parse_time(at, signed_part, "expires", &metadata->expires);
}

static gboolean parse_hashes(const SutureTufParse *at, json_t *hashes, const gchar *name, SutureTufFile *file)
{
	const char *algorithm;
	json_t *value;

	file->hashes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	json_object_foreach (hashes, algorithm, value) {
		const gchar *hex = json_string_value(value);

		if (!hex || !hex[0] || strspn(hex, "0123456789abcdefABCDEF") != strlen(hex))
			return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
						       "%.200s: hash %.40s is not hex", name, algorithm);
		g_hash_table_insert(file->hashes, g_strdup(algorithm), g_ascii_strdown(hex, -1));
	}
	if (g_hash_table_size(file->hashes) == 0)
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
					       "%.200s: no hash in \"hashes\"", name);
	return TRUE;
}

/* Length and hashes: optional for metadata files, required for targets. */
static gboolean parse_file(const SutureTufParse *at, json_t *object, const gchar *name, gboolean target,
			   SutureTufFile *file)
{
	json_t *hashes;

	file->length = -1;
	if (!json_is_object(object))
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED, "%.200s: not an object", name);
	if (!target && !suture_tuf_parse_integer(at, object, name, "version", 1, &file->version))
		return FALSE;
	if ((target || json_object_get(object, "length")) &&
	    !suture_tuf_parse_integer(at, object, name, "length", 0, &file->length))
		return FALSE;
	if (!target && !json_object_get(object, "hashes"))
		return TRUE;
	hashes = suture_tuf_parse_object(at, object, name, "hashes");
	return hashes && parse_hashes(at, hashes, name, file);
}

static gboolean parse_meta(const SutureTufParse *at, SutureTufMetadata *metadata, json_t *signed_part)
{
	const gchar *needed = metadata->type == SUTURE_TUF_TIMESTAMP ? "snapshot.json" : "targets.json";
	json_t *meta = suture_tuf_parse_object(at, signed_part, "signed", "meta");
	const char *path;
	json_t *value;

	if (!meta || !suture_tuf_parse_object(at, meta, "meta", needed))
		return FALSE;
	metadata->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, file_free);
	json_object_foreach (meta, path, value) {
		g_autoptr(SutureTufFile) file = g_new0(SutureTufFile, 1);

		if (!parse_file(at, value, path, FALSE, file))
			return FALSE;
		g_hash_table_insert(metadata->files, g_strdup(path), g_steal_pointer(&file));
	}
	return TRUE;
}

static gboolean parse_target(const SutureTufParse *at, json_t *object, const gchar *name, GPtrArray *targets)
{
	g_autoptr(SutureTufTarget) target = g_new0(SutureTufTarget, 1);

	target->name = g_strdup(name);
	if (!name[0])
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED, "a target without a name");
	if (!parse_file(at, object, name, TRUE, &target->file))
		return FALSE;
	target->custom = json_object_get(object, "custom");
	if (target->custom && !json_is_object(target->custom))
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
					       "%.200s: \"custom\" is not an object", name);
	g_ptr_array_add(targets, g_steal_pointer(&target));
	return TRUE;
}

static gint compare_targets(gconstpointer a, gconstpointer b)
{
	const SutureTufTarget *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static gboolean parse_targets(const SutureTufParse *at, SutureTufMetadata *metadata, json_t *signed_part)
{
	json_t *targets = suture_tuf_parse_object(at, signed_part, "signed", "targets");
	const char *name;
	json_t *value;

	if (!targets)
		return FALSE;
	metadata->targets = g_ptr_array_new_with_free_func(target_free);
	json_object_foreach (targets, name, value) {
		if (!parse_target(at, value, name, metadata->targets))
			return FALSE;
	}
	g_ptr_array_sort(metadata->targets, compare_targets);
	return TRUE;
}

/* Ours, and optional: other publishers' timestamps have none. */
static gboolean parse_issued(const SutureTufParse *at, SutureTufMetadata *metadata, json_t *signed_part)
{
	return !json_object_get(signed_part, SUTURE_TUF_ISSUED) ||
	       parse_time(at, signed_part, SUTURE_TUF_ISSUED, &metadata->issued);
}

static gboolean parse_body(const SutureTufParse *at, SutureTufMetadata *metadata, json_t *signed_part)
{
	switch (metadata->type) {
	case SUTURE_TUF_ROOT:
		return suture_tuf_parse_root(at, metadata, signed_part);
	case SUTURE_TUF_TIMESTAMP:
		return parse_issued(at, metadata, signed_part) && parse_meta(at, metadata, signed_part);
	case SUTURE_TUF_SNAPSHOT:
		return parse_meta(at, metadata, signed_part);
	default:
		return parse_targets(at, metadata, signed_part) &&
		       suture_tuf_parse_delegations(at, metadata, signed_part);
	}
}

SutureTufMetadata *suture_tuf_metadata_parse(GBytes *bytes, SutureTufType type, const gchar *what,
					     GError **error)
{
	const SutureTufParse at = {what, error};
	g_autoptr(SutureTufMetadata) metadata = g_new0(SutureTufMetadata, 1);
	GError *cause = NULL;
	json_t *signed_part;

	metadata->type = type;
	metadata->bytes = g_bytes_ref(bytes);
	metadata->document = suture_json_parse(bytes, MAX_METADATA_BYTES, what, &cause);
	if (!metadata->document) {
		g_set_error_literal(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_MALFORMED, cause->message);
		g_error_free(cause);
		return NULL;
	}
	signed_part = suture_tuf_parse_object(&at, metadata->document, "", "signed");
	if (!signed_part || !parse_signatures(&at, metadata) || !parse_common(&at, metadata, signed_part) ||
	    !parse_body(&at, metadata, signed_part))
		return NULL;
	metadata->signed_bytes = suture_json_canonical(signed_part, &cause);
	if (!metadata->signed_bytes) {
		suture_tuf_parse_malformed(&at, cause);
		return NULL;
	}
	return g_steal_pointer(&metadata);
}

const SutureTufFile *suture_tuf_metadata_file(const SutureTufMetadata *metadata, const gchar *path)
{
	return g_hash_table_lookup(metadata->files, path);
}

const SutureTufTarget *suture_tuf_metadata_target(const SutureTufMetadata *metadata, const gchar *name)
{
	SutureTufTarget wanted = {.name = (gchar *)name}, *key = &wanted;
	SutureTufTarget **found = NULL;

	if (metadata->targets->len > 0)
		found = bsearch(&key, metadata->targets->pdata, metadata->targets->len, sizeof(gpointer),
				compare_targets);
	return found ? *found : NULL;
}
