// SPDX-License-Identifier: LGPL-2.1-or-later
/* Maps and small programs of BPF. */
#include "exercise.h"

#include <linux/bpf.h>
#include <linux/filter.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int bpf(int command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

static void map(uint32_t type, uint32_t key_size, uint32_t value_size)
{
	union bpf_attr attributes = {
		.map_type = type, .key_size = key_size, .value_size = value_size, .max_entries = 64};
	unsigned char key[64] = "", value[64] = "value";
	int descriptor = bpf(BPF_MAP_CREATE, &attributes);

	if (descriptor < 0)
		return;
	for (uint32_t i = 0; i < 70; i++) {
		memcpy(key, &i, sizeof(i));
		attributes = (union bpf_attr){
			.map_fd = (uint32_t)descriptor, .key = (uintptr_t)key, .value = (uintptr_t)value};
		TRIED(bpf(BPF_MAP_UPDATE_ELEM, &attributes));
		TRIED(bpf(BPF_MAP_LOOKUP_ELEM, &attributes));
		if (i % 3 == 0)
			TRIED(bpf(BPF_MAP_DELETE_ELEM, &attributes));
	}
	close(descriptor);
}

static void program(uint32_t type)
{
	const struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 2},
					{.code = BPF_JMP | BPF_EXIT}};
	unsigned char packet[64] = "", out[256];
	union bpf_attr attributes = {
		.prog_type = type, .insns = (uintptr_t)code, .insn_cnt = 2, .license = (uintptr_t) "GPL"};
	int descriptor = bpf(BPF_PROG_LOAD, &attributes), pair[2];

	if (descriptor < 0)
		return;
	attributes = (union bpf_attr){.test = {.prog_fd = (uint32_t)descriptor,
					       .data_in = (uintptr_t)packet,
					       .data_size_in = 64,
					       .data_out = (uintptr_t)out,
					       .data_size_out = 256,
					       .repeat = 3}};
	TRIED(bpf(BPF_PROG_TEST_RUN, &attributes));
	NEEDED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	TRIED(setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_BPF, &descriptor, sizeof(descriptor)));
	NEEDED(send(pair[1], "x", 1, 0) == 1);
	close(pair[0]);
	close(pair[1]);
	close(descriptor);
}

static void classic(void)
{
	struct sock_filter code[] = {{BPF_LD | BPF_W | BPF_LEN, 0, 0, 0}, {BPF_RET | BPF_A, 0, 0, 0}};
	struct sock_fprog filter = {2, code};
	int pair[2];
	char byte;

	NEEDED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	NEEDED(setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0);
	NEEDED(send(pair[1], "x", 1, 0) == 1 && recv(pair[0], &byte, 1, 0) == 1);
	close(pair[0]);
	close(pair[1]);
}

void use_bpf(char **arguments)
{
	(void)arguments;
	for (uint32_t type = 0; type < 34; type++) {
		map(type, 4, 4);
		map(type, 4, 8);
		map(type, 8, 8);
		map(type, 0, 8);
		program(type);
	}
	classic();
}
