// SPDX-License-Identifier: LGPL-2.1-or-later
/* Memory of several kinds, and a thread that waits for a page of it. */
#include "exercise.h"
#include "held.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define AREA (4UL << 20)

static char *area, *private_, *secret, *missing;
static int faults, secret_file;
static pthread_t toucher;

static bool make_areas(void)
{
	int file = open("/usr/bin/exercise", O_RDONLY);

	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	private_ = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	NEEDED(area != MAP_FAILED && private_ != MAP_FAILED);
	close(file);
	TRIED(madvise(area, AREA, MADV_HUGEPAGE));
	memset(area, 'a', AREA);
	TRIED(madvise(area + 64 * PAGE, 64 * PAGE, MADV_MERGEABLE));
	TRIED(mlock(area, 16 * PAGE));
	TRIED(madvise(area + 256 * PAGE, 64 * PAGE, MADV_FREE));
	NEEDED(mprotect(area + 32 * PAGE, PAGE, PROT_READ) == 0);
	private_[0] = 'p';
	secret_file = (int)syscall(SYS_memfd_secret, 0);
	if (secret_file >= 0 && ftruncate(secret_file, PAGE) == 0)
		secret = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, secret_file, 0);
	return true;
}

static void use_areas(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		memset(area + 33 * PAGE, 'c', 100 * PAGE);
		private_[PAGE] = 'c';
		_exit(area[0] == 'a' ? 0 : 1);
	}
	NEEDED(waitpid(child, &status, 0) == child && status == 0);
	memset(area + 600 * PAGE, 'b', 10 * PAGE);
	NEEDED(area[64 * PAGE] == 'a' && private_[0] == 'p');
	if (secret && secret != MAP_FAILED)
		secret[0]++;
	TRIED(madvise(area + 700 * PAGE, 64 * PAGE, MADV_PAGEOUT));
}

static void drop_areas(void)
{
	NEEDED(munlock(area, 16 * PAGE) == 0 && munmap(area, AREA) == 0 && munmap(private_, 16 * PAGE) == 0);
	close(secret_file);
}

static void *touch(void *where)
{
	NEEDED(*(volatile char *)where == 'b');
	return where;
}

static bool make_faults(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};

	faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (faults < 0)
		return false;
	missing = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEEDED(missing != MAP_FAILED && ioctl(faults, UFFDIO_API, &api) == 0);
	range.range.start = (uintptr_t)missing;
	range.range.len = 4 * PAGE;
	NEEDED(ioctl(faults, UFFDIO_REGISTER, &range) == 0);
	NEEDED(pthread_create(&toucher, NULL, touch, missing) == 0);
	usleep(10000);
	return true;
}

static void bring(char *page)
{
	static char source[PAGE] __attribute__((aligned(4096))) = "brought";
	struct uffdio_copy copy = {.dst = (uintptr_t)page, .src = (uintptr_t)source, .len = PAGE};

	NEEDED(ioctl(faults, UFFDIO_COPY, &copy) == 0);
}

static void use_faults(void)
{
	static char *next;

	next = next ? next + PAGE : missing + PAGE;
	bring(next);
	NEEDED(strcmp(next, "brought") == 0);
}

/* The last step of the page that somebody waits for. */
static void drop_faults(void)
{
	struct uffd_msg message;

	TRIED(read(faults, &message, sizeof(message)));
	bring(missing);
	NEEDED(pthread_join(toucher, NULL) == 0);
	close(faults);
	NEEDED(munmap(missing, 4 * PAGE) == 0);
}

const struct held held_memory[] = {{"memory", make_areas, use_areas, drop_areas},
				   {"user faults", make_faults, use_faults, drop_faults},
				   {0}};
