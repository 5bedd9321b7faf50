// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/symvers.h"

#include <string.h>

#define GOOD                                                                       \
	"0x4c9d28b0\tphys_base\tvmlinux\tEXPORT_SYMBOL\t\n"                        \
	"0x00000001\tcxl_expand\tvmlinux\tEXPORT_SYMBOL_GPL\tCXL\n"                \
	"0xffffffff\tnft_do_chain\tnet/netfilter/nf_tables\tEXPORT_SYMBOL_GPL\t\n" \
	"0x12345678\todd\tdrivers/a-b,c/snd-pcm\tEXPORT_SYMBOL\n"

static SutureSymvers *parse(const gchar *text, gsize length, GError **error)
{
	g_autoptr(GBytes) bytes = g_bytes_new(text, length);

	return suture_symvers_parse(bytes, "Module.symvers", error);
}

static void test_exports(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureSymvers) symvers = parse(GOOD, strlen(GOOD), &error);
	const SutureExport *export;

	g_assert_no_error(error);
	g_assert_cmpuint(suture_symvers_count(symvers), ==, 4);
	export = suture_symvers_find(symvers, "phys_base");
	g_assert_cmpstr(export->object, ==, "vmlinux");
	g_assert_false(export->gpl);
	g_assert_null(export->name_space);
	g_assert_cmphex(export->crc, ==, 0x4c9d28b0);
	export = suture_symvers_find(symvers, "cxl_expand");
	g_assert_true(export->gpl);
	g_assert_cmpstr(export->name_space, ==, "CXL");
	g_assert_cmpstr(suture_symvers_find(symvers, "nft_do_chain")->object, ==, "nf_tables");
	export = suture_symvers_at(symvers, 3);
	g_assert_cmpstr(export->name, ==, "odd");
	g_assert_cmpstr(export->object, ==, "snd_pcm");
	g_assert_null(suture_symvers_find(symvers, "absent"));
}

static void test_no_last_newline(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureSymvers) symvers = parse(GOOD, strlen(GOOD) - 1, &error);
	g_autoptr(SutureSymvers) nothing = parse("", 0, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(suture_symvers_count(symvers), ==, 4);
	g_assert_cmpuint(suture_symvers_count(nothing), ==, 0);
}

static const struct {
	const gchar *name, *line;
} bad_lines[] = {
	{"empty", "\n"},
	{"words", "not a symvers\n"},
	{"three-fields", "0x1\tname\tvmlinux\n"},
	{"six-fields", "0x1\tname\tvmlinux\tEXPORT_SYMBOL\t\t\n"},
	{"crc-without-prefix", "12\tname\tvmlinux\tEXPORT_SYMBOL\t\n"},
	{"crc-too-large", "0x100000000\tname\tvmlinux\tEXPORT_SYMBOL\t\n"},
	{"crc-negative", "0x-1\tname\tvmlinux\tEXPORT_SYMBOL\t\n"},
	{"no-name", "0x1\t\tvmlinux\tEXPORT_SYMBOL\t\n"},
	{"name-with-space", "0x1\ta b\tvmlinux\tEXPORT_SYMBOL\t\n"},
	{"no-module", "0x1\tname\t\tEXPORT_SYMBOL\t\n"},
	{"folder", "0x1\tname\tnet/\tEXPORT_SYMBOL\t\n"},
	{"other-export", "0x1\tname\tvmlinux\tEXPORT_UNUSED\t\n"},
	{"twice", "0x1\tphys_base\tvmlinux\tEXPORT_SYMBOL\t\n"},
};

static void assert_refused(const gchar *text, gsize length)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureSymvers) symvers = parse(text, length, &error);

	g_assert_null(symvers);
	g_assert_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_SYMVERS);
	/* Behind the four good lines. */
	g_assert_nonnull(strstr(error->message, "Module.symvers:5: "));
}

static void test_bad_line(gconstpointer data)
{
	g_autofree gchar *text = g_strconcat(GOOD, data, NULL);

	assert_refused(text, strlen(text));
}

static void test_nul(void)
{
	static const gchar text[] = GOOD "0x1\tname\tvmlinux\tEXPORT_SYMBOL\0\t\n";

	assert_refused(text, sizeof(text) - 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/image/symvers/exports", test_exports);
	g_test_add_func("/image/symvers/no-last-newline", test_no_last_newline);
	g_test_add_func("/image/symvers/nul", test_nul);
	for (gsize i = 0; i < G_N_ELEMENTS(bad_lines); i++) {
		g_autofree gchar *path = g_strdup_printf("/image/symvers/bad-line-%s", bad_lines[i].name);

		g_test_add_data_func(path, bad_lines[i].line, test_bad_line);
	}
	return g_test_run();
}
