// SPDX-License-Identifier: LGPL-2.1-or-later
/* exercise PART [ARGUMENT...]: use a part of the kernel. */
#include "exercise.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIME_LIMIT 60

static const struct {
	const char *name;
	void (*use)(char **arguments);
} parts[] = {
	{"sockets", use_sockets},
	{"stream", use_stream},
	{"family", use_family},
	{"memory", use_memory},
	{"processes", use_processes},
	{"files", use_files},
	{"read", use_attributes},
	{"crypto", use_crypto},
	{"uring", use_uring},
	{"nftables", use_nftables},
	{"xtables", use_netfilter_sockopts},
	{"bpf", use_bpf},
	{"hold", use_hold},
	{"held", use_held},
};

void failed(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", where, what, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strcmp(parts[i].name, argv[1]) == 0) {
			alarm(TIME_LIMIT);
			parts[i].use(argv + 2);
			return 0;
		}
	}
	fputs("usage: exercise PART [ARGUMENT...]\n", stderr);
	return 2;
}
