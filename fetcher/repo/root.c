// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/root.h"

#include "fetcher/repo/staged.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SETTINGS_FILE "repository.conf"
#define SETTINGS_MAX_BYTES (64 * 1024)
/* repository.conf as it is to be with that version of root. */
#define NEXT_SETTINGS_FORMAT "repository.conf.%" G_GINT64_FORMAT

static gchar *root_name(gint64 version)
{
	return g_strdup_printf("%" G_GINT64_FORMAT ".root.json", version);
}

static gboolean save_root(SutureRepo *repo, GBytes *bytes, gint64 version, GError **error)
{
	g_autofree gchar *name = root_name(version);

	if (!bytes || !suture_file_write_atomic(repo->metadata, name, bytes, 0644, error))
		return FALSE;
	g_clear_pointer(&repo->root, suture_repo_document_free);
	repo->root = suture_repo_document_parse(bytes, SUTURE_REPO_ROOT, name, error);
	return repo->root != NULL;
}

static gint64 expiry_of(const SutureRepoSettings *settings, gint64 now)
{
	return now + (gint64)settings->roles[SUTURE_REPO_ROOT].expiry_days * 24 * 60 * 60;
}

/* Only private keys are kept in repository.conf, and none of root's. */
static void keep_private(SutureRoleSettings *role, SutureRepoRole which, const SutureRepoKeys *keys)
{
	g_strfreev(role->keys);
	role->keys = which == SUTURE_REPO_ROOT ? NULL : g_strdupv((GStrv)keys->uris->pdata);
}

/*
 * The roles of @changes that have keys get them in @root, and their private ones in @settings. *@signers,
 * private keys of root's (borrowed), grow by the new ones, which @opened owns.
 */
static gboolean change_roles(json_t *root, const SutureRepoSettings *changes, SutureRepoSettings *settings,
			     GPtrArray *signers, GPtrArray *opened, GError **error)
{
	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++) {
		const SutureRoleSettings *role = &changes->roles[i];
		SutureRepoKeys *keys;

		if (!role->keys)
			continue;
		keys = suture_repo_keys_open((const gchar *const *)role->keys, error);
		if (!keys)
			return FALSE;
		g_ptr_array_add(opened, keys);
		if (!suture_repo_root_set_role(root, i, keys->public, role->threshold, error))
			return FALSE;
		for (guint at = 0; i == SUTURE_REPO_ROOT && at < keys->private->len; at++)
			g_ptr_array_add(signers, keys->private->pdata[at]);
		keep_private(&settings->roles[i], i, keys);
	}
	return TRUE;
}

/* Those whose signatures a new root needs: the specification (5.3.4) has clients check it with the old root's
 * keys and with its own. */
static guint authorities_of(const SutureRepo *repo, json_t *root, SutureRepoAuthority *ret)
{
	guint n = 0;

	if (repo->root && !repo->root_is_staged)
		ret[n++] = suture_repo_root_authority(repo->root->signed_, SUTURE_REPO_ROOT);
	ret[n++] = suture_repo_root_authority(root, SUTURE_REPO_ROOT);
	return n;
}

static gboolean is_complete(const SutureRepo *repo, const SutureRepoDocument *document)
{
	SutureRepoAuthority authorities[2];
	guint n = authorities_of(repo, document->signed_, authorities);

	for (guint i = 0; i < n; i++)
		if (!suture_repo_document_signed_by(document, &authorities[i]))
			return FALSE;
	return TRUE;
}

static gchar *next_settings_name(gint64 version)
{
	return g_strdup_printf(NEXT_SETTINGS_FORMAT, version);
}

static gboolean save_next_settings(const SutureRepo *repo, const SutureRepoSettings *settings, gint64 version,
				   GError **error)
{
	g_autofree gchar *name = next_settings_name(version);
	g_autoptr(GBytes) bytes = suture_repo_settings_write(settings);

	return suture_file_write_atomic(repo->state, name, bytes, 0600, error);
}

static gboolean stage(SutureRepo *repo, const SutureRepoDocument *document, GError **error)
{
	SutureRepoAuthority authorities[2];
	guint n = authorities_of(repo, document->signed_, authorities);

	return suture_repo_staged_put(
		repo->staged, document->signed_, json_object_get(document->document, "signatures"),
		authorities, n, repo->root && !repo->root_is_staged ? repo->root->signed_ : NULL, error);
}

/* @document takes the place of whatever root was staged. */
static gboolean put_in_force(SutureRepo *repo, const SutureRepoDocument *document, GError **error)
{
	repo->root_is_staged = FALSE;
	return save_root(repo, document->bytes, document->version, error) &&
	       suture_repo_staged_drop(repo->staged, "root", error);
}

gboolean suture_repo_root_init(SutureRepo *repo, const SutureRepoSettings *settings, gint64 now,
			       GError **error)
{
	SUTURE_AUTO_JSON *root = suture_repo_root_new(1, expiry_of(settings, now));
	g_autoptr(GPtrArray) signers = g_ptr_array_new();
	g_autoptr(GPtrArray) opened = g_ptr_array_new_with_free_func((GDestroyNotify)suture_repo_keys_free);
	g_autoptr(GBytes) own = suture_repo_settings_write(settings);
	g_autoptr(SutureRepoSettings) kept = suture_repo_settings_parse(own, error);
	g_autoptr(SutureRepoDocument) document = NULL;
	g_autoptr(GBytes) bytes = NULL;

	if (!kept || !change_roles(root, settings, kept, signers, opened, error))
		return FALSE;
	bytes = suture_repo_document(root, NULL, signers, error);
	document = bytes ? suture_repo_document_parse(bytes, SUTURE_REPO_ROOT, "root metadata", error) : NULL;
	if (!document || !(is_complete(repo, document) ? put_in_force(repo, document, error)
						       : stage(repo, document, error)))
		return FALSE;
	return suture_repo_settings_save(repo, kept, error);
}

/* The settings that were made with the root that is in force now, wherever taking them over was cut short. */
static gboolean take_next_settings(SutureRepo *repo, GError **error)
{
	g_autofree gchar *name = next_settings_name(repo->root->version);
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(SutureRepoSettings) next = NULL;

	if (repo->root_is_staged || faccessat(repo->state, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return TRUE;
	bytes = suture_file_read_at(repo->state, name, SETTINGS_MAX_BYTES, error);
	next = bytes ? suture_repo_settings_parse(bytes, error) : NULL;
	if (!next || !suture_repo_settings_save(repo, next, error))
		return FALSE;
	suture_repo_settings_free(repo->settings);
	repo->settings = g_steal_pointer(&next);
	return unlinkat(repo->state, name, 0) == 0 || suture_error_set_errno(error, errno, "state/%s", name);
}

static SutureRepoDocument *staged_document(json_t *staged, GError **error)
{
	SUTURE_AUTO_JSON *none = json_array();
	g_autoptr(GPtrArray) no_keys = g_ptr_array_new();
	g_autoptr(GBytes) bytes = suture_repo_document(json_object_get(staged, "signed"),
						       json_object_get(staged, "signatures"), no_keys, error);

	return bytes ? suture_repo_document_parse(bytes, SUTURE_REPO_ROOT, "staged/root.json", error) : NULL;
}

static gboolean load_newest(SutureRepo *repo, GError **error)
{
	gint64 version = 0;
	g_autoptr(GBytes) bytes = NULL;
	g_autofree gchar *name = NULL;

	for (;;) {
		g_autofree gchar *next = root_name(version + 1);

		if (faccessat(repo->metadata, next, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			break;
		version++;
	}
	if (version == 0)
		return TRUE;
	name = root_name(version);
	bytes = suture_file_read_at(repo->metadata, name, SUTURE_REPO_METADATA_MAX_BYTES, error);
	repo->root = bytes ? suture_repo_document_parse(bytes, SUTURE_REPO_ROOT, name, error) : NULL;
	return repo->root != NULL;
}

/* A first root that waits for signatures stands in for the one that is not there. */
static gboolean take_staged(SutureRepo *repo, json_t *staged, GError **error)
{
	g_autoptr(SutureRepoDocument) document = staged_document(staged, error);
	gint64 due = repo->root ? repo->root->version + 1 : 1;

	if (!document)
		return FALSE;
	/* It was overtaken, or a crash came between its taking effect and its leaving. */
	if (document->version != due)
		return suture_repo_staged_drop(repo->staged, "root", error) &&
		       take_next_settings(repo, error);
	if (is_complete(repo, document))
		return put_in_force(repo, document, error) && take_next_settings(repo, error);
	if (!repo->root) {
		repo->root = g_steal_pointer(&document);
		repo->root_is_staged = TRUE;
	}
	return TRUE;
}

/* Of a rotation that was cut short before there was a root to go with. */
static gboolean drop_next_settings(const SutureRepo *repo, GError **error)
{
	g_autofree gchar *name = next_settings_name(repo->root->version + 1);

	return unlinkat(repo->state, name, 0) == 0 || errno == ENOENT ||
	       suture_error_set_errno(error, errno, "state/%s", name);
}

gboolean suture_repo_root_load(SutureRepo *repo, GError **error)
{
	SUTURE_AUTO_JSON *staged = NULL;

	if (!load_newest(repo, error) || !suture_repo_staged_get(repo->staged, "root", &staged, error))
		return FALSE;
	if (staged && !take_staged(repo, staged, error))
		return FALSE;
	if (repo->root)
		return take_next_settings(repo, error) && (staged || drop_next_settings(repo, error));
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_DAMAGED,
		    "%s: no root metadata; restore the repository's state from a backup", repo->folder);
	return FALSE;
}

GBytes *suture_repo_root(const SutureRepo *repo, GError **error)
{
	if (!repo->root_is_staged)
		return repo->root->bytes;
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_THRESHOLD,
		    "%s: the first root metadata waits for signatures; sign %s/staged with 'suture repo "
		    "sign'",
		    repo->folder, repo->folder);
	return NULL;
}

static json_t *next_root(const SutureRepo *repo, const SutureRepoSettings *settings, gint64 now)
{
	json_t *root = json_deep_copy(repo->root->signed_);
	gint64 version = repo->root_is_staged ? 1 : repo->root->version + 1;
	g_autofree gchar *expires = suture_repo_time(expiry_of(settings, now));

	json_object_set_new(root, "version", json_integer(version));
	json_object_set_new(root, "expires", json_string(expires));
	return root;
}

static gboolean sign_or_stage(SutureRepo *repo, const SutureRepoDocument *document,
			      const SutureRepoSettings *settings, gboolean staged, GError **error)
{
	if (is_complete(repo, document))
		return save_next_settings(repo, settings, document->version, error) &&
		       put_in_force(repo, document, error) && take_next_settings(repo, error);
	if (staged)
		return save_next_settings(repo, settings, document->version, error) &&
		       stage(repo, document, error);
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_THRESHOLD,
		    "new root metadata: too few signatures for the thresholds of the old root and its own; "
		    "name more "
		    "keys, or none to stage it");
	return FALSE;
}

gboolean suture_repo_rotate(SutureRepo *repo, const SutureRepoSettings *changes,
			    const gchar *const *signer_uris, gint64 now, GError **error)
{
	SutureRepoAuthority old = suture_repo_root_authority(repo->root->signed_, SUTURE_REPO_ROOT);
	g_autoptr(SutureRepoKeys) present = suture_repo_keys_open(signer_uris, error);
	g_autoptr(GPtrArray) signers = g_ptr_array_new();
	g_autoptr(GPtrArray) opened = g_ptr_array_new_with_free_func((GDestroyNotify)suture_repo_keys_free);
	g_autoptr(GBytes) own = suture_repo_settings_write(repo->settings);
	g_autoptr(SutureRepoSettings) settings = suture_repo_settings_parse(own, error);
	SUTURE_AUTO_JSON *root = NULL;
	g_autoptr(SutureRepoDocument) document = NULL;
	g_autoptr(GBytes) bytes = NULL;

	if (!present || !settings || !suture_repo_keys_check(&old, present->private, error))
		return FALSE;
	g_ptr_array_extend(signers, present->private, NULL, NULL);
	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++)
		if (changes->roles[i].expiry_days)
			settings->roles[i].expiry_days = changes->roles[i].expiry_days;
	root = next_root(repo, settings, now);
	if (!change_roles(root, changes, settings, signers, opened, error))
		return FALSE;
	bytes = suture_repo_document(root, NULL, signers, error);
	document = bytes ? suture_repo_document_parse(bytes, SUTURE_REPO_ROOT, "new root metadata", error)
			 : NULL;
	return document && sign_or_stage(repo, document, settings, signer_uris == NULL, error);
}
