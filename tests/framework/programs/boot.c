// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * boot KERNEL INITRD ARGUMENTS: load another kernel and go over to it at once, without a way back. As the
 * first program of that kernel: tell the console, and reset the machine.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static int arrived(void)
{
	struct utsname name;

	uname(&name);
	printf("boot: arrived in %s\n", name.release);
	fflush(stdout);
	sleep(1);
	return reboot(RB_AUTOBOOT);
}

int main(int argc, char **argv)
{
	if (getpid() == 1)
		return arrived();
	if (argc != 4)
		return 2;
	if (syscall(SYS_kexec_file_load, open(argv[1], O_RDONLY), open(argv[2], O_RDONLY),
		    strlen(argv[3]) + 1, argv[3], 0)) {
		perror("kexec_file_load");
		return 1;
	}
	sync();
	reboot(RB_KEXEC);
	perror("reboot");
	return 1;
}
