// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audit/ledger.h"

#include "audit/ledger-private.h"
#include "common/file.h"
#include "signer/verify/digest.h"
#include "spec/form.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>

#define DETAIL_MAX_BYTES 4096

static const SutureErrorEntry ledger_errors[] = {
	{SUTURE_LEDGER_ERROR_CHANGED, SUTURE_EXIT_LEDGER, "ledger-changed"},
	{SUTURE_LEDGER_ERROR_MISSING, SUTURE_EXIT_LEDGER, "ledger-missing"},
	{SUTURE_LEDGER_ERROR_REORDERED, SUTURE_EXIT_LEDGER, "ledger-reordered"},
	{SUTURE_LEDGER_ERROR_CUT, SUTURE_EXIT_LEDGER, "ledger-cut"},
	{SUTURE_LEDGER_ERROR_ANCHOR, SUTURE_EXIT_USAGE, "ledger-anchor"},
};
SUTURE_DEFINE_ERROR_DOMAIN(suture_ledger_error, ledger_errors)

struct _SutureLedger {
	gchar *path;
	int fd;
	GMutex lock; /* flock() does not keep the threads of one process apart */
	SutureLedgerContext context;
};

static gboolean make_folder(const gchar *path, GError **error)
{
	g_autofree gchar *folder = g_path_get_dirname(path);

	if (g_mkdir_with_parents(folder, 0755) < 0)
		return suture_error_set_errno(error, errno, "%s", folder);
	return TRUE;
}

SutureLedger *suture_ledger_open(const gchar *path, const SutureLedgerContext *context, GError **error)
{
	g_autofree gchar *folder = g_path_get_dirname(path);
	SUTURE_AUTO_FD dirfd = -1;
	SUTURE_AUTO_FD fd = -1;
	SutureLedger *ledger;

	if (!make_folder(path, error))
		return NULL;
	dirfd = suture_file_open(folder, O_RDONLY | O_DIRECTORY, error);
	if (dirfd < 0)
		return NULL;
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fsync(dirfd) < 0) {
		suture_error_set_errno(error, errno, "%s", path);
		return NULL;
	}
	ledger = g_new0(SutureLedger, 1);
	ledger->path = g_strdup(path);
	ledger->fd = suture_fd_steal(&fd);
	ledger->context = *context;
	g_mutex_init(&ledger->lock);
	return ledger;
}

void suture_ledger_free(SutureLedger *ledger)
{
	suture_fd_clear(&ledger->fd);
	g_mutex_clear(&ledger->lock);
	g_free(ledger->path);
	g_free(ledger);
}

/* The end of the file: the last whole line, and what a crash left behind it. */
typedef struct {
	guint64 sequence; /* 0: no whole line yet */
	gchar *hash;
	guint64 whole_size; /* bytes up to and with the last '\n' */
	guint64 torn_size;
	gchar *torn_sha256;
} Tail;

static void tail_clear(Tail *tail)
{
	g_free(tail->hash);
	g_free(tail->torn_sha256);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tail, tail_clear)

static gboolean parse_last_line(const SutureLedger *ledger, const gchar *line, gsize size, Tail *tail,
				GError **error)
{
	g_autoptr(GBytes) bytes = g_bytes_new(line, size);
	g_autoptr(GError) cause = NULL;
	g_autoptr(SutureRecord) record = suture_record_parse(bytes, &cause);

	if (!record) {
		g_set_error(error, SUTURE_LEDGER_ERROR, SUTURE_LEDGER_ERROR_CHANGED,
			    "%s: the last line is not a record (%s); run 'suture audit verify', keep the "
			    "file as evidence "
			    "and move it away",
			    ledger->path, cause->message);
		return FALSE;
	}
	tail->sequence = record->sequence;
	tail->hash = suture_digest_bytes(bytes);
	return TRUE;
}

/* Reads no more than one record and one torn record from the end. */
static gboolean read_tail(const SutureLedger *ledger, Tail *tail, GError **error)
{
	const guint64 window = 2 * SUTURE_RECORD_MAX_BYTES;
	g_autofree gchar *buffer = g_malloc(window);
	const gchar *last_newline, *line_start;
	struct stat st;
	guint64 offset;
	gsize size;

	if (fstat(ledger->fd, &st) < 0)
		return suture_error_set_errno(error, errno, "%s", ledger->path);
	size = MIN((guint64)st.st_size, window);
	offset = (guint64)st.st_size - size;
	if (TEMP_FAILURE_RETRY(pread(ledger->fd, buffer, size, (off_t)offset)) != (gssize)size)
		return suture_error_set_errno(error, errno, "%s", ledger->path);
	last_newline = memrchr(buffer, '\n', size);
	tail->whole_size = last_newline ? offset + (guint64)(last_newline + 1 - buffer) : 0;
	tail->torn_size = (guint64)st.st_size - tail->whole_size;
	if (!last_newline && offset > 0) {
		g_set_error(error, SUTURE_LEDGER_ERROR, SUTURE_LEDGER_ERROR_CHANGED,
			    "%s: ends in more than a record's length without a line break; run 'suture audit "
			    "verify'",
			    ledger->path);
		return FALSE;
	}
	if (tail->torn_size > 0) {
		const gchar *torn = last_newline ? last_newline + 1 : buffer;
		g_autoptr(GBytes) bytes = g_bytes_new(torn, tail->torn_size);

		tail->torn_sha256 = suture_digest_bytes(bytes);
	}
	if (!last_newline)
		return TRUE;
	line_start = last_newline > buffer ? memrchr(buffer, '\n', (gsize)(last_newline - buffer)) : NULL;
	line_start = line_start ? line_start + 1 : buffer;
	return parse_last_line(ledger, line_start, (gsize)(last_newline + 1 - line_start), tail, error);
}

/* For the syslog too, whose readers may be terminals: no control characters. */
static gchar *one_line(const gchar *text)
{
	g_autofree gchar *start = g_strndup(text ? text : "", DETAIL_MAX_BYTES);

	return suture_form_make_text(start, DETAIL_MAX_BYTES);
}

static gchar *time_now(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree gchar *seconds = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");

	return g_strdup_printf("%s.%06dZ", seconds, g_date_time_get_microsecond(now));
}

static SutureRecord *record_new(const SutureLedger *ledger, const SutureEvent *event, const Tail *tail)
{
	SutureRecord *record = suture_record_new();

	record->sequence = tail->sequence + 1;
	record->time = time_now();
	record->boot_id = g_strdup(ledger->context.boot_id);
	record->host = g_strdup(ledger->context.host);
	record->kernel_release = g_strdup(ledger->context.kernel_release);
	record->kernel_build_id = g_strdup(ledger->context.kernel_build_id);
	record->actor = one_line(ledger->context.actor);
	record->event = one_line(event->event);
	record->bundle = one_line(event->bundle);
	record->manifest_sha256 = one_line(event->manifest_sha256);
	record->package_sha256 = one_line(event->package_sha256);
	record->reason = one_line(event->reason);
	record->detail = one_line(event->detail);
	record->previous = g_strdup(tail->hash ? tail->hash : SUTURE_LEDGER_FIRST_PREVIOUS);
	return record;
}

/* Appends the line after @tail and moves @tail on to it. What could not be written whole and synced is taken
 * back. */
static gboolean append_line(SutureLedger *ledger, const SutureEvent *event, Tail *tail, GError **error)
{
	g_autoptr(SutureRecord) record = record_new(ledger, event, tail);
	g_autoptr(GBytes) line = suture_record_write(record);
	gconstpointer data;
	gsize size;

	if (!line) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_IO,
			    "%s: the event \"%s\" has a value that no record may hold; report this fault",
			    ledger->path, record->event);
		return FALSE;
	}
	data = g_bytes_get_data(line, &size);
	if (!suture_file_write_fd(ledger->fd, data, size, error) ||
	    (fsync(ledger->fd) < 0 && !suture_error_set_errno(error, errno, "fsync"))) {
		g_prefix_error(error, "%s: ", ledger->path);
		if (ftruncate(ledger->fd, (off_t)tail->whole_size) < 0)
			g_warning("%s: a torn line stays: %s", ledger->path, g_strerror(errno));
		return FALSE;
	}
	tail->sequence++;
	tail->whole_size += size;
	g_free(tail->hash);
	tail->hash = suture_digest_bytes(line);
	syslog(LOG_AUTHPRIV | LOG_NOTICE, "suture ledger %" G_GUINT64_FORMAT ":%s %s %s %s", tail->sequence,
	       tail->hash, record->event, record->bundle, record->reason);
	return TRUE;
}

static gboolean heal(SutureLedger *ledger, Tail *tail, GError **error)
{
	g_autofree gchar *detail = NULL;
	const SutureEvent event = {.event = "heal", .reason = "ledger-torn"};
	SutureEvent described = event;

	if (tail->torn_size == 0)
		return TRUE;
	detail = g_strdup_printf("cut off %" G_GUINT64_FORMAT
				 " bytes of a line that a crash left unfinished, sha256 %s",
				 tail->torn_size, tail->torn_sha256);
	described.detail = detail;
	if (ftruncate(ledger->fd, (off_t)tail->whole_size) < 0)
		return suture_error_set_errno(error, errno, "%s", ledger->path);
	return append_line(ledger, &described, tail, error);
}

static gboolean append_locked(SutureLedger *ledger, const SutureEvent *event, GError **error)
{
	g_auto(Tail) tail = {0};

	return read_tail(ledger, &tail, error) && heal(ledger, &tail, error) &&
	       append_line(ledger, event, &tail, error);
}

gboolean suture_ledger_append(const SutureEvent *event, gpointer data, GError **error)
{
	SutureLedger *ledger = data;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&ledger->lock);
	gboolean ok;

	if (TEMP_FAILURE_RETRY(flock(ledger->fd, LOCK_EX)) < 0)
		return suture_error_set_errno(error, errno, "%s: lock", ledger->path);
	ok = append_locked(ledger, event, error);
	flock(ledger->fd, LOCK_UN);
	return ok;
}
