// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/sysfs.h"

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

struct _SutureLivepatch {
	int root;
	int folder;
	SutureProvider provider;
};

static const struct {
	SutureProvider provider;
	const gchar *path;
} providers[] = {
	{SUTURE_PROVIDER_KERNEL, "sys/kernel/livepatch"},
	{SUTURE_PROVIDER_FRAMEWORK, "sys/kernel/suture"},
};

SutureLivepatch *suture_livepatch_open(const gchar *root, GError **error)
{
	SUTURE_AUTO_FD rootfd = suture_file_open(root ? root : "/", O_PATH | O_DIRECTORY, error);

	if (rootfd < 0)
		return NULL;
	for (gsize i = 0; i < G_N_ELEMENTS(providers); i++) {
		int folder =
			openat(rootfd, providers[i].path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		SutureLivepatch *livepatch;

		if (folder < 0)
			continue;
		livepatch = g_new(SutureLivepatch, 1);
		*livepatch = (SutureLivepatch){suture_fd_steal(&rootfd), folder, providers[i].provider};
		return livepatch;
	}
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_PROVIDER,
		    "/sys/kernel/livepatch: this kernel has no livepatch and no framework is loaded; boot a "
		    "kernel with CONFIG_LIVEPATCH");
	return NULL;
}

void suture_livepatch_free(SutureLivepatch *livepatch)
{
	close(livepatch->folder);
	close(livepatch->root);
	g_free(livepatch);
}

SutureProvider suture_livepatch_provider(const SutureLivepatch *livepatch)
{
	return livepatch->provider;
}

int suture_livepatch_root(const SutureLivepatch *livepatch)
{
	return livepatch->root;
}

gboolean suture_livepatch_check_real(const SutureLivepatch *livepatch, GError **error)
{
	struct statfs fs;

	if (fstatfs(livepatch->folder, &fs) < 0)
		return suture_error_set_errno(error, errno, "/sys/kernel/livepatch");
	if (fs.f_type == SYSFS_MAGIC)
		return TRUE;
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_NOT_SYSFS,
		    "--root: its sys/ is not the running kernel's, so nothing can be applied or reverted "
		    "there; leave out --root");
	return FALSE;
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
static gboolean read_flag(int folder, const gchar *patch, const gchar *name, gboolean *ret,
			  gboolean *ret_absent, GError **error)
{
	g_autofree gchar *text = suture_sysfs_text(folder, name, ATTRIBUTE_MAX);

	*ret_absent = text == NULL;
	*ret = text && strcmp(text, "1") == 0;
	if (!text || *ret || strcmp(text, "0") == 0)
		return TRUE;
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_SYSFS,
		    "/sys/kernel/livepatch/%s/%s: neither 0 nor 1; is this a livepatch kernel?", patch, name);
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
	SUTURE_AUTO_FD folder =
		openat(livepatch->folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	g_autoptr(SutureSysfsPatch) patch = g_new0(SutureSysfsPatch, 1);
	gboolean gone, untold;

	*ret = NULL;
	patch->name = g_strdup(name);
	patch->objects = g_ptr_array_new_with_free_func((GDestroyNotify)object_free);
	if (folder < 0)
		return errno == ENOENT || suture_error_set_errno(error, errno, "livepatch %s", name);
	if (!read_flag(folder, name, "enabled", &patch->enabled, &gone, error) ||
	    !read_flag(folder, name, "transition", &patch->transition, &untold, error))
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
	gboolean told; /* by stack_order, for every patch */
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

GPtrArray *suture_livepatch_list(const SutureLivepatch *livepatch, GError **error)
{
	g_autoptr(GPtrArray) patches =
		g_ptr_array_new_with_free_func((GDestroyNotify)suture_sysfs_patch_free);
	g_autoptr(GPtrArray) names = list_folders(livepatch->folder, ".");
	g_autoptr(GHashTable) loaded = NULL;
	Order order = {.told = TRUE};

	if (!names) {
		suture_error_set_errno(error, errno, "/sys/kernel/livepatch");
		return NULL;
	}
	for (guint i = 0; i < names->len; i++) {
		SutureSysfsPatch *patch;

		if (!suture_livepatch_read(livepatch, names->pdata[i], &patch, error))
			return NULL;
		if (!patch)
			continue;
		order.told = order.told && patch->stack_order > 0;
		g_ptr_array_add(patches, patch);
	}
	loaded = loading_order(livepatch);
	order.loaded = loaded;
	g_ptr_array_sort_with_data(patches, compare_order, &order);
	return g_steal_pointer(&patches);
}

/* EINVAL is the kernel's answer when `enabled` has that value already. */
static gboolean judge_write(const SutureLivepatch *livepatch, const gchar *name, gboolean enabled, int code,
			    GError **error)
{
	g_autoptr(SutureSysfsPatch) patch = NULL;

	if (code == ENODEV || code == ENOENT)
		return TRUE;
	if (code == EBUSY) {
		g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_BUSY,
			    "%s: another patch is in transition; wait for it and try again", name);
		return FALSE;
	}
	if (code == EINVAL) {
		if (!suture_livepatch_poll(livepatch, name, &patch, error))
			return FALSE;
		if (!patch || patch->enabled == enabled)
			return TRUE;
	}
	return suture_error_set_errno(error, code, "/sys/kernel/livepatch/%s/enabled: write %d", name,
				      enabled);
}

gboolean suture_livepatch_set_enabled(const SutureLivepatch *livepatch, const gchar *name, gboolean enabled,
				      GError **error)
{
	g_autofree gchar *path = g_build_filename(name, "enabled", NULL);
	SUTURE_AUTO_FD fd = openat(livepatch->folder, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || TEMP_FAILURE_RETRY(write(fd, enabled ? "1\n" : "0\n", 2)) < 0)
		return judge_write(livepatch, name, enabled, errno, error);
	return TRUE;
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
