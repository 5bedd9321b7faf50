// SPDX-License-Identifier: LGPL-2.1-or-later
/* busy user | busy calls: never sleep, in user space alone or in one system call after the other. */
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	volatile unsigned long count = 0;

	if (argc == 2 && !strcmp(argv[1], "calls"))
		for (;;)
			syscall(SYS_getppid);
	for (;;)
		count++;
}
