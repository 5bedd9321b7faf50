// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/run-pre.h"

#include "image.h"

#include <string.h>

#define START(name) ".globl " name "\n" name ":\n.type " name ", @function\n"
#define LOCAL(name) name ":\n.type " name ", @function\n"
#define END(name) ".size " name ", . - " name "\n.balign 16, 0x90\n"

/* A unit with every kind of reference that a compiler makes, and the others that it is linked with. */
#define UNIT                                                                                                                                                                                                                                                                                                    \
	".text\n" START(                                                                                                                                                                                                                                                                                        \
		"open_it") "call __fentry__\nmov $table, %rax\nmov twin_data(%rip), %rbx\n"                                                                                                                                                                                                                     \
			   "lea .LC1(%rip), %rdi\nmov $.LC0, %rsi\ncall other\njne cold_it\n"                                                                                                                                                                                                                   \
			   "call static_it\nmov constant(%rip), %rcx\nret\n" END("open_it")                                                                                                                                                                                                                     \
				   LOCAL("static_it") "movl $7, room+8(%rip)\nmov twin_data+8(%rip), "                                                                                                                                                                                                          \
						      "%rax\njmp weak_it\n" END("static_it")                                                                                                                                                                                                                    \
							      LOCAL("twin") "mov $twin_data, "                                                                                                                                                                                                                  \
									    "%rax\nnop\nret\n" END("twin") ".weak weak_it\n" LOCAL("weak_it") "xor %eax, %eax\nret\n" END("weak_it") ".section .text.unlikely,\"ax\"\n" LOCAL(                                                                                  \
										    "cold_it") "call "                                                                                                                                                                                                          \
											       "other\njmp "                                                                                                                                                                                                    \
											       "open_it+"                                                                                                                                                                                                       \
											       "5\n" END(                                                                                                                                                                                                       \
												       "c"                                                                                                                                                                                                      \
												       "o"                                                                                                                                                                                                      \
												       "l"                                                                                                                                                                                                      \
												       "d"                                                                                                                                                                                                      \
												       "_"                                                                                                                                                                                                      \
												       "i"                                                                                                                                                                                                      \
												       "t") ".section .init.text,\"ax\"\n" START("start_it") "mov $twin, %rdi\ncall other\nret\n" END("start_it") ".section .rodata,\"a\"\n.balign 8\ntable: .quad static_it, 3\n"                              \
																										  ".section .rodata.cst8,\"aM\",@progbits,8\nconstant: .quad 0x1234\n"                          \
																										  ".section .rodata.str1.1,\"aMS\",@progbits,1\n.LC0: .asciz \"one\"\n.LC1: .asciz \"a two\"\n" \
																										  ".data\n.balign 8\ntwin_data: .quad 5, twin\n.bss\n.balign 8\nroom: .skip 16\n"
/* Units before and behind it, that move all its sections, with symbols of the same names. */
#define BEFORE                                                                                           \
	".text\n" START("__fentry__") "ret\n" END("__fentry__")                                          \
		START("other") "push %rbp\nret\n" END("other") LOCAL("twin") "nop\nnop\nret\n" END(      \
			"twin") ".section .text.unlikely,\"ax\"\nnop\n.section "                         \
				".init.text,\"ax\"\nnop\n.section .rodata,\"a\"\n"                       \
				".quad 9\n.section .rodata.str1.1,\"aMS\",@progbits,1\n.asciz \"one\"\n" \
				".section .rodata.cst8,\"aM\",@progbits,8\n.quad 0x99, 0x1234\n"         \
				".data\ntwin_data: .quad 7\n.bss\n.skip 8\n"
#define BEHIND                                                          \
	".text\n" START("weak_it") "mov $1, %eax\nret\n" END("weak_it") \
		LOCAL("twin") "mov $twin_data, %rax\nnop\nret\n" END(   \
			"twin") ".data\n.balign 8\ntwin_data: .quad 5, twin\n"
#define COUNT 6 /* functions in UNIT */

static const gchar *const all[] = {BEFORE, UNIT, BEHIND, NULL};

typedef struct {
	SutureScratch *scratch;
	GBytes *image, *unit;
	gboolean module;
} Fixture;

static SutureRunning *open_image(const Fixture *fixture, GBytes *image)
{
	g_autofree gchar *path = image_save(fixture->scratch, "image", image);
	g_autoptr(GError) error = NULL;
	SutureRunning *running = fixture->module ? suture_running_open_module(path, "test", &error)
						 : suture_running_open_vmlinux(path, &error);

	g_assert_no_error(error);
	return running;
}

static SutureRunPre *compare(SutureRunning *running, GBytes *unit)
{
	g_autoptr(GError) error = NULL;
	SutureRunPre *run_pre = suture_run_pre(running, unit, "unit.o", &error);

	g_assert_no_error(error);
	return run_pre;
}

static void fixture_set_up(Fixture *fixture, gconstpointer module)
{
	g_autoptr(GError) error = NULL;

	fixture->scratch = suture_scratch_new(&error);
	g_assert_no_error(error);
	fixture->module = module != NULL;
	fixture->image = fixture->module ? image_module(all) : image_link(all, LAYOUT_6_1, NULL);
	fixture->unit = image_assemble(UNIT);
}

static void fixture_tear_down(Fixture *fixture, gconstpointer module)
{
	(void)module;
	g_bytes_unref(fixture->image);
	g_bytes_unref(fixture->unit);
	suture_scratch_free(fixture->scratch);
}

static guint64 address_of(const SutureRunning *running, const gchar *name, guint index)
{
	SutureRunningSymbol symbol;

	g_assert_true(suture_running_symbol(running, name, index, &symbol));
	return symbol.address;
}

static void assert_place(const SutureRunning *running, const SutureRunPre *run_pre, const gchar *name,
			 guint index)
{
	guint64 address = 0;

	g_assert_true(suture_run_pre_address(run_pre, name, &address));
	g_assert_cmphex(address, ==, address_of(running, name, index));
}

static void test_matches(Fixture *fixture, gconstpointer data)
{
	g_autoptr(SutureRunning) running = open_image(fixture, fixture->image);
	g_autoptr(SutureRunPre) run_pre = compare(running, fixture->unit);
	g_autoptr(GError) error = NULL;
	guint64 address;

	(void)data;
	g_assert_true(suture_run_pre_check(run_pre, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(suture_run_pre_count(run_pre), ==, COUNT);
	for (guint i = 0; i < COUNT; i++) {
		const SutureRunPreFunction *function = suture_run_pre_at(run_pre, i);
		gboolean overridden = strcmp(function->name, "weak_it") == 0;

		g_assert_cmpint(function->state, ==,
				overridden ? SUTURE_RUN_PRE_SKIPPED : SUTURE_RUN_PRE_MATCHES);
		g_assert_true((function->reason != NULL) == overridden);
	}
	g_assert_cmpuint(suture_run_pre_find(run_pre, "twin")->sympos, ==, 2);
	g_assert_cmpuint(suture_run_pre_find(run_pre, "open_it")->sympos, ==, 0);
	g_assert_null(suture_run_pre_find(run_pre, "other"));
	assert_place(running, run_pre, "twin", 1);
	assert_place(running, run_pre, "twin_data", 1);
	assert_place(running, run_pre, "table", 0);
	assert_place(running, run_pre, "room", 0);
	assert_place(running, run_pre, "other", 0);
	/* The one that is used, not the unit's own. */
	assert_place(running, run_pre, "weak_it", 0);
	g_assert_false(suture_run_pre_address(run_pre, "constant", &address));
	g_assert_false(suture_run_pre_address(run_pre, "absent", &address));
}

/* That function is named, and nothing else. */
static void assert_named(const Fixture *fixture, gsize place, guint8 mask, const gchar *name, guint64 offset)
{
	g_autoptr(GBytes) flipped = image_flip(fixture->image, place, mask);
	g_autoptr(SutureRunning) running = open_image(fixture, flipped);
	g_autoptr(SutureRunPre) run_pre = compare(running, fixture->unit);
	g_autoptr(GError) error = NULL;

	g_assert_false(suture_run_pre_check(run_pre, &error));
	g_assert_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_DIFFERS);
	if (!strstr(error->message, name))
		g_error("byte %" G_GUINT64_FORMAT " of %s: %s", offset, name, error->message);
	for (guint i = 0; i < suture_run_pre_count(run_pre); i++) {
		const SutureRunPreFunction *function = suture_run_pre_at(run_pre, i);
		gboolean named = strcmp(function->name, name) == 0;

		if (named != (function->state == SUTURE_RUN_PRE_DIFFERS))
			g_error("byte %" G_GUINT64_FORMAT " of %s: %s is in state %d: %s", offset, name,
				function->name, function->state, function->reason);
		/* One bit makes a long jump of a short one, which only its reference betrays. */
		if (named)
			g_assert_cmpuint(function->offset, <=, offset + 1);
	}
}

static void test_flipped(Fixture *fixture, gconstpointer data)
{
	g_autoptr(SutureRunning) running = open_image(fixture, fixture->image);
	g_autoptr(SutureRunPre) run_pre = compare(running, fixture->unit);
	gsize size;
	const guint8 *file = g_bytes_get_data(fixture->image, &size);

	(void)data;
	for (guint i = 0; i < suture_run_pre_count(run_pre); i++) {
		const SutureRunPreFunction *function = suture_run_pre_at(run_pre, i);
		const guint8 *bytes;
		gsize place;

		if (function->state != SUTURE_RUN_PRE_MATCHES)
			continue;
		bytes = suture_running_bytes(running, function->address, function->size);
		place = (gsize)((const guint8 *)memmem(file, size, bytes, function->size) - file);
		for (guint64 offset = 0; offset < function->size; offset++)
			assert_named(fixture, place + offset, (guint8)(1 << offset % 8), function->name,
				     offset);
	}
}

static GBytes *with(const gchar *old, const gchar *new)
{
	g_auto(GStrv) parts = g_strsplit(UNIT, old, -1);
	g_autofree gchar *text = g_strjoinv(new, parts);

	g_assert_cmpuint(g_strv_length(parts), >, 1);
	return image_assemble(text);
}

/* Other sources: what a unit has there instead, and the function that is named for it. */
static const struct {
	const gchar *name, *old, *new, *function;
} changes[] = {
	{"instruction", "movl $7", "movl $6", "static_it"},
	{"inserted", "movl $7", "nop\nmovl $7", "static_it"},
	{"reference", "mov $table, %rax", "mov $table+8, %rax", "open_it"},
	{"string", "\"a two\"", "\"a too\"", "open_it"},
	{"shorter-string", "\"a two\"", "\"a tw\"", "open_it"},
	{"constant", ".quad 0x1234", ".quad 0x1235", "open_it"},
	{"other-symbol", "call other\njmp", "call __fentry__\njmp", "cold_it"},
};

static void test_changed(Fixture *fixture, gconstpointer data)
{
	g_autoptr(SutureRunning) running = open_image(fixture, fixture->image);

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
		g_autoptr(GBytes) unit = with(changes[i].old, changes[i].new);
		g_autoptr(SutureRunPre) run_pre = compare(running, unit);
		const SutureRunPreFunction *function = suture_run_pre_find(run_pre, changes[i].function);

		if (function->state != SUTURE_RUN_PRE_DIFFERS)
			g_error("%s: %s is in state %d: %s", changes[i].name, function->name, function->state,
				function->reason);
		g_assert_nonnull(function->reason);
	}
}

static void test_absent(Fixture *fixture, gconstpointer data)
{
	g_autoptr(SutureRunning) running = open_image(fixture, fixture->image);
	g_autoptr(GBytes) unit =
		image_assemble(UNIT ".text\n" LOCAL("new_it") "mov $42, %eax\nret\n" END("new_it"));
	g_autoptr(SutureRunPre) run_pre = compare(running, unit);
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_false(suture_run_pre_check(run_pre, &error));
	g_assert_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_ABSENT);
	g_assert_nonnull(strstr(error->message, "new_it"));
	g_assert_cmpint(suture_run_pre_find(run_pre, "new_it")->state, ==, SUTURE_RUN_PRE_ABSENT);
	g_assert_cmpint(suture_run_pre_find(run_pre, "open_it")->state, ==, SUTURE_RUN_PRE_MATCHES);
}

/* Nothing tells two functions with the same name, bytes and references apart. */
static void test_ambiguous(Fixture *fixture, gconstpointer data)
{
	g_autoptr(SutureRunning) running = open_image(fixture, fixture->image);
	g_autoptr(GBytes) unit =
		image_assemble(".text\n" LOCAL("twin") "mov $twin_data, %rax\nnop\nret\n" END(
			"twin") ".data\n.balign 8\ntwin_data: .quad 5, twin\n");
	g_autoptr(SutureRunPre) run_pre = compare(running, unit);
	const SutureRunPreFunction *twin = suture_run_pre_find(run_pre, "twin");
	guint64 address;

	(void)data;
	g_assert_cmpint(twin->state, ==, SUTURE_RUN_PRE_SKIPPED);
	g_assert_nonnull(strstr(twin->reason, "several"));
	g_assert_false(suture_run_pre_address(run_pre, "twin", &address));
}

static void test_not_an_object(Fixture *fixture, gconstpointer data)
{
	g_autoptr(SutureRunning) running = open_image(fixture, fixture->image);
	g_autoptr(GBytes) text = g_bytes_new_static("no object", 9);
	g_autoptr(GBytes) half =
		g_bytes_new_from_bytes(fixture->unit, 0, g_bytes_get_size(fixture->unit) / 2);
	GBytes *const wrong[] = {text, half};

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(suture_run_pre(running, wrong[i], "unit.o", &error));
		g_assert_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_OBJECT);
	}
}

/* A unit as the kernel has it, and with a section for each function, which makes the jump a long one. */
static gchar *unit_of(gboolean sections)
{
	static const gchar *const functions[][2] = {
		{"first_it", START("first_it") "push %rbx\nret\n" END("first_it")},
		{"twin", LOCAL("twin") "mov $42, %eax\nret\n" END("twin")},
		{"weak_it", ".weak weak_it\n" LOCAL("weak_it") "mov $43, %eax\nret\n" END("weak_it")},
		{"target", LOCAL("target") "mov $44, %eax\nret\n" END("target")},
		{"last_it", START("last_it") "nop\njmp target\n" END("last_it")},
	};
	GString *text = g_string_new(NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(functions); i++) {
		g_string_append_printf(text, ".section .text%s%s,\"ax\"\n.balign 16, 0x90\n",
				       sections ? "." : "", sections ? functions[i][0] : "");
		g_string_append(text, functions[i][1]);
	}
	return g_string_free(text, FALSE);
}

static GBytes *link_plain(gboolean module)
{
	g_autofree gchar *plain = unit_of(FALSE);
	const gchar *const sources[] = {
		".text\n.balign 16, 0x90\n" LOCAL("twin") "mov $42, %eax\nret\n" END("twin"), plain, NULL};

	return module ? image_module(sources) : image_link(sources, LAYOUT_6_1, NULL);
}

static void test_sections(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GBytes) image = link_plain(fixture->module);
	g_autoptr(SutureRunning) running = open_image(fixture, image);
	g_autofree gchar *text = unit_of(TRUE);
	g_autoptr(GBytes) unit = image_assemble(text);
	g_autoptr(SutureRunPre) run_pre = compare(running, unit);
	const SutureRunPreFunction *last = suture_run_pre_find(run_pre, "last_it");

	(void)data;
	g_assert_cmpuint(suture_run_pre_count(run_pre), ==, 5);
	for (guint i = 0; i < suture_run_pre_count(run_pre); i++)
		g_assert_cmpint(suture_run_pre_at(run_pre, i)->state, ==, SUTURE_RUN_PRE_MATCHES);
	g_assert_cmpmem(suture_running_bytes(running, last->address + 1, 1), 1, "\xeb", 1);
	g_assert_cmpuint(last->size, ==, 6);
	/* Its neighbours tell it from the one of the other unit. */
	g_assert_cmpuint(suture_run_pre_find(run_pre, "twin")->sympos, ==, 2);
}

/* Also where the other twin is still the same, and where the weak function may seem to be another's. */
static void test_sections_flipped(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GBytes) image = link_plain(fixture->module);
	g_autoptr(SutureRunning) running = open_image(fixture, image);
	g_autofree gchar *text = unit_of(TRUE);
	Fixture other = *fixture;
	g_autoptr(SutureRunPre) run_pre = NULL;
	gsize size;
	const guint8 *file = g_bytes_get_data(image, &size);
	const guint8 *first = memmem(file, size, "\x53\xc3", 2);
	guint64 start;

	(void)data;
	other.image = image;
	other.unit = image_assemble(text);
	run_pre = compare(running, other.unit);
	start = suture_run_pre_find(run_pre, "first_it")->address;
	for (guint i = 0; i < suture_run_pre_count(run_pre); i++) {
		const SutureRunPreFunction *function = suture_run_pre_at(run_pre, i);
		gsize place = (gsize)(first - file) + (gsize)(function->address - start);
		guint64 bytes = strcmp(function->name, "last_it") == 0 ? 3 : function->size;

		for (guint64 offset = 0; offset < bytes; offset++)
			assert_named(&other, place + offset, (guint8)(1 << offset % 8), function->name,
				     offset);
	}
	g_bytes_unref(other.unit);
}

#define ADD(name, function)                                                                             \
	g_test_add("/image/run-pre/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down); \
	g_test_add("/image/run-pre/module-" name, Fixture, "", fixture_set_up, function, fixture_tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("matches", test_matches);
	ADD("flipped", test_flipped);
	ADD("changed", test_changed);
	ADD("absent", test_absent);
	ADD("ambiguous", test_ambiguous);
	ADD("sections", test_sections);
	ADD("sections-flipped", test_sections_flipped);
	ADD("not-an-object", test_not_an_object);
	return g_test_run();
}
