// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/running.h"

#include "common/process.h"
#include "image.h"

#include <string.h>

#define ENTRY(label) ".section __mcount_loc,\"a\"\n.quad " label "\n.text\n"
#define ENDBR ".byte 0xf3, 0x0f, 0x1e, 0xfa\n"
#define NOP ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"
/* Traceable: plain, behind an endbr64, not at all; the second one's endbr64 goes. */
#define FUNCTIONS                                                                                       \
	".text\n.globl __fentry__\n__fentry__: ret\n"                                                   \
	".globl plain\nplain: call __fentry__\nret\n" ENTRY(                                            \
		"plain") ".globl behind\nbehind: " ENDBR                                                \
			 "landing: call __fentry__\nret\n" ENTRY(                                       \
				 "landing") ".globl never\nnever: " ENDBR "nop\nret\n"                  \
					    ".section .ibt_endbr_seal,\"a\"\n.long behind - .\n.text\n" \
					    ".data\n.globl value\nvalue: .quad "                        \
					    "0x1122334455667788\n.bss\nroom: .skip 64\n"
#define TWIN ".text\nnop\ntwin: nop\nret\n"
#define UNLISTED                                                                   \
	".text\n.globl __fentry__\n__fentry__: ret\n"                              \
	".globl calls\ncalls: call __fentry__\nret\n"                              \
	".globl waits\nwaits: " NOP "ret\n.globl lands\nlands: " ENDBR NOP "ret\n" \
	".globl jumps\njumps: jmp __fentry__\nother: call jumps\nret\n"

static SutureRunning *open_vmlinux(const gchar *const *sources)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureScratch) scratch = suture_scratch_new(&error);
	g_autoptr(GBytes) image = image_link(sources, LAYOUT_6_1, NULL);
	g_autofree gchar *path = image_save(scratch, "vmlinux", image);
	SutureRunning *running = suture_running_open_vmlinux(path, &error);

	g_assert_no_error(error);
	return running;
}

static SutureRunning *open_module(const gchar *const *sources)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureScratch) scratch = suture_scratch_new(&error);
	g_autoptr(GBytes) image = image_module(sources);
	g_autofree gchar *path = image_save(scratch, "test.ko", image);
	SutureRunning *running = suture_running_open_module(path, "test", &error);

	g_assert_no_error(error);
	return running;
}

static guint64 address_of(const SutureRunning *running, const gchar *name, guint index)
{
	SutureRunningSymbol symbol;

	g_assert_true(suture_running_symbol(running, name, index, &symbol));
	g_assert_cmpstr(symbol.name, ==, name);
	return symbol.address;
}

static void assert_twins(const SutureRunning *running)
{
	guint64 sympos = 99;

	g_assert_cmpuint(suture_running_count(running, "twin"), ==, 2);
	g_assert_cmpuint(suture_running_count(running, "plain"), ==, 1);
	g_assert_cmpuint(suture_running_count(running, "absent"), ==, 0);
	g_assert_cmpuint(address_of(running, "twin", 0), <, address_of(running, "twin", 1));
	g_assert_true(suture_running_sympos(running, "twin", address_of(running, "twin", 0), &sympos));
	g_assert_cmpuint(sympos, ==, 1);
	g_assert_true(suture_running_sympos(running, "twin", address_of(running, "twin", 1), &sympos));
	g_assert_cmpuint(sympos, ==, 2);
	g_assert_true(suture_running_sympos(running, "plain", address_of(running, "plain", 0), &sympos));
	g_assert_cmpuint(sympos, ==, 0);
	g_assert_false(suture_running_sympos(running, "plain", address_of(running, "twin", 0), &sympos));
}

static void assert_functions(const SutureRunning *running)
{
	g_assert_true(suture_running_traceable(running, address_of(running, "plain", 0)));
	g_assert_true(suture_running_traceable(running, address_of(running, "behind", 0)));
	g_assert_false(suture_running_traceable(running, address_of(running, "never", 0)));
	g_assert_false(suture_running_traceable(running, address_of(running, "twin", 0)));
	g_assert_true(suture_running_sealed(running, address_of(running, "behind", 0)));
	g_assert_false(suture_running_sealed(running, address_of(running, "never", 0)));
	g_assert_false(suture_running_sealed(running, 0));
}

static void assert_bytes(const SutureRunning *running)
{
	guint64 value = address_of(running, "value", 0), room = address_of(running, "room", 0);
	const guint8 *bytes = suture_running_bytes(running, value, 8);

	g_assert_cmpmem(bytes, 8, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
	g_assert_null(suture_running_bytes(running, room, 1));
	g_assert_null(suture_running_bytes(running, value, G_MAXSIZE));
	g_assert_null(suture_running_bytes(running, G_MAXUINT64, 2));
	g_assert_null(suture_running_bytes(running, 0, 1));
}

static void test_vmlinux(void)
{
	const gchar *const sources[] = {FUNCTIONS, TWIN, TWIN, NULL};
	g_autoptr(SutureRunning) running = open_vmlinux(sources);

	g_assert_cmpstr(suture_running_object(running), ==, "vmlinux");
	assert_twins(running);
	assert_functions(running);
	assert_bytes(running);
	g_assert_false(suture_running_shifts(running, "twin"));
}

static void test_module(void)
{
	const gchar *const sources[] = {FUNCTIONS, TWIN, TWIN, NULL};
	g_autoptr(SutureRunning) running = open_module(sources);

	g_assert_cmpstr(suture_running_object(running), ==, "test");
	assert_twins(running);
	assert_functions(running);
	assert_bytes(running);
	g_assert_false(suture_running_shifts(running, "twin"));
}

/* Without a list, the bytes tell. */
static void test_unlisted(void)
{
	const gchar *const sources[] = {UNLISTED, NULL};
	g_autoptr(SutureRunning) running = open_vmlinux(sources);

	g_assert_true(suture_running_traceable(running, address_of(running, "calls", 0)));
	g_assert_true(suture_running_traceable(running, address_of(running, "waits", 0)));
	g_assert_true(suture_running_traceable(running, address_of(running, "lands", 0)));
	g_assert_false(suture_running_traceable(running, address_of(running, "jumps", 0)));
	g_assert_false(suture_running_traceable(running, address_of(running, "other", 0)));
	g_assert_false(suture_running_traceable(running, 0));
}

/* A module without a list has nothing that can be traced, whatever its bytes are. */
static void test_module_without_list(void)
{
	const gchar *const sources[] = {UNLISTED, NULL};
	g_autoptr(SutureRunning) running = open_module(sources);

	g_assert_false(suture_running_traceable(running, address_of(running, "calls", 0)));
}

/* The kernel counts in the order of the symbol table, not in that of addresses, and all but undefined ones.
 */
static void test_module_order(void)
{
	const gchar *const sources[] = {".section .text.late,\"ax\"\ntwin: nop\n.text\nnop\n", TWIN,
					".section .init.text,\"ax\"\nboth: nop\n",
					".text\nboth: nop\ncall __x86_return_thunk\n", NULL};
	g_autoptr(SutureRunning) running = open_module(sources);
	SutureRunningSymbol first, second;

	g_assert_true(suture_running_symbol(running, "twin", 0, &first));
	g_assert_true(suture_running_symbol(running, "twin", 1, &second));
	g_assert_cmpuint(first.address, >, second.address);
	g_assert_cmpuint(first.sympos, ==, 1);
	g_assert_cmpuint(second.sympos, ==, 2);
	g_assert_cmpuint(suture_running_count(running, "__x86_return_thunk"), ==, 0);
	/* One of the two goes with the init sections. */
	g_assert_true(suture_running_shifts(running, "both"));
	g_assert_false(suture_running_shifts(running, "twin"));
}

static void test_compressed(gconstpointer data)
{
	const gchar *const sources[] = {FUNCTIONS, TWIN, TWIN, NULL};
	const gchar *const *compressor = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureScratch) scratch = suture_scratch_new(&error);
	g_autoptr(GBytes) image = image_module(sources);
	g_autofree gchar *plain = image_save(scratch, "test.ko", image);
	const gchar *const argv[] = {compressor[0], "-q", plain, NULL};
	g_autofree gchar *path = g_strconcat(plain, compressor[1], NULL);
	g_autoptr(SutureRunning) running = NULL;
	g_autofree gchar *contents = NULL;
	gsize size;

	g_assert_true(suture_process_run(argv, NULL, NULL, NULL, NULL, &error));
	running = suture_running_open_module(path, "test", &error);
	g_assert_no_error(error);
	assert_twins(running);
	assert_functions(running);
	/* Cut short. */
	g_assert_true(g_file_get_contents(path, &contents, &size, &error));
	g_assert_true(g_file_set_contents(path, contents, (gssize)size / 2, &error));
	g_assert_null(suture_running_open_module(path, "test", &error));
	g_assert_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_MODULE);
}

static void test_not_a_module(void)
{
	const gchar *const sources[] = {FUNCTIONS, NULL};
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureScratch) scratch = suture_scratch_new(&error);
	g_autoptr(GBytes) object = image_assemble(FUNCTIONS);
	g_autoptr(GBytes) vmlinux = image_link(sources, LAYOUT_6_1, NULL);
	g_autoptr(GBytes) module = image_module(sources);
	g_autoptr(GBytes) half = g_bytes_new_from_bytes(module, 0, g_bytes_get_size(module) / 2);
	GBytes *const wrong[] = {object, vmlinux, half};

	for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autofree gchar *path = image_save(scratch, "wrong", wrong[i]);
		g_autoptr(GError) refused = NULL;

		g_assert_null(suture_running_open_module(path, "test", &refused));
		g_assert_error(refused, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_MODULE);
	}
}

static void test_not_a_vmlinux(void)
{
	const gchar *const sources[] = {FUNCTIONS, NULL};
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureScratch) scratch = suture_scratch_new(&error);
	g_autoptr(GBytes) module = image_module(sources);
	g_autoptr(GBytes) without = image_link(sources, &no_table, NULL);
	g_autofree gchar *first = image_save(scratch, "module", module);
	g_autofree gchar *second = image_save(scratch, "without", without);

	g_assert_null(suture_running_open_vmlinux(first, &error));
	g_assert_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_VMLINUX);
	g_clear_error(&error);
	g_assert_null(suture_running_open_vmlinux(second, &error));
	g_assert_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_KALLSYMS);
	g_clear_error(&error);
	g_assert_null(suture_running_open_vmlinux("/nonexistent", &error));
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_IO);
}

int main(int argc, char **argv)
{
	static const gchar *const compressors[][2] = {{"gzip", ".gz"}, {"xz", ".xz"}, {"zstd", ".zst"}};

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/image/running/vmlinux", test_vmlinux);
	g_test_add_func("/image/running/module", test_module);
	g_test_add_func("/image/running/unlisted", test_unlisted);
	g_test_add_func("/image/running/module-without-list", test_module_without_list);
	g_test_add_func("/image/running/module-order", test_module_order);
	for (gsize i = 0; i < G_N_ELEMENTS(compressors); i++) {
		g_autofree gchar *path =
			g_strconcat("/image/running/compressed-by-", compressors[i][0], NULL);

		g_test_add_data_func(path, compressors[i], test_compressed);
	}
	g_test_add_func("/image/running/not-a-module", test_not_a_module);
	g_test_add_func("/image/running/not-a-vmlinux", test_not_a_vmlinux);
	return g_test_run();
}
