// SPDX-License-Identifier: LGPL-2.1-or-later
/* Open files of the root file system, of tmpfs, of the kernel's own ones; watches, locks and mounts. */
#include "exercise.h"
#include "held.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PAGE 4096
#define MANY 2000
#define OF_EACH 120

enum { ON_DISK, GONE, IN_MEMORY, PLACES };

static int files[PLACES], watch, fan, many[MANY], opened, enough;
static char *maps[PLACES];
static DIR *folder;
static int detached, configured;
static char mounted[200];

static char *named(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", held_folder, name);
	return path;
}

static bool make_files(void)
{
	struct flock range = {.l_type = F_WRLCK, .l_len = 10};
	char block[PAGE];

	files[ON_DISK] = open(named("file"), O_CREAT | O_RDWR, 0600);
	files[GONE] = open(named("gone"), O_CREAT | O_RDWR, 0600);
	files[IN_MEMORY] = memfd_create("held", MFD_ALLOW_SEALING);
	NEEDED(unlink(named("gone")) == 0);
	memset(block, 'f', sizeof(block));
	for (int i = 0; i < PLACES; i++) {
		NEEDED(files[i] >= 0 && write(files[i], block, PAGE) == PAGE &&
		       ftruncate(files[i], 9 * PAGE) == 0);
		maps[i] = mmap(NULL, 9 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, files[i], 0);
		NEEDED(maps[i] != MAP_FAILED);
		maps[i][PAGE] = 'm';
		TRIED(fcntl(files[i], F_OFD_SETLK,
			    &(struct flock){.l_type = F_WRLCK, .l_start = 100, .l_len = 9}));
		TRIED(fcntl(files[i], F_SETLK, &range));
		TRIED(flock(files[i], LOCK_EX));
	}
	TRIED(fcntl(files[GONE], F_SETLEASE, F_WRLCK));
	return true;
}

static void use_files_held(void)
{
	struct flock range = {.l_type = F_RDLCK, .l_len = 10};
	char block[PAGE];

	for (int i = 0; i < PLACES; i++) {
		struct stat status;

		maps[i][2 * PAGE] = 'n';
		NEEDED(maps[i][0] == 'f' && maps[i][PAGE] == 'm');
		NEEDED(msync(maps[i], 9 * PAGE, MS_SYNC) == 0);
		NEEDED(pwrite(files[i], "x", 1, 5 * PAGE) == 1 &&
		       pread(files[i], block, PAGE, 5 * PAGE) == PAGE);
		NEEDED(fsync(files[i]) == 0 && fstat(files[i], &status) == 0);
		TRIED(fallocate(files[i], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 6 * PAGE, PAGE));
		TRIED(fsetxattr(files[i], "user.held", "v", 1, 0));
		TRIED(fcntl(files[i], F_GETLK, &range));
		NEEDED(flock(files[i], LOCK_SH) == 0);
	}
}

static void drop_files(void)
{
	for (int i = 0; i < PLACES; i++) {
		close(files[i]);
		NEEDED(munmap(maps[i], 9 * PAGE) == 0);
	}
	NEEDED(unlink(named("file")) == 0);
}

static bool make_folder(void)
{
	char path[250];

	NEEDED(mkdir(named("folder"), 0700) == 0);
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "%s/folder/a name of some length %d", held_folder, i);
		NEEDED(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
	}
	folder = opendir(named("folder"));
	NEEDED(folder && readdir(folder));
	return true;
}

static void use_folder(void)
{
	int count = 0;

	while (readdir(folder))
		count++;
	NEEDED(count > 0);
	rewinddir(folder);
	NEEDED(readdir(folder) != NULL);
}

static void drop_folder(void)
{
	struct dirent *entry;

	while ((entry = readdir(folder)))
		TRIED(unlinkat(dirfd(folder), entry->d_name, 0));
	closedir(folder);
	TRIED(rmdir(named("folder")));
}

static bool make_watches(void)
{
	watch = inotify_init1(IN_NONBLOCK);
	fan = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY);
	NEEDED(watch >= 0 && inotify_add_watch(watch, held_folder, IN_ALL_EVENTS) >= 0);
	if (fan >= 0)
		TRIED(fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN | FAN_CLOSE, AT_FDCWD,
				    held_folder));
	NEEDED(close(open(named("watched"), O_CREAT | O_WRONLY, 0600)) == 0);
	return true;
}

static void use_watches(void)
{
	char events[4096];

	NEEDED(read(watch, events, sizeof(events)) > 0);
	while (read(fan, events, sizeof(events)) > 0)
		close(((struct fanotify_event_metadata *)events)->fd);
	NEEDED(close(open(named("watched"), O_CREAT | O_WRONLY, 0600)) == 0);
}

static void drop_watches(void)
{
	NEEDED(unlink(named("watched")) == 0);
	close(watch);
	close(fan);
}

/* Reading these consumes, waits or pauses something; those of a patch go with it. */
static bool is_left_alone(const char *path)
{
	static const char *const parts[] = {"/tracing", "/livepatch", "/kcore", "kmsg",
					    "/pagemap", "/task/",     "/fd/",   "/map_files/"};

	if (strcmp(path + strlen(path) - 4, "/mem") == 0)
		return true;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(path, parts[i]))
			return true;
	return false;
}

static int begin_to_read(const char *path, const struct stat *status, int type, struct FTW *where)
{
	char start[16];
	int file;

	(void)where;
	if (type != FTW_F || !S_ISREG(status->st_mode) || !(status->st_mode & S_IRUSR) || is_left_alone(path))
		return 0;
	file = open(path, O_RDONLY | O_NONBLOCK);
	if (file < 0)
		return 0;
	TRIED(read(file, start, sizeof(start)));
	many[opened++] = file;
	return opened == enough;
}

static int of_one_level(const char *path, const struct stat *status, int type, struct FTW *where)
{
	int failure = where->level <= 1 ? begin_to_read(path, status, type, where) : 0;

	return failure ? failure : where->level >= 1 && type == FTW_D ? FTW_SKIP_SUBTREE : FTW_CONTINUE;
}

static void begin_below(const char *path, __nftw_func_t each, int flags)
{
	enough = opened + OF_EACH;
	TRIED(nftw(path, each, 20, FTW_PHYS | flags));
}

/* What the kernel says of itself, each file read up to its 16th byte: what reads on later is what was found
 * when it was opened. */
static bool make_reading(void)
{
	static const char *const below[] = {"/proc/sys/kernel",   "/proc/sys/net",  "/proc/sys/fs",
					    "/proc/sys/vm",       "/sys/kernel/mm", "/sys/kernel/slab",
					    "/sys/kernel/debug",  "/sys/fs",        "/sys/class",
					    "/sys/devices/system"};
	char own[30];

	snprintf(own, sizeof(own), "/proc/%d", getpid());
	begin_below(own, begin_to_read, 0);
	begin_below("/proc", of_one_level, FTW_ACTIONRETVAL);
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++)
		begin_below(below[i], begin_to_read, 0);
	NEEDED(opened > 100);
	return true;
}

static void use_reading(void)
{
	char part[500];

	for (int i = 0; i < opened; i++)
		for (int times = 0; times < 3 && read(many[i], part, sizeof(part)) > 0; times++)
			;
}

static void drop_reading(void)
{
	char all[4096];

	for (int i = 0; i < opened; i++) {
		TRIED(lseek(many[i], 0, SEEK_SET));
		TRIED(read(many[i], all, sizeof(all)));
		close(many[i]);
	}
}

static bool make_mounts(void)
{
	snprintf(mounted, sizeof(mounted), "%s/m", held_folder);
	NEEDED(mkdir(mounted, 0700) == 0 || errno == EEXIST);
	configured = fsopen("tmpfs", 0);
	if (configured < 0)
		return false;
	detached = open_tree(AT_FDCWD, "/tmp", OPEN_TREE_CLONE | AT_RECURSIVE);
	NEEDED(detached >= 0);
	TRIED(fsconfig(configured, FSCONFIG_SET_STRING, "size", "1m", 0));
	return true;
}

static void use_mounts(void)
{
	char path[250];
	int file, mount = configured < 0 ? -1 : fsconfig(configured, FSCONFIG_CMD_CREATE, NULL, NULL, 0);

	TRIED(faccessat(detached, ".", R_OK, 0));
	if (mount == 0) {
		mount = fsmount(configured, 0, 0);
		NEEDED(mount >= 0);
		NEEDED(move_mount(mount, "", AT_FDCWD, mounted, MOVE_MOUNT_F_EMPTY_PATH) == 0);
		close(mount);
		close(configured);
		configured = -1;
	}
	snprintf(path, sizeof(path), "%s/file", mounted);
	file = open(path, O_CREAT | O_RDWR, 0600);
	NEEDED(file >= 0 && write(file, "in it", 5) == 5);
	close(file);
}

static void drop_mounts(void)
{
	NEEDED(umount2(mounted, 0) == 0);
	TRIED(move_mount(detached, "", AT_FDCWD, mounted, MOVE_MOUNT_F_EMPTY_PATH));
	close(detached);
	TRIED(umount2(mounted, MNT_DETACH));
}

const struct held held_files[] = {{"files", make_files, use_files_held, drop_files},
				  {"folder", make_folder, use_folder, drop_folder},
				  {"watches", make_watches, use_watches, drop_watches},
				  {"files of the kernel", make_reading, use_reading, drop_reading},
				  {"mounts", make_mounts, use_mounts, drop_mounts},
				  {0}};
