/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec/json.h"

/* Messages between a process and its http worker: one JSON object each, with a descriptor or none, over a
 * SOCK_SEQPACKET socket. */

/* @fd -1: none. */
gboolean suture_http_channel_send(int socket, json_t *message, int fd,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* *@ret_fd (may be NULL) gets the descriptor that came along, or -1. NULL without an error when the other end
 * is closed. New reference. */
json_t *suture_http_channel_receive(int socket, int *ret_fd, GError **error);
