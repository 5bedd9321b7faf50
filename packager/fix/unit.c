// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/unit.h"

#include "common/file.h"
#include "packager/fix/globals.h"

#include <string.h>

#define VMLINUX "vmlinux"
#define OBJECT_BYTES (256LL * 1024 * 1024)

void suture_fix_unit_free(SutureFixUnit *unit)
{
	g_free(unit->object);
	g_clear_pointer(&unit->running, suture_running_unref);
	g_clear_pointer(&unit->run_pre, suture_run_pre_free);
	g_clear_pointer(&unit->diff, suture_diff_free);
	g_free(unit);
}

struct _SutureKernelView {
	const SutureProfile *profile;
	SutureSymvers *symvers;
	SutureSymvers *more; /* NULL: none */
	GHashTable *added;   /* gchar*: symbols of the patch itself */
	GHashTable *objects; /* gchar* -> SutureRunning* */
};

void suture_kernel_view_free(SutureKernelView *view)
{
	g_clear_pointer(&view->symvers, suture_symvers_free);
	g_clear_pointer(&view->more, suture_symvers_free);
	g_hash_table_unref(view->objects);
	g_hash_table_unref(view->added);
	g_free(view);
}

SutureKernelView *suture_kernel_view_open(const SutureProfile *profile, const gchar *more_symvers,
					  GError **error)
{
	g_autoptr(SutureKernelView) view = g_new0(SutureKernelView, 1);

	view->profile = profile;
	view->objects =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)suture_running_unref);
	view->added = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	view->symvers = suture_symvers_read(profile->symvers, error);
	if (!view->symvers)
		return NULL;
	if (more_symvers && !(view->more = suture_symvers_read(more_symvers, error)))
		return NULL;
	return g_steal_pointer(&view);
}

static SutureRunning *open_object(const SutureKernelView *view, const gchar *object, GError **error)
{
	g_autofree gchar *path = NULL;

	if (strcmp(object, VMLINUX) == 0)
		return suture_running_open_vmlinux(view->profile->vmlinux, error);
	path = suture_profile_module(view->profile, object);
	if (path)
		return suture_running_open_module(path, object, error);
	g_set_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_MODULE,
		    "%s: the kernel's build makes this module, and the profile has no such file; import the "
		    "kernel "
		    "with all of its modules",
		    object);
	return NULL;
}

SutureRunning *suture_kernel_view_object(SutureKernelView *view, const gchar *object, GError **error)
{
	SutureRunning *running = g_hash_table_lookup(view->objects, object);

	if (running)
		return running;
	running = open_object(view, object, error);
	if (running)
		g_hash_table_insert(view->objects, g_strdup(object), running);
	return running;
}

const SutureExport *suture_kernel_view_export(const SutureKernelView *view, const gchar *symbol)
{
	const SutureExport *export = view->more ? suture_symvers_find(view->more, symbol) : NULL;

	if (export)
		return export;
	export = suture_symvers_find(view->symvers, symbol);
	return export && strcmp(export->object, "vmlinux") == 0 ? export : NULL;
}

typedef struct {
	GBytes *before, *after;
} Objects;

static void objects_clear(Objects *objects)
{
	g_clear_pointer(&objects->before, g_bytes_unref);
	g_clear_pointer(&objects->after, g_bytes_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Objects, objects_clear)

/* For as long as they are looked at: those of a hundred units are a gigabyte. */
static gboolean read_objects(const SutureFixUnit *unit, Objects *ret, GError **error)
{
	ret->before = suture_file_read(unit->before->output, OBJECT_BYTES, error);
	ret->after = ret->before ? suture_file_read(unit->after->output, OBJECT_BYTES, error) : NULL;
	return ret->after != NULL;
}

gboolean suture_fix_unit_look(SutureFixUnit *unit, SutureKernelView *view, GError **error)
{
	g_auto(Objects) objects = {0};

	if (!read_objects(unit, &objects, error))
		return FALSE;
	unit->same = g_bytes_equal(objects.before, objects.after);
	if (!unit->same)
		suture_globals_added(objects.before, objects.after, view->added);
	return TRUE;
}

typedef struct {
	const SutureFixUnit *unit;
	SutureKernelView *view;
	const SutureTouched *touched;
} Asking;

/* By that of the patch, or by the loader. */
static gboolean is_found_by_linker(const SutureKernelView *view, const gchar *symbol)
{
	return g_hash_table_contains(view->added, symbol) ||
	       (view->more && suture_symvers_find(view->more, symbol));
}

static void queue_depends(const SutureRunning *running, GQueue *queue, GHashTable *seen)
{
	for (const gchar *const *name = suture_running_depends(running); *name; name++)
		if (g_hash_table_add(seen, (gpointer)*name))
			g_queue_push_tail(queue, (gpointer)*name);
}

/* Whether @wanted is loaded whenever @running is: what refers to it is filled in when it comes, and code that
 * runs before that would jump anywhere. */
static gboolean is_always_there(SutureKernelView *view, const SutureRunning *running, const gchar *wanted,
				GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GQueue) queue = g_queue_new();
	const gchar *name;

	queue_depends(running, queue, seen);
	while (!g_hash_table_contains(seen, wanted) && (name = g_queue_pop_head(queue))) {
		const SutureRunning *needed = suture_kernel_view_object(view, name, error);

		if (!needed)
			return FALSE;
		queue_depends(needed, queue, seen);
	}
	if (g_hash_table_contains(seen, wanted))
		return TRUE;
	g_set_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_SYMBOL_MODULE,
		    "it is in module %s, which need not be there when %s is: the patch cannot refer to it",
		    wanted, suture_running_object(running));
	return FALSE;
}

/* What a module uses that the fix exports, or makes global, in vmlinux. */
static gboolean resolve_in_vmlinux(const Asking *asking, const gchar *symbol, SutureTarget *ret)
{
	const SutureRunning *vmlinux = suture_kernel_view_object(asking->view, VMLINUX, NULL);

	return vmlinux && vmlinux != asking->unit->running &&
	       suture_resolve(vmlinux, NULL, asking->view->symvers, symbol, FALSE, ret, NULL);
}

static gboolean resolve(gpointer data, const gchar *symbol, gboolean local, SutureDiffTarget *ret,
			GError **error)
{
	const Asking *asking = data;
	g_autoptr(GError) cause = NULL;
	SutureTarget target = {0};

	if (!local && is_found_by_linker(asking->view, symbol)) {
		*ret = (SutureDiffTarget){g_strdup(asking->unit->object), g_strdup(symbol), 0, TRUE};
		return TRUE;
	}
	if (!suture_resolve(asking->unit->running, asking->unit->run_pre, asking->view->symvers, symbol,
			    local, &target, &cause) &&
	    (local || !resolve_in_vmlinux(asking, symbol, &target))) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	if (strcmp(target.object, VMLINUX) != 0 && strcmp(target.object, asking->unit->object) != 0 &&
	    !is_always_there(asking->view, asking->unit->running, target.object, error)) {
		suture_target_clear(&target);
		return FALSE;
	}
	*ret = (SutureDiffTarget){target.object, target.symbol, target.sympos, target.exported};
	return TRUE;
}

static gboolean find_address(const Asking *asking, const gchar *function, guint64 *ret)
{
	SutureRunningSymbol symbol;

	if (suture_run_pre_address(asking->unit->run_pre, function, ret))
		return TRUE;
	if (suture_running_count(asking->unit->running, function) != 1 ||
	    !suture_running_symbol(asking->unit->running, function, 0, &symbol))
		return FALSE;
	*ret = symbol.address;
	return TRUE;
}

static gboolean is_traceable(gpointer data, const gchar *function, gboolean local)
{
	const Asking *asking = data;
	guint64 address;

	(void)local;
	return find_address(asking, function, &address) &&
	       suture_running_traceable(asking->unit->running, address);
}

static gboolean is_sealed(gpointer data, const gchar *function, gboolean local)
{
	const Asking *asking = data;
	guint64 address;

	(void)local;
	return find_address(asking, function, &address) &&
	       suture_running_sealed(asking->unit->running, address);
}

static gboolean find_one(const SutureRunning *running, const gchar *name, guint64 *ret)
{
	SutureRunningSymbol symbol;

	if (!suture_running_symbol(running, name, 0, &symbol))
		return FALSE;
	*ret = symbol.address;
	return TRUE;
}

/* Since Linux 6.10 the kernel seals such keys at boot, and then leaves them alone. */
static gboolean is_frozen(gpointer data, const gchar *key, gboolean local)
{
	const Asking *asking = data;
	const SutureRunning *vmlinux = suture_kernel_view_object(asking->view, VMLINUX, NULL);
	guint64 start, end, address, sealing;
	SutureRunningSymbol symbol;

	(void)local;
	if (!vmlinux || find_one(vmlinux, "jump_label_init_ro", &sealing) ||
	    !find_one(vmlinux, "__start_ro_after_init", &start) ||
	    !find_one(vmlinux, "__end_ro_after_init", &end))
		return FALSE;
	for (guint i = 0; suture_running_symbol(vmlinux, key, i, &symbol); i++) {
		address = symbol.address;
		if (address >= start && address < end)
			return TRUE;
	}
	return FALSE;
}

static gboolean is_taken(gpointer data, const gchar *name, gboolean local)
{
	const Asking *asking = data;
	SutureRunningSymbol symbol;

	for (guint i = 0; !local && suture_running_symbol(asking->unit->running, name, i, &symbol); i++)
		if (symbol.global)
			return TRUE;
	return FALSE;
}

static gboolean is_touched(gpointer data, const gchar *file, guint first, guint last)
{
	const Asking *asking = data;

	return suture_touched_lines(asking->touched, file, first, last);
}

static gboolean check_object(SutureFixUnit *unit, const SutureCompilation *compilation, GError **error)
{
	g_autofree gchar *path = g_strconcat(compilation->output, SUTURE_AS_BUILT, NULL);
	g_autoptr(GBytes) object = suture_file_read(path, OBJECT_BYTES, error);

	g_clear_pointer(&unit->run_pre, suture_run_pre_free);
	unit->run_pre = object ? suture_run_pre(unit->running, object, unit->line->unit, error) : NULL;
	return unit->run_pre && suture_run_pre_check(unit->run_pre, error);
}

/* As the kernel's build compiles it. */
static gboolean check_plain(SutureFixUnit *unit, GError **error)
{
	g_autoptr(GPtrArray) one = g_ptr_array_new();
	g_autofree gchar *words = NULL;
	SutureCompilation plain = *unit->before;
	gboolean ok;

	plain.sections = FALSE;
	plain.output = g_strconcat(unit->before->output, ".plain", NULL);
	g_ptr_array_add(one, &plain);
	ok = suture_compile(one, 1, NULL, NULL, &words, error) && check_object(unit, &plain, error);
	g_free(plain.output);
	return ok;
}

static gboolean check_run_pre(SutureFixUnit *unit, GError **error)
{
	g_autoptr(GError) differs = NULL;

	if (check_object(unit, unit->before, &differs))
		return TRUE;
	if (!g_error_matches(differs, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_DIFFERS)) {
		g_propagate_error(error, g_steal_pointer(&differs));
		return FALSE;
	}
	return check_plain(unit, error);
}

static gboolean run_diff(SutureFixUnit *unit, SutureKernelView *view, const SutureTouched *touched,
			 GError **error)
{
	Asking asking = {unit, view, touched};
	g_auto(Objects) objects = {0};
	SutureDiffRequest request = {
		.unit = unit->line->unit,
		.object = unit->object,
		.number = unit->number,
		.resolve = resolve,
		.traceable = is_traceable,
		.sealed = is_sealed,
		.taken = is_taken,
		.frozen = is_frozen,
		.touched = is_touched,
		.late = !suture_profile_livepatch(view->profile),
		.data = &asking,
	};

	if (!read_objects(unit, &objects, error))
		return FALSE;
	request.before = objects.before;
	request.after = objects.after;
	g_clear_pointer(&unit->diff, suture_diff_free);
	unit->diff = suture_diff_run(&request, error);
	return unit->diff != NULL;
}

/* A function that is to be patched although the run-pre check could not look at it, or NULL. */
static const SutureRunPreFunction *find_unchecked(const SutureFixUnit *unit)
{
	for (guint i = 0; i < unit->diff->functions->len; i++) {
		const SutureDiffFunction *function = unit->diff->functions->pdata[i];
		const SutureRunPreFunction *checked =
			function->before ? suture_run_pre_find(unit->run_pre, function->before) : NULL;

		if (checked && checked->state == SUTURE_RUN_PRE_SKIPPED)
			return checked;
	}
	return NULL;
}

gboolean suture_fix_unit_compare(SutureFixUnit *unit, SutureKernelView *view, const SutureTouched *touched,
				 GError **error)
{
	const SutureRunPreFunction *unchecked;

	if (!check_run_pre(unit, error) || !run_diff(unit, view, touched, error))
		return FALSE;
	if (!find_unchecked(unit))
		return TRUE;
	if (!check_plain(unit, error) || !run_diff(unit, view, touched, error))
		return FALSE;
	unchecked = find_unchecked(unit);
	if (!unchecked)
		return TRUE;
	g_set_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_SYMBOL_AMBIGUOUS,
		    "%s: the fix changes %s, which cannot be found in %s: %s; change its callers instead",
		    unit->line->source, unchecked->name, unit->object, unchecked->reason);
	return FALSE;
}
