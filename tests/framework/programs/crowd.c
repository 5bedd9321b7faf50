// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * crowd FILE COUNT: COUNT processes that sleep, fork and exit, and read FILE, until SIGTERM. A text of two
 * words that differ is one that was put together from two versions. Says how much of all that there was.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_SIZE 64

struct tally {
	atomic_ulong old, fixed, mixed, forks, exits;
};

static const char *file_name;
static struct tally *tally;
static volatile sig_atomic_t stop;

static void on_term(int signal)
{
	stop = signal;
}

static void read_file(void)
{
	char text[TEXT_SIZE], first[TEXT_SIZE], second[TEXT_SIZE];
	int file = open(file_name, O_RDONLY);
	ssize_t size = file < 0 ? -1 : read(file, text, sizeof(text) - 1);

	close(file);
	text[size < 0 ? 0 : size] = '\0';
	if (sscanf(text, "%63s %63s", first, second) != 2 || strcmp(first, second))
		tally->mixed++;
	else if (!strcmp(first, "old"))
		tally->old++;
	else
		tally->fixed++;
}

static void doze(unsigned int *seed)
{
	usleep(300000 + rand_r(seed) % 2000000);
}

static void fork_one(void)
{
	pid_t child = fork();

	if (!child) {
		read_file();
		_exit(0);
	}
	waitpid(child, NULL, 0);
	tally->forks++;
}

/* One in three sleeps and reads, one forks, one exits after a while and is made anew by the parent. */
static void member(unsigned int number)
{
	unsigned int seed = number + getpid();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	do {
		doze(&seed);
		if (number % 3)
			read_file();
		else
			fork_one();
	} while (number % 3 != 1);
	_exit(0);
}

static pid_t start(unsigned int number)
{
	pid_t pid = fork();

	if (!pid)
		member(number);
	return pid;
}

static void keep(pid_t *members, unsigned int count)
{
	pid_t gone = wait(NULL);

	for (unsigned int i = 0; i < count; i++)
		if (members[i] == gone && !stop) {
			members[i] = start(i);
			tally->exits++;
			return;
		}
}

int main(int argc, char **argv)
{
	unsigned int count = argc == 3 ? atoi(argv[2]) : 0;
	struct sigaction action = {.sa_handler = on_term};
	pid_t members[count + 1];

	file_name = argv[1];
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGTERM, &action, NULL);
	for (unsigned int i = 0; i < count; i++)
		members[i] = start(i);
	while (!stop)
		keep(members, count);
	for (unsigned int i = 0; i < count; i++)
		kill(members[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	printf("old %lu fixed %lu mixed %lu forks %lu exits %lu\n", tally->old, tally->fixed, tally->mixed,
	       tally->forks, tally->exits);
	return 0;
}
