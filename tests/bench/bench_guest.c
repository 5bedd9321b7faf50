// SPDX-License-Identifier: GPL-2.0-only
/*
 * In the machine. bench_guest sleep N: N tasks that sleep, until it is killed; prints "ready". bench_guest
 * enable FILE.ko FOLDER: nanoseconds from before the module is loaded until the transition file in FOLDER
 * says 0.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE 8192

static int sleeper(void *nothing)
{
	for (;;)
		pause();
	return 0;
}

static int start_sleepers(int count)
{
	char *stacks = mmap(NULL, (size_t)count * STACK_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

	if (stacks == MAP_FAILED)
		return -1;
	for (int i = 0; i < count; i++)
		if (clone(sleeper, stacks + (size_t)(i + 1) * STACK_SIZE, flags, NULL) < 0)
			return -1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int in_transition(const char *folder)
{
	char path[256], value = '1';
	int file;

	snprintf(path, sizeof(path), "%s/transition", folder);
	file = open(path, O_RDONLY);
	if (file < 0 || read(file, &value, 1) != 1)
		exit(1);
	close(file);
	return value != '0';
}

static int enable(const char *module, const char *folder)
{
	int file = open(module, O_RDONLY);
	long long begin = now();

	if (syscall(SYS_finit_module, file, "", 0))
		return -1;
	while (in_transition(folder))
		usleep(1000);
	printf("%lld\n", now() - begin);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "sleep"))
		return start_sleepers(atoi(argv[2])) ? 1 : 0;
	if (argc == 4 && !strcmp(argv[1], "enable") && !enable(argv[2], argv[3]))
		return 0;
	perror("bench_guest");
	return 1;
}
