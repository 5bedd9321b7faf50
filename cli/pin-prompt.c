// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/pin-prompt.h"

#include "cli/terminal.h"
#include "common/cancel.h"
#include "common/file.h"
#include "signer/sign/key.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>

#define MAX_PIN_BYTES 255

static gboolean not_given(GError **error, const gchar *token, const gchar *why)
{
	g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_PIN_NEEDED,
		    "%s wants a PIN, and %s; run this at a terminal, or name a file with pin-source= in the "
		    "key's URI",
		    token, why);
	return FALSE;
}

/* Whether there is something to read: Ctrl-C reaches a thread of ours, and not the one that waits here. */
static gboolean wait_for_input(int tty, GError **error)
{
	GPollFD cancel = {.fd = -1};
	gboolean pollable = g_cancellable_make_pollfd(suture_cancellable(), &cancel);
	struct pollfd both[] = {{.fd = tty, .events = POLLIN}, {.fd = cancel.fd, .events = POLLIN}};

	while (poll(both, 2, -1) < 0 && errno == EINTR)
		continue;
	if (pollable)
		g_cancellable_release_fd(suture_cancellable());
	return suture_cancel_check(error);
}

/* A line, without its end; an empty one is no PIN. */
static gboolean read_line(int tty, const gchar *token, gchar buffer[MAX_PIN_BYTES + 2], GError **error)
{
	gsize size = 0;

	while (size <= MAX_PIN_BYTES) {
		ssize_t got;

		if (!wait_for_input(tty, error))
			return FALSE;
		got = TEMP_FAILURE_RETRY(read(tty, buffer + size, 1));
		if (got <= 0 || buffer[size] == '\n') {
			buffer[size] = '\0';
			return size > 0 || not_given(error, token, "none was given");
		}
		size++;
	}
	return not_given(error, token, "what was given is too long for one");
}

static gboolean ask(int tty, const gchar *token, gchar buffer[MAX_PIN_BYTES + 2], GError **error)
{
	g_autofree gchar *name = suture_terminal_text(token);
	g_autofree gchar *prompt = g_strdup_printf("PIN of %s: ", name);
	struct termios before, hidden;
	gboolean given;

	if (tcgetattr(tty, &before) != 0)
		return not_given(error, token, "there is no terminal");
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
	hidden.c_lflag |= ICANON | ISIG | ECHONL;
	if (tcsetattr(tty, TCSAFLUSH, &hidden) != 0)
		return not_given(error, token, "the terminal cannot hide what is typed");
	given = suture_file_write_fd(tty, prompt, strlen(prompt), error) &&
		read_line(tty, token, buffer, error);
	tcsetattr(tty, TCSAFLUSH, &before);
	if (!given)
		(void)!write(tty, "\n", 1);
	return given;
}

gchar *suture_pin_prompt(const gchar *token, GError **error)
{
	SUTURE_AUTO_FD tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	gchar buffer[MAX_PIN_BYTES + 2];
	gchar *pin = NULL;

	suture_terminal_clear();
	if (tty < 0)
		not_given(error, token, "there is no terminal to ask at");
	else if (ask(tty, token, buffer, error))
		pin = g_strdup(buffer);
	explicit_bzero(buffer, sizeof buffer);
	return pin;
}
