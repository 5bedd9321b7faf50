/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/metadata.h"
#include "fetcher/repo/repo.h"

/*
 * Documents that wait for signatures, in <repository>/staged/<role>.json: plain files that are carried to
 * signers and back. Each holds, beside the "signatures" and "signed" of TUF, all that a signer's machine
 * needs: {"role", "authorities": [{"keyids", "threshold"}], "keys": {keyid: key}, "in_force": what the
 * document now in force signs, or null}. Only the signatures are ever believed.
 */
typedef struct {
	gchar *role;
	gint64 version, expires;
	GPtrArray *changes; /* gchar*, a line each: what it says otherwise than the one in force */
	guint n;            /* 2 for a new root, whose old and new keys have to sign; else 1 */
	guint have[2], need[2];
} SutureRepoStaged;
void suture_repo_staged_free(SutureRepoStaged *staged);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRepoStaged, suture_repo_staged_free)

/*
 * What is staged in @path, a folder or a single file (SutureRepoStaged*), by role. STAGED for what is none.
 * What changes is told against the file's own "in_force", which nobody vouches for, or against @known, a
 * folder of metadata that the caller trusts ("<role>.json", or "<N>.<role>.json" as published: the highest);
 * NULL for none. A role that @known lacks is all new.
 */
GPtrArray *suture_repo_staged_list(const gchar *path, const gchar *known,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Adds a signature by each of @keys to each document in @path, a folder or a file, that the key may sign. No
 * repository is needed. KEY when it may sign none. *@ret_signed: how many signatures were added.
 */
gboolean suture_repo_staged_sign(const gchar *path, const SutureRepoKeys *keys, guint *ret_signed,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Holds the folder until its descriptor is closed. */
gboolean suture_repo_staged_lock(int folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writing them; @authorities: @n of these. @in_force: its "signed" object, or NULL. */
gboolean suture_repo_staged_put(int folder, json_t *signed_, json_t *signatures,
				const SutureRepoAuthority *authorities, guint n, json_t *in_force,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The whole staged file of @role; *@ret NULL, successfully, when there is none. New reference. */
gboolean suture_repo_staged_get(int folder, const gchar *role, json_t **ret,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean suture_repo_staged_drop(int folder, const gchar *role, GError **error);
