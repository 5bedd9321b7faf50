// SPDX-License-Identifier: LGPL-2.1-or-later
/* peek FILE...: read from each FILE once, in turn, and print that, or the name of the error that ends it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int peek(const char *name)
{
	char text[256];
	int file = open(name, O_RDONLY);
	ssize_t size = read(file, text, sizeof(text));

	if (size < 0)
		puts(strerrorname_np(errno));
	else
		fwrite(text, 1, size, stdout);
	fflush(stdout);
	close(file);
	return size < 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (peek(argv[i]))
			return 1;
	return 0;
}
