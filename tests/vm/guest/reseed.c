// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Two machines restored from one snapshot would draw the same random numbers: mix in what the host gave (hexadecimal)
 * and make the kernel use it at once. See random(4).
 */
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define SEED_MAX 64

int main(int argc, char **argv)
{
	struct {
		struct rand_pool_info info;
		unsigned char data[SEED_MAX];
	} seed = { 0 };
	const char *hex = argc == 2 ? argv[1] : "";
	unsigned char *out = (unsigned char *)seed.info.buf;
	int length = 0;

	for (; length < SEED_MAX && sscanf(hex, "%2hhx", out + length) == 1; hex += 2)
		length++;
	seed.info.buf_size = length;
	seed.info.entropy_count = length * 8;

	int device = open("/dev/urandom", O_RDWR);

	if (device < 0 || ioctl(device, RNDADDENTROPY, &seed) || ioctl(device, RNDRESEEDCRNG)) {
		perror("reseed");
		return 1;
	}
	return 0;
}
