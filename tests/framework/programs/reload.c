// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * reload MODULE.ko: load it and unload it again and again until SIGTERM; say how often, and what it says in
 * its parameter "version" meanwhile. Ends at any error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void on_term(int signal)
{
	stop = signal;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static char version_read(const char *name)
{
	char path[256], first = '-';
	int file;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/version", name);
	file = open(path, O_RDONLY);
	if (file < 0 || read(file, &first, 1) != 1)
		die(path);
	close(file);
	return first;
}

static char reload(const char *path, const char *name)
{
	int file = open(path, O_RDONLY);
	char version;

	if (file < 0 || syscall(SYS_finit_module, file, "", 0))
		die("finit_module");
	close(file);
	version = version_read(name);
	/* A patch may hold it for a moment. */
	while (syscall(SYS_delete_module, name, O_NONBLOCK))
		if (errno != EAGAIN)
			die("delete_module");
	return version;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_term};
	unsigned int counts[256] = {0};
	char copy[256], *name;

	if (argc != 2)
		return 2;
	snprintf(copy, sizeof(copy), "%s", argv[1]);
	name = basename(copy);
	*strrchr(name, '.') = '\0';
	sigaction(SIGTERM, &action, NULL);
	while (!stop)
		counts[(unsigned char)reload(argv[1], name)]++;
	printf("old %u new %u other %u\n", counts['o'], counts['n'], counts['-']);
	return 0;
}
