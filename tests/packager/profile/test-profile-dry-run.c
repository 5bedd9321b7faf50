// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/dry-run.h"

#include "packager/profile/commands.h"
#include "packager/profile/error.h"

#include <string.h>
#include <unistd.h>

#define CC(unit, source, more)                                                                    \
	"  gcc-12 -Wp,-MMD,a/.d -I./include -D__KERNEL__ -DKBUILD_BASENAME='\\''\"x\"'\\'' " more \
	" -c -o " unit " " source "  "
#define OBJTOOL(unit) " ; ./tools/objtool/objtool --orc --retpoline  " unit
#define SHOWN(command) "set -e;  echo '" command "';   trap 'rm -f x; trap - HUP; kill -s HUP $$' HUP; true"
#define SHOWN_612(quiet, command) "set -e; echo '# " quiet "'; echo '" command "';   trap 'rm -f x' HUP; true"
#define MOD(parts, folder, module)                                                         \
	SHOWN("  printf '\\''%s\\n'\\''   " parts " | awk '\\''!x[$0]++ { print(\"" folder \
	      "/\"$0) }'\\'' > " module ".mod")
#define VMLINUX_A \
	SHOWN("  rm -f vmlinux.a; ar cDPrST vmlinux.a ./built-in.a  lib/lib.a; ar mPiT $(ar t vmlinux.a)")

static SutureCommands *read_lines(const gchar *const *lines)
{
	g_autoptr(SutureDryRun) run = suture_dry_run_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) index = NULL;

	for (; *lines; lines++) {
		suture_dry_run_line(run, *lines, &error);
		g_assert_no_error(error);
	}
	index = suture_dry_run_index(run, &error);
	g_assert_no_error(error);
	/* As a file would be read: what is written can be found again. */
	return suture_commands_new_from_bytes(g_variant_get_data_as_bytes(index));
}

static SutureCommandLine *line_of(const SutureCommands *commands, const gchar *unit)
{
	gint number = suture_commands_find(commands, unit);

	g_assert_cmpint(number, >=, 0);
	return suture_commands_line(commands, (guint)number);
}

static void test_built_in(void)
{
	const gchar *const lines[] = {
		"make -f ./scripts/Makefile.build obj=net",
		SHOWN(CC("net/core/dev.o", "net/core/dev.c", "") OBJTOOL("net/core/dev.o")),
		SHOWN("  rm -f net/core/built-in.a;  printf \"net/core/%s \" dev.o | xargs ar cDPrST "
		      "net/core/built-in.a"),
		SHOWN("  rm -f built-in.a;  printf \"%s \" net/core/built-in.a | xargs ar cDPrST built-in.a"),
		VMLINUX_A,
		NULL,
	};
	g_autoptr(SutureCommands) commands = read_lines(lines);
	g_autoptr(SutureCommandLine) line = line_of(commands, "net/core/dev.o");

	g_assert_cmpstr(line->source, ==, "net/core/dev.c");
	g_assert_cmpstr(line->object, ==, "vmlinux");
	g_assert_null(line->module_path);
	g_assert_cmpuint(g_strv_length(line->module_paths), ==, 0);
	g_assert_cmpstr(line->compile[0], ==, "gcc-12");
	g_assert_cmpstr(line->compile[4], ==, "-DKBUILD_BASENAME=\"x\"");
	g_assert_cmpstr(line->compile[g_strv_length(line->compile) - 1], ==, "net/core/dev.c");
	g_assert_cmpuint(g_strv_length(line->objtool), ==, 3);
	g_assert_cmpstr(line->objtool[2], ==, "--retpoline");
	g_assert_false(line->objtool_delayed);
}

static void test_module(void)
{
	const gchar *const lines[] = {
		SHOWN(CC("net/x/a.o", "net/x/a.c", "-DMODULE") OBJTOOL("net/x/a.o")),
		SHOWN(CC("net/x/b.o", "net/x/../y/b.c", "-DMODULE")),
		MOD("a.o b.o", "net/x", "net/x/nf-x"),
		VMLINUX_A,
		NULL,
	};
	g_autoptr(SutureCommands) commands = read_lines(lines);
	g_autoptr(SutureCommandLine) a = line_of(commands, "net/x/a.o");
	g_autoptr(SutureCommandLine) b = line_of(commands, "net/x/b.o");

	g_assert_cmpstr(a->object, ==, "nf_x");
	g_assert_cmpstr(a->module_path, ==, "net/x/nf-x");
	g_assert_cmpstr(b->object, ==, "nf_x");
	g_assert_cmpstr(b->source, ==, "net/y/b.c");
	g_assert_null(b->objtool);
}

static void test_shared(void)
{
	const gchar *const lines[] = {
		SHOWN(CC("d/common.o", "d/common.c", "-DMODULE")),
		MOD("one.o common.o common.o", "d", "d/one"),
		MOD("common.o two.o", "d", "d/two"),
		NULL,
	};
	g_autoptr(SutureCommands) commands = read_lines(lines);
	g_autoptr(SutureCommandLine) line = line_of(commands, "d/common.o");

	g_assert_cmpuint(g_strv_length(line->module_paths), ==, 2);
	g_assert_cmpstr(line->module_paths[0], ==, "d/one");
	g_assert_cmpstr(line->module_paths[1], ==, "d/two");
	g_assert_cmpstr(line->object, ==, "one");
}

static void test_delayed(void)
{
	const gchar *const lines[] = {
		SHOWN_612("CC net/a.o", CC("net/a.o", "net/a.c", "")),
		SHOWN_612("AR", "  ar cDPrST vmlinux.a net/a.o"),
		SHOWN_612("CC [M] d/p.o", CC("d/p.o", "d/p.c", "-DMODULE")),
		MOD("p.o", "d", "d/m"),
		SHOWN_612("LD [M] d/m.o",
			  "  ld -m elf_x86_64 -r -o d/m.o @d/m.mod  ; ./tools/objtool/objtool "
			  "--ibt  --link  --module d/m.o"),
		SHOWN_612("LD vmlinux.o", "  ld -m elf_x86_64 -r -o vmlinux.o  --whole-archive vmlinux.a  ; "
					  "./tools/objtool/objtool --ibt --prefix=16 --link vmlinux.o"),
		NULL,
	};
	g_autoptr(SutureCommands) commands = read_lines(lines);
	g_autoptr(SutureCommandLine) built_in = line_of(commands, "net/a.o");
	g_autoptr(SutureCommandLine) part = line_of(commands, "d/p.o");
	g_autofree gchar *one = g_strjoinv(" ", built_in->objtool);
	g_autofree gchar *two = g_strjoinv(" ", part->objtool);

	g_assert_true(built_in->objtool_delayed && part->objtool_delayed);
	g_assert_cmpstr(one, ==, "./tools/objtool/objtool --ibt --prefix=16 --link");
	g_assert_cmpstr(two, ==, "./tools/objtool/objtool --ibt --link --module");
}

/* Neither the vDSO nor the boot loader's stub is part of vmlinux as such, and programs are no units. */
static void test_others(void)
{
	const gchar *const lines[] = {
		SHOWN(CC("vdso/v.o", "vdso/v.c", "")),
		SHOWN(CC("stub/s.o", "stub/s.c", "")),
		SHOWN("  ar cDPrST stub/lib.a stub/s.o"),
		SHOWN("  gcc -Wp,-MMD,scripts/.p.o.d -O2 -c -o scripts/p.o scripts/p.c"),
		SHOWN("  if nm vdso/v.o | grep -q x; then gcc-12 -E -D__GENKSYMS__ -D__KERNEL__ -c -o q.o "
		      "q.c; fi"),
		VMLINUX_A,
		NULL,
	};
	g_autoptr(SutureCommands) commands = read_lines(lines);
	g_autoptr(SutureCommandLine) vdso = line_of(commands, "vdso/v.o");
	g_autoptr(SutureCommandLine) stub = line_of(commands, "stub/s.o");

	g_assert_cmpuint(suture_commands_count(commands), ==, 2);
	g_assert_null(vdso->object);
	g_assert_null(stub->object);
}

static void test_sources(void)
{
	const gchar *const lines[] = {
		SHOWN(CC("a/one.o", "a/same.c", "")),
		SHOWN(CC("b/two.o", "a/same.c", "")),
		SHOWN(CC("a/other.o", "a/other.S", "")),
		NULL,
	};
	g_autoptr(SutureCommands) commands = read_lines(lines);
	g_autoptr(GArray) same = suture_commands_of_source(commands, "a/same.c");
	g_autoptr(GArray) none = suture_commands_of_source(commands, "a/none.c");
	g_autofree gchar *first = NULL;

	g_assert_cmpuint(same->len, ==, 2);
	first = suture_commands_unit(commands, g_array_index(same, guint32, 0));
	g_assert_cmpstr(first, ==, "a/one.o");
	g_assert_cmpuint(none->len, ==, 0);
	g_assert_cmpint(suture_commands_find(commands, "a/none.o"), ==, -1);
}

static void refuse_line(const gchar *line)
{
	g_autoptr(SutureDryRun) run = suture_dry_run_new();
	g_autoptr(GError) error = NULL;

	g_assert_false(suture_dry_run_line(run, line, &error));
	g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_COMMANDS);
}

static void test_refused(void)
{
	g_autoptr(SutureDryRun) run = suture_dry_run_new();
	g_autoptr(GError) error = NULL;

	refuse_line(SHOWN(CC("/etc/x.o", "a/x.c", "")));
	refuse_line(SHOWN(CC("a/x.o", "a/../../x.c", "")));
	refuse_line(SHOWN(CC("a/x.o", "\"a/x.c", "")));
	g_assert_null(suture_dry_run_index(run, &error));
	g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_COMMANDS);
}

/* Lines are put together over any blocks, and the last needs no end. */
static void test_stream(void)
{
	g_autoptr(SutureDryRun) run = suture_dry_run_new();
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) index = NULL;
	g_autoptr(SutureCommands) commands = NULL;
	g_autofree gchar *path = NULL;
	int fd = g_file_open_tmp("dry-run-XXXXXX", &path, &error);

	for (guint i = 0; i < 3000; i++)
		g_string_append_printf(text, "%s\n" SHOWN(CC("d/u%04u.o", "d/u%04u.c", "")) "%s",
				       "padding padding", i, i, i == 2999 ? "" : "\n");
	g_assert_cmpint(write(fd, text->str, text->len), ==, (gssize)text->len);
	g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
	suture_dry_run_read(run, fd, path, &error);
	g_assert_no_error(error);
	index = suture_dry_run_index(run, &error);
	commands = suture_commands_new(index);
	g_assert_cmpuint(suture_commands_count(commands), ==, 3000);
	g_assert_cmpint(suture_commands_find(commands, "d/u2999.o"), ==, 2999);
	unlink(path);
	close(fd);
}

/* An index from a damaged file reads as something or nothing, within its bytes. */
static void test_damaged_index(void)
{
	const gchar *const lines[] = {SHOWN(CC("a/one.o", "a/one.c", "") OBJTOOL("a/one.o")), NULL};
	g_autoptr(SutureDryRun) run = suture_dry_run_new();
	g_autoptr(GVariant) index = NULL;
	gsize size;
	const guint8 *good;

	g_assert_true(suture_dry_run_line(run, lines[0], NULL));
	index = suture_dry_run_index(run, NULL);
	size = g_variant_get_size(index);
	good = g_variant_get_data(index);
	for (gsize i = 0; i < size; i++) {
		g_autofree guint8 *copy = g_memdup2(good, size);
		g_autoptr(GBytes) bytes = NULL;
		g_autoptr(SutureCommands) commands = NULL;

		copy[i] ^= 0xff;
		bytes = g_bytes_new(copy, size);
		commands = suture_commands_new_from_bytes(bytes);
		for (guint unit = 0; commands && unit < suture_commands_count(commands); unit++) {
			g_autoptr(SutureCommandLine) line = suture_commands_line(commands, unit);
			g_autoptr(GArray) units = suture_commands_of_source(commands, line->source);

			g_assert_nonnull(line->compile);
			g_assert_nonnull(units);
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/profile/dry-run/a-unit-of-vmlinux", test_built_in);
	g_test_add_func("/profile/dry-run/a-unit-of-a-module", test_module);
	g_test_add_func("/profile/dry-run/a-unit-of-two-modules", test_shared);
	g_test_add_func("/profile/dry-run/objtool-waits-for-the-link", test_delayed);
	g_test_add_func("/profile/dry-run/units-of-neither", test_others);
	g_test_add_func("/profile/dry-run/units-of-a-source", test_sources);
	g_test_add_func("/profile/dry-run/refuses-what-leads-out", test_refused);
	g_test_add_func("/profile/dry-run/reads-a-stream", test_stream);
	g_test_add_func("/profile/dry-run/damaged-index", test_damaged_index);
	return g_test_run();
}
