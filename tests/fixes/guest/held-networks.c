// SPDX-License-Identifier: LGPL-2.1-or-later
/* A network namespace with a packet filter in it, kept by a process that lives there. */
#include "exercise.h"
#include "held.h"

#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int line;
static pid_t child;

static void set_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int control = socket(AF_INET, SOCK_DGRAM, 0);

	NEEDED(ioctl(control, SIOCSIFFLAGS, &request) == 0);
	close(control);
}

_Noreturn static void live(int orders)
{
	char order;

	NEEDED(unshare(CLONE_NEWNET) == 0);
	set_up();
	order = make_nftables() ? 'k' : 'n';
	NEEDED(write(orders, &order, 1) == 1);
	while (read(orders, &order, 1) == 1) {
		if (order == 'd')
			break;
		use_filter();
		NEEDED(write(orders, "k", 1) == 1);
	}
	drop_nftables();
	NEEDED(write(orders, "k", 1) == 1);
	exit(0);
}

static bool make_network(void)
{
	int pair[2];
	char answer = 0;

	NEEDED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	child = held_fork();
	if (child == 0) {
		close(pair[0]);
		live(pair[1]);
	}
	close(pair[1]);
	line = pair[0];
	NEEDED(read(line, &answer, 1) == 1);
	return answer == 'k';
}

static void use_network(void)
{
	char answer = 0;

	NEEDED(write(line, "u", 1) == 1 && read(line, &answer, 1) == 1 && answer == 'k');
}

static void drop_network(void)
{
	char answer = 0;
	int status;

	NEEDED(write(line, "d", 1) == 1 && read(line, &answer, 1) == 1 && answer == 'k');
	close(line);
	NEEDED(waitpid(child, &status, 0) == child && status == 0);
}

const struct held held_networks[] = {
	{"packet filter in a network namespace", make_network, use_network, drop_network}, {0}};
