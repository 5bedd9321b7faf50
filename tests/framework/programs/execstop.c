// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * execstop FILE: a child with two threads, of which one reads FILE. When a line comes on standard input, the
 * other executes a program: in execve() it waits until the first is gone, then it runs the task work that
 * came meanwhile, deep in execve(), and stops for its tracer at PTRACE_EVENT_EXEC. Says the child's process
 * id at once, "stopped" when it is there, lets it go on at the next line, and says what another execve() of
 * this program ends with.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *file_name;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void say(const char *word)
{
	printf("%s\n", word);
	fflush(stdout);
}

static void *read_file(void *unused)
{
	char text[64];
	int file = open(file_name, O_RDONLY);

	if (file < 0 || read(file, text, sizeof(text)) < 0)
		die(file_name);
	return unused;
}

static void child(int start)
{
	pthread_t thread;
	char line;

	if (pthread_create(&thread, NULL, read_file, NULL))
		die("pthread_create");
	if (read(start, &line, 1) != 1)
		die("read");
	execl("/proc/self/exe", "execstop", NULL);
	die("execl");
}

static void wait_stop(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	if (!WIFSTOPPED(status) || status >> 8 != (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
		printf("not the stop that was wanted: %#x\n", status);
		exit(1);
	}
}

static int trace(void)
{
	int start[2];
	pid_t pid;

	if (pipe(start))
		die("pipe");
	pid = fork();
	if (!pid)
		child(start[0]);
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXEC))
		die("PTRACE_SEIZE");
	printf("%d\n", pid);
	fflush(stdout);
	getchar();
	if (write(start[1], "", 1) != 1)
		die("write");
	wait_stop(pid);
	say("stopped");
	getchar();
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	waitpid(pid, NULL, 0);
	execl("/proc/self/exe", "execstop", NULL);
	say(strerrorname_np(errno));
	return 0;
}

int main(int argc, char **argv)
{
	/* What is executed. */
	if (argc == 1) {
		say("executed");
		return 0;
	}
	file_name = argv[1];
	return trace();
}
