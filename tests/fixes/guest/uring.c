// SPDX-License-Identifier: LGPL-2.1-or-later
/* Requests through io_uring, by its system calls alone. */
#include "exercise.h"
#include "held.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 32

struct ring {
	int descriptor;
	struct io_uring_params parameters;
	char *submission, *completion;
	struct io_uring_sqe *requests;
	unsigned int queued;
};

static unsigned int *word(char *queue, uint32_t offset)
{
	return (unsigned int *)(queue + offset);
}

static void ring_open(struct ring *ring, unsigned int flags)
{
	const int writable = PROT_READ | PROT_WRITE;

	memset(ring, 0, sizeof(*ring));
	ring->parameters.flags = flags;
	ring->descriptor = (int)syscall(SYS_io_uring_setup, ENTRIES, &ring->parameters);
	NEEDED(ring->descriptor >= 0);
	ring->submission = mmap(NULL, 1 << 14, writable, MAP_SHARED, ring->descriptor, IORING_OFF_SQ_RING);
	ring->completion = mmap(NULL, 1 << 14, writable, MAP_SHARED, ring->descriptor, IORING_OFF_CQ_RING);
	ring->requests = mmap(NULL, ENTRIES * sizeof(*ring->requests), writable, MAP_SHARED, ring->descriptor,
			      IORING_OFF_SQES);
	NEEDED(ring->submission != MAP_FAILED || ring->completion != MAP_FAILED);
	if (ring->submission == MAP_FAILED)
		ring->submission = ring->completion;
	if (ring->completion == MAP_FAILED)
		ring->completion = ring->submission;
	NEEDED(ring->requests != MAP_FAILED);
}

static struct io_uring_sqe *request(struct ring *ring, uint8_t operation, int file, const void *data,
				    uint32_t length)
{
	unsigned int *tail = word(ring->submission, ring->parameters.sq_off.tail);
	unsigned int slot = *tail % ENTRIES;
	struct io_uring_sqe *entry = &ring->requests[slot];

	memset(entry, 0, sizeof(*entry));
	entry->opcode = operation;
	entry->fd = file;
	entry->addr = (uintptr_t)data;
	entry->len = length;
	entry->user_data = ++ring->queued;
	word(ring->submission, ring->parameters.sq_off.array)[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return entry;
}

/* Submit what was asked for and take wanted completions. */
static void complete(struct ring *ring, unsigned int submitted, unsigned int wanted)
{
	unsigned int *head = word(ring->completion, ring->parameters.cq_off.head);
	unsigned int *tail = word(ring->completion, ring->parameters.cq_off.tail);

	NEEDED(syscall(SYS_io_uring_enter, ring->descriptor, submitted, wanted, IORING_ENTER_GETEVENTS, NULL,
		       0) >= 0);
	NEEDED(__atomic_load_n(tail, __ATOMIC_ACQUIRE) - *head >= wanted);
	__atomic_store_n(head, __atomic_load_n(tail, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

static void ring_close(struct ring *ring)
{
	munmap(ring->submission, 1 << 14);
	munmap(ring->requests, ENTRIES * sizeof(*ring->requests));
	close(ring->descriptor);
}

static void files(struct ring *ring)
{
	char data[4096] = "data", copy[4096];
	int file = open("/tmp/uring", O_CREAT | O_RDWR, 0600);

	NEEDED(file >= 0);
	request(ring, IORING_OP_NOP, -1, NULL, 0);
	request(ring, IORING_OP_WRITE, file, data, sizeof(data))->flags = IOSQE_IO_LINK;
	request(ring, IORING_OP_FSYNC, file, NULL, 0)->flags = IOSQE_IO_LINK | IOSQE_ASYNC;
	request(ring, IORING_OP_READ, file, copy, sizeof(copy))->flags = IOSQE_ASYNC;
	complete(ring, 4, 4);
	NEEDED(strcmp(copy, "data") == 0);
	close(file);
	unlink("/tmp/uring");
}

static void waits(struct ring *ring)
{
	struct __kernel_timespec soon = {.tv_nsec = 5000000}, late = {.tv_sec = 30};
	int pair[2];
	char byte;

	NEEDED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	request(ring, IORING_OP_POLL_ADD, pair[0], NULL, 0)->poll32_events = POLLIN;
	request(ring, IORING_OP_RECV, pair[0], &byte, 1);
	request(ring, IORING_OP_SEND, pair[1], "x", 1);
	complete(ring, 3, 3);
	request(ring, IORING_OP_TIMEOUT, -1, &soon, 1);
	complete(ring, 1, 1);
	request(ring, IORING_OP_RECV, pair[0], &byte, 1)->flags = IOSQE_IO_LINK;
	request(ring, IORING_OP_LINK_TIMEOUT, -1, &soon, 1);
	complete(ring, 2, 2);
	request(ring, IORING_OP_TIMEOUT, -1, &late, 1);
	request(ring, IORING_OP_TIMEOUT_REMOVE, -1, (void *)(uintptr_t)ring->queued, 0);
	complete(ring, 2, 2);
	request(ring, IORING_OP_POLL_ADD, pair[0], NULL, IORING_POLL_ADD_MULTI)->poll32_events = POLLIN;
	complete(ring, 1, 0);
	request(ring, IORING_OP_POLL_REMOVE, -1, (void *)(uintptr_t)ring->queued, 0);
	complete(ring, 1, 2);
	close(pair[0]);
	close(pair[1]);
}

void use_uring(char **arguments)
{
	struct ring ring;

	(void)arguments;
	for (int round = 0; round < 2; round++) {
		ring_open(&ring, round ? IORING_SETUP_CLAMP : 0);
		files(&ring);
		waits(&ring);
		TRIED(syscall(SYS_io_uring_register, ring.descriptor, IORING_REGISTER_PROBE, NULL, 0));
		ring_close(&ring);
	}
}

static struct ring kept;
static int readable[2], sockets[2], wake;
static char received;

/* What waits: for a descriptor, for a time, in a worker of its own, for every event of a kind. */
static bool make_requests(void)
{
	static struct __kernel_timespec late = {.tv_sec = 500};
	static char buffer[4096];
	static uint64_t count;
	const struct iovec area = {buffer, sizeof(buffer)};
	struct io_uring_params probe = {0};
	int there = (int)syscall(SYS_io_uring_setup, 1, &probe);

	if (there < 0)
		return false;
	close(there);
	ring_open(&kept, 0);
	wake = eventfd(0, 0);
	NEEDED(pipe(readable) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	TRIED(syscall(SYS_io_uring_register, kept.descriptor, IORING_REGISTER_BUFFERS, &area, 1));
	TRIED(syscall(SYS_io_uring_register, kept.descriptor, IORING_REGISTER_FILES, readable, 2));
	request(&kept, IORING_OP_POLL_ADD, readable[0], NULL, 0)->poll32_events = POLLIN;
	request(&kept, IORING_OP_TIMEOUT, -1, &late, 1);
	request(&kept, IORING_OP_RECV, sockets[0], &received, 1);
	request(&kept, IORING_OP_READ, wake, &count, sizeof(count))->flags = IOSQE_ASYNC;
	request(&kept, IORING_OP_POLL_ADD, sockets[0], NULL, IORING_POLL_ADD_MULTI)->poll32_events = POLLIN;
	NEEDED(syscall(SYS_io_uring_enter, kept.descriptor, 5, 0, 0, NULL, 0) == 5);
	return true;
}

static void use_requests(void)
{
	char byte;

	request(&kept, IORING_OP_NOP, -1, NULL, 0);
	complete(&kept, 1, 1);
	NEEDED(write(readable[1], "x", 1) == 1);
	complete(&kept, 0, 1);
	NEEDED(read(readable[0], &byte, 1) == 1);
	request(&kept, IORING_OP_POLL_ADD, readable[0], NULL, 0)->poll32_events = POLLIN;
	NEEDED(syscall(SYS_io_uring_enter, kept.descriptor, 1, 0, 0, NULL, 0) == 1);
}

/* Some are answered, the others are cancelled by the end of the ring. */
static void drop_requests(void)
{
	uint64_t one = 1;

	NEEDED(write(wake, &one, sizeof(one)) == sizeof(one) && write(sockets[1], "x", 1) == 1);
	complete(&kept, 0, 2);
	ring_close(&kept);
	for (int i = 0; i < 2; i++) {
		close(readable[i]);
		close(sockets[i]);
	}
	close(wake);
}

const struct held held_uring[] = {{"requests of io_uring", make_requests, use_requests, drop_requests}, {0}};
