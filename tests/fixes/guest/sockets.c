// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sockets over the loopback interface, of every family that needs no hardware. */
#include "exercise.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/vm_sockets.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT 4711
#define BULK (256 * 1024)
/* No message of SCTP is longer than what its socket holds. */
#define PART (BULK / 16)

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_vm vm;
};

static socklen_t loopback(int family, union address *address)
{
	memset(address, 0, sizeof(*address));
	address->any.sa_family = family;
	switch (family) {
	case AF_INET:
		address->in.sin_port = htons(PORT);
		address->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(address->in);
	case AF_INET6:
		address->in6.sin6_port = htons(PORT);
		address->in6.sin6_addr = in6addr_loopback;
		return sizeof(address->in6);
	case AF_VSOCK:
		address->vm.svm_cid = VMADDR_CID_LOCAL;
		address->vm.svm_port = PORT;
		return sizeof(address->vm);
	default:
		strcpy(address->un.sun_path + 1, "exercise");
		return sizeof(address->un);
	}
}

static void send_bulk(int family, int protocol, const union address *address, socklen_t length)
{
	static char data[BULK];
	int client = socket(family, SOCK_STREAM, protocol);
	size_t sent = 0;

	NEEDED(client >= 0);
	NEEDED(connect(client, &address->any, length) == 0);
	while (sent < BULK) {
		ssize_t part =
			send(client, data + sent, BULK - sent < PART ? BULK - sent : PART, MSG_NOSIGNAL);

		NEEDED(part > 0);
		sent += (size_t)part;
	}
	shutdown(client, SHUT_WR);
	TRIED(recv(client, data, sizeof(data), 0) == 0);
	close(client);
}

static void transfer(int family, int protocol)
{
	static char data[BULK];
	union address address;
	socklen_t length = loopback(family, &address);
	int listener = socket(family, SOCK_STREAM, protocol), server, status, on = 1;
	size_t received = 0;
	ssize_t part;
	pid_t child;

	NEEDED(listener >= 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET || family == AF_INET6)
		address.in.sin_port = 0;
	NEEDED(bind(listener, &address.any, length) == 0);
	NEEDED(listen(listener, 4) == 0);
	NEEDED(getsockname(listener, &address.any, &length) == 0);
	child = fork();
	NEEDED(child >= 0);
	if (child == 0) {
		send_bulk(family, protocol, &address, length);
		exit(0);
	}
	server = accept(listener, NULL, NULL);
	NEEDED(server >= 0);
	while ((part = recv(server, data, sizeof(data), 0)) > 0)
		received += (size_t)part;
	NEEDED(received == BULK);
	close(server);
	close(listener);
	NEEDED(waitpid(child, &status, 0) == child && status == 0);
}

static void datagrams(int family)
{
	union address address;
	socklen_t length = loopback(family, &address);
	int server = socket(family, SOCK_DGRAM, 0), client = socket(family, SOCK_DGRAM, 0), on = 1;
	char data[3000] = "datagram", copy[3000];

	NEEDED(server >= 0 && client >= 0);
	NEEDED(bind(server, &address.any, length) == 0);
	if (family == AF_INET)
		setsockopt(server, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	NEEDED(connect(client, &address.any, length) == 0);
	for (size_t size = 1; size < sizeof(data); size += 700) {
		NEEDED(send(client, data, size, 0) == (ssize_t)size);
		NEEDED(recv(server, copy, sizeof(copy), 0) == (ssize_t)size);
	}
	close(server);
	close(client);
}

static void pings(void)
{
	struct icmphdr echo = {.type = ICMP_ECHO};
	union address address;
	socklen_t length = loopback(AF_INET, &address);
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	char answer[200];

	NEEDED(raw >= 0);
	echo.checksum = (unsigned short)~htons(ICMP_ECHO << 8);
	NEEDED(sendto(raw, &echo, sizeof(echo), 0, &address.any, length) == sizeof(echo));
	NEEDED(recv(raw, answer, sizeof(answer), 0) > 0);
	close(raw);
}

/* Newer kernels put the end of a dump behind its last entry. */
static int is_end(const char *answer, ssize_t length)
{
	for (const struct nlmsghdr *at = (const struct nlmsghdr *)answer; NLMSG_OK(at, (size_t)length);
	     at = NLMSG_NEXT(at, length))
		if (at->nlmsg_type == NLMSG_DONE || at->nlmsg_type == NLMSG_ERROR)
			return 1;
	return 0;
}

static void dump(int protocol, int type, void *body, size_t size)
{
	struct {
		struct nlmsghdr header;
		char body[200];
	} request = {.header = {.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	int socket_ = socket(AF_NETLINK, SOCK_RAW, protocol);
	static char answer[65536];

	NEEDED(socket_ >= 0);
	memcpy(request.body, body, size);
	request.header.nlmsg_len = NLMSG_LENGTH(size);
	NEEDED(send(socket_, &request, request.header.nlmsg_len, 0) > 0);
	for (;;) {
		ssize_t length = recv(socket_, answer, sizeof(answer), 0);

		NEEDED(length > 0);
		if (is_end(answer, length))
			break;
	}
	close(socket_);
}

static void dumps(void)
{
	const int types[] = {RTM_GETLINK, RTM_GETADDR,  RTM_GETROUTE,    RTM_GETNEIGH,
			     RTM_GETRULE, RTM_GETQDISC, RTM_GETNEIGHTBL, RTM_GETNETCONF,
			     RTM_GETNSID, RTM_GETSTATS, RTM_GETNEXTHOP,  RTM_GETMULTICAST};
	struct rtgenmsg any = {AF_UNSPEC};
	char body[32] = "";

	memcpy(body, &any, sizeof(any));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		dump(NETLINK_ROUTE, types[i], body, sizeof(body));
	for (int protocol = 0; protocol < 256; protocol++) {
		struct inet_diag_req_v2 request = {.sdiag_family = AF_INET,
						   .sdiag_protocol = (unsigned char)protocol,
						   .idiag_states = ~0U};

		if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
		    protocol == IPPROTO_RAW)
			dump(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, &request, sizeof(request));
	}
	for (int family = AF_UNIX; family < AF_MAX; family++) {
		char request[40] = {(char)family, 0, 0, 0, -1, -1, -1, -1, 0, 0, 0, 0, -1, -1, -1, -1};

		if (family == AF_UNIX || family == AF_NETLINK || family == AF_PACKET || family == AF_VSOCK)
			dump(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, request, sizeof(request));
	}
}

static void packets(void)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct tpacket_req ring = {4096, 4, 2048, 8};
	int tap = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), version = TPACKET_V2;
	char frame[100] = "", data[200];

	address.sll_ifindex = (int)if_nametoindex("lo");
	NEEDED(tap >= 0);
	NEEDED(bind(tap, (struct sockaddr *)&address, sizeof(address)) == 0);
	frame[12] = 8;
	NEEDED(send(tap, frame, sizeof(frame), 0) == sizeof(frame));
	NEEDED(recv(tap, data, sizeof(data), 0) > 0);
	close(tap);
	tap = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	NEEDED(setsockopt(tap, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) == 0);
	NEEDED(setsockopt(tap, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) == 0);
	pings();
	close(tap);
}

static void unix_pairs(void)
{
	const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	char control[CMSG_SPACE(sizeof(int))], byte = 'x';

	for (size_t i = 0; i < 3; i++) {
		struct iovec part = {&byte, 1};
		struct msghdr message = {.msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = control,
					 .msg_controllen = sizeof(control)};
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		int pair[2];

		NEEDED(socketpair(AF_UNIX, types[i], 0, pair) == 0);
		*head = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(head), &pair[0], sizeof(int));
		NEEDED(sendmsg(pair[0], &message, 0) == 1);
		NEEDED(recvmsg(pair[1], &message, 0) == 1);
		close(pair[0]);
		close(pair[1]);
	}
}

static void multicast(void)
{
	struct ip_mreqn group = {.imr_multiaddr.s_addr = inet_addr("239.1.2.3")};
	struct ipv6_mreq group6 = {.ipv6mr_interface = if_nametoindex("lo")};
	int four = socket(AF_INET, SOCK_DGRAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);

	group.imr_ifindex = (int)if_nametoindex("lo");
	inet_pton(AF_INET6, "ff02::1234", &group6.ipv6mr_multiaddr);
	NEEDED(setsockopt(four, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)) == 0);
	TRIED(setsockopt(six, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group6, sizeof(group6)));
	close(four);
	close(six);
}

/* The numbers that every family has options at, with values of several sizes: most are refused, none may do
 * harm. */
static void options(int descriptor, int level)
{
	char value[256];
	int zero[4] = {0};

	for (int name = 0; name < 64; name++) {
		socklen_t length = sizeof(value);

		TRIED(getsockopt(descriptor, level, name, value, &length));
		for (socklen_t size = 0; size <= sizeof(zero); size += 4)
			TRIED(setsockopt(descriptor, level, name, zero, size));
	}
}

void use_sockets(char **arguments)
{
	const int levels[] = {SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPV6};

	(void)arguments;
	transfer(AF_INET, 0);
	transfer(AF_INET6, 0);
	transfer(AF_UNIX, 0);
	datagrams(AF_INET);
	datagrams(AF_INET6);
	datagrams(AF_UNIX);
	unix_pairs();
	pings();
	packets();
	multicast();
	dumps();
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		int stream = socket(AF_INET6, SOCK_STREAM, 0), packet = socket(AF_INET, SOCK_DGRAM, 0);

		options(stream, levels[i]);
		options(packet, levels[i]);
		close(stream);
		close(packet);
	}
}

/* stream FAMILY PROTOCOL */
void use_stream(char **arguments)
{
	NEEDED(arguments[0] && arguments[1]);
	transfer(atoi(arguments[0]), atoi(arguments[1]));
}

/* family FAMILY TYPE PROTOCOL: such a socket can be made and is asked everything; what it carries needs a
 * peer. */
void use_family(char **arguments)
{
	union address address;
	int family, descriptor;
	socklen_t length;

	NEEDED(arguments[0] && arguments[1] && arguments[2]);
	family = atoi(arguments[0]);
	descriptor = socket(family, atoi(arguments[1]) | SOCK_NONBLOCK, atoi(arguments[2]));
	NEEDED(descriptor >= 0);
	length = loopback(family == AF_INET6 ? AF_INET6 : AF_INET, &address);
	TRIED(bind(descriptor, &address.any, length));
	TRIED(connect(descriptor, &address.any, length));
	TRIED(sendto(descriptor, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL, &address.any, length));
	TRIED(recv(descriptor, &address, sizeof(address), MSG_DONTWAIT));
	TRIED(poll(&(struct pollfd){descriptor, POLLIN | POLLOUT, 0}, 1, 0));
	for (int level = 250; level < 290; level++)
		options(descriptor, level);
	close(descriptor);
}
