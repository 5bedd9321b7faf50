// SPDX-License-Identifier: LGPL-2.1-or-later
/* Pipes with data of every origin in them, and terminals. */
#include "exercise.h"
#include "held.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#define PAGE 4096

enum { WRITTEN, PACKETS, COPIED, FROM_FILE, FROM_USER, FROM_SOCKET, FROM_SYSTEM, PIPES };

static int ends[PIPES][2], named, pty[2];

static void fill_from(int pipe, const char *path)
{
	int file = open(path, O_RDONLY);

	NEEDED(file >= 0);
	TRIED(splice(file, NULL, pipe, NULL, PAGE, SPLICE_F_NONBLOCK));
	close(file);
}

static bool make_pipes(void)
{
	static char page[2 * PAGE] __attribute__((aligned(PAGE)));
	struct iovec part = {page, PAGE};
	int pair[2];

	for (int i = 0; i < PIPES; i++)
		NEEDED(pipe2(ends[i], i == PACKETS ? O_DIRECT : 0) == 0);
	memset(page, 'p', sizeof(page));
	NEEDED(write(ends[WRITTEN][1], page, PAGE + 100) == PAGE + 100);
	NEEDED(write(ends[PACKETS][1], page, 100) == 100 && write(ends[PACKETS][1], page, 100) == 100);
	NEEDED(tee(ends[WRITTEN][0], ends[COPIED][1], 2 * PAGE, 0) > 0);
	fill_from(ends[FROM_FILE][1], "/usr/bin/exercise");
	fill_from(ends[FROM_SYSTEM][1], "/proc/self/mounts");
	NEEDED(vmsplice(ends[FROM_USER][1], &part, 1, 0) == PAGE);
	NEEDED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && write(pair[0], page, PAGE) == PAGE);
	TRIED(splice(pair[1], NULL, ends[FROM_SOCKET][1], NULL, PAGE, 0));
	close(pair[0]);
	close(pair[1]);
	return true;
}

static void use_pipes(void)
{
	char data[PAGE];
	int queued = 0, nowhere = open("/dev/null", O_WRONLY), further[2];

	NEEDED(nowhere >= 0 && pipe(further) == 0);
	NEEDED(write(ends[WRITTEN][1], "more", 4) == 4);
	NEEDED(ioctl(ends[WRITTEN][0], FIONREAD, &queued) == 0 && queued >= 104);
	NEEDED(fcntl(ends[WRITTEN][0], F_SETPIPE_SZ, 1 << 18) > 0);
	NEEDED(read(ends[WRITTEN][0], data, PAGE) > 0 && write(ends[WRITTEN][1], data, PAGE) == PAGE);
	NEEDED(read(ends[PACKETS][0], data, PAGE) > 0 && write(ends[PACKETS][1], data, 50) == 50);
	for (int i = COPIED; i < PIPES; i++) {
		struct pollfd ready = {ends[i][0], POLLIN, 0};

		if (poll(&ready, 1, 0) <= 0 || !(ready.revents & POLLIN))
			continue;
		NEEDED(tee(ends[i][0], further[1], 10, 0) > 0 &&
		       splice(further[0], NULL, nowhere, NULL, PAGE, 0) > 0);
		NEEDED(read(ends[i][0], data, 10) == 10);
		NEEDED(splice(ends[i][0], NULL, nowhere, NULL, 10, 0) > 0);
	}
	close(further[0]);
	close(further[1]);
	close(nowhere);
}

/* Some still have data in them. */
static void drop_pipes(void)
{
	for (int i = 0; i < PIPES; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
}

static bool make_named(void)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/fifo", held_folder);
	unlink(path);
	NEEDED(mkfifo(path, 0600) == 0);
	named = open(path, O_RDWR | O_NONBLOCK);
	NEEDED(named >= 0 && write(named, "named", 5) == 5);
	return true;
}

static void use_named(void)
{
	char data[5];

	NEEDED(read(named, data, 5) == 5 && write(named, "again", 5) == 5);
}

static void drop_named(void)
{
	close(named);
}

static bool make_terminal(void)
{
	pty[0] = posix_openpt(O_RDWR | O_NOCTTY);
	if (pty[0] < 0 || grantpt(pty[0]) || unlockpt(pty[0]))
		return false;
	pty[1] = open(ptsname(pty[0]), O_RDWR | O_NOCTTY);
	if (pty[1] < 0)
		return false;
	NEEDED(write(pty[0], "a line\n", 7) == 7 && write(pty[1], "output\n", 7) == 7);
	return true;
}

static void use_terminal(void)
{
	struct termios mode;
	char line[20];

	NEEDED(tcgetattr(pty[1], &mode) == 0 && tcsetattr(pty[1], TCSANOW, &mode) == 0);
	NEEDED(read(pty[1], line, sizeof(line)) == 7 && read(pty[0], line, sizeof(line)) > 0);
	NEEDED(write(pty[0], "a line\n", 7) == 7);
}

static void drop_terminal(void)
{
	close(pty[0]);
	close(pty[1]);
}

const struct held held_pipes[] = {{"pipes", make_pipes, use_pipes, drop_pipes},
				  {"named pipe", make_named, use_named, drop_named},
				  {"terminal", make_terminal, use_terminal, drop_terminal},
				  {0}};
