// SPDX-License-Identifier: LGPL-2.1-or-later
/* PINs: never from the command line nor from the environment, where every user of a machine could see them.
 */
#include "common/file.h"
#include "signer/sign/pkcs11.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_PIN_BYTES 255

static SuturePinPrompt ask;

void suture_private_key_set_prompt(SuturePinPrompt prompt)
{
	ask = prompt;
}

void suture_pin_free(gchar *pin)
{
	if (pin)
		OPENSSL_cleanse(pin, strlen(pin));
	g_free(pin);
}

/* "file:/path" or "/path"; RFC 7512 section 2.4 leaves other forms to us, and programs are none of ours. */
static gchar *source_path(const gchar *source, GError **error)
{
	gchar *path = g_path_is_absolute(source) ? g_strdup(source) : g_filename_from_uri(source, NULL, NULL);

	if (!path)
		g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_URI,
			    "pin-source=%s: name a file, as file:/path or /path", source);
	return path;
}

static gboolean check_mode(int fd, const gchar *path, GError **error)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return suture_error_set_errno(error, errno, "%s", path);
	if (S_ISREG(status.st_mode) && (status.st_mode & 077) == 0)
		return TRUE;
	g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_MODE,
		    "%s: a PIN that others may read (mode %04o), or no regular file; chmod 600 it, and "
		    "change the PIN",
		    path, status.st_mode & 07777);
	return FALSE;
}

static gchar *read_source(const gchar *source, GError **error)
{
	g_autofree gchar *path = source_path(source, error);
	gchar buffer[MAX_PIN_BYTES + 3];
	SUTURE_AUTO_FD fd = -1;
	gchar *pin = NULL;
	ssize_t size;

	if (!path)
		return NULL;
	fd = suture_file_open(path, O_RDONLY | O_NONBLOCK, error);
	if (fd < 0 || !check_mode(fd, path, error))
		return NULL;
	size = TEMP_FAILURE_RETRY(read(fd, buffer, sizeof buffer));
	/* The file ends with a line break, or does not. */
	while (size > 0 && (buffer[size - 1] == '\n' || buffer[size - 1] == '\r'))
		size--;
	if (size > 0 && size <= MAX_PIN_BYTES && !memchr(buffer, '\0', (gsize)size))
		pin = g_strndup(buffer, (gsize)size);
	else
		g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_PIN_NEEDED,
			    "%s holds no PIN: write it there, on one line of at most %d bytes", path,
			    MAX_PIN_BYTES);
	OPENSSL_cleanse(buffer, sizeof buffer);
	return pin;
}

gchar *suture_pin_get(const gchar *token, const gchar *source, GError **error)
{
	if (source)
		return read_source(source, error);
	if (ask)
		return ask(token, error);
	g_set_error(
		error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_PIN_NEEDED,
		"%s wants a PIN, and there is nobody to ask; name a file with pin-source= in the key's URI",
		token);
	return NULL;
}
