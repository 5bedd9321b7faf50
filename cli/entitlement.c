// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/entitlement.h"

#include "common/file.h"
#include "fetcher/client/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define CONFIG_PATH "/etc/suture/suture.conf"
#define METADATA_PATH "/var/lib/suture/metadata"
#define DEFAULT_WARN_DAYS 30
#define MAX_WARN_DAYS 3650

void suture_host_entitlement_clear(SutureHostEntitlement *host)
{
	g_clear_pointer(&host->path, g_free);
	g_clear_pointer(&host->entitlement, suture_entitlement_free);
	g_clear_error(&host->fault);
}

gint64 suture_host_entitlement_now(const SutureContext *context)
{
	g_autofree gchar *path = suture_context_path(context, METADATA_PATH);
	SUTURE_AUTO_FD folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	gint64 local = g_get_real_time() / G_USEC_PER_SEC;
	SutureClock clock;

	if (folder < 0)
		return local;
	suture_clock_load(&clock, folder);
	return suture_clock_now(&clock, local);
}

/* A file that cannot be read is told of by those who go by the rest of it. */
static gboolean read_warn_days(const SutureContext *context, guint *ret, GError **error)
{
	g_autofree gchar *path = suture_context_path(context, CONFIG_PATH);
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree gchar *text = NULL;
	guint64 days = DEFAULT_WARN_DAYS;

	if (g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL))
		text = g_key_file_get_string(file, "repository", "entitlement-warn-days", NULL);
	if (text && !g_ascii_string_to_unsigned(text, 10, 0, MAX_WARN_DAYS, &days, NULL)) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG,
			    "%s: [repository] entitlement-warn-days=%s: give days from 0 to %d", path, text,
			    MAX_WARN_DAYS);
		return FALSE;
	}
	*ret = (guint)days;
	return TRUE;
}

static GBytes *read_private(int fd, const gchar *path, GError **error)
{
	struct stat status;

	if (fstat(fd, &status) < 0) {
		suture_error_set_errno(error, errno, "%s", path);
		return NULL;
	}
	if ((status.st_mode & 077) != 0) {
		g_set_error(error, SUTURE_ENTITLEMENT_ERROR, SUTURE_ENTITLEMENT_ERROR_MODE,
			    "%s: a private key that others may read (mode %04o); chmod 600 it, and ask the "
			    "vendor for another one",
			    path, status.st_mode & 07777);
		return NULL;
	}
	return suture_file_read_fd(fd, SUTURE_ENTITLEMENT_MAX_BYTES, path, error);
}

static void judge(const SutureContext *context, gint64 now, SutureHostEntitlement *host)
{
	guint warn_days;

	if (!suture_entitlement_check_time(host->entitlement, now, &host->fault) ||
	    !read_warn_days(context, &warn_days, &host->fault) || host->days_left >= warn_days)
		return;
	g_set_error(&host->fault, SUTURE_ENTITLEMENT_ERROR, SUTURE_ENTITLEMENT_ERROR_EXPIRING,
		    "the entitlement of %s ends in %" G_GINT64_FORMAT
		    " days, and downloads with it; get a new one from the vendor and give it to 'suture "
		    "subscribe'",
		    host->entitlement->customer, host->days_left);
}

void suture_host_entitlement_read(const SutureContext *context, SutureHostEntitlement *ret)
{
	g_autofree gchar *path = suture_context_path(context, SUTURE_ENTITLEMENT_PATH);
	SUTURE_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int saved = errno;
	g_autoptr(GBytes) pem = NULL;
	gint64 now;

	*ret = (SutureHostEntitlement){NULL};
	if (fd < 0 && saved == ENOENT)
		return;
	ret->path = g_steal_pointer(&path);
	if (fd < 0) {
		suture_error_set_errno(&ret->fault, saved, "%s", ret->path);
		return;
	}
	pem = read_private(fd, ret->path, &ret->fault);
	ret->entitlement = pem ? suture_entitlement_parse(pem, &ret->fault) : NULL;
	if (pem && !ret->entitlement)
		g_prefix_error(&ret->fault, "%s: ", ret->path);
	if (!ret->entitlement)
		return;
	now = suture_host_entitlement_now(context);
	ret->days_left = suture_entitlement_days_left(ret->entitlement, now);
	judge(context, now, ret);
}

gboolean suture_host_entitlement_is_useless(const SutureHostEntitlement *host)
{
	return host->fault &&
	       !g_error_matches(host->fault, SUTURE_ENTITLEMENT_ERROR, SUTURE_ENTITLEMENT_ERROR_EXPIRING);
}

/* Another client certificate is none of our business, unless it is an entitlement that has ended. */
static gboolean check_configured(const SutureContext *context, const gchar *path, GError **error)
{
	g_autoptr(GBytes) pem = suture_file_read(path, SUTURE_ENTITLEMENT_MAX_BYTES, NULL);
	g_autoptr(SutureEntitlement) entitlement = pem ? suture_entitlement_parse(pem, NULL) : NULL;

	return !entitlement ||
	       suture_entitlement_check_time(entitlement, suture_host_entitlement_now(context), error);
}

gboolean suture_host_entitlement_choose(const SutureContext *context, const gchar *url,
					const gchar *configured, gchar **ret, GError **error)
{
	g_auto(SutureHostEntitlement) host = {NULL};

	*ret = g_strdup(configured);
	if (g_ascii_strncasecmp(url, "https:", 6) != 0)
		return TRUE;
	if (configured)
		return check_configured(context, configured, error);
	suture_host_entitlement_read(context, &host);
	if (suture_host_entitlement_is_useless(&host)) {
		g_propagate_error(error, g_steal_pointer(&host.fault));
		return FALSE;
	}
	if (host.fault && !context->quiet)
		g_message("%s", host.fault->message);
	*ret = g_steal_pointer(&host.path);
	return TRUE;
}

static gchar *time_text(gint64 seconds)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

	return time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("unknown");
}

json_t *suture_host_entitlement_json(const SutureEntitlement *entitlement, gint64 days_left)
{
	g_autofree gchar *begin = time_text(entitlement->not_before);
	g_autofree gchar *end = time_text(entitlement->not_after);
	json_t *channels = json_array();

	for (gchar **channel = entitlement->channels; *channel; channel++)
		json_array_append_new(channels, json_string(*channel));
	return json_pack("{s:s, s:s, s:o, s:s, s:s, s:I}", "serial", entitlement->serial, "customer",
			 entitlement->customer, "channels", channels, "not_before", begin, "not_after", end,
			 "days_left", (json_int_t)days_left);
}
