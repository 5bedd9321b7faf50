// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * rounds COUNT MODULE.ko...: load a patch, wait until it is enabled, disable it, unload it, COUNT times, the
 * modules in turn. What is refused because it cannot be now is tried again. Ends at anything else.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WAIT_LIMIT 20000

static int refused;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void pause_once(const char *what)
{
	static int waits;
	static const char *last;

	waits = what == last ? waits + 1 : 0;
	last = what;
	if (waits > WAIT_LIMIT) {
		printf("%s takes too long\n", what);
		exit(1);
	}
	usleep(1000);
}

static int attribute(const char *patch, const char *name, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/kernel/suture/%s/%s", patch, name);
	return open(path, flags);
}

static char attribute_get(const char *patch, const char *name)
{
	int file = attribute(patch, name, O_RDONLY);
	char value = '-';

	if (file >= 0 && read(file, &value, 1) != 1)
		value = '-';
	close(file);
	return value;
}

static void load(const char *path)
{
	int file = open(path, O_RDONLY);

	if (file < 0)
		die(path);
	while (syscall(SYS_finit_module, file, "", 0)) {
		if (errno != EBUSY)
			die("finit_module");
		refused++;
		pause_once("loading");
	}
	close(file);
}

static void disable(const char *patch)
{
	int file = attribute(patch, "enabled", O_WRONLY);

	if (file < 0)
		die("enabled");
	while (write(file, "0", 1) != 1) {
		if (errno != EBUSY)
			die("disabling");
		refused++;
		pause_once("disabling");
	}
	close(file);
}

/* The folder goes a moment before the module is let go. */
static void unload(const char *patch)
{
	while (syscall(SYS_delete_module, patch, O_NONBLOCK)) {
		if (errno != EAGAIN && errno != EBUSY)
			die("delete_module");
		pause_once("unloading");
	}
}

static void one_round(const char *path)
{
	char copy[256], *patch;

	snprintf(copy, sizeof(copy), "%s", path);
	patch = basename(copy);
	*strrchr(patch, '.') = '\0';

	load(path);
	while (attribute_get(patch, "transition") == '1')
		pause_once("enabling");
	disable(patch);
	while (attribute_get(patch, "enabled") != '-')
		pause_once("the way back");
	unload(patch);
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[1]) : 0;

	for (int i = 0; i < count; i++)
		one_round(argv[2 + i % (argc - 2)]);
	printf("%d rounds, refused %d times\n", count, refused);
	return 0;
}
