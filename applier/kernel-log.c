// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/kernel-log.h"

#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define RECORD_MAX 8192 /* more than the kernel gives in one read(2) */
#define READS_MAX 4096  /* others may write faster than we read */
#define LINES_MAX 4

struct _SutureKernelLog {
	int fd; /* -1: not readable */
};

/* Both providers word their messages like this, and these are no complaints. */
static const gchar *const progress[] = {"enabling patch '",         "tainting kernel",
					"patching transition",      "patching complete",
					"failed to enable patch '", "failed to patch object '",
					"signaling remaining tasks"};

SutureKernelLog *suture_kernel_log_mark(int root)
{
	SutureKernelLog *log = g_new(SutureKernelLog, 1);

	log->fd = openat(root, "dev/kmsg", O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (log->fd >= 0 && lseek(log->fd, 0, SEEK_END) < 0)
		suture_fd_clear(&log->fd);
	return log;
}

void suture_kernel_log_free(SutureKernelLog *log)
{
	suture_fd_clear(&log->fd);
	g_free(log);
}

static gboolean is_progress(const gchar *message)
{
	for (gsize i = 0; i < G_N_ELEMENTS(progress); i++)
		if (strstr(message, progress[i]))
			return TRUE;
	return FALSE;
}

/* The part that tells something, or NULL. */
static const gchar *complaint(const gchar *message, const gchar *name)
{
	const gchar *const speakers[] = {"livepatch", "suture", name};

	for (gsize i = 0; i < G_N_ELEMENTS(speakers); i++) {
		gsize length = strlen(speakers[i]);

		if (strncmp(message, speakers[i], length) == 0 && g_str_has_prefix(message + length, ": "))
			return is_progress(message) ? NULL : message + length + 2;
	}
	return NULL;
}

/* "<priority>,<number>,<time>,<flags>;<message>", and lines that begin with a space about what it concerns
 * (Documentation/ABI/testing/dev-kmsg). */
static void add_record(GPtrArray *lines, const gchar *record, const gchar *name)
{
	const gchar *message = *record == ' ' ? NULL : strchr(record, ';');
	const gchar *told = message ? complaint(message + 1, name) : NULL;

	for (guint i = 0; told && i < lines->len; i++)
		if (strcmp(lines->pdata[i], told) == 0)
			return;
	if (told && lines->len < LINES_MAX)
		g_ptr_array_add(lines, g_utf8_make_valid(told, -1));
}

gchar *suture_kernel_log_said(SutureKernelLog *log, const gchar *name)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autofree gchar *text = NULL;
	gchar bytes[RECORD_MAX];

	for (guint i = 0; log->fd >= 0 && i < READS_MAX; i++) {
		gssize got = TEMP_FAILURE_RETRY(read(log->fd, bytes, sizeof bytes - 1));
		g_auto(GStrv) records = NULL;

		if (got < 0 && errno == EPIPE) /* it was overwritten: the next read goes on behind */
			continue;
		if (got <= 0)
			break;
		bytes[got] = '\0';
		records = g_strsplit(bytes, "\n", -1);
		for (gchar **record = records; *record; record++)
			add_record(lines, *record, name);
	}
	if (lines->len == 0)
		return g_strdup("");
	g_ptr_array_add(lines, NULL);
	text = g_strjoinv("; ", (gchar **)lines->pdata);
	return g_strdup_printf("; the kernel log says: %s", text);
}
