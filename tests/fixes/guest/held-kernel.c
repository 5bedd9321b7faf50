// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sockets that talk to the kernel alone: with packets of others, dumps that are half told, a hash half made.
 */
#include "exercise.h"
#include "held.h"

#include <linux/genetlink.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int taps[3], netlinks[4], hash;
static char *ring;

#define RING_SIZE (4096 * 4)

static bool make_taps(void)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct tpacket_req shape = {4096, 4, 2048, 8};
	int version = TPACKET_V2, group = 7;

	address.sll_ifindex = (int)if_nametoindex("lo");
	for (int i = 0; i < 3; i++) {
		taps[i] = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
		NEEDED(taps[i] >= 0 && bind(taps[i], (struct sockaddr *)&address, sizeof(address)) == 0);
	}
	NEEDED(setsockopt(taps[1], SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) == 0);
	NEEDED(setsockopt(taps[1], SOL_PACKET, PACKET_RX_RING, &shape, sizeof(shape)) == 0);
	ring = mmap(NULL, RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, taps[1], 0);
	NEEDED(ring != MAP_FAILED);
	TRIED(setsockopt(taps[2], SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)));
	return true;
}

static void use_taps(void)
{
	char frame[100] = "";

	frame[12] = 8;
	NEEDED(send(taps[0], frame, sizeof(frame), 0) == sizeof(frame));
	for (int i = 0; i < 3; i++)
		TRIED(recv(taps[i], frame, sizeof(frame), 0));
	NEEDED(ring[0] || !ring[0]);
}

static void drop_taps(void)
{
	NEEDED(munmap(ring, RING_SIZE) == 0);
	for (int i = 0; i < 3; i++)
		close(taps[i]);
}

static void ask(int netlink, uint16_t type, const void *body, size_t size)
{
	struct {
		struct nlmsghdr header;
		char body[100];
	} request = {.header = {.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};

	memcpy(request.body, body, size);
	request.header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	NEEDED(send(netlink, &request, request.header.nlmsg_len, 0) > 0);
}

/* Dumps of which not all fits into the first answers go on when the reader comes back. */
static bool make_netlinks(void)
{
	static const int protocols[] = {NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_GENERIC,
					NETLINK_KOBJECT_UEVENT};
	const char unix_diag[40] = {AF_UNIX, 0, 0, 0, -1, -1, -1, -1, 0, 0, 0, 0, -1, -1, -1, -1};
	const struct genlmsghdr families = {.cmd = CTRL_CMD_GETFAMILY, .version = 2};
	struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
				     .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_NEIGH};
	char link[sizeof(struct ifinfomsg)] = "", part[1000];

	for (int i = 0; i < 4; i++) {
		netlinks[i] = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, protocols[i]);
		NEEDED(netlinks[i] >= 0);
	}
	NEEDED(bind(netlinks[0], (struct sockaddr *)&groups, sizeof(groups)) == 0);
	groups.nl_groups = 1;
	TRIED(bind(netlinks[3], (struct sockaddr *)&groups, sizeof(groups)));
	ask(netlinks[0], RTM_GETROUTE, link, sizeof(link));
	ask(netlinks[1], SOCK_DIAG_BY_FAMILY, unix_diag, sizeof(unix_diag));
	ask(netlinks[2], GENL_ID_CTRL, &families, sizeof(families));
	TRIED(recv(netlinks[2], part, sizeof(part), 0));
	return true;
}

static void use_netlinks(void)
{
	static char answer[65536];

	for (int i = 0; i < 4; i++)
		while (recv(netlinks[i], answer, i == 2 ? 4000 : sizeof(answer), 0) > 0)
			;
	ask(netlinks[0], RTM_GETLINK, (char[sizeof(struct ifinfomsg)]){0}, sizeof(struct ifinfomsg));
}

static void drop_netlinks(void)
{
	for (int i = 0; i < 4; i++)
		close(netlinks[i]);
}

static bool make_hash(void)
{
	struct sockaddr_alg address = {.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha256"};
	int parent = socket(AF_ALG, SOCK_SEQPACKET, 0);

	if (parent < 0)
		return false;
	NEEDED(bind(parent, (struct sockaddr *)&address, sizeof(address)) == 0);
	hash = accept(parent, NULL, NULL);
	close(parent);
	NEEDED(hash >= 0 && send(hash, "begun", 5, MSG_MORE) == 5);
	return true;
}

static void use_hash(void)
{
	char digest[64];

	NEEDED(send(hash, "ended", 5, 0) == 5 && recv(hash, digest, sizeof(digest), 0) == 32);
	NEEDED(send(hash, "begun", 5, MSG_MORE) == 5);
}

static void drop_hash(void)
{
	close(hash);
}

const struct held held_kernel[] = {{"packet sockets", make_taps, use_taps, drop_taps},
				   {"netlink sockets", make_netlinks, use_netlinks, drop_netlinks},
				   {"hash", make_hash, use_hash, drop_hash},
				   {0}};
