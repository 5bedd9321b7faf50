// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/sign/gpg.h"

#include "common/process.h"
#include "signer/sign/private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIN_BITS 3072 /* hosts refuse shorter ones */
#define MAX_BITS 4096 /* gpg's own limit */

static gboolean home_prepare(const gchar *home, GError **error)
{
	struct stat status;

	if (!g_path_is_absolute(home))
		return suture_key_unusable(error, "%s: the GnuPG home folder must be an absolute path", home);
	if (mkdir(home, 0700) == 0)
		return TRUE;
	if (errno != EEXIST || stat(home, &status) != 0)
		return suture_error_set_errno(error, errno, "%s", home);
	if (S_ISDIR(status.st_mode) && (status.st_mode & 077) == 0)
		return TRUE;
	g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_MODE,
		    "%s: the GnuPG home folder must be a folder of mode 0700", home);
	return FALSE;
}

static gboolean gpg(const SutureGpgRequest *request, const gchar *const *arguments, gchar **ret_output,
		    GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();

	g_ptr_array_add(argv, (gpointer) "gpg");
	g_ptr_array_add(argv, (gpointer) "--batch");
	g_ptr_array_add(argv, (gpointer) "--quiet");
	g_ptr_array_add(argv, (gpointer) "--homedir");
	g_ptr_array_add(argv, (gpointer)request->home);
	for (; *arguments; arguments++)
		g_ptr_array_add(argv, (gpointer)*arguments);
	g_ptr_array_add(argv, NULL);
	return suture_process_run((const gchar *const *)argv->pdata, NULL, NULL, NULL, ret_output, error);
}

/* An exact match of the whole user id ("=" in gpg's words). */
static gboolean is_there(const SutureGpgRequest *request)
{
	g_autofree gchar *exact = g_strconcat("=", request->user_id, NULL);

	return gpg(request, (const gchar *const[]){"--list-secret-keys", exact, NULL}, NULL, NULL);
}

/* "[GNUPG:] KEY_CREATED P FINGERPRINT" */
static gchar *created_fingerprint(const gchar *status)
{
	g_auto(GStrv) lines = g_strsplit(status, "\n", -1);

	for (gchar **line = lines; *line; line++) {
		g_auto(GStrv) words = g_strsplit(*line, " ", -1);

		if (g_strv_length(words) >= 4 && g_str_equal(words[1], "KEY_CREATED"))
			return g_strdup(words[3]);
	}
	return NULL;
}

static gchar *generate(const SutureGpgRequest *request, GError **error)
{
	g_autofree gchar *algorithm = g_strdup_printf("rsa%u", request->bits);
	g_autofree gchar *expiry = request->days ? g_strdup_printf("%ud", request->days) : g_strdup("never");
	g_autofree gchar *status = NULL;
	g_autoptr(GPtrArray) arguments = g_ptr_array_new();
	gchar *fingerprint;

	g_ptr_array_add(arguments, (gpointer) "--status-fd=1");
	if (request->no_passphrase) {
		g_ptr_array_add(arguments, (gpointer) "--pinentry-mode=loopback");
		g_ptr_array_add(arguments, (gpointer) "--passphrase=");
	}
	g_ptr_array_add(arguments, (gpointer) "--quick-generate-key");
	g_ptr_array_add(arguments, (gpointer)request->user_id);
	g_ptr_array_add(arguments, algorithm);
	g_ptr_array_add(arguments, (gpointer) "sign");
	g_ptr_array_add(arguments, expiry);
	g_ptr_array_add(arguments, NULL);
	if (!gpg(request, (const gchar *const *)arguments->pdata, &status, error))
		return NULL;
	fingerprint = created_fingerprint(status);
	if (!fingerprint)
		g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_FAILED,
			    "gpg did not say which key it made in %s", request->home);
	return fingerprint;
}

gchar *suture_gpg_create(const SutureGpgRequest *request, GError **error)
{
	g_autofree gchar *fingerprint = NULL;
	g_autofree gchar *home = NULL;

	if (request->bits < MIN_BITS || request->bits > MAX_BITS) {
		suture_key_unusable(error, "an RPM key has %d to %d bits", MIN_BITS, MAX_BITS);
		return NULL;
	}
	if (!home_prepare(request->home, error))
		return NULL;
	if (is_there(request)) {
		g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_EXISTS,
			    "%s has a key of %s already; choose another home or user id", request->home,
			    request->user_id);
		return NULL;
	}
	fingerprint = generate(request, error);
	if (!fingerprint)
		return NULL;
	home = g_uri_escape_string(request->home, "/", TRUE);
	return g_strdup_printf("gpg:%s?homedir=%s", fingerprint, home);
}
