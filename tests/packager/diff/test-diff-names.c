// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names that are numbered, and where instructions end. */
#include "packager/diff/instruction.h"
#include "packager/diff/names.h"

#include <string.h>

static const struct {
	const gchar *name, *base;
	gboolean numbered;
} bases[] = {
	{"count", "count", FALSE},
	{"count.12", "count", TRUE},
	{"f.isra.0", "f.isra", TRUE},
	{"f.constprop.0.isra.11.cold", "f.constprop.isra.cold", TRUE},
	{"f.cold", "f.cold", FALSE},
	{"f.cold.3", "f.cold", TRUE},
	{"table2", "table2", FALSE},
	{"__UNIQUE_ID_license123", "__UNIQUE_ID_license", TRUE},
	{"__BTF_ID__struct__bpf_dtab__6381025", "__BTF_ID__struct__bpf_dtab__", TRUE},
	{"__UNIQUE_ID_ddebug602.27", "__UNIQUE_ID_ddebug", TRUE},
	{"__initcall__kmod_mmap__489_3832_init_reserve4", "__initcall__kmod_mmap__init_reserve4", TRUE},
	{"C.3.4", "C", TRUE},
	{".5", ".5", FALSE},
	{"x.5a", "x.5a", FALSE},
};

static void test_base(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(bases); i++) {
		gboolean numbered;

		g_assert_cmpstr(suture_name_base(bases[i].name, &numbered), ==, bases[i].base);
		g_assert_cmpint(numbered, ==, bases[i].numbered);
		g_assert_cmpstr(suture_name_base(bases[i].name, NULL), ==, bases[i].base);
	}
}

static void assert_parent(const gchar *name, const gchar *expected, gboolean cold)
{
	g_autofree gchar *parent = suture_name_parent(name);

	g_assert_cmpstr(parent, ==, expected);
	g_assert_cmpint(suture_name_is_cold(name), ==, cold);
}

static void test_parent(void)
{
	assert_parent("f", NULL, FALSE);
	assert_parent("f.cold", "f", TRUE);
	assert_parent("f.cold.7", "f", TRUE);
	assert_parent("f.part.0", "f", FALSE);
	assert_parent("f.isra.0.part.2", "f.isra.0", FALSE);
	assert_parent("f.isra.0.cold", "f.isra.0", TRUE);
	assert_parent("f.part.0.isra.0", NULL, FALSE);
	assert_parent("f.colder", NULL, FALSE);
	assert_parent(".cold", NULL, TRUE);
}

static void test_own(void)
{
	static const gchar *const own[] = {"__key",
					   "__warned",
					   "__already_done",
					   "__func__",
					   "__PRETTY_FUNCTION__",
					   "_rs",
					   "_entry",
					   "_entry_ptr",
					   "CSWTCH",
					   "__print_once",
					   "descriptor",
					   "__UNIQUE_ID_ddebug"};

	for (gsize i = 0; i < G_N_ELEMENTS(own); i++)
		g_assert_true(suture_name_is_own(own[i]));
	g_assert_false(suture_name_is_own("count"));
	/* A secret that was made once must not be made again. */
	g_assert_false(suture_name_is_own("___done"));
	g_assert_false(suture_name_is_own("key"));
}

/* With the instruction that they were taken from, as the manual has it. */
static const struct {
	const gchar *bytes;
	guint8 size, length, at, width;
} instructions[] = {
	{"\x90", 1, 1, 0, 0},
	{"\xf3\x0f\x1e\xfa", 4, 4, 0, 0},                           /* endbr64 */
	{"\xe8\x00\x00\x00\x00", 5, 5, 1, 4},                       /* call */
	{"\x2e\xe8\x00\x00\x00\x00", 6, 6, 2, 4},                   /* cs call */
	{"\x0f\x84\x00\x00\x00\x00", 6, 6, 2, 4},                   /* je */
	{"\x2e\x0f\x84\x00\x00\x00\x00", 7, 7, 3, 4},               /* cs je */
	{"\x74\x05", 2, 2, 1, 1},                                   /* je, short */
	{"\xeb\xfe", 2, 2, 1, 1},                                   /* jmp, short */
	{"\x83\x3d\x00\x00\x00\x00\x05", 7, 7, 0, 0},               /* cmpl $5, x(%rip) */
	{"\x81\x3d\x00\x00\x00\x00\x05\x00\x00\x00", 10, 10, 0, 0}, /* cmpl $5, x(%rip) */
	{"\x66\x81\x3d\x00\x00\x00\x00\x05\x00", 9, 9, 0, 0},       /* cmpw $5, x(%rip) */
	{"\xf6\x05\x00\x00\x00\x00\x01", 7, 7, 0, 0},               /* testb $1, x(%rip) */
	{"\xf7\x1d\x00\x00\x00\x00", 6, 6, 0, 0},                   /* negl x(%rip) */
	{"\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08", 10, 10, 0, 0}, /* movabs $..., %rax */
	{"\x48\xc7\xc0\x00\x00\x00\x00", 7, 7, 0, 0},               /* mov $0, %rax */
	{"\x48\xa1\x01\x02\x03\x04\x05\x06\x07\x08", 10, 10, 0, 0}, /* movabs ..., %rax */
	{"\x66\x0f\x1f\x84\x00\x00\x00\x00\x00", 9, 9, 0, 0},       /* nopw 0(%rax,%rax) */
	{"\x65\x48\x8b\x04\x25\x00\x00\x00\x00", 9, 9, 0, 0},       /* mov %gs:0, %rax */
	{"\x0f\xb9\x40\x0c", 4, 4, 0, 0},                           /* ud1 12(%rax), %eax */
	{"\x0f\x0b", 2, 2, 0, 0},                                   /* ud2 */
	{"\x66\x0f\x3a\x0f\xc1\x08", 6, 6, 0, 0},                   /* palignr $8 */
	{"\xc5\xf8\x77", 3, 3, 0, 0},                               /* vzeroupper */
	{"\xc4\xe3\x7d\x39\xc0\x01", 6, 6, 0, 0},                   /* vextracti128 $1 */
	{"\x62\xf1\x7c\x48\x28\x05\x00\x00\x00\x00", 10, 10, 0, 0}, /* vmovaps x(%rip), %zmm0 */
	{"\xe8\x00\x00\x00", 4, 0, 0, 0},                           /* cut short */
	{"\x48", 1, 0, 0, 0},
	{"\x06", 1, 0, 0, 0}, /* none in this mode */
	{"", 0, 0, 0, 0},
};

static void test_instructions(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(instructions); i++) {
		SutureInstruction read = {.length = 99};
		/* So that a byte too many is seen. */
		g_autofree guint8 *bytes = g_memdup2(instructions[i].bytes, instructions[i].size);
		gboolean found = suture_instruction_read(bytes, instructions[i].size, &read);

		g_assert_cmpint(found, ==, instructions[i].length > 0);
		g_assert_cmpuint(read.length, ==, found ? instructions[i].length : 99);
		if (!found)
			continue;
		g_assert_cmpuint(read.relative_at, ==, instructions[i].at);
		g_assert_cmpuint(read.relative_size, ==, instructions[i].width);
	}
}

static void test_memory_operands(void)
{
	static const struct {
		const gchar *bytes;
		guint8 length, at;
	} operands[] = {
		{"\x48\x8b\x05\x00\x00\x00\x00", 7, 3},                  /* mov x(%rip), %rax */
		{"\x48\x8b\x04\xc5\x00\x00\x00\x00", 8, 4},              /* mov x(,%rax,8), %rax */
		{"\x0f\xb6\x80\x00\x00\x00\x00", 7, 3},                  /* movzbl x(%rax), %eax */
		{"\xff\x14\xc5\x00\x00\x00\x00", 7, 3},                  /* call *x(,%rax,8) */
		{"\x48\xc7\x05\x00\x00\x00\x00\x00\x00\x00\x00", 11, 3}, /* movq $y, x(%rip) */
		{"\x48\x8d\x05\x00\x00\x00\x00", 7, 0},                  /* lea x(%rip), %rax */
		{"\x48\xc7\xc7\x00\x00\x00\x00", 7, 0},                  /* mov $x, %rdi */
		{"\xbf\x00\x00\x00\x00", 5, 0},                          /* mov $x, %edi */
		{"\x48\x8b\x47\x08", 4, 0},                              /* mov 8(%rdi), %rax */
	};

	for (gsize i = 0; i < G_N_ELEMENTS(operands); i++) {
		SutureInstruction read;

		g_assert_true(suture_instruction_read((const guint8 *)operands[i].bytes, operands[i].length,
						      &read));
		g_assert_cmpuint(read.length, ==, operands[i].length);
		g_assert_cmpuint(read.memory_at, ==, operands[i].at);
	}
}

/* No prefixes without end. */
static void test_longest_instruction(void)
{
	guint8 bytes[32];
	SutureInstruction read;

	memset(bytes, 0x66, sizeof(bytes));
	g_assert_false(suture_instruction_read(bytes, sizeof(bytes), &read));
	bytes[14] = 0x90;
	g_assert_true(suture_instruction_read(bytes, sizeof(bytes), &read));
	g_assert_cmpuint(read.length, ==, 15);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/diff/names/base", test_base);
	g_test_add_func("/diff/names/parent", test_parent);
	g_test_add_func("/diff/names/own", test_own);
	g_test_add_func("/diff/instruction/lengths", test_instructions);
	g_test_add_func("/diff/instruction/memory-operands", test_memory_operands);
	g_test_add_func("/diff/instruction/longest", test_longest_instruction);
	return g_test_run();
}
