// SPDX-License-Identifier: LGPL-2.1-or-later
/* What files of a folder are for. */
#include "exercise.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BLOCK 4096
#define BLOCKS 300

static void content(int file)
{
	char block[BLOCK], copy[BLOCK];
	char *map;

	for (int i = 0; i < BLOCKS; i++) {
		memset(block, i, BLOCK);
		NEEDED(pwrite(file, block, BLOCK, (off_t)(i * 7 % BLOCKS) * BLOCK) == BLOCK);
	}
	NEEDED(fsync(file) == 0);
	TRIED(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED));
	for (int i = 0; i < BLOCKS; i++) {
		memset(block, i, BLOCK);
		NEEDED(pread(file, copy, BLOCK, (off_t)(i * 7 % BLOCKS) * BLOCK) == BLOCK &&
		       memcmp(block, copy, BLOCK) == 0);
	}
	map = mmap(NULL, 16 * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (map != MAP_FAILED) {
		memset(map, 'm', 16 * BLOCK);
		NEEDED(msync(map, 16 * BLOCK, MS_SYNC) == 0 && munmap(map, 16 * BLOCK) == 0);
	}
	TRIED(fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 2 * BLOCKS * BLOCK));
	TRIED(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, BLOCK, 9 * BLOCK));
	TRIED(fallocate(file, FALLOC_FL_ZERO_RANGE, 20 * BLOCK, 9 * BLOCK));
	TRIED(fallocate(file, FALLOC_FL_COLLAPSE_RANGE, 40 * BLOCK, BLOCK));
	TRIED(fallocate(file, FALLOC_FL_INSERT_RANGE, 40 * BLOCK, BLOCK));
	NEEDED(ftruncate(file, 5 * BLOCK + 7) == 0 && ftruncate(file, 100 * BLOCK) == 0);
}

static void locks(int file)
{
	struct flock range = {.l_type = F_WRLCK, .l_len = 10};

	TRIED(flock(file, LOCK_EX));
	TRIED(fcntl(file, F_SETLK, &range));
	TRIED(fcntl(file, F_GETLK, &range));
	TRIED(fcntl(file, F_OFD_GETLK, &range));
	TRIED(fcntl(file, F_SETLEASE, F_WRLCK));
	TRIED(fcntl(file, F_SETLEASE, F_UNLCK));
	TRIED(flock(file, LOCK_UN));
}

static void attributes(int file)
{
	char name[40], value[3000];

	memset(value, 'v', sizeof(value));
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "user.attribute%d", i);
		TRIED(fsetxattr(file, name, value, (size_t)(i + 1) * 250, 0));
	}
	TRIED(flistxattr(file, value, sizeof(value)));
	TRIED(fgetxattr(file, "user.attribute3", value, sizeof(value)));
	for (int i = 0; i < 10; i += 2) {
		snprintf(name, sizeof(name), "user.attribute%d", i);
		TRIED(fremovexattr(file, name));
	}
}

static void names(void)
{
	char name[200], other[200];
	struct stat status;
	DIR *folder;
	int seen = 0;

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "d/a name that is not short at all %d", i);
		NEEDED(close(open(name, O_CREAT | O_WRONLY, 0600)) == 0);
	}
	NEEDED((folder = opendir("d")) != NULL);
	while (readdir(folder))
		seen++;
	closedir(folder);
	NEEDED(seen == 202);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "d/a name that is not short at all %d", i);
		snprintf(other, sizeof(other), "d/other %d", i);
		NEEDED(rename(name, other) == 0 && stat(other, &status) == 0);
		TRIED(link(other, name));
		TRIED(unlink(name));
		NEEDED(unlink(other) == 0);
	}
	TRIED(symlink("nowhere", "link"));
	TRIED(readlink("link", name, sizeof(name)));
	TRIED(unlink("link"));
	TRIED(mkfifo("pipe", 0600));
	TRIED(unlink("pipe"));
	NEEDED(rmdir("d") == 0);
}

static void read_only(void)
{
	char block[BLOCK];
	DIR *folder = opendir(".");
	struct dirent *entry;

	NEEDED(folder != NULL);
	while ((entry = readdir(folder))) {
		int file = open(entry->d_name, O_RDONLY);

		if (file >= 0 && entry->d_type == DT_REG)
			while (read(file, block, BLOCK) > 0)
				;
		if (file >= 0)
			close(file);
	}
	closedir(folder);
}

/* files FOLDER: it may be read-only. */
void use_files(char **arguments)
{
	struct statfs system_;
	int file, watch = inotify_init1(IN_NONBLOCK),
		  fan = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY);
	char events[4096];

	NEEDED(arguments[0] && chdir(arguments[0]) == 0 && statfs(".", &system_) == 0);
	TRIED(inotify_add_watch(watch, ".", IN_ALL_EVENTS));
	TRIED(fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN | FAN_CLOSE, AT_FDCWD, "."));
	read_only();
	if (mkdir("d", 0700) == 0) {
		NEEDED((file = open("file", O_CREAT | O_RDWR, 0600)) >= 0);
		content(file);
		locks(file);
		attributes(file);
		close(file);
		names();
		read_only();
		NEEDED(unlink("file") == 0);
		sync();
	}
	while (read(watch, events, sizeof(events)) > 0)
		;
	while (read(fan, events, sizeof(events)) > 0)
		close(((struct fanotify_event_metadata *)events)->fd);
	close(watch);
	close(fan);
}

static int left;

static int read_attribute(const char *path, const struct stat *status, int type, struct FTW *where)
{
	char block[BLOCK];
	int file;

	(void)where;
	if (type != FTW_F || !S_ISREG(status->st_mode) || !(status->st_mode & S_IRUSR))
		return 0;
	file = open(path, O_RDONLY | O_NONBLOCK);
	if (file >= 0) {
		TRIED(read(file, block, BLOCK));
		close(file);
	}
	return --left <= 0;
}

/* read FOLDER...: the beginning of each file below, of some thousands. */
void use_attributes(char **arguments)
{
	for (; *arguments; arguments++) {
		left = 3000;
		TRIED(nftw(*arguments, read_attribute, 20, FTW_PHYS));
	}
}
