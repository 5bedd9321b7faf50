// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * heirs FILE COUNT: COUNT tasks stop inside clone3(), since the page with its arguments is not there yet
 * (userfaultfd). Say "ready", wait for a line on standard input, give them their pages one after the other,
 * and say what each child reads from FILE at once, and after it has lived for three seconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_SIZE 64
#define PAGE 4096

static const char *file_name;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void read_file(char *text)
{
	int file = open(file_name, O_RDONLY);
	ssize_t size = file < 0 ? -1 : read(file, text, TEXT_SIZE - 1);

	text[size < 0 ? 0 : size] = '\0';
	strtok(text, "\n");
	close(file);
}

/* Reads first, speaks later: printing takes time. */
static void heir(void)
{
	char first[TEXT_SIZE], last[TEXT_SIZE];

	read_file(first);
	sleep(3);
	read_file(last);
	printf("%s, %s\n", first, last);
	fflush(stdout);
	_exit(0);
}

static void *parent(void *arguments)
{
	long child = syscall(SYS_clone3, arguments, sizeof(struct clone_args));

	if (!child)
		heir();
	if (child < 0)
		die("clone3");
	return NULL;
}

static char *missing_page(int faults)
{
	struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	range.range.start = (unsigned long)page;
	range.range.len = PAGE;
	if (ioctl(faults, UFFDIO_REGISTER, &range))
		die("UFFDIO_REGISTER");
	return page;
}

static void give(int faults, char *page)
{
	static _Alignas(PAGE) char content[PAGE];
	struct uffdio_copy copy = {.dst = (unsigned long)page, .src = (unsigned long)content, .len = PAGE};
	struct clone_args arguments = {.exit_signal = SIGCHLD};

	memcpy(content, &arguments, sizeof(arguments));
	if (ioctl(faults, UFFDIO_COPY, &copy))
		die("UFFDIO_COPY");
}

static int open_faults(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	int faults = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (faults < 0 || ioctl(faults, UFFDIO_API, &api))
		die("userfaultfd");
	return faults;
}

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[2]) : 0, faults = open_faults();
	pthread_t threads[count + 1];
	char *pages[count + 1];
	struct uffd_msg message;

	file_name = argv[1];
	for (int i = 0; i < count; i++) {
		pages[i] = missing_page(faults);
		if (pthread_create(&threads[i], NULL, parent, pages[i]))
			die("pthread_create");
		if (read(faults, &message, sizeof(message)) != sizeof(message))
			die("read");
	}
	puts("ready");
	fflush(stdout);
	getchar();
	for (int i = 0; i < count; i++) {
		give(faults, pages[i]);
		pthread_join(threads[i], NULL);
		usleep(100000);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
