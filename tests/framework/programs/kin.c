// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kin FILE COUNT: read FILE from children of several kinds, each made anew COUNT times, and say how often
 * each kind read which text.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_SIZE 64
#define MAX_TEXTS 8

static const char *file_name;
/* What the last child read; children of all kinds share it. */
static char *shared;

static void read_file(char *text)
{
	int file = open(file_name, O_RDONLY);
	ssize_t size = file < 0 ? -1 : read(file, text, TEXT_SIZE - 1);

	text[size < 0 ? 0 : size] = '\0';
	strtok(text, "\n");
	close(file);
}

static int thread_read(void *text)
{
	read_file(text);
	return 0;
}

static void by_self(void)
{
	read_file(shared);
}

static void by_fork(void)
{
	pid_t child = fork();

	if (!child) {
		read_file(shared);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void by_vfork(void)
{
	pid_t child = vfork();

	if (!child) {
		read_file(shared);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

/* Not by pthread_create(), which takes clone3(), and the tests patch that. */
static void by_thread(void)
{
	static _Alignas(16) char stack[1 << 16];
	static volatile pid_t thread;
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

	thread = 1;
	if (clone(thread_read, stack + sizeof(stack), flags | CLONE_CHILD_CLEARTID, shared, NULL, NULL,
		  &thread) < 0)
		return;
	while (thread)
		usleep(100);
}

static void tally(const char *kind, void (*child)(void), int count)
{
	char texts[MAX_TEXTS][TEXT_SIZE] = {""};
	int counts[MAX_TEXTS] = {0};

	for (int i = 0, t; i < count; i++) {
		strcpy(shared, "nothing");
		child();
		for (t = 0; t < MAX_TEXTS - 1 && counts[t] && strcmp(texts[t], shared); t++)
			;
		strcpy(texts[t], shared);
		counts[t]++;
	}
	for (int t = 0; t < MAX_TEXTS && counts[t]; t++)
		printf("%s: %s: %d\n", kind, texts[t], counts[t]);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	file_name = argv[1];
	shared = mmap(NULL, TEXT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	tally("self", by_self, 1);
	tally("fork", by_fork, atoi(argv[2]));
	tally("vfork", by_vfork, atoi(argv[2]));
	tally("thread", by_thread, atoi(argv[2]));
	return 0;
}
