// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * refresh SECONDS HEX: what a machine restored from a snapshot lacks. Its clock stands where it was saved,
 * and every restore would draw the same random numbers: mix in the host's, and make the kernel use them at
 * once (random(4)).
 */
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

#define SEED_SIZE 32

static int set_clock(const char *seconds)
{
	struct timespec now = {.tv_sec = strtoll(seconds, NULL, 10)};

	return clock_settime(CLOCK_REALTIME, &now);
}

static int reseed(const char *hex)
{
	struct {
		struct rand_pool_info info;
		unsigned char data[SEED_SIZE];
	} seed = {.info = {.entropy_count = SEED_SIZE * 8, .buf_size = SEED_SIZE}};
	char digits[3] = "";
	int device = open("/dev/urandom", O_RDWR);

	for (int i = 0; i < SEED_SIZE && hex[2 * i] && hex[2 * i + 1]; i++) {
		digits[0] = hex[2 * i];
		digits[1] = hex[2 * i + 1];
		seed.data[i] = strtoul(digits, NULL, 16);
	}
	if (device < 0 || ioctl(device, RNDADDENTROPY, &seed))
		return -1;
	return ioctl(device, RNDRESEEDCRNG);
}

int main(int argc, char **argv)
{
	if (argc != 3 || set_clock(argv[1]) || reseed(argv[2])) {
		perror("refresh");
		return 1;
	}
	return 0;
}
