// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/generate.h"

#include "packager/fix/references.h"

#include <string.h>

typedef struct {
	SuturePatchSource source;
} Fixture;

static void add(Fixture *fixture, const gchar *object, const gchar *name, guint64 sympos, const gchar *alias)
{
	g_ptr_array_add(fixture->source.functions, suture_patched_function_new(object, name, sympos, alias));
}

static void set_up(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->source.functions =
		g_ptr_array_new_with_free_func((GDestroyNotify)suture_patched_function_free);
	fixture->source.references = g_ptr_array_new_with_free_func((GDestroyNotify)suture_reference_free);
	fixture->source.callbacks =
		g_ptr_array_new_with_free_func((GDestroyNotify)suture_patch_callback_free);
	fixture->source.namespaces = g_ptr_array_new();
	fixture->source.states = g_array_new(FALSE, FALSE, sizeof(SutureDiffState));
	fixture->source.description = "what it does";
	add(fixture, "vmlinux", "second", 2, "__suture_new.0.0");
	add(fixture, "nf_tables", "of_module", 0, "__suture_new.1.0");
	add(fixture, "vmlinux", "first.isra.0", 0, "__suture_new.2.0");
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	g_ptr_array_unref(fixture->source.functions);
	g_ptr_array_unref(fixture->source.references);
	g_ptr_array_unref(fixture->source.callbacks);
	g_array_unref(fixture->source.states);
	g_ptr_array_unref(fixture->source.namespaces);
}

static void assert_holds(const gchar *text, const gchar *part)
{
	if (!strstr(text, part))
		g_error("not in it: %s\n%s", part, text);
}

static void test_objects(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *text = suture_patch_source_generate(&fixture->source);

	(void)data;
	assert_holds(text, "__asm__(\"__suture_new.2.0\");\n");
	assert_holds(text, "{ .old_name = \"first.isra.0\", .new_func = new_0 },\n"
			   "\t{ .old_name = \"second\", .new_func = new_2, .old_sympos = 2 },\n\t{ }\n");
	assert_holds(text, "/* nf_tables */\nstatic struct klp_func functions_0[] = {\n"
			   "\t{ .old_name = \"of_module\", .new_func = new_1 },\n");
	assert_holds(text,
		     "\t{ .name = \"nf_tables\", .funcs = functions_0 },\n\t{ .funcs = functions_1 },\n");
	assert_holds(text, ".replace = false");
	g_assert_null(strstr(text, "KLP_SET_CONSISTENCY"));
	g_assert_null(strstr(text, "states"));
	g_assert_null(strstr(text, "import_ns"));
}

/* What is applied when a module is there needs that module as an object. */
static void test_modules_of_references(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *text = NULL;

	(void)data;
	g_ptr_array_add(fixture->source.references, suture_reference_new("x", "nfnetlink", "x", 0));
	g_ptr_array_add(fixture->source.references, suture_reference_new("y", "vmlinux", "y", 0));
	text = suture_patch_source_generate(&fixture->source);
	assert_holds(text, "/* nfnetlink */\nstatic struct klp_func functions_2[] = {\n\t{ }\n};\n");
	assert_holds(text, "\t{ .name = \"nfnetlink\", .funcs = functions_2 },\n");
}

static void add_callback(Fixture *fixture, const gchar *object, SutureDiffMoment moment, const gchar *alias)
{
	g_ptr_array_add(fixture->source.callbacks, suture_patch_callback_new(object, moment, alias));
}

/* An object may have callbacks and no function. */
static void test_callbacks(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *text = NULL;

	(void)data;
	add_callback(fixture, "vmlinux", SUTURE_DIFF_POST_UNPATCH, "__suture_new.0.post_unpatch");
	add_callback(fixture, "vmlinux", SUTURE_DIFF_PRE_PATCH, "__suture_new.0.pre_patch");
	add_callback(fixture, "fat", SUTURE_DIFF_POST_PATCH, "__suture_new.3.post_patch");
	text = suture_patch_source_generate(&fixture->source);
	assert_holds(text, "extern int callback_1(struct klp_object *object) "
			   "__asm__(\"__suture_new.0.pre_patch\");\n"
			   "extern void callback_2(struct klp_object *object) "
			   "__asm__(\"__suture_new.0.post_unpatch\");\n");
	assert_holds(text,
		     "\t{ .funcs = functions_1, .callbacks.pre_patch = callback_1, "
		     ".callbacks.post_unpatch = callback_2 },\n"
		     "\t{ .name = \"fat\", .funcs = functions_2, .callbacks.post_patch = callback_0 },\n");
}

static void test_states(Fixture *fixture, gconstpointer data)
{
	const SutureDiffState states[] = {{9, 1}, {2, 0}};
	g_autofree gchar *text = NULL;

	(void)data;
	g_array_append_vals(fixture->source.states, states, G_N_ELEMENTS(states));
	text = suture_patch_source_generate(&fixture->source);
	assert_holds(text,
		     "states[] = {\n\t{ .id = 2, .version = 0 },\n\t{ .id = 9, .version = 1 },\n\t{ }\n};");
	assert_holds(text, "\t.states = states,\n");
}

static void test_namespaces(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *text = NULL;

	(void)data;
	g_ptr_array_add(fixture->source.namespaces, (gpointer) "DMA_BUF");
	g_ptr_array_add(fixture->source.namespaces, (gpointer) "CXL");
	text = suture_patch_source_generate(&fixture->source);
	assert_holds(text, "MODULE_INFO(import_ns, \"CXL\");\nMODULE_INFO(import_ns, \"DMA_BUF\");\n");
}

static void test_order_of_units(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *text = suture_patch_source_generate(&fixture->source);
	g_autofree gchar *again = NULL;
	gpointer first = fixture->source.functions->pdata[0];

	(void)data;
	fixture->source.functions->pdata[0] = fixture->source.functions->pdata[2];
	fixture->source.functions->pdata[2] = first;
	again = suture_patch_source_generate(&fixture->source);
	g_assert_cmpstr(text, ==, again);
}

/* Without ENDBR, for a kernel that asks for it. */
static void test_ibt(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *without = suture_patch_source_generate(&fixture->source);
	g_autofree gchar *text = NULL;

	(void)data;
	g_assert_null(strstr(without, "noendbr"));
	fixture->source.ibt = TRUE;
	text = suture_patch_source_generate(&fixture->source);
	assert_holds(text, ".discard.noendbr\\n\\t.long \\\"__suture_new.2.0\\\" - .");
}

static void test_models(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *text = NULL;

	(void)data;
	fixture->source.framework = TRUE;
	fixture->source.replace = TRUE;
	fixture->source.consistency = SUTURE_CONSISTENCY_STOP_MACHINE;
	fixture->source.description = "says \"why\" \\";
	text = suture_patch_source_generate(&fixture->source);
	assert_holds(text, "KLP_SET_CONSISTENCY(&patch, KLP_STOP_MACHINE);");
	assert_holds(text, ".replace = true");
	assert_holds(text, "MODULE_DESCRIPTION(\"says \\\"why\\\" \\\\\");");
}

#define TEST(name, function) g_test_add(name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST("/packager/fix-generate/objects", test_objects);
	TEST("/packager/fix-generate/modules-of-references", test_modules_of_references);
	TEST("/packager/fix-generate/callbacks", test_callbacks);
	TEST("/packager/fix-generate/states", test_states);
	TEST("/packager/fix-generate/namespaces", test_namespaces);
	TEST("/packager/fix-generate/order-of-units", test_order_of_units);
	TEST("/packager/fix-generate/ibt", test_ibt);
	TEST("/packager/fix-generate/models", test_models);
	return g_test_run();
}
