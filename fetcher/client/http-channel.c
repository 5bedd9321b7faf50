// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/http-channel.h"

#include "common/error.h"
#include "common/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_BYTES (64 * 1024)

typedef union {
	struct cmsghdr header;
	gchar space[CMSG_SPACE(sizeof(int))];
} Control;

gboolean suture_http_channel_send(int socket, json_t *message, int fd, GError **error)
{
	gchar *text = json_dumps(message, JSON_COMPACT);
	struct iovec data = {text, strlen(text)};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1};
	Control control = {0};
	gssize sent;

	if (fd >= 0) {
		header.msg_control = control.space;
		header.msg_controllen = sizeof control.space;
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	}
	sent = TEMP_FAILURE_RETRY(sendmsg(socket, &header, MSG_NOSIGNAL));
	free(text);
	return sent >= 0 || suture_error_set_errno(error, errno, "http worker");
}

/* The one that came along; more than one are closed, and none is taken. */
static int descriptor_of(struct msghdr *header)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);
	gsize count = 0;
	int fds[2];

	if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
		count = MIN((control->cmsg_len - CMSG_LEN(0)) / sizeof(int), G_N_ELEMENTS(fds));
	if (count > 0)
		memcpy(fds, CMSG_DATA(control), count * sizeof(int));
	if (count == 1)
		return fds[0];
	for (gsize i = 0; i < count; i++)
		close(fds[i]);
	return -1;
}

json_t *suture_http_channel_receive(int socket, int *ret_fd, GError **error)
{
	g_autofree gchar *text = g_malloc(MAX_BYTES);
	struct iovec data = {text, MAX_BYTES};
	Control control = {0};
	struct msghdr header = {.msg_iov = &data,
				.msg_iovlen = 1,
				.msg_control = control.space,
				.msg_controllen = sizeof control.space};
	gssize size = TEMP_FAILURE_RETRY(recvmsg(socket, &header, MSG_CMSG_CLOEXEC));
	SUTURE_AUTO_FD fd = -1;
	g_autoptr(GBytes) bytes = NULL;
	json_t *message;

	if (size < 0) {
		suture_error_set_errno(error, errno, "http worker");
		return NULL;
	}
	if (size == 0)
		return NULL;
	fd = descriptor_of(&header);
	bytes = g_bytes_new(text, (gsize)size);
	message = suture_json_parse(bytes, MAX_BYTES, "http worker", error);
	if (message && ret_fd)
		*ret_fd = suture_fd_steal(&fd);
	return message;
}
