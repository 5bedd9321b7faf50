// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/clock.h"

#include "common/file.h"
#include "common/mutation.h"
#include "spec/json.h"
#include "spec/time.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#define FORMAT 1
#define MAX_BYTES 4096
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
/* More than any machine is up, and no danger to sums. */
#define MAX_BOOTTIME (G_GINT64_CONSTANT(1) << 40)

/* The system call itself: what stands in for the C library's clocks in a test is no time that passes. */
static gint64 read_boottime(void)
{
	struct timespec now;

	return syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now) == 0 ? (gint64)now.tv_sec : 0;
}

static void read_boot_id(gchar *ret, gsize size)
{
	g_autoptr(GBytes) bytes = suture_file_read(BOOT_ID, MAX_BYTES, NULL);
	g_autofree gchar *text =
		bytes ? g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : g_strdup("");

	g_strlcpy(ret, g_strstrip(text), size);
}

/* Brings @clock, which is of its boot, to this moment of this boot. */
static void advance(SutureClock *clock)
{
	gint64 boottime = read_boottime();
	gchar boot_id[sizeof clock->boot_id];

	read_boot_id(boot_id, sizeof boot_id);
	if (boot_id[0] && strcmp(boot_id, clock->boot_id) == 0 && clock->floor > 0 &&
	    boottime > clock->boottime)
		clock->floor += boottime - clock->boottime;
	clock->boottime = boottime;
	g_strlcpy(clock->boot_id, boot_id, sizeof clock->boot_id);
}

static gboolean parse(SutureClock *clock, json_t *json, GError **error)
{
	static const gchar *const known[] = {"format", "floor", "boot_id", "boottime", NULL};
	gint64 format;
	const gchar *floor, *boot_id;

	if (!suture_json_integer(json, "", "format", FORMAT, FORMAT, &format, error) ||
	    !suture_json_only(json, "", known, error) ||
	    !suture_json_integer(json, "", "boottime", 0, MAX_BOOTTIME, &clock->boottime, error))
		return FALSE;
	floor = suture_json_string(json, "", "floor", error);
	boot_id = floor ? suture_json_string(json, "", "boot_id", error) : NULL;
	if (!boot_id)
		return FALSE;
	clock->floor = suture_time_parse(floor);
	if (clock->floor < 0) {
		g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_RANGE, "floor: not a time");
		return FALSE;
	}
	g_strlcpy(clock->boot_id, boot_id, sizeof clock->boot_id);
	return TRUE;
}

static gboolean read_file(SutureClock *clock, int folder, GError **error)
{
	SUTURE_AUTO_JSON *json = NULL;
	g_autoptr(GBytes) bytes = NULL;

	if (faccessat(folder, SUTURE_CLOCK_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return TRUE;
	bytes = suture_file_read_at(folder, SUTURE_CLOCK_FILE, MAX_BYTES, error);
	json = bytes ? suture_json_parse(bytes, MAX_BYTES, SUTURE_CLOCK_FILE, error) : NULL;
	return json && parse(clock, json, error);
}

void suture_clock_load(SutureClock *clock, int folder)
{
	g_autoptr(GError) error = NULL;

	*clock = (SutureClock){0};
	if (!read_file(clock, folder, &error)) {
		*clock = (SutureClock){0};
		g_message(SUTURE_CLOCK_FILE " cannot be read (%s); this host's time is checked by stored "
					    "timestamp metadata alone",
			  error->message);
	}
	advance(clock);
}

gint64 suture_clock_now(const SutureClock *clock, gint64 local)
{
	return suture_check_skipped("tuf-clock-floor") ? local : MAX(clock->floor, local);
}

void suture_clock_raise(SutureClock *clock, gint64 moment)
{
	advance(clock);
	clock->floor = MAX(clock->floor, moment);
}

gboolean suture_clock_save(SutureClock *clock, int folder, GError **error)
{
	SUTURE_AUTO_JSON *json = NULL;
	g_autoptr(GBytes) bytes = NULL;
	g_autofree gchar *floor = NULL;

	if (clock->floor == 0)
		return TRUE;
	advance(clock);
	floor = suture_time_text(clock->floor);
	json = json_pack("{s:i, s:s, s:s, s:I}", "format", FORMAT, "floor", floor, "boot_id", clock->boot_id,
			 "boottime", (json_int_t)clock->boottime);
	bytes = suture_json_pretty(json);
	return suture_file_write_atomic(folder, SUTURE_CLOCK_FILE, bytes, 0644, error);
}

gboolean suture_clock_drop(SutureClock *clock, int folder, GError **error)
{
	clock->floor = 0;
	return suture_file_remove_tree(folder, SUTURE_CLOCK_FILE, error);
}
