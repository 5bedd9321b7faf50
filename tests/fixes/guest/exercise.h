/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a patched kernel is made to do in a test: one function for each part of it. They use it broadly, and
 * end the program with a word on what failed where a working kernel cannot fail.
 */
#ifndef EXERCISE_H
#define EXERCISE_H

#include <stdbool.h>
#include <stddef.h>

/* End the program unless what was done is true. */
#define NEEDED(done)                             \
	do {                                     \
		if (!(done))                     \
			failed(__func__, #done); \
	} while (0)
/* For calls that some kernels lack or refuse: made all the same. */
#define TRIED(done) ((void)!(done))

_Noreturn void failed(const char *where, const char *what);

void use_sockets(char **arguments);
void use_stream(char **arguments);
void use_family(char **arguments);
void use_memory(char **arguments);
void use_processes(char **arguments);
void use_files(char **arguments);
void use_attributes(char **arguments);
void use_crypto(char **arguments);
void use_uring(char **arguments);
void use_nftables(char **arguments);
void use_netfilter_sockopts(char **arguments);
void use_bpf(char **arguments);
void use_hold(char **arguments);
void use_held(char **arguments);

/* A filter in the network namespace of the caller: false where nf_tables is not there. */
bool make_nftables(void);
void use_filter(void);
void drop_nftables(void);

#endif
