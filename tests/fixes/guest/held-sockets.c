// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sockets with what they carry still on its way: queued, unsent, not accepted. */
#include "exercise.h"
#include "held.h"

#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MPTCP 262
#define SCTP 132
#define SAID 100
#define FULL (8U << 20)

/* connected: its peer is accepted. full: its peer does not read. waiting: nobody has accepted it. */
struct stream {
	int family, protocol;
	struct sockaddr_storage address;
	socklen_t length;
	int listener, connected, accepted, full, unread, waiting;
	size_t queued;
};

static int local_pairs[3][2];
static struct stream local, four, six, multipath, sctp, vsock;
static int datagrams[2][2], raw;

static socklen_t loopback(int family, struct sockaddr_storage *address)
{
	static int number;

	memset(address, 0, sizeof(*address));
	address->ss_family = (sa_family_t)family;
	switch (family) {
	case AF_INET:
		((struct sockaddr_in *)address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		((struct sockaddr_in6 *)address)->sin6_addr = in6addr_loopback;
		return sizeof(struct sockaddr_in6);
	case AF_VSOCK:
		((struct sockaddr_vm *)address)->svm_cid = VMADDR_CID_LOCAL;
		((struct sockaddr_vm *)address)->svm_port = (unsigned int)(getpid() * 100 + number++);
		return sizeof(struct sockaddr_vm);
	default:
		snprintf(((struct sockaddr_un *)address)->sun_path + 1, 50, "held %d %d", getpid(), number++);
		return sizeof(struct sockaddr_un);
	}
}

/* Connects; both ends do not wait from then on. */
static int join(const struct stream *stream, int *accepted)
{
	int client = socket(stream->family, SOCK_STREAM, stream->protocol);

	NEEDED(client >= 0);
	NEEDED(connect(client, (const struct sockaddr *)&stream->address, stream->length) == 0);
	NEEDED(fcntl(client, F_SETFL, O_NONBLOCK) == 0);
	if (accepted) {
		*accepted = accept4(stream->listener, NULL, NULL, SOCK_NONBLOCK);
		NEEDED(*accepted >= 0);
	}
	return client;
}

static bool begin_to_listen(struct stream *stream)
{
	struct sockaddr *address = (struct sockaddr *)&stream->address;

	stream->listener = socket(stream->family, SOCK_STREAM, stream->protocol);
	if (stream->listener < 0)
		return false;
	stream->length = loopback(stream->family, &stream->address);
	if (bind(stream->listener, address, stream->length) || listen(stream->listener, 8)) {
		close(stream->listener);
		return false;
	}
	NEEDED(getsockname(stream->listener, address, &stream->length) == 0);
	return true;
}

static void send_both_ways(const struct stream *stream)
{
	static const char data[SAID];

	NEEDED(send(stream->connected, data, SAID, 0) == SAID &&
	       send(stream->accepted, data, SAID, 0) == SAID);
}

static bool make_stream(struct stream *stream, int family, int protocol)
{
	static const char data[4096];
	int small = 4096;
	ssize_t part;

	stream->family = family;
	stream->protocol = protocol;
	if (!begin_to_listen(stream))
		return false;
	stream->connected = join(stream, &stream->accepted);
	send_both_ways(stream);
	stream->full = join(stream, &stream->unread);
	TRIED(setsockopt(stream->full, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
	while (stream->queued < FULL && (part = send(stream->full, data, sizeof(data), MSG_NOSIGNAL)) > 0)
		stream->queued += (size_t)part;
	stream->waiting = join(stream, NULL);
	return true;
}

/* What was sent before it was connected arrives, in either direction. */
static void take_all(int from, size_t wanted)
{
	char data[4096];

	for (int tries = 0; wanted && tries < 500; tries++) {
		ssize_t part = recv(from, data, sizeof(data), 0);

		if (part > 0)
			wanted -= (size_t)part < wanted ? (size_t)part : wanted;
		else
			usleep(10000);
	}
	NEEDED(wanted == 0);
}

static void use_stream_held(struct stream *stream)
{
	int on = 1, late;

	take_all(stream->accepted, SAID);
	take_all(stream->connected, SAID);
	send_both_ways(stream);
	take_all(stream->unread, stream->queued / 3);
	TRIED(send(stream->full, "x", 1, MSG_NOSIGNAL));
	late = accept4(stream->listener, NULL, NULL, SOCK_NONBLOCK);
	NEEDED(late >= 0);
	TRIED(setsockopt(late, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)));
	NEEDED(shutdown(late, SHUT_WR) == 0);
	close(late);
	close(stream->waiting);
	stream->waiting = join(stream, NULL);
}

static void drop_stream(struct stream *stream)
{
	int all[] = {stream->unread,   stream->full,    stream->connected,
		     stream->accepted, stream->waiting, stream->listener};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		close(all[i]);
}

#define STREAM(name, family, protocol)                       \
	static bool make_##name(void)                        \
	{                                                    \
		return make_stream(&name, family, protocol); \
	}                                                    \
	static void use_##name(void)                         \
	{                                                    \
		use_stream_held(&name);                      \
	}                                                    \
	static void drop_##name(void)                        \
	{                                                    \
		drop_stream(&name);                          \
	}

STREAM(local, AF_UNIX, 0)
STREAM(four, AF_INET, 0)
STREAM(six, AF_INET6, 0)
STREAM(multipath, AF_INET, MPTCP)
STREAM(sctp, AF_INET, SCTP)
STREAM(vsock, AF_VSOCK, 0)

static void send_descriptor(int from, int passed)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte = 'x';
	struct iovec part = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	*head = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(head), &passed, sizeof(int));
	NEEDED(sendmsg(from, &message, 0) == 1);
}

/* Descriptors are on their way, among them those that only the queue still has, in a circle. */
static bool make_pairs(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	int circle[2], on = 1;

	for (int i = 0; i < 3; i++) {
		NEEDED(socketpair(AF_UNIX, types[i], 0, local_pairs[i]) == 0);
		TRIED(setsockopt(local_pairs[i][1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
		send_descriptor(local_pairs[i][0], local_pairs[(i + 1) % 3][0]);
		NEEDED(send(local_pairs[i][0], "queued", 6, 0) == 6 &&
		       send(local_pairs[i][1], "back", 4, 0) == 4);
	}
	NEEDED(socketpair(AF_UNIX, SOCK_STREAM, 0, circle) == 0);
	send_descriptor(circle[0], circle[1]);
	send_descriptor(circle[1], circle[0]);
	close(circle[0]);
	close(circle[1]);
	return true;
}

static void use_pairs(void)
{
	char control[200], byte;

	for (int i = 0; i < 3; i++) {
		struct iovec part = {&byte, 1};
		struct msghdr message = {.msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = control,
					 .msg_controllen = sizeof(control)};

		NEEDED(recvmsg(local_pairs[i][1], &message, MSG_PEEK) == 1 &&
		       recvmsg(local_pairs[i][1], &message, 0) == 1);
		NEEDED(send(local_pairs[i][0], "x", 1, 0) == 1);
	}
}

static void drop_pairs(void)
{
	for (int i = 0; i < 3; i++) {
		close(local_pairs[i][0]);
		close(local_pairs[i][1]);
	}
}

static bool make_datagrams(void)
{
	static const int families[] = {AF_INET, AF_INET6};
	int on = 1;

	for (int i = 0; i < 2; i++) {
		struct sockaddr_storage address;
		socklen_t length = loopback(families[i], &address);

		for (int j = 0; j < 2; j++)
			datagrams[i][j] = socket(families[i], SOCK_DGRAM | SOCK_NONBLOCK, 0);
		NEEDED(bind(datagrams[i][0], (struct sockaddr *)&address, length) == 0);
		NEEDED(getsockname(datagrams[i][0], (struct sockaddr *)&address, &length) == 0);
		NEEDED(connect(datagrams[i][1], (struct sockaddr *)&address, length) == 0);
		TRIED(setsockopt(datagrams[i][0], SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)));
		NEEDED(send(datagrams[i][1], "one", 3, 0) == 3 && send(datagrams[i][1], "two", 3, 0) == 3);
		NEEDED(send(datagrams[i][1], "corked", 6, MSG_MORE) == 6);
	}
	raw = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
	TRIED(setsockopt(raw, IPPROTO_IP, IP_ADD_MEMBERSHIP,
			 &(struct ip_mreqn){{htonl(0xef010203)}, {0}, (int)if_nametoindex("lo")},
			 sizeof(struct ip_mreqn)));
	return raw >= 0;
}

/* A queue may delay it. */
static ssize_t arrived(int from, char *data, size_t size, int flags)
{
	TRIED(poll(&(struct pollfd){from, POLLIN, 0}, 1, 2000) > 0);
	return recv(from, data, size, flags);
}

static void use_datagrams(void)
{
	char data[20];

	for (int i = 0; i < 2; i++) {
		NEEDED(arrived(datagrams[i][0], data, sizeof(data), 0) > 0);
		NEEDED(send(datagrams[i][1], "tail", 4, 0) == 4);
		NEEDED(arrived(datagrams[i][0], data, sizeof(data), MSG_PEEK) > 0);
		TRIED(send(datagrams[i][1], "corked", 6, MSG_MORE));
	}
	TRIED(recv(raw, data, sizeof(data), 0));
}

static void drop_datagrams(void)
{
	for (int i = 0; i < 2; i++) {
		close(datagrams[i][0]);
		close(datagrams[i][1]);
	}
	close(raw);
}

const struct held held_sockets[] = {{"unix sockets", make_local, use_local, drop_local},
				    {"unix pairs", make_pairs, use_pairs, drop_pairs},
				    {"inet sockets", make_four, use_four, drop_four},
				    {"inet6 sockets", make_six, use_six, drop_six},
				    {"multipath sockets", make_multipath, use_multipath, drop_multipath},
				    {"sctp sockets", make_sctp, use_sctp, drop_sctp},
				    {"vsock sockets", make_vsock, use_vsock, drop_vsock},
				    {"datagrams", make_datagrams, use_datagrams, drop_datagrams},
				    {0}};
