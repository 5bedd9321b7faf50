// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * uring wait FIFO FIFO: wait in io_uring_enter() for a byte from each FIFO, then say so, and say how another
 * call of it ends. Between the two bytes the waiter runs the task work that came with the first.
 *
 * uring worker FILE: read FILE in a worker thread of io_uring, and print what it says.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 4

struct ring {
	int fd;
	struct io_uring_params params;
	unsigned char *rings;
	struct io_uring_sqe *entries;
};

static char texts[ENTRIES][64];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void ring_open(struct ring *ring)
{
	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(SYS_io_uring_setup, ENTRIES, &ring->params);
	if (ring->fd < 0)
		die("io_uring_setup");
	ring->rings = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->entries = mmap(NULL, ENTRIES * sizeof(*ring->entries), PROT_READ | PROT_WRITE, MAP_SHARED,
			     ring->fd, IORING_OFF_SQES);
	if (ring->rings == MAP_FAILED || ring->entries == MAP_FAILED)
		die("mmap");
}

static int ring_enter(struct ring *ring, unsigned int submit, unsigned int wait)
{
	return syscall(SYS_io_uring_enter, ring->fd, submit, wait, IORING_ENTER_GETEVENTS, NULL, 0);
}

static void ring_read(struct ring *ring, unsigned int number, const char *name, unsigned char flags)
{
	unsigned int *array = (unsigned int *)(ring->rings + ring->params.sq_off.array);
	_Atomic unsigned int *tail = (_Atomic unsigned int *)(ring->rings + ring->params.sq_off.tail);
	struct io_uring_sqe entry = {.opcode = IORING_OP_READ, .flags = flags, .len = sizeof(texts[0]) - 1};

	entry.fd = open(name, O_RDWR);
	if (entry.fd < 0)
		die(name);
	entry.addr = (unsigned long)texts[number];
	ring->entries[number] = entry;
	array[number] = number;
	atomic_fetch_add(tail, 1);
}

int main(int argc, char **argv)
{
	struct ring ring;
	unsigned int count = argc - 2;
	int ret;

	if (argc < 3)
		return 2;
	ring_open(&ring);
	for (unsigned int i = 0; i < count; i++)
		ring_read(&ring, i, argv[2 + i], strcmp(argv[1], "worker") ? 0 : IOSQE_ASYNC);
	ret = ring_enter(&ring, count, count);
	printf("entered: %d, read %s\n", ret, texts[0]);
	/* Longer than from one round of a transition to the next. */
	sleep(2);
	ret = ring_enter(&ring, 0, 0);
	printf("again: %s\n", ret < 0 ? strerrorname_np(errno) : "success");
	return 0;
}
