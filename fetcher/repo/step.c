// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/step.h"

#include "fetcher/repo/staged.h"

void suture_repo_step_free(SutureRepoStep *step)
{
	if (!step)
		return;
	g_free(step->name);
	g_clear_pointer(&step->current, suture_repo_document_free);
	g_clear_pointer(&step->next, suture_repo_document_free);
	g_clear_error(&step->cause);
	g_free(step);
}

/* Not the content: who, which version, how long. */
static gboolean is_header(const gchar *key)
{
	static const gchar *const header[] = {"_type",   "spec_version",    "version",
					      "expires", "x-suture-issued", NULL};

	return g_strv_contains(header, key);
}

static gboolean signed_says(json_t *signed_, json_t *body)
{
	const gchar *key;
	json_t *value;

	json_object_foreach (signed_, key, value)
		if (!is_header(key) && !json_equal(json_object_get(body, key), value))
			return FALSE;
	json_object_foreach (body, key, value)
		if (!is_header(key) && !json_object_get(signed_, key))
			return FALSE;
	return TRUE;
}

gboolean suture_repo_says(const SutureRepoDocument *document, json_t *body)
{
	return signed_says(document->signed_, body);
}

static json_t *next_signed(const SutureRepoWish *wish, const SutureRepoDocument *current, json_t *body)
{
	json_t *signed_ = suture_repo_signed_new(wish->type, current ? current->version + 1 : 1,
						 wish->now + wish->life);

	json_object_update(signed_, body);
	return signed_;
}

/* What is staged goes on being signed as long as it says what is wanted and would live for half of its life.
 */
/* Nor may it live for longer than it is to: who had it in hand may have changed that. */
static gboolean still_good(json_t *staged, const SutureRepoWish *wish, json_t *wanted)
{
	json_t *signed_ = json_object_get(staged, "signed");
	const gchar *expires = json_string_value(json_object_get(signed_, "expires"));
	g_autoptr(GDateTime) end = expires ? g_date_time_new_from_iso8601(expires, NULL) : NULL;

	return end && g_date_time_to_unix(end) > wish->now + wish->life / 2 &&
	       g_date_time_to_unix(end) <= wish->now + wish->life &&
	       json_equal(json_object_get(signed_, "version"), json_object_get(wanted, "version")) &&
	       signed_says(signed_, wanted);
}

/* Private keys at hand; NULL, with the cause noted, where they cannot be had or are not the role's. */
static GPtrArray *keys_at_hand(const SutureRepo *repo, SutureRepoStep *step, const SutureRepoWish *wish)
{
	const SutureRepoKeys *keys = suture_repo_keys_at_hand(repo, wish->uris, &step->cause);

	return keys && suture_repo_keys_check(wish->authority, keys->private, &step->cause) ? keys->private
											    : NULL;
}

static gboolean sign_next(const SutureRepo *repo, SutureRepoStep *step, const SutureRepoWish *wish,
			  json_t *body, GError **error)
{
	SUTURE_AUTO_JSON *signed_ = next_signed(wish, step->current, body), *staged = NULL;
	GPtrArray *keys = keys_at_hand(repo, step, wish);
	json_t *before = NULL;
	g_autoptr(GBytes) bytes = NULL;

	if (!suture_repo_staged_get(repo->staged, step->name, &staged, error))
		return FALSE;
	if (staged && still_good(staged, wish, signed_)) {
		json_decref(signed_);
		signed_ = json_incref(json_object_get(staged, "signed"));
		before = json_object_get(staged, "signatures");
	}
	bytes = suture_repo_document(signed_, before, keys, error);
	step->next = bytes ? suture_repo_document_parse(bytes, wish->type, step->name, error) : NULL;
	if (!step->next)
		return FALSE;
	step->have = suture_repo_document_count(step->next, wish->authority);
	step->need = suture_repo_threshold(wish->authority);
	step->ready = step->have >= step->need;
	/* Snapshot and timestamp are signed where they are published, or not at all. */
	return step->ready || wish->type != SUTURE_REPO_TARGETS ||
	       suture_repo_staged_put(repo->staged, signed_,
				      json_object_get(step->next->document, "signatures"), wish->authority, 1,
				      step->current ? step->current->signed_ : NULL, error);
}

/* Keys of targets are offline most days: that must not keep timestamp from being signed. */
static void keep_current(SutureRepoStep *step, gint64 now)
{
	gint64 days = (step->current->expires - now) / (24 * 60 * 60);

	g_message("role %s ends in %" G_GINT64_FORMAT " days and was not signed anew: %s", step->name, days,
		  step->cause ? step->cause->message : "its next version is staged");
	g_clear_pointer(&step->next, suture_repo_document_free);
	step->ready = TRUE;
}

SutureRepoStep *suture_repo_step_prepare(const SutureRepo *repo, const SutureRepoWish *wish, json_t *body,
					 GError **error)
{
	g_autoptr(SutureRepoStep) step = g_new0(SutureRepoStep, 1);
	gboolean right;

	step->name = g_strdup(wish->authority->name);
	step->type = wish->type;
	step->folder = wish->folder;
	if (!suture_repo_master_load(wish->folder, step->name, wish->type, &step->current, error))
		return NULL;
	right = step->current && suture_repo_says(step->current, body) &&
		suture_repo_document_signed_by(step->current, wish->authority);
	if (right && !wish->renew && step->current->expires - wish->now > wish->life / 2) {
		step->ready = TRUE;
		return suture_repo_staged_drop(repo->staged, step->name, error) ? g_steal_pointer(&step)
										: NULL;
	}
	if (!sign_next(repo, step, wish, body, error))
		return NULL;
	if (!step->ready && right && wish->type == SUTURE_REPO_TARGETS && step->current->expires > wish->now)
		keep_current(step, wish->now);
	return g_steal_pointer(&step);
}

void suture_repo_step_pack(SutureRepoStep *step)
{
	g_clear_pointer(&step->current, suture_repo_document_free);
	if (step->next)
		suture_repo_document_pack(step->next);
}

gboolean suture_repo_step_check(const SutureRepoStep *step, GError **error)
{
	if (step->ready)
		return TRUE;
	if (step->cause)
		g_propagate_error(error, g_error_copy(step->cause));
	else
		g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_THRESHOLD,
			    "role %s version %" G_GINT64_FORMAT ": %u of %u signatures; %s", step->name,
			    step->next->version, step->have, step->need,
			    step->type == SUTURE_REPO_TARGETS ? "sign what is staged with 'suture repo sign'"
							      : "name its keys in repository.conf");
	return FALSE;
}

gboolean suture_repo_step_save(const SutureRepo *repo, SutureRepoStep *step, GError **error)
{
	if (!step->next)
		return TRUE;
	if (!suture_repo_master_save(step->folder, step->name, step->next->bytes, error) ||
	    !suture_repo_staged_drop(repo->staged, step->name, error))
		return FALSE;
	g_clear_pointer(&step->current, suture_repo_document_free);
	step->current = g_steal_pointer(&step->next);
	return TRUE;
}
