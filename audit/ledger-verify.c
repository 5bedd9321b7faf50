// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audit/ledger-private.h"
#include "common/file.h"
#include "signer/verify/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static void file_close(FILE *file)
{
	fclose(file);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FILE, file_close)

typedef struct {
	const gchar *path;
	FILE *file;
	guint64 at, end;         /* bytes read, and where the file ended when it was opened */
	gchar *line;             /* SUTURE_RECORD_MAX_BYTES and two more */
	guint64 expected;        /* sequence number of the next line */
	gchar *hash;             /* of the line before */
	guint64 anchor_sequence; /* 0: none */
	gchar *anchor_hash;
	SutureLedgerReport *report;
} Walk;

static void walk_clear(Walk *walk)
{
	g_free(walk->line);
	g_free(walk->hash);
	g_free(walk->anchor_hash);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, walk_clear)

void suture_ledger_report_clear(SutureLedgerReport *report)
{
	g_clear_pointer(&report->head, g_free);
}

static gboolean parse_anchor(Walk *walk, const gchar *anchor, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(anchor, ":", 2);

	if (!parts[0] || !parts[1] || strlen(parts[1]) != 64 || strspn(parts[1], "0123456789abcdef") != 64 ||
	    !g_ascii_string_to_unsigned(parts[0], 10, 1, G_MAXINT64, &walk->anchor_sequence, NULL)) {
		g_set_error(error, SUTURE_LEDGER_ERROR, SUTURE_LEDGER_ERROR_ANCHOR,
			    "--head %s: give SEQ:HASH as 'suture audit head' prints it", anchor);
		return FALSE;
	}
	walk->anchor_hash = g_strdup(parts[1]);
	return TRUE;
}

static gboolean refuse(const Walk *walk, SutureLedgerError code, const gchar *what, GError **error)
{
	g_set_error(error, SUTURE_LEDGER_ERROR, code,
		    "%s: line %" G_GUINT64_FORMAT
		    ": %s; keep the file as evidence and compare it with a backup",
		    walk->path, walk->expected, what);
	return FALSE;
}

typedef enum { LINE_WHOLE, LINE_TORN, LINE_END, LINE_BROKEN } Line;

/* By bytes, because a crash can leave NULs at the end, and all of what is torn is to be counted. */
static Line read_line(Walk *walk, gsize *ret_size)
{
	gsize size = 0;
	int byte = EOF;

	while (walk->at < walk->end && size < SUTURE_RECORD_MAX_BYTES + 1 &&
	       (byte = getc_unlocked(walk->file)) != EOF) {
		walk->line[size++] = (gchar)byte;
		walk->at++;
		if (byte == '\n')
			break;
	}
	*ret_size = size;
	if (ferror(walk->file))
		return LINE_BROKEN;
	if (size > 0 && byte == '\n')
		return LINE_WHOLE;
	return size == 0 ? LINE_END : size <= SUTURE_RECORD_MAX_BYTES ? LINE_TORN : LINE_BROKEN;
}

/* A later number stands here: is the expected one further down, or nowhere? */
static gboolean refuse_sequence(Walk *walk, guint64 found, GError **error)
{
	gsize size;

	if (found < walk->expected)
		return refuse(walk, SUTURE_LEDGER_ERROR_REORDERED, "an earlier record stands here again",
			      error);
	while (read_line(walk, &size) == LINE_WHOLE) {
		g_autoptr(GBytes) bytes = g_bytes_new(walk->line, size);
		g_autoptr(SutureRecord) record = suture_record_parse(bytes, NULL);

		if (record && record->sequence == walk->expected)
			return refuse(walk, SUTURE_LEDGER_ERROR_REORDERED, "its record stands further down",
				      error);
	}
	return refuse(walk, SUTURE_LEDGER_ERROR_MISSING, "its record is missing", error);
}

static gboolean check_anchor(Walk *walk, GError **error)
{
	if (walk->expected != walk->anchor_sequence)
		return TRUE;
	if (strcmp(walk->hash, walk->anchor_hash) != 0)
		return refuse(walk, SUTURE_LEDGER_ERROR_CHANGED,
			      "its hash is not the anchor's: the record was changed", error);
	walk->report->anchored = TRUE;
	return TRUE;
}

static gboolean check_line(Walk *walk, gsize size, SutureRecord **ret_record, GError **error)
{
	g_autoptr(GBytes) bytes = g_bytes_new(walk->line, size);
	g_autoptr(SutureRecord) record = suture_record_parse(bytes, NULL);

	if (!record)
		return refuse(walk, SUTURE_LEDGER_ERROR_CHANGED, "not a record", error);
	if (record->sequence != walk->expected)
		return refuse_sequence(walk, record->sequence, error);
	if (strcmp(record->previous, walk->hash) != 0)
		return refuse(walk, SUTURE_LEDGER_ERROR_CHANGED,
			      "the hash in it is not that of the line before: one of the two was changed",
			      error);
	g_free(walk->hash);
	walk->hash = suture_digest_bytes(bytes);
	if (!check_anchor(walk, error))
		return FALSE;
	*ret_record = g_steal_pointer(&record);
	return TRUE;
}

static gboolean walk_lines(Walk *walk, SutureLedgerVisit visit, gpointer data, GError **error)
{
	gboolean go_on = TRUE;
	gsize size = 0;
	Line line;

	while ((line = read_line(walk, &size)) == LINE_WHOLE) {
		g_autoptr(SutureRecord) record = NULL;

		if (!check_line(walk, size, &record, error))
			return FALSE;
		walk->expected++;
		if (visit && go_on)
			go_on = visit(record, data);
	}
	if (line == LINE_BROKEN)
		return refuse(walk, SUTURE_LEDGER_ERROR_CHANGED, "over-long, or not text", error);
	walk->report->torn = line == LINE_TORN ? size : 0;
	walk->report->records = walk->expected - 1;
	return TRUE;
}

static gboolean finish(Walk *walk, GError **error)
{
	if (walk->anchor_sequence > walk->report->records) {
		g_set_error(error, SUTURE_LEDGER_ERROR, SUTURE_LEDGER_ERROR_CUT,
			    "%s: ends at record %" G_GUINT64_FORMAT ", before the anchor's %" G_GUINT64_FORMAT
			    ": records were cut off; keep the file as evidence and compare it with a backup",
			    walk->path, walk->report->records, walk->anchor_sequence);
		return FALSE;
	}
	if (walk->report->records > 0)
		walk->report->head =
			g_strdup_printf("%" G_GUINT64_FORMAT ":%s", walk->report->records, walk->hash);
	return TRUE;
}

/* Notes where the last whole record ends. The lock is not kept while the file is read: somebody who pages
 * through it must not make those wait who have something to record. */
static gboolean note_end(Walk *walk, GError **error)
{
	struct stat st;

	if (TEMP_FAILURE_RETRY(flock(fileno(walk->file), LOCK_SH)) < 0 ||
	    fstat(fileno(walk->file), &st) < 0 || flock(fileno(walk->file), LOCK_UN) < 0)
		return suture_error_set_errno(error, errno, "%s", walk->path);
	walk->end = (guint64)st.st_size;
	return TRUE;
}

/* The anchor says that there was one. */
static gboolean refuse_absent(const Walk *walk, GError **error)
{
	g_set_error(error, SUTURE_LEDGER_ERROR, SUTURE_LEDGER_ERROR_CUT,
		    "%s: is gone, with the anchor's record %" G_GUINT64_FORMAT
		    " and all others; look for who removed it, and for a backup",
		    walk->path, walk->anchor_sequence);
	return FALSE;
}

gboolean suture_ledger_verify(const gchar *path, const gchar *anchor, SutureLedgerVisit visit, gpointer data,
			      SutureLedgerReport *ret_report, GError **error)
{
	g_autoptr(FILE) file = NULL;
	g_auto(Walk) walk = {.path = path, .expected = 1, .report = ret_report};

	*ret_report = (SutureLedgerReport){0};
	if (anchor && !parse_anchor(&walk, anchor, error))
		return FALSE;
	walk.file = file = fopen(path, "re");
	if (!file && errno == ENOENT && anchor)
		return refuse_absent(&walk, error);
	if (!file)
		return suture_error_set_errno(error, errno, "%s", path);
	if (!note_end(&walk, error))
		return FALSE;
	walk.line = g_malloc(SUTURE_RECORD_MAX_BYTES + 2);
	walk.hash = g_strdup(SUTURE_LEDGER_FIRST_PREVIOUS);
	return walk_lines(&walk, visit, data, error) && finish(&walk, error);
}
