/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/repo-private.h"

/*
 * A role's document on its way to the next version: what it is to say is prepared, what keys at hand can sign
 * is signed, the rest waits in staged/. Nothing is in force before suture_repo_step_save().
 */
typedef struct {
	gchar *name;
	SutureRepoRole type;
	int folder;                  /* of the masters; borrowed */
	SutureRepoDocument *current; /* in force; NULL when none ever was */
	SutureRepoDocument *next;    /* NULL: the current one stays */
	gboolean ready;              /* @next has the signatures it needs, or none is needed */
	guint have, need;
	GError *cause; /* why a configured key could not sign; NULL when all could */
} SutureRepoStep;
void suture_repo_step_free(SutureRepoStep *step);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRepoStep, suture_repo_step_free)

typedef struct {
	const SutureRepoAuthority *authority;
	SutureRepoRole type;
	int folder;               /* state/metadata or state/kernels */
	const gchar *const *uris; /* of the private keys at hand; NULL for none */
	gint64 life;              /* of a new document, seconds */
	gboolean renew;           /* sign anew even when nothing changed */
	gint64 now;
} SutureRepoWish;

/*
 * The document that says @body: the one in force, if it is right and half of its life is left, or its next
 * version. A version that is staged and says the same keeps its signatures. Where only the expiry asks for a
 * new one, and its keys are not there, the current one stays until it has expired.
 */
SutureRepoStep *suture_repo_step_prepare(const SutureRepo *repo, const SutureRepoWish *wish, json_t *body,
					 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees all that check and save do without: the parsed documents, @current among them. */
void suture_repo_step_pack(SutureRepoStep *step);

/* THRESHOLD, or why its keys could not sign, unless the step is ready. */
gboolean suture_repo_step_check(const SutureRepoStep *step, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts the next version of a ready step in force: saved before anything of it is public, so that a version
 * number is never used for two contents, whatever happens after. */
gboolean suture_repo_step_save(const SutureRepo *repo, SutureRepoStep *step,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether @document says @body, and nothing else. */
gboolean suture_repo_says(const SutureRepoDocument *document, json_t *body);
