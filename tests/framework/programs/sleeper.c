// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sleeper: for each line, a number, sleep so many milliseconds and say "slept". For a shell that cannot
 * execute sleep(1).
 */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	unsigned int milliseconds;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (scanf("%u", &milliseconds) == 1) {
		usleep(milliseconds * 1000);
		puts("slept");
	}
	return 0;
}
