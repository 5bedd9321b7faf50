// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/staged.h"

#include "common/file.h"
#include "fetcher/repo/describe.h"
#include "fetcher/repo/repo-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define MAX_AUTHORITIES 2
#define MAX_SIGNATURES 1024

void suture_repo_staged_free(SutureRepoStaged *staged)
{
	if (!staged)
		return;
	g_clear_pointer(&staged->changes, g_ptr_array_unref);
	g_free(staged->role);
	g_free(staged);
}

static json_t *authorities_json(const SutureRepoAuthority *authorities, guint n, json_t *keys)
{
	json_t *list = json_array(), *id;
	gsize at;

	for (guint i = 0; i < n; i++) {
		json_t *ids = json_object_get(authorities[i].role, "keyids");

		json_array_append_new(list, json_pack("{s:O, s:i}", "keyids", ids, "threshold",
						      (int)suture_repo_threshold(&authorities[i])));
		json_array_foreach (ids, at, id)
			json_object_set(keys, json_string_value(id),
					json_object_get(authorities[i].keys, json_string_value(id)));
	}
	return list;
}

gboolean suture_repo_staged_put(int folder, json_t *signed_, json_t *signatures,
				const SutureRepoAuthority *authorities, guint n, json_t *in_force,
				GError **error)
{
	g_autofree gchar *name = suture_repo_file_name(authorities[0].name);
	json_t *keys = json_object();
	json_t *list = authorities_json(authorities, n, keys);
	SUTURE_AUTO_JSON *file =
		json_pack("{s:s, s:o, s:o, s:O?, s:O, s:O}", "role", authorities[0].name, "authorities", list,
			  "keys", keys, "in_force", in_force, "signatures", signatures, "signed", signed_);
	g_autoptr(GBytes) bytes = suture_json_pretty(file);

	return suture_file_write_atomic(folder, name, bytes, 0644, error);
}

static json_t *parse(int folder, const gchar *name, GError **error)
{
	g_autoptr(GBytes) bytes = suture_file_read_at(folder, name, SUTURE_REPO_METADATA_MAX_BYTES, error);
	SUTURE_AUTO_JSON *file =
		bytes ? suture_json_parse(bytes, SUTURE_REPO_METADATA_MAX_BYTES, name, error) : NULL;

	if (!file || !suture_json_string(file, "", "role", error) ||
	    !suture_json_array(file, "", "authorities", MAX_AUTHORITIES, error) ||
	    !suture_json_object(file, "", "keys", error) || !suture_json_object(file, "", "signed", error) ||
	    !suture_json_array(file, "", "signatures", MAX_SIGNATURES, error))
		return NULL;
	return g_steal_pointer(&file);
}

gboolean suture_repo_staged_get(int folder, const gchar *role, json_t **ret, GError **error)
{
	g_autofree gchar *name = suture_repo_file_name(role);
	g_autoptr(GError) cause = NULL;

	if (faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return TRUE;
	*ret = parse(folder, name, &cause);
	if (!*ret)
		g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_STAGED,
			    "staged/%s: %s; remove the file and run 'suture repo stage'", name,
			    cause->message);
	return *ret != NULL;
}

gboolean suture_repo_staged_drop(int folder, const gchar *role, GError **error)
{
	g_autofree gchar *name = suture_repo_file_name(role);

	return unlinkat(folder, name, 0) == 0 || errno == ENOENT ||
	       suture_error_set_errno(error, errno, "staged/%s", name);
}

static SutureRepoRole type_of(json_t *file)
{
	json_t *type = json_object_get(json_object_get(file, "signed"), "_type");

	return g_strcmp0(json_string_value(type), "root") == 0 ? SUTURE_REPO_ROOT : SUTURE_REPO_TARGETS;
}

static SutureRepoAuthority authority_of(json_t *file, guint i)
{
	return (SutureRepoAuthority){json_string_value(json_object_get(file, "role")),
				     json_object_get(file, "keys"),
				     json_array_get(json_object_get(file, "authorities"), i)};
}

static SutureRepoDocument *document_of(json_t *file, GError **error)
{
	SUTURE_AUTO_JSON *plain = json_pack("{s:O, s:O}", "signatures", json_object_get(file, "signatures"),
					    "signed", json_object_get(file, "signed"));
	g_autoptr(GBytes) bytes = suture_json_pretty(plain);

	return suture_repo_document_parse(bytes, type_of(file), authority_of(file, 0).name, error);
}

/* The version of "<N>.<role>.json", 0 of "<role>.json"; -1 of what is another's. */
static gint64 known_version(const gchar *name, const gchar *file)
{
	guint64 version = 0;
	const gchar *dot;
	g_autofree gchar *number = NULL;

	if (g_str_equal(name, file))
		return 0;
	dot = strchr(name, '.');
	number = dot ? g_strndup(name, (gsize)(dot - name)) : NULL;
	if (!number || !g_str_equal(dot + 1, file) ||
	    !g_ascii_string_to_unsigned(number, 10, 1, G_MAXINT64, &version, NULL))
		return -1;
	return (gint64)version;
}

/* What @known has newest of @role: its "signed" object, in a document that *@ret owns; empty where there is
 * none. */
static gboolean load_known(const gchar *known, const gchar *role, json_t **ret, GError **error)
{
	g_autofree gchar *file = suture_repo_file_name(role), *newest = NULL;
	SUTURE_AUTO_FD folder = suture_file_open_folder(known, FALSE, error);
	g_autoptr(GPtrArray) names = folder < 0 ? NULL : suture_repo_names(folder, FALSE, error);
	gint64 best = -1;
	g_autoptr(GBytes) bytes = NULL;

	for (guint i = 0; names && i < names->len; i++) {
		gint64 version = known_version(names->pdata[i], file);

		if (version <= best)
			continue;
		best = version;
		g_free(newest);
		newest = g_strdup(names->pdata[i]);
	}
	if (!names || !newest) {
		*ret = names ? json_object() : NULL;
		return names != NULL;
	}
	bytes = suture_file_read_at(folder, newest, SUTURE_REPO_METADATA_MAX_BYTES, error);
	*ret = bytes ? suture_json_parse(bytes, SUTURE_REPO_METADATA_MAX_BYTES, newest, error) : NULL;
	return *ret != NULL;
}

static SutureRepoStaged *describe(json_t *file, const gchar *known, GError **error)
{
	SUTURE_AUTO_JSON *document_known = NULL;
	g_autoptr(SutureRepoDocument) document = document_of(file, error);
	g_autoptr(SutureRepoStaged) staged = g_new0(SutureRepoStaged, 1);

	if (!document || (known && !load_known(known, authority_of(file, 0).name, &document_known, error)))
		return NULL;
	staged->role = g_strdup(authority_of(file, 0).name);
	staged->version = document->version;
	staged->expires = document->expires;
	staged->changes = suture_repo_describe(known ? json_object_get(document_known, "signed")
						     : json_object_get(file, "in_force"),
					       document->signed_);
	staged->n = (guint)json_array_size(json_object_get(file, "authorities"));
	for (guint i = 0; i < staged->n; i++) {
		SutureRepoAuthority authority = authority_of(file, i);

		staged->have[i] = suture_repo_document_count(document, &authority);
		staged->need[i] = suture_repo_threshold(&authority);
	}
	return g_steal_pointer(&staged);
}

gboolean suture_repo_staged_lock(int folder, GError **error)
{
	return TEMP_FAILURE_RETRY(flock(folder, LOCK_EX)) == 0 ||
	       suture_error_set_errno(error, errno, "lock the folder of staged documents");
}

/* Each staged file of @path, a folder or one file. Return FALSE to stop. */
typedef gboolean (*Visit)(int folder, const gchar *name, json_t *file, gpointer data, GError **error);

static gboolean visit_one(int folder, const gchar *name, Visit visit, gpointer data, GError **error)
{
	g_autoptr(GError) cause = NULL;
	SUTURE_AUTO_JSON *file = parse(folder, name, &cause);

	if (file)
		return visit(folder, name, file, data, error);
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_STAGED,
		    "%s: not a document that 'suture repo stage' made: %s", name, cause->message);
	return FALSE;
}

/* @lock: nobody else may change what is there meanwhile. */
static gboolean visit_all(const gchar *path, gboolean lock, Visit visit, gpointer data, GError **error)
{
	gboolean is_folder = g_file_test(path, G_FILE_TEST_IS_DIR);
	g_autofree gchar *parent = is_folder ? g_strdup(path) : g_path_get_dirname(path);
	g_autofree gchar *base = g_path_get_basename(path);
	SUTURE_AUTO_FD folder = suture_file_open_folder(parent, FALSE, error);
	g_autoptr(GPtrArray) names = NULL;

	if (folder < 0 || (lock && !suture_repo_staged_lock(folder, error)))
		return FALSE;
	if (!is_folder)
		return visit_one(folder, base, visit, data, error);
	names = suture_repo_names(folder, FALSE, error);
	for (guint i = 0; names && i < names->len; i++)
		if (g_str_has_suffix(names->pdata[i], ".json") &&
		    !visit_one(folder, names->pdata[i], visit, data, error))
			return FALSE;
	return names != NULL;
}

typedef struct {
	const gchar *known;
	GPtrArray *list;
} Listing;

static gboolean list_one(int folder, const gchar *name, json_t *file, gpointer data, GError **error)
{
	Listing *listing = data;
	SutureRepoStaged *staged = describe(file, listing->known, error);

	(void)folder, (void)name;
	if (staged)
		g_ptr_array_add(listing->list, staged);
	return staged != NULL;
}

GPtrArray *suture_repo_staged_list(const gchar *path, const gchar *known, GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)suture_repo_staged_free);
	Listing listing = {known, list};

	return visit_all(path, FALSE, list_one, &listing, error) ? g_steal_pointer(&list) : NULL;
}

typedef struct {
	const SutureRepoKeys *keys;
	guint signed_now;
} Signing;

/* Those of @keys that some authority of @file names; borrowed. */
static GPtrArray *fitting(json_t *file, const SutureRepoKeys *keys, GError **error)
{
	g_autoptr(GPtrArray) fit = g_ptr_array_new();

	for (guint i = 0; i < keys->private->len; i++) {
		g_autoptr(SutureTufKey) public =
			suture_private_key_tuf_public(keys->private->pdata[i], error);
		g_autofree gchar *id = public ? suture_tuf_key_id(public) : NULL;
		gboolean named = FALSE;

		if (!id)
			return NULL;
		for (guint at = 0; at < json_array_size(json_object_get(file, "authorities")); at++) {
			SutureRepoAuthority authority = authority_of(file, at);

			named |= suture_repo_authority_has(&authority, id);
		}
		if (named)
			g_ptr_array_add(fit, keys->private->pdata[i]);
	}
	return g_steal_pointer(&fit);
}

static gboolean sign_one(int folder, const gchar *name, json_t *file, gpointer data, GError **error)
{
	Signing *signing = data;
	g_autoptr(GPtrArray) keys = fitting(file, signing->keys, error);
	g_autoptr(GBytes) bytes = NULL, whole = NULL;
	g_autoptr(SutureRepoDocument) document = NULL;

	if (!keys)
		return FALSE;
	if (keys->len == 0)
		return TRUE;
	bytes = suture_repo_document(json_object_get(file, "signed"), json_object_get(file, "signatures"),
				     keys, error);
	document = bytes ? suture_repo_document_parse(bytes, type_of(file), name, error) : NULL;
	if (!document)
		return FALSE;
	json_object_set(file, "signatures", json_object_get(document->document, "signatures"));
	whole = suture_json_pretty(file);
	signing->signed_now += keys->len;
	return suture_file_write_atomic(folder, name, whole, 0644, error);
}

gboolean suture_repo_staged_sign(const gchar *path, const SutureRepoKeys *keys, guint *ret_signed,
				 GError **error)
{
	Signing signing = {.keys = keys};

	if (!visit_all(path, TRUE, sign_one, &signing, error))
		return FALSE;
	if (signing.signed_now == 0) {
		g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_KEY,
			    "%s: nothing is staged there that these keys may sign", path);
		return FALSE;
	}
	*ret_signed = signing.signed_now;
	return TRUE;
}

/* A collected document: the one that is staged, and what signers added to it. */
typedef struct {
	SutureRepo *repo;
	guint taken;
} Collection;

static gboolean same_or_refuse(json_t *ours, json_t *theirs, const gchar *name, GError **error)
{
	if (ours && json_equal(json_object_get(ours, "signed"), json_object_get(theirs, "signed")))
		return TRUE;
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_STAGED,
		    "%s: not the document of role %s that waits for signatures now; sign what 'suture repo "
		    "stage' gives",
		    name, authority_of(theirs, 0).name);
	return FALSE;
}

static gboolean is_new(const SutureRepoDocument *ours, json_t *signature)
{
	json_t *entry;
	gsize i;

	json_array_foreach (json_object_get(ours->document, "signatures"), i, entry)
		if (json_equal(entry, signature))
			return FALSE;
	return TRUE;
}

/* Signatures that verify alone: what came back may have been tampered with on its way. */
static guint take_signatures(json_t *ours, const SutureRepoDocument *document, json_t *theirs)
{
	SUTURE_AUTO_JSON *merged = json_copy(json_object_get(ours, "signatures"));
	guint taken = 0;
	json_t *signature;
	gsize i;

	json_array_foreach (json_object_get(theirs, "signatures"), i, signature) {
		gboolean fits = FALSE;

		for (guint at = 0; at < json_array_size(json_object_get(ours, "authorities")); at++) {
			SutureRepoAuthority authority = authority_of(ours, at);

			fits |= suture_repo_signature_fits(document, &authority, signature);
		}
		if (!fits || !is_new(document, signature))
			continue;
		suture_repo_signature_put(merged, signature);
		taken++;
	}
	json_object_set(ours, "signatures", merged);
	return taken;
}

static gboolean collect_one(int folder, const gchar *name, json_t *file, gpointer data, GError **error)
{
	Collection *collection = data;
	int staged = collection->repo->staged;
	SUTURE_AUTO_JSON *ours = NULL;
	g_autoptr(SutureRepoDocument) document = NULL;
	g_autofree gchar *own_name = suture_repo_file_name(authority_of(file, 0).name);
	g_autoptr(GBytes) bytes = NULL;

	(void)folder;
	if (!suture_repo_staged_get(staged, authority_of(file, 0).name, &ours, error) ||
	    !same_or_refuse(ours, file, name, error))
		return FALSE;
	document = document_of(ours, error);
	if (!document)
		return FALSE;
	collection->taken += take_signatures(ours, document, file);
	bytes = suture_json_pretty(ours);
	return suture_file_write_atomic(staged, own_name, bytes, 0644, error);
}

gboolean suture_repo_collect(SutureRepo *repo, const gchar *path, guint *ret_taken, GError **error)
{
	Collection collection = {.repo = repo};

	if (!visit_all(path, FALSE, collect_one, &collection, error))
		return FALSE;
	*ret_taken = collection.taken;
	return TRUE;
}
