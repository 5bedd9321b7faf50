// SPDX-License-Identifier: LGPL-2.1-or-later
/* peek FILE: read from FILE once, and print that, or the name of the error. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char text[256];
	int file = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	ssize_t size = read(file, text, sizeof(text));

	if (size < 0)
		puts(strerrorname_np(errno));
	else
		fwrite(text, 1, size, stdout);
	return size < 0;
}
