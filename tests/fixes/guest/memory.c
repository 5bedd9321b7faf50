// SPDX-License-Identifier: LGPL-2.1-or-later
/* Mapping, faulting, forking, freeing. */
#include "exercise.h"

#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define AREA (16UL << 20)

static void anonymous(void)
{
	const int advice[] = {MADV_HUGEPAGE, MADV_NOHUGEPAGE,        MADV_MERGEABLE,
			      MADV_COLD,     MADV_PAGEOUT,           MADV_FREE,
			      MADV_DONTNEED, MADV_WILLNEED,          MADV_SEQUENTIAL,
			      MADV_RANDOM,   22 /* POPULATE_READ */, 23 /* POPULATE_WRITE */};
	char *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char resident[AREA / PAGE];
	int status;
	pid_t child;

	NEEDED(area != MAP_FAILED);
	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
		memset(area, (int)i + 1, AREA);
		TRIED(madvise(area, AREA, advice[i]));
	}
	memset(area, 1, AREA);
	child = fork();
	NEEDED(child >= 0);
	if (child == 0) {
		for (size_t at = 0; at < AREA; at += PAGE)
			area[at]++;
		_exit(area[0] == 2 && area[AREA - PAGE] == 2 ? 0 : 1);
	}
	NEEDED(waitpid(child, &status, 0) == child && status == 0 && area[0] == 1);
	NEEDED(mincore(area, AREA, resident) == 0 && resident[0]);
	NEEDED(mprotect(area + PAGE, PAGE, PROT_READ) == 0);
	NEEDED(munmap(area + 8 * PAGE, PAGE) == 0);
	TRIED(mlock(area, 4 * PAGE));
	TRIED(munlock(area, 4 * PAGE));
	area = mremap(area, 4 * PAGE, AREA, MREMAP_MAYMOVE);
	NEEDED(area == MAP_FAILED || munmap(area, AREA) == 0);
}

static void huge(void)
{
	char *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *start;
	int status;

	NEEDED(area != MAP_FAILED);
	TRIED(madvise(area, AREA, MADV_HUGEPAGE));
	memset(area, 1, AREA);
	start = (char *)(((uintptr_t)area + (2UL << 20)) & ~((2UL << 20) - 1));
	if (fork() == 0) {
		memset(start, 2, 2UL << 20);
		_exit(0);
	}
	NEEDED(wait(&status) > 0 && status == 0);
	NEEDED(mprotect(start, PAGE, PROT_READ) == 0);
	NEEDED(madvise(start + PAGE, PAGE, MADV_DONTNEED) == 0 && start[PAGE] == 0 && start[2 * PAGE] == 1);
	NEEDED(munmap(area, AREA) == 0);
	area = mmap(NULL, 4UL << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1,
		    0);
	if (area != MAP_FAILED) {
		memset(area, 1, 4UL << 20);
		if (fork() == 0) {
			memset(area, 2, 4UL << 20);
			_exit(0);
		}
		NEEDED(wait(&status) > 0 && status == 0 && area[0] == 1);
		NEEDED(munmap(area, 4UL << 20) == 0);
	}
}

static void shared(void)
{
	int file = memfd_create("exercise", MFD_ALLOW_SEALING),
	    id = shmget(IPC_PRIVATE, 64 * PAGE, IPC_CREAT | 0600);
	char *map, *segment;

	NEEDED(file >= 0 && ftruncate(file, 64 * PAGE) == 0);
	map = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	NEEDED(map != MAP_FAILED);
	memset(map, 7, 64 * PAGE);
	NEEDED(msync(map, 64 * PAGE, MS_SYNC) == 0);
	TRIED(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE));
	NEEDED(map[PAGE] == 0 && map[2 * PAGE] == 7);
	NEEDED(ftruncate(file, PAGE) == 0);
	NEEDED(munmap(map, 64 * PAGE) == 0);
	close(file);
	NEEDED(id >= 0);
	segment = shmat(id, NULL, 0);
	NEEDED(segment != (void *)-1);
	memset(segment, 1, 64 * PAGE);
	TRIED(shmat(id, segment, SHM_REMAP));
	NEEDED(shmctl(id, IPC_RMID, NULL) == 0);
	NEEDED(shmdt(segment) == 0);
}

static void policies(void)
{
	unsigned long node = 1;
	char *area = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *pages[1];
	int nodes[1] = {0}, found[1];

	NEEDED(area != MAP_FAILED);
	for (int mode = MPOL_DEFAULT; mode <= MPOL_LOCAL; mode++)
		TRIED(syscall(SYS_mbind, area, 64 * PAGE, mode, &node, 8UL, MPOL_MF_MOVE));
	memset(area, 1, 64 * PAGE);
	pages[0] = area;
	TRIED(syscall(SYS_move_pages, 0, 1UL, pages, nodes, found, MPOL_MF_MOVE));
	TRIED(syscall(SYS_migrate_pages, 0, 8UL, &node, &node));
	TRIED(syscall(SYS_get_mempolicy, found, &node, 8UL, area, MPOL_F_ADDR));
	NEEDED(munmap(area, 64 * PAGE) == 0);
}

/* A page that another thread would have to bring is brought before it is touched. */
static void user_faults(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	static char source[PAGE] __attribute__((aligned(4096))) = "brought";
	char *area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_copy copy = {.src = (uintptr_t)source, .len = PAGE};

	NEEDED(descriptor >= 0 && area != MAP_FAILED);
	NEEDED(ioctl(descriptor, UFFDIO_API, &api) == 0);
	range.range.start = (uintptr_t)area;
	range.range.len = 2 * PAGE;
	NEEDED(ioctl(descriptor, UFFDIO_REGISTER, &range) == 0);
	copy.dst = (uintptr_t)area;
	NEEDED(ioctl(descriptor, UFFDIO_COPY, &copy) == 0 && strcmp(area, "brought") == 0);
	NEEDED(mremap(area, PAGE, 2 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
	close(descriptor);
}

void use_memory(char **arguments)
{
	char copy[16], text[16] = "across";
	struct iovec here = {copy, 16}, there = {text, 16};

	(void)arguments;
	anonymous();
	huge();
	shared();
	policies();
	user_faults();
	NEEDED(process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 16 && strcmp(copy, text) == 0);
}
