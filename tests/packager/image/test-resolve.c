// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/resolve.h"

#include "image.h"

#include <string.h>

#define FUNCTION(name, body) \
	name ":\n.type " name ", @function\n" body "\nret\n.size " name ", . - " name "\n"
#define UNIT                                                                                               \
	".text\n.globl opens\n" FUNCTION("opens", "mov $state, %rax\ncall helper\ncall hidden\ncall lent") \
		FUNCTION("helper", "nop\nnop") ".data\nstate: .quad 3\n.bss\nunseen: .skip 8\n"
#define OTHER                                                                                        \
	".text\n" FUNCTION("helper", "nop") ".globl hidden, lent, given\n__init_begin:\n" FUNCTION(  \
		"starting", "nop") "__init_end:\n" FUNCTION("hidden", "nop") FUNCTION("lent", "nop") \
		FUNCTION("given", "nop") ".data\nstate: .quad 4\n"
#define SYMVERS                                                   \
	"0x1\tgiven\tvmlinux\tEXPORT_SYMBOL\t\n"                  \
	"0x2\tborrowed\tdrivers/other-one\tEXPORT_SYMBOL_GPL\t\n" \
	"0x3\topens\ttest\tEXPORT_SYMBOL\t\n"                     \
	"0x4\thelper\tvmlinux\tEXPORT_SYMBOL\t\n"

typedef struct {
	SutureScratch *scratch;
	SutureRunning *running;
	SutureRunPre *run_pre;
	SutureSymvers *symvers;
} Fixture;

static void fixture_set_up(Fixture *fixture, gconstpointer module)
{
	static const gchar *const vmlinux[] = {OTHER, UNIT, NULL};
	static const gchar *const parts[] = {
		".text\n" FUNCTION("helper", "nop") ".globl hidden\n" FUNCTION(
			"hidden", "nop") ".section .modinfo,\"a\"\n.string \"license=GPL\"\n.string "
					 "\"depends=one,two-b\"\n"
					 ".section .init.text,\"ax\"\n" FUNCTION("shifting", "nop")
						 FUNCTION("starting", "nop"),
		UNIT ".text\n" FUNCTION("shifting", "nop"), NULL};
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) image = module ? image_module(parts) : image_link(vmlinux, LAYOUT_6_1, NULL);
	g_autoptr(GBytes) unit = image_assemble(UNIT), text = g_bytes_new_static(SYMVERS, strlen(SYMVERS));
	g_autofree gchar *path = NULL;

	fixture->scratch = suture_scratch_new(&error);
	path = image_save(fixture->scratch, "image", image);
	fixture->running = module ? suture_running_open_module(path, "test", &error)
				  : suture_running_open_vmlinux(path, &error);
	g_assert_no_error(error);
	fixture->run_pre = suture_run_pre(fixture->running, unit, "unit.o", &error);
	g_assert_no_error(error);
	g_assert_true(suture_run_pre_check(fixture->run_pre, &error));
	fixture->symvers = suture_symvers_parse(text, "Module.symvers", &error);
	g_assert_no_error(error);
}

static void fixture_tear_down(Fixture *fixture, gconstpointer module)
{
	(void)module;
	suture_symvers_free(fixture->symvers);
	suture_run_pre_free(fixture->run_pre);
	suture_running_unref(fixture->running);
	suture_scratch_free(fixture->scratch);
}

static void assert_resolved(const Fixture *fixture, const gchar *symbol, gboolean local, const gchar *object,
			    guint64 sympos, gboolean exported)
{
	g_auto(SutureTarget) target = {0};
	g_autoptr(GError) error = NULL;

	g_assert_true(suture_resolve(fixture->running, fixture->run_pre, fixture->symvers, symbol, local,
				     &target, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(target.object, ==, object);
	g_assert_cmpstr(target.symbol, ==, symbol);
	g_assert_cmpuint(target.sympos, ==, sympos);
	g_assert_cmpint(target.exported, ==, exported);
}

static gchar *assert_refused(const Fixture *fixture, const SutureRunPre *run_pre, const gchar *symbol,
			     gboolean local, gint code)
{
	SutureTarget target = {0};
	g_autoptr(GError) error = NULL;

	g_assert_false(
		suture_resolve(fixture->running, run_pre, fixture->symvers, symbol, local, &target, &error));
	g_assert_error(error, SUTURE_IMAGE_ERROR, code);
	g_assert_null(target.object);
	g_assert_nonnull(strstr(error->message, symbol));
	return g_strdup(error->message);
}

static void test_vmlinux(Fixture *fixture, gconstpointer data)
{
	(void)data;
	assert_resolved(fixture, "given", FALSE, "vmlinux", 0, TRUE);
	assert_resolved(fixture, "borrowed", FALSE, "other_one", 0, FALSE);
	assert_resolved(fixture, "hidden", FALSE, "vmlinux", 0, FALSE);
	/* Several of the name: by the unit's references. */
	assert_resolved(fixture, "helper", TRUE, "vmlinux", 2, FALSE);
	assert_resolved(fixture, "state", TRUE, "vmlinux", 2, FALSE);
	/* Nothing refers to it, but it is the only one. */
	assert_resolved(fixture, "unseen", TRUE, "vmlinux", 0, FALSE);
}

/* Gone by the time that a patch could use it. */
static void test_init(Fixture *fixture, gconstpointer data)
{
	SutureRunningSymbol symbol;

	(void)data;
	g_free(assert_refused(fixture, fixture->run_pre, "starting", FALSE, SUTURE_IMAGE_ERROR_SYMBOL_INIT));
	g_assert_true(suture_running_symbol(fixture->running, "starting", 0, &symbol));
	g_assert_true(suture_running_is_init(fixture->running, symbol.address));
	g_assert_false(symbol.global);
	g_assert_true(suture_running_symbol(fixture->running, "hidden", 0, &symbol));
	g_assert_false(suture_running_is_init(fixture->running, symbol.address));
	g_assert_true(symbol.global);
}

static void test_depends(Fixture *fixture, gconstpointer data)
{
	const gchar *const *depends = suture_running_depends(fixture->running);

	(void)data;
	g_assert_cmpstr(depends[0], ==, "one");
	g_assert_cmpstr(depends[1], ==, "two_b");
	g_assert_null(depends[2]);
}

static void test_module(Fixture *fixture, gconstpointer data)
{
	(void)data;
	assert_resolved(fixture, "given", FALSE, "vmlinux", 0, TRUE);
	assert_resolved(fixture, "borrowed", FALSE, "other_one", 0, FALSE);
	/* What the module itself exports is its own. */
	assert_resolved(fixture, "opens", FALSE, "test", 0, FALSE);
	assert_resolved(fixture, "hidden", FALSE, "test", 0, FALSE);
	assert_resolved(fixture, "helper", TRUE, "test", 2, FALSE);
	assert_resolved(fixture, "state", TRUE, "test", 0, FALSE);
}

static void test_refused(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *absent =
		assert_refused(fixture, fixture->run_pre, "nowhere", FALSE, SUTURE_IMAGE_ERROR_SYMBOL_ABSENT);
	g_autofree gchar *local =
		assert_refused(fixture, fixture->run_pre, "borrowed", TRUE, SUTURE_IMAGE_ERROR_SYMBOL_ABSENT);
	g_autofree gchar *ambiguous =
		assert_refused(fixture, NULL, "helper", TRUE, SUTURE_IMAGE_ERROR_SYMBOL_AMBIGUOUS);

	(void)data;
	g_assert_nonnull(strstr(ambiguous, " 2 of that name"));
}

/* The module knows it as undefined, not as its own; and one that it has twice only while it is loaded. */
static void test_refused_in_module(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *undefined =
		assert_refused(fixture, fixture->run_pre, "lent", FALSE, SUTURE_IMAGE_ERROR_SYMBOL_ABSENT);
	g_autofree gchar *shifting = assert_refused(fixture, fixture->run_pre, "shifting", TRUE,
						    SUTURE_IMAGE_ERROR_SYMBOL_AMBIGUOUS);

	(void)data;
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/image/resolve/vmlinux", Fixture, NULL, fixture_set_up, test_vmlinux, fixture_tear_down);
	g_test_add("/image/resolve/module", Fixture, "", fixture_set_up, test_module, fixture_tear_down);
	g_test_add("/image/resolve/refused", Fixture, NULL, fixture_set_up, test_refused, fixture_tear_down);
	g_test_add("/image/resolve/init", Fixture, NULL, fixture_set_up, test_init, fixture_tear_down);
	g_test_add("/image/resolve/module-init", Fixture, "", fixture_set_up, test_init, fixture_tear_down);
	g_test_add("/image/resolve/module-depends", Fixture, "", fixture_set_up, test_depends,
		   fixture_tear_down);
	g_test_add("/image/resolve/module-refused", Fixture, "", fixture_set_up, test_refused,
		   fixture_tear_down);
	g_test_add("/image/resolve/module-own-refused", Fixture, "", fixture_set_up, test_refused_in_module,
		   fixture_tear_down);
	return g_test_run();
}
