/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Objects that are made while the kernel is in one state (patched, or not yet) and are used and let go in
 * another.
 */
#ifndef HELD_H
#define HELD_H

#include <stdbool.h>
#include <sys/types.h>

/* make says false when this kernel has no such thing; use and drop are then not called. drop may be NULL. */
struct held {
	const char *name;
	bool (*make)(void);
	void (*use)(void);
	void (*drop)(void);
};

/* Each ends with an entry without a name. */
extern const struct held held_pipes[];
extern const struct held held_files[];
extern const struct held held_waits[];
extern const struct held held_memory[];
extern const struct held held_processes[];
extern const struct held held_sockets[];
extern const struct held held_kernel[];
extern const struct held held_networks[];
extern const struct held held_programs[];
extern const struct held held_uring[];

/* Where the holder may put files: a folder of its own, not the current one. */
extern char held_folder[];

/* fork() for a process that stays: it answers nobody who asks for the holder. */
pid_t held_fork(void);

#endif
