// SPDX-License-Identifier: LGPL-2.1-or-later
/* Programs and maps of BPF, and counters of perf, each attached to something that calls it. */
#include "exercise.h"
#include "held.h"

#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEPT 8
#define RING (9 * 4096)

static int maps[KEPT], program, traced, pair[2], counters[3];
static char *samples;

static int bpf(int command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

static int load(uint32_t type)
{
	const struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 2},
					{.code = BPF_JMP | BPF_EXIT}};
	union bpf_attr attributes = {
		.prog_type = type, .insns = (uintptr_t)code, .insn_cnt = 2, .license = (uintptr_t) "GPL"};

	return bpf(BPF_PROG_LOAD, &attributes);
}

static void update(int map, uint32_t key)
{
	unsigned char value[16] = "value";
	union bpf_attr attributes = {
		.map_fd = (uint32_t)map, .key = (uintptr_t)&key, .value = (uintptr_t)value};

	TRIED(bpf(BPF_MAP_UPDATE_ELEM, &attributes));
	TRIED(bpf(BPF_MAP_LOOKUP_ELEM, &attributes));
}

static bool make_programs(void)
{
	static const uint32_t types[KEPT] = {BPF_MAP_TYPE_HASH,         BPF_MAP_TYPE_ARRAY,
					     BPF_MAP_TYPE_LRU_HASH,     BPF_MAP_TYPE_PERCPU_HASH,
					     BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_STACK_TRACE,
					     BPF_MAP_TYPE_QUEUE,        BPF_MAP_TYPE_HASH};
	union bpf_attr attributes;

	program = load(BPF_PROG_TYPE_SOCKET_FILTER);
	if (program < 0)
		return false;
	for (int i = 0; i < KEPT; i++) {
		attributes = (union bpf_attr){.map_type = types[i],
					      .key_size = types[i] == BPF_MAP_TYPE_QUEUE ? 0 : 4,
					      .value_size = 8,
					      .max_entries = 64};
		maps[i] = bpf(BPF_MAP_CREATE, &attributes);
		for (uint32_t key = 0; key < 9; key++)
			update(maps[i], key);
	}
	NEEDED(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) == 0);
	NEEDED(setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)) == 0);
	traced = load(BPF_PROG_TYPE_RAW_TRACEPOINT);
	attributes = (union bpf_attr){
		.raw_tracepoint = {.name = (uintptr_t) "sched_switch", .prog_fd = (uint32_t)traced}};
	if (traced >= 0) {
		int attached = bpf(BPF_RAW_TRACEPOINT_OPEN, &attributes);

		close(traced);
		traced = attached;
	}
	return true;
}

static void use_programs(void)
{
	char data[10];

	for (int i = 0; i < KEPT; i++)
		for (uint32_t key = 0; key < 20; key++)
			update(maps[i], key);
	NEEDED(send(pair[1], "abcd", 4, 0) == 4 && recv(pair[0], data, sizeof(data), 0) == 2);
}

static void drop_programs(void)
{
	NEEDED(send(pair[1], "abcd", 4, 0) == 4);
	close(pair[0]);
	close(pair[1]);
	close(program);
	close(traced);
	for (int i = 0; i < KEPT; i++)
		close(maps[i]);
}

static bool make_counters(void)
{
	struct perf_event_attr wanted = {.size = sizeof(wanted),
					 .type = PERF_TYPE_SOFTWARE,
					 .config = PERF_COUNT_SW_CPU_CLOCK,
					 .sample_period = 1000000,
					 .sample_type =
						 PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_CALLCHAIN,
					 .inherit = 0,
					 .mmap = 1,
					 .comm = 1,
					 .task = 1};

	counters[0] = (int)syscall(SYS_perf_event_open, &wanted, -1, 0, -1, 0);
	if (counters[0] < 0)
		return false;
	samples = mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_SHARED, counters[0], 0);
	NEEDED(samples != MAP_FAILED);
	wanted = (struct perf_event_attr){.size = sizeof(wanted),
					  .type = PERF_TYPE_SOFTWARE,
					  .config = PERF_COUNT_SW_PAGE_FAULTS,
					  .inherit = 1};
	counters[1] = (int)syscall(SYS_perf_event_open, &wanted, 0, -1, -1, 0);
	wanted.config = PERF_COUNT_SW_CONTEXT_SWITCHES;
	counters[2] = (int)syscall(SYS_perf_event_open, &wanted, 0, -1, counters[1], 0);
	return true;
}

static void use_counters(void)
{
	uint64_t value;

	for (int i = 0; i < 3; i++)
		TRIED(read(counters[i], &value, sizeof(value)));
	NEEDED(ioctl(counters[0], PERF_EVENT_IOC_DISABLE, 0) == 0 &&
	       ioctl(counters[0], PERF_EVENT_IOC_ENABLE, 0) == 0);
	TRIED(ioctl(counters[0], PERF_EVENT_IOC_REFRESH, 3));
	NEEDED(((struct perf_event_mmap_page *)samples)->data_head > 0);
}

static void drop_counters(void)
{
	for (int i = 2; i >= 0; i--)
		close(counters[i]);
	NEEDED(munmap(samples, RING) == 0);
}

const struct held held_programs[] = {{"programs of BPF", make_programs, use_programs, drop_programs},
				     {"perf events", make_counters, use_counters, drop_counters},
				     {0}};
