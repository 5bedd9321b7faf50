// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audit/ledger.h"
#include "common/file.h"
#include "common/staging.h"
#include "signer/verify/digest.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const SutureLedgerContext context = {
	.boot_id = "00000000-0000-4000-8000-000000000000",
	.host = "host.example",
	.kernel_release = "6.1.0-test",
	.kernel_build_id = "0123456789abcdef0123456789abcdef01234567",
	.actor = "uid=0 user=root command=test",
};

typedef struct {
	SutureScratch *scratch;
	gchar *path;
} Fixture;

static void append(const gchar *path, const gchar *bundle)
{
	const SutureEvent event = {
		.event = "apply", .bundle = bundle, .reason = "ok", .detail = "two\nlines"};
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureLedger) ledger = suture_ledger_open(path, &context, &error);

	g_assert_no_error(error);
	g_assert_true(suture_ledger_append(&event, ledger, &error));
	g_assert_no_error(error);
}

static void set_up(Fixture *f, gconstpointer data)
{
	(void)data;
	f->scratch = suture_scratch_new(NULL);
	f->path = g_build_filename(suture_scratch_path(f->scratch), "lib", "ledger.jsonl", NULL);
	for (const gchar *const *bundle = (const gchar *const[]){"a", "b", "c", "d", NULL}; *bundle; bundle++)
		append(f->path, *bundle);
}

static void tear_down(Fixture *f, gconstpointer data)
{
	(void)data;
	suture_scratch_free(f->scratch);
	g_free(f->path);
}

static gchar **read_lines(Fixture *f)
{
	g_autofree gchar *text = NULL;
	gchar **lines;

	g_assert_true(g_file_get_contents(f->path, &text, NULL, NULL));
	g_assert_true(g_str_has_suffix(text, "\n"));
	text[strlen(text) - 1] = '\0';
	lines = g_strsplit(text, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), >=, 4);
	return lines;
}

static void write_lines(Fixture *f, const gchar *const *lines)
{
	g_autofree gchar *joined = g_strjoinv("\n", (gchar **)lines);
	g_autofree gchar *text = g_strconcat(joined, "\n", NULL);

	g_assert_true(g_file_set_contents(f->path, text, -1, NULL));
}

static void assert_refused(Fixture *f, const gchar *anchor, SutureLedgerError code)
{
	g_autoptr(GError) error = NULL;
	SutureLedgerReport report;

	g_assert_false(suture_ledger_verify(f->path, anchor, NULL, NULL, &report, &error));
	g_assert_error(error, SUTURE_LEDGER_ERROR, (gint)code);
	suture_ledger_report_clear(&report);
}

static void assert_intact(Fixture *f, const gchar *anchor, guint64 records, guint64 torn)
{
	g_autoptr(GError) error = NULL;
	SutureLedgerReport report;

	g_assert_true(suture_ledger_verify(f->path, anchor, NULL, NULL, &report, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(report.records, ==, records);
	g_assert_cmpuint(report.torn, ==, torn);
	g_assert_cmpint(report.anchored, ==, anchor != NULL);
	suture_ledger_report_clear(&report);
}

static gchar *head_of(Fixture *f)
{
	SutureLedgerReport report;

	g_assert_true(suture_ledger_verify(f->path, NULL, NULL, NULL, &report, NULL));
	return report.head;
}

static void intact(Fixture *f, gconstpointer data)
{
	g_auto(GStrv) lines = read_lines(f);
	g_autofree gchar *head = head_of(f);
	g_autofree gchar *last = g_strconcat(lines[3], "\n", NULL);
	g_autoptr(GBytes) bytes = g_bytes_new_static(last, strlen(last));
	g_autofree gchar *hash = suture_digest_bytes(bytes);
	g_autofree gchar *expected = g_strdup_printf("4:%s", hash);
	struct stat st;

	(void)data;
	g_assert_cmpstr(head, ==, expected);
	assert_intact(f, NULL, 4, 0);
	assert_intact(f, head, 4, 0);
	g_assert_cmpint(stat(f->path, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 0777, ==, 0600);
}

static void changed(Fixture *f, gconstpointer data)
{
	g_auto(GStrv) lines = read_lines(f);
	gchar *at;

	(void)data;
	at = strstr(lines[1], "\"b\"");
	g_assert_nonnull(at);
	at[1] = 'x';
	write_lines(f, (const gchar *const *)lines);
	assert_refused(f, NULL, SUTURE_LEDGER_ERROR_CHANGED);
}

static void not_a_record(Fixture *f, gconstpointer data)
{
	g_auto(GStrv) lines = read_lines(f);

	(void)data;
	lines[2][0] = '[';
	write_lines(f, (const gchar *const *)lines);
	assert_refused(f, NULL, SUTURE_LEDGER_ERROR_CHANGED);
}

static void missing(Fixture *f, gconstpointer data)
{
	g_auto(GStrv) lines = read_lines(f);
	const gchar *const without[] = {lines[0], lines[2], lines[3], NULL};

	(void)data;
	write_lines(f, without);
	assert_refused(f, NULL, SUTURE_LEDGER_ERROR_MISSING);
	write_lines(f, (const gchar *const[]){lines[1], lines[2], NULL});
	assert_refused(f, NULL, SUTURE_LEDGER_ERROR_MISSING);
}

static void reordered(Fixture *f, gconstpointer data)
{
	g_auto(GStrv) lines = read_lines(f);

	(void)data;
	write_lines(f, (const gchar *const[]){lines[0], lines[2], lines[1], lines[3], NULL});
	assert_refused(f, NULL, SUTURE_LEDGER_ERROR_REORDERED);
	write_lines(f, (const gchar *const[]){lines[0], lines[1], lines[1], lines[2], NULL});
	assert_refused(f, NULL, SUTURE_LEDGER_ERROR_REORDERED);
}

static void cut_tail(Fixture *f, gconstpointer data)
{
	g_auto(GStrv) lines = read_lines(f);
	g_autofree gchar *head = head_of(f);

	(void)data;
	write_lines(f, (const gchar *const[]){lines[0], lines[1], lines[2], NULL});
	assert_intact(f, NULL, 3, 0);
	assert_refused(f, head, SUTURE_LEDGER_ERROR_CUT);
	assert_refused(f, "4", SUTURE_LEDGER_ERROR_ANCHOR);
	assert_refused(f, "0:0000000000000000000000000000000000000000000000000000000000000000",
		       SUTURE_LEDGER_ERROR_ANCHOR);
}

/* The last record was replaced by a well-formed other one: only the anchor can tell. */
static void changed_last(Fixture *f, gconstpointer data)
{
	g_auto(GStrv) lines = read_lines(f);
	g_autofree gchar *head = head_of(f);
	gchar *at = strstr(lines[3], "\"d\"");

	(void)data;
	at[1] = 'x';
	write_lines(f, (const gchar *const *)lines);
	assert_intact(f, NULL, 4, 0);
	assert_refused(f, head, SUTURE_LEDGER_ERROR_CHANGED);
}

static gboolean collect_events(const SutureRecord *record, gpointer data)
{
	g_ptr_array_add(data, g_strdup_printf("%s %s", record->event, record->detail));
	return TRUE;
}

/* Cut the last line at each of its bytes, as a crash could: told apart, healed by the next append, and
 * recorded. */
static void torn(Fixture *f, gconstpointer data)
{
	g_autofree gchar *whole = NULL;
	gsize size, kept;

	(void)data;
	g_assert_true(g_file_get_contents(f->path, &whole, &size, NULL));
	kept = (gsize)((gchar *)memrchr(whole, '\n', size - 1) + 1 - whole);
	for (gsize at = kept + 1; at < size; at += 37) {
		g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func(g_free);
		g_autofree gchar *words = g_strdup_printf("heal cut off %zu bytes", at - kept);
		SutureLedgerReport report;

		g_assert_true(g_file_set_contents(f->path, whole, (gssize)at, NULL));
		assert_intact(f, NULL, 3, at - kept);
		append(f->path, "e");
		assert_intact(f, NULL, 5, 0);
		g_assert_true(suture_ledger_verify(f->path, NULL, collect_events, events, &report, NULL));
		suture_ledger_report_clear(&report);
		g_assert_true(g_str_has_prefix(events->pdata[3], words));
		g_assert_cmpstr(events->pdata[4], ==, "apply two lines");
	}
}

/* A file system may give back what was not written as NULs. */
static void torn_nuls(Fixture *f, gconstpointer data)
{
	static const gchar *const tails[] = {"\0\0\0\0\0\0", "{\"seq\0", "\0\0\0\0\0x"};
	g_autofree gchar *whole = NULL;
	gsize size;

	(void)data;
	g_assert_true(g_file_get_contents(f->path, &whole, &size, NULL));
	for (gsize i = 0; i < G_N_ELEMENTS(tails); i++) {
		g_autofree gchar *text = g_malloc(size + 6);

		memcpy(text, whole, size);
		memcpy(text + size, tails[i], 6);
		g_assert_true(g_file_set_contents(f->path, text, (gssize)size + 6, NULL));
		assert_intact(f, NULL, 4, 6);
		append(f->path, "e");
		assert_intact(f, NULL, 6, 0);
	}
}

static void nul_in_the_middle(Fixture *f, gconstpointer data)
{
	g_autofree gchar *text = NULL;
	gsize size;

	(void)data;
	g_assert_true(g_file_get_contents(f->path, &text, &size, NULL));
	text[size / 2] = '\0';
	g_assert_true(g_file_set_contents(f->path, text, (gssize)size, NULL));
	assert_refused(f, NULL, SUTURE_LEDGER_ERROR_CHANGED);
}

static void deleted(Fixture *f, gconstpointer data)
{
	g_autofree gchar *head = head_of(f);
	g_autoptr(GError) error = NULL;
	SutureLedgerReport report;

	(void)data;
	g_assert_cmpint(unlink(f->path), ==, 0);
	assert_refused(f, head, SUTURE_LEDGER_ERROR_CUT);
	g_assert_false(suture_ledger_verify(f->path, NULL, NULL, NULL, &report, &error));
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_IO);
}

/* As another process would while somebody pages through the records. */
static gboolean append_meanwhile(const SutureRecord *record, gpointer data)
{
	Fixture *f = data;
	SUTURE_AUTO_FD fd = open(f->path, O_RDWR | O_CLOEXEC);

	g_assert_cmpint(flock(fd, LOCK_EX | LOCK_NB), ==, 0);
	suture_fd_clear(&fd);
	if (record->sequence == 1)
		append(f->path, "meanwhile");
	return TRUE;
}

static void readers_hold_nobody_up(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	SutureLedgerReport report;

	(void)data;
	g_assert_true(suture_ledger_verify(f->path, NULL, append_meanwhile, f, &report, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(report.records, ==, 4);
	g_assert_cmpuint(report.torn, ==, 0);
	suture_ledger_report_clear(&report);
	assert_intact(f, NULL, 5, 0);
}

static void damaged_end_is_not_built_on(Fixture *f, gconstpointer data)
{
	const SutureEvent event = {.event = "apply", .reason = "ok"};
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureLedger) ledger = NULL;
	g_auto(GStrv) lines = read_lines(f);

	(void)data;
	lines[3][0] = 'x';
	write_lines(f, (const gchar *const *)lines);
	ledger = suture_ledger_open(f->path, &context, &error);
	g_assert_false(suture_ledger_append(&event, ledger, &error));
	g_assert_error(error, SUTURE_LEDGER_ERROR, SUTURE_LEDGER_ERROR_CHANGED);
}

static void two_processes(Fixture *f, gconstpointer data)
{
	enum { WRITERS = 4, EACH = 25 };

	(void)data;
	for (int i = 0; i < WRITERS; i++)
		if (fork() == 0) {
			for (int k = 0; k < EACH; k++)
				append(f->path, "parallel");
			_exit(0);
		}
	for (int i = 0; i < WRITERS; i++) {
		int status;

		g_assert_cmpint(wait(&status), >, 0);
		g_assert_cmpint(status, ==, 0);
	}
	assert_intact(f, NULL, 4 + WRITERS * EACH, 0);
}

static void symlink_is_refused(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree gchar *other = g_strconcat(f->path, ".link", NULL);

	(void)data;
	g_assert_cmpint(symlink(f->path, other), ==, 0);
	g_assert_null(suture_ledger_open(other, &context, &error));
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_IO);
}

#define ADD(name, func) g_test_add("/audit/ledger/" name, Fixture, NULL, set_up, func, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("verify/intact-chain", intact);
	ADD("verify/changed-record", changed);
	ADD("verify/not-a-record", not_a_record);
	ADD("verify/missing-record", missing);
	ADD("verify/reordered-records", reordered);
	ADD("verify/cut-tail-needs-an-anchor", cut_tail);
	ADD("verify/deleted-ledger-is-cut-off-for-an-anchor", deleted);
	ADD("verify/nul-in-the-middle", nul_in_the_middle);
	ADD("verify/changed-last-record-needs-an-anchor", changed_last);
	ADD("verify/readers-hold-nobody-up", readers_hold_nobody_up);
	ADD("append/heals-a-torn-line", torn);
	ADD("append/heals-torn-nuls", torn_nuls);
	ADD("append/refuses-a-damaged-end", damaged_end_is_not_built_on);
	ADD("append/processes-do-not-interleave", two_processes);
	ADD("open/symlink-is-refused", symlink_is_refused);
	return g_test_run();
}
