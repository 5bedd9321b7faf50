// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/download.h"

#include "fetcher/client/partial.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	const SutureMirrorDownload *download;
	GPtrArray *missing; /* SutureMirrorFile* */
	guint next;
	guint64 files, bytes; /* that came */
	GError *failure;      /* the first */
} Run;

static void run_clear(Run *run)
{
	g_clear_pointer(&run->missing, g_ptr_array_unref);
	g_clear_error(&run->failure);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

static gboolean next(SutureHttpFile *ret, gpointer data, GError **error)
{
	Run *run = data;
	SutureMirrorFile *file;

	if (run->next >= run->missing->len)
		return FALSE;
	file = run->missing->pdata[run->next];
	ret->fd = suture_partial_open(run->download->folder->partial, file->sha256, error);
	if (ret->fd < 0)
		return FALSE;
	run->next++;
	ret->url = suture_http_join(run->download->targets_url, file->path);
	ret->length = file->length;
	ret->data = file;
	return TRUE;
}

/* The first one is what the user hears of. */
static void note(Run *run, const SutureMirrorFile *file, GError *cause)
{
	GHashTable *failed = suture_mirror_is_one_file(cause) ? run->download->failed : NULL;

	for (; failed && file; file = file->same)
		g_hash_table_insert(failed, file->path, g_error_copy(cause));
	if (failed || run->failure)
		g_error_free(cause);
	else
		run->failure = cause;
}

static gboolean drop(Run *run, const SutureMirrorFile *file, GError **error)
{
	return suture_partial_unlink(run->download->folder->partial, file->sha256, error);
}

static SutureHttpVerdict judge_failure(Run *run, const SutureMirrorFile *file, const GError *failure,
				       GError **error)
{
	g_autoptr(GError) cause = g_error_copy(failure);

	if (g_error_matches(cause, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_TOO_LARGE)) {
		/* A server that announces more than the signed length has another file. */
		cause->domain = SUTURE_TUF_ERROR;
		cause->code = SUTURE_TUF_ERROR_TARGET_LENGTH;
	}
	note(run, file, g_error_copy(cause));
	if ((cause->domain == SUTURE_TUF_ERROR ||
	     g_error_matches(failure, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_ENDLESS)) &&
	    !drop(run, file, error))
		return SUTURE_HTTP_STOP;
	return SUTURE_HTTP_NEXT;
}

static SutureHttpVerdict judge_wrong(Run *run, const SutureHttpFile *from, const SutureMirrorFile *file,
				     gboolean resumed, GError *wrong, GError **error)
{
	/* What was kept from an earlier server may be to blame: once more, from the start. */
	if (resumed && wrong->domain == SUTURE_TUF_ERROR && ftruncate(from->fd, 0) == 0) {
		g_error_free(wrong);
		return SUTURE_HTTP_AGAIN;
	}
	note(run, file, wrong);
	return drop(run, file, error) ? SUTURE_HTTP_NEXT : SUTURE_HTTP_STOP;
}

/* What came in one piece was hashed on its way, which takes less than reading it again. */
static gboolean check(const SutureHttpFile *from, const SutureMirrorFile *file, GError **error)
{
	struct stat st;

	if (from->sha256 && strcmp(from->sha256, file->sha256) == 0 && fstat(from->fd, &st) == 0 &&
	    (guint64)st.st_size == file->length)
		return TRUE;
	return suture_mirror_file_check(file, from->fd, error);
}

static SutureHttpVerdict done(const SutureHttpFile *from, gboolean resumed, const GError *failure,
			      gpointer data, GError **error)
{
	Run *run = data;
	const SutureMirrorFile *file = from->data;
	GError *wrong = NULL;

	if (failure)
		return judge_failure(run, file, failure, error);
	if (!check(from, file, &wrong))
		return judge_wrong(run, from, file, resumed, wrong, error);
	run->files++;
	run->bytes += file->length;
	if (run->download->arrivals && !suture_mirror_arrivals_add(run->download->arrivals, file, error))
		return SUTURE_HTTP_STOP;
	return SUTURE_HTTP_NEXT;
}

gboolean suture_mirror_download(const SutureMirrorDownload *download, const GPtrArray *files,
				guint64 *ret_files, guint64 *ret_bytes, GError **error)
{
	g_auto(Run) run = {.download = download};
	SutureHttpWork work = {.next = next, .done = done, .data = &run, .step = download->step};
	gboolean ran;

	run.missing = suture_mirror_missing(download->folder, files, &work.total);
	ran = suture_http_pool_run(download->pool, &work, error);
	/* What is whole is shown, whatever became of the others. */
	if (download->arrivals && !suture_mirror_arrivals_flush(download->arrivals, ran ? error : NULL))
		return FALSE;
	if (!ran)
		return FALSE;
	if (run.failure) {
		g_propagate_error(error, g_steal_pointer(&run.failure));
		return FALSE;
	}
	*ret_files += run.files;
	*ret_bytes += run.bytes;
	return TRUE;
}
