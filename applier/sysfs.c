// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/sysfs.h"

#include "applier/kernel-log.h"
#include "common/file.h"
#include "packager/read/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#define ATTRIBUTE_MAX 4096
#define MODULES_MAX (4 * 1024 * 1024)
#define NOTES_MAX (64 * 1024)
#define BLOCKERS_MAX (64 * 1024)

#define N_PROVIDERS 2

struct _SutureLivepatch {
	int root;
	int folders[N_PROVIDERS]; /* by SutureProvider; -1: not there */
};

static const gchar *const paths[N_PROVIDERS] = {
	[SUTURE_PROVIDER_KERNEL] = "sys/kernel/livepatch",
	[SUTURE_PROVIDER_FRAMEWORK] = "sys/kernel/suture",
};

/* Where the kernel has none of its own, its name is a link to the framework's folder. */
void suture_livepatch_look_again(SutureLivepatch *livepatch)
{
	for (gsize i = 0; i < N_PROVIDERS; i++)
		if (livepatch->folders[i] < 0)
			livepatch->folders[i] = openat(livepatch->root, paths[i],
						       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

SutureLivepatch *suture_livepatch_open(const gchar *root, GError **error)
{
	SUTURE_AUTO_FD rootfd = suture_file_open(root ? root : "/", O_PATH | O_DIRECTORY, error);
	SutureLivepatch *livepatch;

	if (rootfd < 0)
		return NULL;
	livepatch = g_new(SutureLivepatch, 1);
	*livepatch = (SutureLivepatch){suture_fd_steal(&rootfd), {-1, -1}};
	suture_livepatch_look_again(livepatch);
	return livepatch;
}

void suture_livepatch_free(SutureLivepatch *livepatch)
{
	for (gsize i = 0; i < N_PROVIDERS; i++)
		suture_fd_clear(&livepatch->folders[i]);
	close(livepatch->root);
	g_free(livepatch);
}

gboolean suture_livepatch_has(const SutureLivepatch *livepatch, SutureProvider provider)
{
	return livepatch->folders[provider] >= 0;
}

gboolean suture_livepatch_has_any(const SutureLivepatch *livepatch, GError **error)
{
	if (suture_livepatch_has(livepatch, SUTURE_PROVIDER_KERNEL) ||
	    suture_livepatch_has(livepatch, SUTURE_PROVIDER_FRAMEWORK))
		return TRUE;
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_PROVIDER,
		    "/sys/kernel/livepatch: this kernel has no livepatch and no framework is loaded; boot a "
		    "kernel with CONFIG_LIVEPATCH, or install Suture's framework");
	return FALSE;
}

int suture_livepatch_root(const SutureLivepatch *livepatch)
{
	return livepatch->root;
}

gboolean suture_livepatch_check_real(const SutureLivepatch *livepatch, GError **error)
{
	SUTURE_AUTO_FD sysfs = openat(livepatch->root, "sys/kernel", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (sysfs >= 0 && fstatfs(sysfs, &fs) == 0 && fs.f_type == SYSFS_MAGIC)
		return TRUE;
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_NOT_SYSFS,
		    "--root: its sys/ is not the running kernel's, so nothing can be applied or reverted "
		    "there; leave out --root");
	return FALSE;
}

/* Opens the folder of the patch @name, in whichever stack it is; -1 with errno. */
static int open_patch(const SutureLivepatch *livepatch, const gchar *name, SutureProvider *ret_provider)
{
	int fd = -1;

	errno = ENOENT;
	for (gsize i = 0; i < N_PROVIDERS && fd < 0; i++) {
		if (livepatch->folders[i] < 0)
			continue;
		fd = openat(livepatch->folders[i], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		*ret_provider = (SutureProvider)i;
	}
	return fd;
}

gchar *suture_sysfs_text(int folder, const gchar *path, gsize limit)
{
	SUTURE_AUTO_FD fd = openat(folder, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	g_autoptr(GString) text = g_string_new(NULL);
	gchar chunk[ATTRIBUTE_MAX];

	if (fd < 0)
		return NULL;
	while (text->len < limit) {
		gssize got = TEMP_FAILURE_RETRY(read(fd, chunk, MIN(sizeof chunk, limit - text->len)));

		if (got < 0)
			return NULL;
		if (got == 0)
			break;
		g_string_append_len(text, chunk, got);
	}
	return g_strchomp(g_string_free(g_steal_pointer(&text), FALSE));
}

static SutureTristate read_tristate(int folder, const gchar *name)
{
	g_autofree gchar *text = suture_sysfs_text(folder, name, ATTRIBUTE_MAX);

	if (!text)
		return SUTURE_TRISTATE_UNKNOWN;
	return strcmp(text, "1") == 0 ? SUTURE_TRISTATE_YES : SUTURE_TRISTATE_NO;
}

/* "absent" is a state of its own: a patch is gone once its `enabled` is. */
static gboolean read_flag(int folder, const SutureSysfsPatch *patch, const gchar *name, gboolean *ret,
			  gboolean *ret_absent, GError **error)
{
	g_autofree gchar *text = suture_sysfs_text(folder, name, ATTRIBUTE_MAX);

	*ret_absent = text == NULL;
	*ret = text && strcmp(text, "1") == 0;
	if (!text || *ret || strcmp(text, "0") == 0)
		return TRUE;
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_SYSFS,
		    "/%s/%s/%s: neither 0 nor 1; is this a livepatch kernel?", paths[patch->provider],
		    patch->name, name);
	return FALSE;
}

static gint compare_names(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const gchar *const *)left, *(const gchar *const *)right);
}

/* Names of the folders in @parent, sorted; NULL when it is gone. */
static GPtrArray *list_folders(int parent, const gchar *path)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!folder) {
		suture_fd_clear(&fd);
		return NULL;
	}
	while ((entry = readdir(folder))) {
		struct stat st;

		if (suture_file_name_is_safe(entry->d_name) &&
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
			g_ptr_array_add(names, g_strdup(entry->d_name));
	}
	closedir(folder);
	g_ptr_array_sort(names, compare_names);
	return g_steal_pointer(&names);
}

static void object_free(SutureSysfsObject *object)
{
	g_free(object->name);
	g_ptr_array_unref(object->functions);
	g_free(object);
}

void suture_sysfs_patch_free(SutureSysfsPatch *patch)
{
	g_free(patch->name);
	g_ptr_array_unref(patch->objects);
	g_free(patch);
}

static void read_objects(int folder, SutureSysfsPatch *patch)
{
	g_autoptr(GPtrArray) names = list_folders(folder, ".");

	for (guint i = 0; names && i < names->len; i++) {
		const gchar *name = names->pdata[i];
		g_autofree gchar *patched = g_build_filename(name, "patched", NULL);
		GPtrArray *functions = list_folders(folder, name);
		SutureSysfsObject *object;

		if (!functions)
			continue;
		object = g_new(SutureSysfsObject, 1);
		*object = (SutureSysfsObject){g_strdup(name), read_tristate(folder, patched), functions};
		g_ptr_array_add(patch->objects, object);
	}
}

static gint64 read_stack_order(int folder)
{
	g_autofree gchar *text = suture_sysfs_text(folder, "stack_order", ATTRIBUTE_MAX);
	gint64 value = 0;

	if (text && !g_ascii_string_to_signed(text, 10, 1, G_MAXINT32, &value, NULL))
		value = 0;
	return value;
}

static gboolean read_patch(const SutureLivepatch *livepatch, const gchar *name, gboolean objects,
			   SutureSysfsPatch **ret, GError **error)
{
	g_autoptr(SutureSysfsPatch) patch = g_new0(SutureSysfsPatch, 1);
	SUTURE_AUTO_FD folder = open_patch(livepatch, name, &patch->provider);
	int saved_errno = errno;
	gboolean gone, untold;

	*ret = NULL;
	patch->name = g_strdup(name);
	patch->objects = g_ptr_array_new_with_free_func((GDestroyNotify)object_free);
	if (folder < 0)
		return saved_errno == ENOENT ||
		       suture_error_set_errno(error, saved_errno, "livepatch %s", name);
	if (!read_flag(folder, patch, "enabled", &patch->enabled, &gone, error) ||
	    !read_flag(folder, patch, "transition", &patch->transition, &untold, error))
		return FALSE;
	if (gone)
		return TRUE;
	patch->replace = read_tristate(folder, "replace");
	patch->stack_order = read_stack_order(folder);
	if (objects)
		read_objects(folder, patch);
	*ret = g_steal_pointer(&patch);
	return TRUE;
}

gboolean suture_livepatch_read(const SutureLivepatch *livepatch, const gchar *name, SutureSysfsPatch **ret,
			       GError **error)
{
	return read_patch(livepatch, name, TRUE, ret, error);
}

gboolean suture_livepatch_poll(const SutureLivepatch *livepatch, const gchar *name, SutureSysfsPatch **ret,
			       GError **error)
{
	return read_patch(livepatch, name, FALSE, ret, error);
}

/* Patch name -> position in loading order, from 1. */
static GHashTable *loading_order(const SutureLivepatch *livepatch)
{
	g_autofree gchar *text = suture_sysfs_text(livepatch->root, "proc/modules", MODULES_MAX);
	GHashTable *order = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	guint count = g_strv_length(lines);

	for (guint i = 0; i < count; i++) {
		gsize length = strcspn(lines[i], " \t");

		if (length > 0)
			g_hash_table_insert(order, g_strndup(lines[i], length), GUINT_TO_POINTER(count - i));
	}
	return order;
}

typedef struct {
	GHashTable *loaded;
	gboolean told; /* by stack_order, for every patch, and in one stack */
} Order;

static gint compare_order(gconstpointer left, gconstpointer right, gpointer data)
{
	const SutureSysfsPatch *a = *(SutureSysfsPatch *const *)left, *b = *(SutureSysfsPatch *const *)right;
	const Order *order = data;
	gint64 at = a->stack_order, bt = b->stack_order;

	if (!order->told) {
		at = GPOINTER_TO_UINT(g_hash_table_lookup(order->loaded, a->name));
		bt = GPOINTER_TO_UINT(g_hash_table_lookup(order->loaded, b->name));
	}
	return at == bt ? strcmp(a->name, b->name) : at < bt ? -1 : 1;
}

/* Adds the patches of one provider. */
static gboolean list_provider(const SutureLivepatch *livepatch, SutureProvider provider, GPtrArray *patches,
			      GError **error)
{
	g_autoptr(GPtrArray) names = NULL;

	if (!suture_livepatch_has(livepatch, provider))
		return TRUE;
	names = list_folders(livepatch->folders[provider], ".");
	if (!names)
		return suture_error_set_errno(error, errno, "/%s", paths[provider]);
	for (guint i = 0; i < names->len; i++) {
		SutureSysfsPatch *patch;

		if (!suture_livepatch_read(livepatch, names->pdata[i], &patch, error))
			return FALSE;
		if (patch)
			g_ptr_array_add(patches, patch);
	}
	return TRUE;
}

static gboolean is_told(const GPtrArray *patches)
{
	for (guint i = 0; i < patches->len; i++) {
		const SutureSysfsPatch *first = patches->pdata[0], *patch = patches->pdata[i];

		if (patch->stack_order == 0 || patch->provider != first->provider)
			return FALSE;
	}
	return TRUE;
}

GPtrArray *suture_livepatch_list(const SutureLivepatch *livepatch, GError **error)
{
	g_autoptr(GPtrArray) patches =
		g_ptr_array_new_with_free_func((GDestroyNotify)suture_sysfs_patch_free);
	g_autoptr(GHashTable) loaded = loading_order(livepatch);
	Order order = {.loaded = loaded};

	for (guint i = 0; i < N_PROVIDERS; i++)
		if (!list_provider(livepatch, (SutureProvider)i, patches, error))
			return NULL;
	order.told = is_told(patches);
	g_ptr_array_sort_with_data(patches, compare_order, &order);
	return g_steal_pointer(&patches);
}

/* The kernel's own livepatch has one reason to call itself busy, the framework has three; sysfs tells them
 * apart. */
static gboolean set_busy(const SutureLivepatch *livepatch, const SutureSysfsPatch *patch, const gchar *said,
			 GError **error)
{
	g_autoptr(GPtrArray) all = suture_livepatch_list(livepatch, error);
	const gchar *moving = NULL, *above = NULL;

	for (guint i = 0; all && i < all->len; i++) {
		const SutureSysfsPatch *other = all->pdata[i];

		if (other->provider != patch->provider || strcmp(other->name, patch->name) == 0)
			continue;
		moving = other->transition ? other->name : moving;
		above = other->stack_order > patch->stack_order ? other->name : above;
	}
	if (!all)
		return FALSE;
	if (moving || patch->provider == SUTURE_PROVIDER_KERNEL) {
		g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_BUSY,
			    "%s: another patch is in transition%s%s; wait for it and try again", patch->name,
			    moving ? ": " : "", moving ? moving : "");
		return FALSE;
	}
	if (above) {
		g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_STACK_NOT_TOP,
			    "%s: the patch %s is above it; revert that one first", patch->name, above);
		return FALSE;
	}
	g_set_error(
		error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_BLOCKED,
		"%s: the kernel could not be stopped with no task in the patch's functions: end or wake what "
		"is in them and try again%s",
		patch->name, said);
	return FALSE;
}

/* EINVAL is the kernel's answer when `enabled` has that value already. */
static gboolean judge_write(const SutureLivepatch *livepatch, const gchar *name, gboolean enabled, int code,
			    const gchar *said, GError **error)
{
	g_autoptr(SutureSysfsPatch) patch = NULL;

	if (code == ENODEV || code == ENOENT)
		return TRUE;
	if (!suture_livepatch_poll(livepatch, name, &patch, error))
		return FALSE;
	if (!patch || (code == EINVAL && patch->enabled == enabled))
		return TRUE;
	if (code == EBUSY)
		return set_busy(livepatch, patch, said, error);
	return suture_error_set_errno(error, code, "/%s/%s/enabled: write %d", paths[patch->provider], name,
				      enabled);
}

gboolean suture_livepatch_set_enabled(const SutureLivepatch *livepatch, const gchar *name, gboolean enabled,
				      GError **error)
{
	g_autoptr(SutureKernelLog) log = suture_kernel_log_mark(livepatch->root);
	g_autofree gchar *said = NULL;
	SutureProvider provider;
	SUTURE_AUTO_FD folder = open_patch(livepatch, name, &provider);
	SUTURE_AUTO_FD fd = folder < 0 ? -1 : openat(folder, "enabled", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	int saved_errno;

	if (fd >= 0 && TEMP_FAILURE_RETRY(write(fd, enabled ? "1\n" : "0\n", 2)) >= 0)
		return TRUE;
	saved_errno = errno;
	said = suture_kernel_log_said(log, name);
	return judge_write(livepatch, name, enabled, saved_errno, said, error);
}

gchar *suture_livepatch_blockers(const SutureLivepatch *livepatch, const gchar *name)
{
	SutureProvider provider;
	SUTURE_AUTO_FD folder = open_patch(livepatch, name, &provider);

	return folder < 0 ? NULL : suture_sysfs_text(folder, "blockers", BLOCKERS_MAX);
}

static gboolean is_leftover(const SutureLivepatch *livepatch, const gchar *module)
{
	g_autofree gchar *path = g_build_filename("sys/module", module, "initstate", NULL);
	g_autofree gchar *state = NULL;
	SutureProvider provider;
	SUTURE_AUTO_FD folder = -1;

	if (!suture_livepatch_module_is_patch(livepatch, module))
		return FALSE;
	state = suture_sysfs_text(livepatch->root, path, ATTRIBUTE_MAX);
	folder = open_patch(livepatch, module, &provider);
	return folder < 0 && g_strcmp0(state, "live") == 0;
}

GPtrArray *suture_livepatch_list_leftovers(const SutureLivepatch *livepatch)
{
	GPtrArray *leftovers = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) modules = list_folders(livepatch->root, "sys/module");

	for (guint i = 0; modules && i < modules->len; i++)
		if (is_leftover(livepatch, modules->pdata[i]))
			g_ptr_array_add(leftovers, g_strdup(modules->pdata[i]));
	return leftovers;
}

gboolean suture_livepatch_module_loaded(const SutureLivepatch *livepatch, const gchar *module)
{
	g_autofree gchar *path = g_build_filename("sys/module", module, "initstate", NULL);

	return faccessat(livepatch->root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

gboolean suture_livepatch_module_is_patch(const SutureLivepatch *livepatch, const gchar *module)
{
	g_autofree gchar *path = g_build_filename("sys/module", module, "taint", NULL);
	g_autofree gchar *taint = suture_sysfs_text(livepatch->root, path, ATTRIBUTE_MAX);

	return taint && strchr(taint, 'K');
}

gchar *suture_livepatch_module_build_id(const SutureLivepatch *livepatch, const gchar *module)
{
	g_autofree gchar *path = g_build_filename("sys/module", module, "notes/.note.gnu.build-id", NULL);
	g_autoptr(GBytes) notes = suture_file_read_at(livepatch->root, path, NOTES_MAX, NULL);

	return notes ? suture_kernel_notes_build_id(notes, NULL) : NULL;
}

gchar *suture_livepatch_module_srcversion(const SutureLivepatch *livepatch, const gchar *module)
{
	g_autofree gchar *path = g_build_filename("sys/module", module, "srcversion", NULL);

	return suture_sysfs_text(livepatch->root, path, ATTRIBUTE_MAX);
}
