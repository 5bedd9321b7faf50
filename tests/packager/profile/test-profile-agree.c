// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/agree.h"
#include "packager/profile/config-file.h"
#include "packager/profile/recipe.h"
#include "packager/profile/toolchain.h"

#include <string.h>

#define TOOLS "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40"

static void test_banner(void)
{
	g_autoptr(SutureImageIdentity) identity = suture_image_identity_parse(
		"Linux version 6.1.0-47-cloud-amd64 (debian-kernel@lists.debian.org) (" TOOLS
		") #1 SMP PREEMPT_DYNAMIC Debian 6.1.170-3\n");

	g_assert_nonnull(identity);
	g_assert_cmpstr(identity->release, ==, "6.1.0-47-cloud-amd64");
	g_assert_cmpstr(identity->tools, ==, TOOLS);
	g_assert_null(suture_image_identity_parse("Linux version %s (%s) (%s) %s"));
	g_assert_null(suture_image_identity_parse("Linux version "));
}

static void test_versions(void)
{
	g_assert_cmpuint(suture_toolchain_version_number("GNU assembler (GNU Binutils for Debian) 2.40"), ==,
			 24000);
	g_assert_cmpuint(suture_toolchain_version_number("GNU ld version 2.35.2-63.el9"), ==, 23502);
	g_assert_cmpuint(
		suture_toolchain_version_number("GNU ld (GNU Binutils; SUSE) 2.41.0.20230908-150100"), ==,
		24100);
	g_assert_cmpuint(suture_toolchain_version_number("no version"), ==, 0);
}

static void test_config(void)
{
	g_autoptr(GHashTable) before = suture_config_parse(
		"# Linux/x86 6.1.170 Kernel Configuration\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\n"
		"CONFIG_TEXT=\"a=b\"\nCONFIG_GONE=y\nCONFIG_RUSTC_VERSION=0\nnonsense\n");
	g_autoptr(GHashTable) after =
		suture_config_parse("CONFIG_A=y\nCONFIG_B=y\nCONFIG_TEXT=\"a=b\"\nCONFIG_NEW=y\n"
				    "CONFIG_RUSTC_VERSION=107800\n");
	g_autoptr(GPtrArray) all = suture_config_changes(before, after, TRUE);
	g_autoptr(GPtrArray) common = suture_config_changes(before, after, FALSE);

	g_assert_cmpstr(g_hash_table_lookup(before, "CONFIG_TEXT"), ==, "a=b");
	g_assert_cmpuint(all->len, ==, 2);
	g_assert_cmpstr(all->pdata[0], ==, "CONFIG_B: m, now y");
	g_assert_cmpstr(all->pdata[1], ==, "CONFIG_GONE: y, now n");
	g_assert_cmpuint(common->len, ==, 1);
}

/* Compiler and linker of the machine, whatever they are, against what a kernel says. */
static void test_tools(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureToolchain) toolchain = suture_toolchain_open(NULL, "gcc", &error);
	g_autoptr(GHashTable) config = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	SutureImageIdentity image = {0};
	g_autofree gchar *tools = NULL;

	g_assert_no_error(error);
	tools = g_strdup_printf("%s, %s", toolchain->cc_version, toolchain->ld_version);
	image.tools = tools;
	g_hash_table_insert(config, "CONFIG_CC_VERSION_TEXT", g_strdup(toolchain->cc_version));
	g_assert_true(suture_toolchain_check(toolchain, config, &image, &error));
	g_hash_table_insert(config, "CONFIG_AS_VERSION", g_strdup("1"));
	g_assert_false(suture_toolchain_check(toolchain, config, &image, &error));
	g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_TOOLCHAIN);
	g_clear_error(&error);
	g_hash_table_remove(config, "CONFIG_AS_VERSION");
	g_hash_table_insert(config, "CONFIG_CC_VERSION_TEXT", g_strdup("gcc (Other) 1.0"));
	g_assert_false(suture_toolchain_check(toolchain, config, &image, &error));
	g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_TOOLCHAIN);
	g_assert_nonnull(strstr(error->message, "gcc (Other) 1.0"));
	g_assert_nonnull(strstr(error->message, toolchain->cc_version));
	g_clear_error(&error);
	g_hash_table_remove(config, "CONFIG_CC_VERSION_TEXT");
	image.tools = (gchar *)TOOLS " of another machine";
	g_assert_false(suture_toolchain_check(toolchain, config, &image, &error));
	g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_TOOLCHAIN);
}

static void test_tools_absent(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) config = suture_config_parse("CONFIG_CC_VERSION_TEXT=\"clang 17\"\n");

	g_assert_null(suture_toolchain_open(NULL, "gcc-no-such", &error));
	g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_TOOLS);
	g_clear_error(&error);
	g_assert_null(suture_toolchain_open("/proc", "gcc", &error));
	g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_TOOLS);
	g_clear_error(&error);
	g_assert_null(suture_toolchain_compiler_name(config, "config", &error));
	g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_TOOLS);
}

#define CC "  gcc -D__KERNEL__ -DKBUILD_MODNAME='\"suture_single\"' -c -o "
#define SAID_61                                                                                            \
	CC "/p/suture_single.o /p/suture_single.c   ; ./tools/objtool/objtool --orc --module "             \
	   "/p/suture_single.o\n"                                                                          \
	   "  ld -m elf_x86_64   -r -o /p/suture_multi.o @/p/suture_multi.mod \n"                          \
	   "   sed 's/ko$/o/'  /p/modules.order | scripts/mod/modpost -m      -o /p/Module.symvers -e -i " \
	   "Module.symvers -T - \n" CC "/p/suture_single.mod.o /p/suture_single.mod.c\n"                   \
	   "  ld -r -T scripts/module.lds -o /p/suture_single.ko /p/suture_single.o "                      \
	   "/p/suture_single.mod.o;  true\n"

static void test_recipe(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureRecipe) recipe = suture_recipe_parse(SAID_61, "/p", &error);
	g_autofree gchar *modpost = NULL;
	g_autofree gchar *link = NULL;
	g_auto(GStrv) filled = NULL;
	json_t *json;
	SutureRecipe *back;

	g_assert_no_error(error);
	modpost = g_strjoinv(" ", recipe->modpost);
	g_assert_cmpstr(modpost, ==,
			"scripts/mod/modpost -m -o @SUTURE_FOLDER@/Module.symvers -e -i Module.symvers -T "
			"/dev/stdin");
	g_assert_cmpstr(recipe->objtool[g_strv_length(recipe->objtool) - 1], ==, "--module");
	g_assert_cmpstr(recipe->partial_link[g_strv_length(recipe->partial_link) - 1], ==,
			"@SUTURE_FOLDER@/@SUTURE_NAME@.o");
	g_assert_null(recipe->compile_common);
	filled = suture_recipe_fill(recipe->link, "/folder", "fix");
	link = g_strjoinv(" ", filled);
	g_assert_cmpstr(link, ==,
			"ld -r -T scripts/module.lds -o /folder/fix.ko /folder/fix.o /folder/fix.mod.o");
	json = suture_recipe_json(recipe);
	back = suture_recipe_from_json(json, &error);
	g_assert_no_error(error);
	g_assert_true(
		g_strv_equal((const gchar *const *)back->compile, (const gchar *const *)recipe->compile));
	suture_recipe_free(back);
	json_object_del(json, "link");
	g_assert_null(suture_recipe_from_json(json, &error));
	g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_DAMAGED);
	json_decref(json);
}

static void test_recipe_incomplete(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(suture_recipe_parse(CC "/p/suture_single.o /p/suture_single.c\n", "/p", &error));
	g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_COMMANDS);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/profile/agree/banner", test_banner);
	g_test_add_func("/profile/config/changes", test_config);
	g_test_add_func("/profile/toolchain/version-numbers", test_versions);
	g_test_add_func("/profile/toolchain/names-what-differs", test_tools);
	g_test_add_func("/profile/toolchain/absent", test_tools_absent);
	g_test_add_func("/profile/recipe/of-6.1", test_recipe);
	g_test_add_func("/profile/recipe/incomplete", test_recipe_incomplete);
	return g_test_run();
}
