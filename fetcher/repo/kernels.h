/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/repo-private.h"

/*
 * The kernels of a repository. Each has a role of TUF, named by its release, that lists its bundles; only the
 * kernels that changed are looked at when a repository of thousands of bundles is published.
 */

/* Notes durably, before anything of @kernel changes, that it does. */
gboolean suture_repo_mark(const SutureRepo *repo, const gchar *kernel,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The kernels that are marked (gchar*), sorted. */
GPtrArray *suture_repo_marked(const SutureRepo *repo, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Takes the marks of @kernels (gchar*) off. */
gboolean suture_repo_unmark(const SutureRepo *repo, GPtrArray *kernels, GError **error);

/* All kernels that a role was ever signed for, or that have a bundle (gchar*), sorted. */
GPtrArray *suture_repo_kernels(const SutureRepo *repo, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * state/kernels.json: what publishing wants to know of the roles without reading their documents.
 * release -> {"version", "expires" (seconds since the epoch), "bundles" (how many it lists), "authority"
 * (digest of who may sign)}.
 */
json_t *suture_repo_index_load(const SutureRepo *repo, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean suture_repo_index_save(const SutureRepo *repo, json_t *index,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;
json_t *suture_repo_index_entry(const SutureRepoDocument *document, const SutureRepoAuthority *authority);

/*
 * state/delegations.json: the keys of kernels' roles where they are not those of targets. {"keys": {keyid:
 * key}, "default": role, "kernels": {release: role}}; all may be absent.
 */
json_t *suture_repo_delegations_load(const SutureRepo *repo, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean suture_repo_delegations_save(const SutureRepo *repo, json_t *delegations,
				      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Who may sign for @kernel; borrowed from @delegations and the repository's root. */
SutureRepoAuthority suture_repo_kernel_authority(const SutureRepo *repo, json_t *delegations,
						 const gchar *kernel);
/* SHA-256 of who may sign, hex. */
gchar *suture_repo_authority_digest(const SutureRepoAuthority *authority);
/* The member "delegations" of top-level targets metadata, for @kernels. New reference. */
json_t *suture_repo_delegations_body(const SutureRepo *repo, json_t *delegations, GPtrArray *kernels);
