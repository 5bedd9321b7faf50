// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/http-many.h"

#include "common/cancel.h"
#include "common/file.h"
#include "fetcher/client/http-transfer.h"

#include <errno.h>
#include <sys/stat.h>

#define BUFFER_BYTES (256L * 1024)
#define POLL_MILLISECONDS 100
/* Waited before another attempt, and twice as long before each one after that. */
#define BACKOFF_MICROSECONDS (G_USEC_PER_SEC / 4)

typedef enum { IDLE, RUNNING, WAITING } SlotState;

/* One file at a time. */
typedef struct {
	SlotState state;
	SutureHttpHandle handle;
	SutureHttpTransfer transfer;
	SutureHttpFile file;
	guint attempts;
	gboolean resumed; /* by its first request: bytes of another run */
	gint64 not_before;
} Slot;

struct _SutureHttpPool {
	CURLM *multi;
	Slot *slots;
	guint n_slots;
	guint get_seconds;
	SutureProgress progress;
	gpointer progress_data;
	SutureHttpCount count;

	/* of one run */
	const SutureHttpWork *work;
	gboolean drained; /* next() has no more */
	guint64 finished; /* bytes of the files that are done */
	guint barren;     /* failures since the last file that came through */
};

static gboolean add_slot(SutureHttpPool *pool, const SutureHttpOptions *options, GError **error)
{
	Slot *slot = &pool->slots[pool->n_slots];

	slot->file.fd = -1;
	if (!suture_http_handle_init(&slot->handle, options, error))
		return FALSE;
	pool->n_slots++;
	curl_easy_setopt(slot->handle.easy, CURLOPT_PRIVATE, slot);
	curl_easy_setopt(slot->handle.easy, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	/* Rather a stream of a connection that is being made than a connection more. */
	curl_easy_setopt(slot->handle.easy, CURLOPT_PIPEWAIT, 1L);
	return TRUE;
}

SutureHttpPool *suture_http_pool_new(const SutureHttpOptions *options, guint jobs, GError **error)
{
	g_autoptr(SutureHttpPool) pool = g_new0(SutureHttpPool, 1);

	jobs = jobs ? MIN(jobs, SUTURE_HTTP_MAX_JOBS) : SUTURE_HTTP_JOBS;
	pool->get_seconds = options->get_seconds ? options->get_seconds : SUTURE_HTTP_GET_SECONDS;
	pool->progress = options->progress;
	pool->progress_data = options->progress_data;
	pool->slots = g_new0(Slot, jobs);
	for (guint i = 0; i < jobs; i++)
		if (!add_slot(pool, options, error))
			return NULL;
	pool->multi = curl_multi_init();
	if (!pool->multi) {
		g_set_error_literal(error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_CONNECT,
				    "libcurl could not be set up");
		return NULL;
	}
	curl_multi_setopt(pool->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)jobs);
	return g_steal_pointer(&pool);
}

static void clear_file(Slot *slot)
{
	g_clear_pointer(&slot->file.url, g_free);
	g_clear_pointer(&slot->file.body, g_byte_array_unref);
	g_clear_pointer(&slot->file.sha256, g_free);
	suture_fd_clear(&slot->file.fd);
	slot->state = IDLE;
}

static void stop_slot(SutureHttpPool *pool, Slot *slot)
{
	if (slot->state == RUNNING)
		curl_multi_remove_handle(pool->multi, slot->handle.easy);
	suture_http_transfer_clear(&slot->transfer);
	clear_file(slot);
}

void suture_http_pool_free(SutureHttpPool *pool)
{
	for (guint i = 0; i < pool->n_slots; i++) {
		stop_slot(pool, &pool->slots[i]);
		suture_http_handle_clear(&pool->slots[i].handle);
	}
	if (pool->multi)
		curl_multi_cleanup(pool->multi);
	g_free(pool->slots);
	g_free(pool);
}

SutureHttpCount suture_http_pool_count(const SutureHttpPool *pool)
{
	return pool->count;
}

/* How much of the file is there; sets it up for going on from there. */
static gboolean set_up(const SutureHttpFile *file, guint64 *ret_offset, GError **error)
{
	guint64 offset;
	struct stat st;

	*ret_offset = 0;
	if (file->body) {
		g_byte_array_set_size(file->body, 0);
		return TRUE;
	}
	if (fstat(file->fd, &st) < 0)
		return suture_error_set_errno(error, errno, "%s", file->url);
	offset = (guint64)st.st_size <= file->length ? (guint64)st.st_size : 0;
	if (ftruncate(file->fd, (off_t)offset) < 0 || lseek(file->fd, (off_t)offset, SEEK_SET) < 0)
		return suture_error_set_errno(error, errno, "%s", file->url);
	*ret_offset = offset;
	return TRUE;
}

/* Asks for what the file lacks; *@ret_whole: nothing. */
static gboolean ask(SutureHttpPool *pool, Slot *slot, gboolean *ret_whole, GError **error)
{
	const SutureHttpFile *file = &slot->file;
	guint64 offset;

	if (!set_up(file, &offset, error))
		return FALSE;
	if (slot->attempts++ == 0)
		slot->resumed = offset > 0;
	*ret_whole = offset == file->length;
	if (*ret_whole)
		return TRUE;
	suture_http_transfer_clear(&slot->transfer);
	slot->transfer =
		(SutureHttpTransfer){.handle = &slot->handle,
				     .url = file->url,
				     .count = &pool->count,
				     .body = file->body,
				     .fd = file->fd,
				     .digest = offset == 0 && !file->body ? suture_digest_new() : NULL,
				     .limit = file->length,
				     .offset = offset,
				     .have = offset};
	suture_http_transfer_prepare(&slot->transfer, file->body ? pool->get_seconds : 0);
	slot->state = RUNNING;
	curl_multi_add_handle(pool->multi, slot->handle.easy);
	return TRUE;
}

static gboolean conclude(SutureHttpPool *pool, Slot *slot, const GError *failure, GError **error);

static gboolean start(SutureHttpPool *pool, Slot *slot, GError **error)
{
	gboolean whole = FALSE;

	return ask(pool, slot, &whole, error) && (!whole || conclude(pool, slot, NULL, error));
}

/* Lets done() judge. */
static gboolean conclude(SutureHttpPool *pool, Slot *slot, const GError *failure, GError **error)
{
	const SutureHttpWork *work = pool->work;
	struct stat st;

	switch (work->done(&slot->file, slot->resumed, failure, work->data, error)) {
	case SUTURE_HTTP_AGAIN:
		g_clear_pointer(&slot->file.sha256, g_free);
		slot->attempts = 0;
		return start(pool, slot, error);
	case SUTURE_HTTP_STOP:
		return FALSE;
	default:
		if (!failure)
			pool->barren = 0;
		if (!slot->file.body && fstat(slot->file.fd, &st) == 0)
			pool->finished += (guint64)st.st_size;
		clear_file(slot);
		return TRUE;
	}
}

/* Whether the same server may do better in a moment. */
static gboolean may_pass(const GError *failure)
{
	static const SutureFetchError codes[] = {SUTURE_FETCH_ERROR_TRUNCATED, SUTURE_FETCH_ERROR_STALLED,
						 SUTURE_FETCH_ERROR_CONNECT, SUTURE_FETCH_ERROR_STATUS};

	for (gsize i = 0; i < G_N_ELEMENTS(codes); i++)
		if (g_error_matches(failure, SUTURE_FETCH_ERROR, (gint)codes[i]))
			return TRUE;
	return FALSE;
}

static gboolean fail(SutureHttpPool *pool, Slot *slot, GError *failure, GError **error)
{
	g_autoptr(GError) cause = failure;

	if (!may_pass(cause))
		return conclude(pool, slot, cause, error);
	if (++pool->barren >= SUTURE_HTTP_ATTEMPTS * pool->n_slots) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	if (slot->attempts >= SUTURE_HTTP_ATTEMPTS)
		return conclude(pool, slot, cause, error);
	slot->state = WAITING;
	slot->not_before = g_get_monotonic_time() + (BACKOFF_MICROSECONDS << (slot->attempts - 1));
	return TRUE;
}

static gboolean end_transfer(SutureHttpPool *pool, Slot *slot, CURLcode result, GError **error)
{
	GError *failure = NULL;
	gboolean arrived;

	curl_multi_remove_handle(pool->multi, slot->handle.easy);
	slot->state = WAITING;
	slot->not_before = 0;
	arrived = suture_http_transfer_finish(&slot->transfer, result, &failure);
	if (slot->transfer.offset == 0)
		slot->resumed = FALSE;
	if (arrived && slot->transfer.digest)
		slot->file.sha256 = suture_digest_finish(g_steal_pointer(&slot->transfer.digest));
	if (arrived)
		return conclude(pool, slot, NULL, error);
	if (failure && failure->domain != SUTURE_FETCH_ERROR) {
		/* This machine's, or cancelled. */
		g_propagate_error(error, failure);
		return FALSE;
	}
	if (failure)
		return fail(pool, slot, failure, error);
	/* Another range than was asked for: all of it, then. */
	if (ftruncate(slot->file.fd, 0) < 0)
		return suture_error_set_errno(error, errno, "%s", slot->file.url);
	return TRUE;
}

/* *@ret_ended: how many did. */
static gboolean end_transfers(SutureHttpPool *pool, guint *ret_ended, GError **error)
{
	CURLMsg *message;
	int left;

	*ret_ended = 0;
	while ((message = curl_multi_info_read(pool->multi, &left))) {
		gpointer slot;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
		if (!end_transfer(pool, slot, message->data.result, error))
			return FALSE;
		(*ret_ended)++;
	}
	return TRUE;
}

static gboolean take_next(SutureHttpPool *pool, Slot *slot, GError **error)
{
	g_autoptr(GError) cause = NULL;

	if (!pool->work->next(&slot->file, pool->work->data, &cause)) {
		pool->drained = TRUE;
		if (!cause)
			return TRUE;
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	slot->attempts = 0;
	return start(pool, slot, error);
}

/* Gives every slot something to do; *@ret_busy says whether there is anything left to wait for. */
static gboolean fill_slots(SutureHttpPool *pool, gboolean *ret_busy, GError **error)
{
	*ret_busy = FALSE;
	for (guint i = 0; i < pool->n_slots; i++) {
		Slot *slot = &pool->slots[i];

		if (slot->state == WAITING && g_get_monotonic_time() >= slot->not_before &&
		    !start(pool, slot, error))
			return FALSE;
		while (slot->state == IDLE && !pool->drained)
			if (!suture_cancel_check(error) || !take_next(pool, slot, error))
				return FALSE;
		*ret_busy |= slot->state != IDLE;
	}
	return TRUE;
}

static void tell_progress(const SutureHttpPool *pool)
{
	guint64 done = pool->finished;

	if (!pool->progress || !pool->work->step)
		return;
	for (guint i = 0; i < pool->n_slots; i++)
		if (pool->slots[i].state == RUNNING)
			done += pool->slots[i].transfer.have;
	pool->progress(pool->work->step, done, pool->work->total, pool->progress_data);
}

static gboolean check_multi(CURLMcode code, GError **error)
{
	if (code == CURLM_OK)
		return TRUE;
	g_set_error(error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_CONNECT, "libcurl: %s; try again",
		    curl_multi_strerror(code));
	return FALSE;
}

static gboolean run(SutureHttpPool *pool, GError **error)
{
	gboolean busy;
	guint ended;
	int running;

	for (;;) {
		if (!suture_cancel_check(error) || !fill_slots(pool, &busy, error))
			return FALSE;
		if (!busy)
			return TRUE;
		if (!check_multi(curl_multi_perform(pool->multi, &running), error) ||
		    !end_transfers(pool, &ended, error))
			return FALSE;
		tell_progress(pool);
		if (ended == 0 &&
		    !check_multi(curl_multi_poll(pool->multi, NULL, 0, POLL_MILLISECONDS, NULL), error))
			return FALSE;
	}
}

gboolean suture_http_pool_run(SutureHttpPool *pool, const SutureHttpWork *work, GError **error)
{
	gboolean done;

	pool->work = work;
	pool->drained = FALSE;
	pool->finished = 0;
	pool->barren = 0;
	done = run(pool, error);
	for (guint i = 0; i < pool->n_slots; i++)
		stop_slot(pool, &pool->slots[i]);
	pool->work = NULL;
	return done;
}
