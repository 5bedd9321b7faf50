// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/generate.h"

#include "packager/fix/references.h"

#include <string.h>

#define VMLINUX "vmlinux"

static const gchar *const models[] = {
	[SUTURE_CONSISTENCY_PER_TASK] = "KLP_PER_TASK",
	[SUTURE_CONSISTENCY_STOP_MACHINE] = "KLP_STOP_MACHINE",
	[SUTURE_CONSISTENCY_IMMEDIATE] = "KLP_IMMEDIATE",
};

SuturePatchedFunction *suture_patched_function_new(const gchar *object, const gchar *name, guint64 sympos,
						   const gchar *alias)
{
	SuturePatchedFunction *function = g_new0(SuturePatchedFunction, 1);

	*function = (SuturePatchedFunction){g_strdup(object), g_strdup(name), sympos, g_strdup(alias)};
	return function;
}

void suture_patched_function_free(SuturePatchedFunction *function)
{
	g_free(function->object);
	g_free(function->name);
	g_free(function->alias);
	g_free(function);
}

SuturePatchCallback *suture_patch_callback_new(const gchar *object, SutureDiffMoment moment,
					       const gchar *alias)
{
	SuturePatchCallback *callback = g_new0(SuturePatchCallback, 1);

	*callback = (SuturePatchCallback){g_strdup(object), moment, g_strdup(alias)};
	return callback;
}

void suture_patch_callback_free(SuturePatchCallback *callback)
{
	g_free(callback->object);
	g_free(callback->alias);
	g_free(callback);
}

static gint compare_functions(gconstpointer a, gconstpointer b)
{
	const SuturePatchedFunction *left = *(SuturePatchedFunction *const *)a,
				    *right = *(SuturePatchedFunction *const *)b;
	gint by_name = strcmp(left->name, right->name);

	if (by_name)
		return by_name;
	return left->sympos < right->sympos ? -1 : left->sympos > right->sympos;
}

static gint compare_callbacks(gconstpointer a, gconstpointer b)
{
	const SuturePatchCallback *left = *(SuturePatchCallback *const *)a,
				  *right = *(SuturePatchCallback *const *)b;
	gint by_object = strcmp(left->object, right->object);

	return by_object ? by_object : (gint)left->moment - (gint)right->moment;
}

static void add_sorted(GPtrArray *objects, GHashTable *names)
{
	g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(names), (GCompareFunc)strcmp);

	for (GList *key = keys; key; key = key->next)
		g_ptr_array_add(objects, key->data);
}

static gboolean is_among(gpointer name, gpointer value, gpointer names)
{
	(void)value;
	return g_hash_table_contains(names, name);
}

/* The kernel applies what refers to a module when that is an object of the patch, changed or not, and calls
 * what is to be called around it. Those that are not changed come last: an array of objects whose first has
 * no functions is taken for none. */
static GPtrArray *find_objects(const SuturePatchSource *source)
{
	g_autoptr(GHashTable) patched = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GHashTable) others = g_hash_table_new(g_str_hash, g_str_equal);
	GPtrArray *objects = g_ptr_array_new();

	for (guint i = 0; i < source->functions->len; i++)
		g_hash_table_add(patched, ((SuturePatchedFunction *)source->functions->pdata[i])->object);
	for (guint i = 0; i < source->references->len; i++) {
		SutureReference *reference = source->references->pdata[i];

		if (strcmp(reference->object, VMLINUX) != 0)
			g_hash_table_add(others, reference->object);
	}
	for (guint i = 0; i < source->callbacks->len; i++)
		g_hash_table_add(others, ((SuturePatchCallback *)source->callbacks->pdata[i])->object);
	g_hash_table_foreach_remove(others, is_among, patched);
	add_sorted(objects, patched);
	add_sorted(objects, others);
	return objects;
}

/* ftrace goes to a new function by a return, for which it needs no ENDBR; objtool wants to be told. */
static void allow_function(GString *text, const SuturePatchedFunction *function)
{
	g_string_append_printf(text,
			       "__asm__(\".pushsection .discard.noendbr\\n\\t.long \\\"%s\\\" - .\\n\\t"
			       ".popsection\");\n",
			       function->alias);
}

static void declare_function(GString *text, guint index, const SuturePatchedFunction *function)
{
	g_string_append_printf(text, "extern void new_%u(void) __asm__(\"%s\");\n", index, function->alias);
}

static void add_function(GString *text, guint index, const SuturePatchedFunction *function)
{
	g_string_append_printf(text, "\t{ .old_name = \"%s\", .new_func = new_%u", function->name, index);
	if (function->sympos)
		g_string_append_printf(text, ", .old_sympos = %" G_GUINT64_FORMAT, function->sympos);
	g_string_append(text, " },\n");
}

static void add_functions(GString *text, guint number, const gchar *object, GPtrArray *functions)
{
	g_string_append_printf(text, "\n/* %s */\nstatic struct klp_func functions_%u[] = {\n", object,
			       number);
	for (guint i = 0; i < functions->len; i++) {
		const SuturePatchedFunction *function = functions->pdata[i];

		if (strcmp(function->object, object) == 0)
			add_function(text, i, function);
	}
	g_string_append(text, "\t{ }\n};\n");
}

static void declare_callback(GString *text, guint index, const SuturePatchCallback *callback)
{
	g_string_append_printf(text, "extern %s callback_%u(struct klp_object *object) __asm__(\"%s\");\n",
			       callback->moment == SUTURE_DIFF_PRE_PATCH ? "int" : "void", index,
			       callback->alias);
}

static void add_callbacks(GString *text, GPtrArray *callbacks, const gchar *object)
{
	for (guint i = 0; i < callbacks->len; i++) {
		const SuturePatchCallback *callback = callbacks->pdata[i];

		if (strcmp(callback->object, object) == 0)
			g_string_append_printf(text, ", .callbacks.%s = callback_%u",
					       suture_diff_moment_name(callback->moment), i);
	}
}

static void add_objects(GString *text, GPtrArray *objects, GPtrArray *callbacks)
{
	g_string_append(text, "\nstatic struct klp_object objects[] = {\n");
	for (guint i = 0; i < objects->len; i++) {
		const gchar *object = objects->pdata[i];

		if (strcmp(object, VMLINUX) == 0)
			g_string_append_printf(text, "\t{ .funcs = functions_%u", i);
		else
			g_string_append_printf(text, "\t{ .name = \"%s\", .funcs = functions_%u", object, i);
		add_callbacks(text, callbacks, object);
		g_string_append(text, " },\n");
	}
	g_string_append(text, "\t{ }\n};\n");
}

static gint compare_states(gconstpointer a, gconstpointer b)
{
	guint64 left = ((const SutureDiffState *)a)->id, right = ((const SutureDiffState *)b)->id;

	return left < right ? -1 : left > right;
}

static void add_states(GString *text, GArray *states)
{
	if (states->len == 0)
		return;
	g_string_append(text, "\nstatic struct klp_state states[] = {\n");
	for (guint i = 0; i < states->len; i++) {
		const SutureDiffState *state = &g_array_index(states, SutureDiffState, i);

		g_string_append_printf(
			text, "\t{ .id = %" G_GUINT64_FORMAT ", .version = %" G_GUINT64_FORMAT " },\n",
			state->id, state->version);
	}
	g_string_append(text, "\t{ }\n};\n");
}

static void add_module(GString *text, const SuturePatchSource *source)
{
	g_autofree gchar *description = g_strescape(source->description, NULL);

	g_string_append_printf(
		text,
		"\nstatic struct klp_patch patch = {\n\t.mod = THIS_MODULE,\n\t.objs = objects,\n"
		"\t.replace = %s,\n%s};\n\nstatic int __init patch_init(void)\n{\n",
		source->replace ? "true" : "false", source->states->len ? "\t.states = states,\n" : "");
	if (source->framework)
		g_string_append_printf(text, "\tKLP_SET_CONSISTENCY(&patch, %s);\n",
				       models[source->consistency]);
	g_string_append_printf(
		text,
		"\treturn klp_enable_patch(&patch);\n}\n\nstatic void __exit patch_exit(void)\n"
		"{\n}\n\nmodule_init(patch_init);\nmodule_exit(patch_exit);\n"
		"MODULE_DESCRIPTION(\"%s\");\nMODULE_LICENSE(\"GPL\");\n"
		"MODULE_INFO(livepatch, \"Y\");\n",
		description);
}

static gint compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

/* What MODULE_IMPORT_NS() comes to, which takes an identifier or, from 6.13 on, a string. */
static void add_namespaces(GString *text, GPtrArray *namespaces)
{
	for (guint i = 0; i < namespaces->len; i++) {
		g_autofree gchar *name = g_strescape(namespaces->pdata[i], NULL);

		g_string_append_printf(text, "MODULE_INFO(import_ns, \"%s\");\n", name);
	}
}

/* The same elements, which stay @list's. */
static GPtrArray *sorted(const GPtrArray *list, GCompareFunc compare)
{
	GPtrArray *copy = g_ptr_array_new();

	for (guint i = 0; i < list->len; i++)
		g_ptr_array_add(copy, list->pdata[i]);
	g_ptr_array_sort(copy, compare);
	return copy;
}

gchar *suture_patch_source_generate(const SuturePatchSource *source)
{
	g_autoptr(GPtrArray) functions = sorted(source->functions, compare_functions);
	g_autoptr(GPtrArray) callbacks = sorted(source->callbacks, compare_callbacks);
	g_autoptr(GPtrArray) namespaces = sorted(source->namespaces, compare_texts);
	g_autoptr(GPtrArray) objects = find_objects(source);
	g_autoptr(GArray) states = g_array_copy(source->states);
	GString *text = g_string_new("/* SPDX-License-Identifier: GPL-2.0-only */\n"
				     "#include <linux/livepatch.h>\n#include <linux/module.h>\n\n");

	g_array_sort(states, compare_states);
	for (guint i = 0; i < functions->len; i++)
		declare_function(text, i, functions->pdata[i]);
	for (guint i = 0; source->ibt && i < functions->len; i++)
		allow_function(text, functions->pdata[i]);
	for (guint i = 0; i < objects->len; i++)
		add_functions(text, i, objects->pdata[i], functions);
	for (guint i = 0; i < callbacks->len; i++)
		declare_callback(text, i, callbacks->pdata[i]);
	add_objects(text, objects, callbacks);
	add_states(text, states);
	add_module(text, source);
	add_namespaces(text, namespaces);
	return g_string_free(text, FALSE);
}
