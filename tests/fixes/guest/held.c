// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hold NAME: make one of each object and keep them in a process that stays, until held NAME use and
 * held NAME drop.
 */
#include "held.h"
#include "exercise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP_LIMIT 50

char held_folder[100];

static int listener = -1;
static const char *doing = "";

/* Processes come last: those of other kinds have no ends of their pipes then. */
static const struct held *const kinds[] = {held_pipes,   held_files,    held_waits,    held_memory,
					   held_sockets, held_kernel,   held_networks, held_programs,
					   held_uring,   held_processes};
static bool made[sizeof(kinds) / sizeof(kinds[0])][32];

static struct sockaddr_un address_of(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "held-%s", name);
	return address;
}

pid_t held_fork(void)
{
	pid_t child = fork();

	if (child == 0)
		close(listener);
	return child;
}

static void too_long(int number)
{
	(void)number;
	TRIED(write(2, "no end: ", 8) > 0 && write(2, doing, strlen(doing)) > 0);
	_exit(1);
}

/* Says how many there are, and what this kernel does not have. */
static void make_all(FILE *report)
{
	unsigned int count = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (size_t j = 0; kinds[i][j].name; j++) {
			doing = kinds[i][j].name;
			made[i][j] = kinds[i][j].make();
			count += made[i][j];
			if (!made[i][j])
				fprintf(report, "no %s\n", kinds[i][j].name);
		}
	}
	fprintf(report, "held %u\n", count);
	fclose(report);
}

static void each(bool drop)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (size_t j = 0; kinds[i][j].name; j++) {
			void (*step)(void) = drop ? kinds[i][j].drop : kinds[i][j].use;

			doing = kinds[i][j].name;
			if (made[i][j] && step)
				step();
		}
	}
}

_Noreturn static void serve(void)
{
	for (;;) {
		int client = accept(listener, NULL, NULL);
		char order = 0;

		if (client < 0 && errno == EINTR)
			continue;
		NEEDED(client >= 0 && read(client, &order, 1) == 1);
		alarm(STEP_LIMIT);
		each(order == 'd');
		alarm(0);
		TRIED(write(client, "k", 1) == 1);
		close(client);
		if (order == 'd')
			exit(0);
	}
}

/* Of the signals that objects send only their own threads hear: what others wait for is not to be
 * interrupted. */
_Noreturn static void holder(const char *name, FILE *report)
{
	struct sockaddr_un address = address_of(name);
	static const int own[] = {SIGUSR1, SIGUSR2, SIGPROF};
	struct rlimit many = {8192, 8192};
	sigset_t signals;
	int log;

	listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	snprintf(held_folder, sizeof(held_folder), "/root/held-%s", name);
	NEEDED(mkdir(held_folder, 0700) == 0 || errno == EEXIST);
	log = open("/dev/null", O_RDWR);
	NEEDED(setsid() > 0 && dup2(log, 0) == 0 && dup2(log, 1) == 1);
	setrlimit(RLIMIT_NOFILE, &many);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, too_long);
	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sigaddset(&signals, own[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	NEEDED(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 1) == 0);
	alarm(STEP_LIMIT);
	make_all(report);
	alarm(0);
	serve();
}

/* hold NAME: processes that the holder begins have the pipe too, so that its end says nothing. */
void use_hold(char **arguments)
{
	char line[100] = "";
	int ends[2];
	FILE *report;

	NEEDED(arguments[0] && pipe(ends) == 0);
	if (fork() == 0) {
		close(ends[0]);
		report = fdopen(ends[1], "w");
		NEEDED(report != NULL);
		holder(arguments[0], report);
	}
	close(ends[1]);
	report = fdopen(ends[0], "r");
	NEEDED(report != NULL);
	while (strncmp(line, "held ", 5) != 0) {
		NEEDED(fgets(line, sizeof(line), report) != NULL);
		fputs(line, stdout);
	}
}

/* An oops ends the thread that answers, and not those that wait. */
static bool is_there(int server)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);
	char path[50], state = 'Z';
	FILE *status;

	NEEDED(getsockopt(server, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)peer.pid);
	status = fopen(path, "r");
	if (status) {
		TRIED(fscanf(status, "%*d (%*[^)]) %c", &state) == 1);
		fclose(status);
	}
	return state != 'Z' && state != 'X';
}

/* held NAME use|drop */
void use_held(char **arguments)
{
	int server = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	struct sockaddr_un address;
	char answer = 0;

	NEEDED(arguments[0] && arguments[1]);
	address = address_of(arguments[0]);
	NEEDED(connect(server, (struct sockaddr *)&address, sizeof(address)) == 0);
	NEEDED(write(server, arguments[1], 1) == 1);
	while (poll(&(struct pollfd){server, POLLIN, 0}, 1, 200) == 0)
		NEEDED(is_there(server));
	NEEDED(read(server, &answer, 1) == 1 && answer == 'k');
}
