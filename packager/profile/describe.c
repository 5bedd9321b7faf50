// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/import.h"

#include "common/file.h"
#include "packager/profile/folder.h"
#include "packager/profile/profile-private.h"
#include "packager/read/elf-file.h"
#include "spec/json.h"

#include <fcntl.h>

static gboolean add_size(const SutureFolderEntry *entry, gpointer data, GError **error)
{
	(void)error;
	*(guint64 *)data += entry->size;
	return TRUE;
}

static gboolean has_symbols(const gchar *folder)
{
	g_autofree gchar *path = g_build_filename(folder, "vmlinux", NULL);
	SUTURE_AUTO_FD fd = suture_file_open(path, O_RDONLY, NULL);
	SUTURE_AUTO_ELF *elf = fd < 0 ? NULL : suture_elf_from_fd(fd);

	return elf && suture_elf_find_section(elf, ".symtab") > 0;
}

static void set(json_t *json, const gchar *key, json_t *value)
{
	json_object_set_new(json, key, value);
}

/* A text from outside need not be UTF-8. */
static void set_text(json_t *json, const gchar *key, const gchar *text)
{
	g_autofree gchar *valid = text ? g_utf8_make_valid(text, -1) : NULL;

	if (valid)
		set(json, key, json_string(valid));
}

static void set_tools(json_t *json, const SutureImportWork *work)
{
	const SutureToolchain *toolchain = work->toolchain;

	set_text(json, "cc", toolchain->cc);
	set_text(json, "compiler", toolchain->cc_version);
	set_text(json, "assembler", toolchain->as_version);
	set_text(json, "linker", toolchain->ld_version);
	set_text(json, "kernel_compiler", g_hash_table_lookup(work->config, "CONFIG_CC_VERSION_TEXT"));
	set_text(json, "path", toolchain->path);
	set_text(json, "toolchain_root", toolchain->root);
	set(json, "toolchain_mismatch", json_boolean(work->mismatch != NULL));
	set_text(json, "toolchain_difference", work->mismatch);
}

static void set_list(json_t *json, const gchar *key, const GPtrArray *texts)
{
	json_t *list = json_array();

	for (guint i = 0; texts && i < texts->len; i++)
		json_array_append_new(list, json_string(texts->pdata[i]));
	set(json, key, list);
}

static json_t *description(const SutureImportWork *work, const gchar *id, guint64 size)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree gchar *time = g_date_time_format_iso8601(now);
	json_t *json = json_object();

	set(json, "format", json_integer(SUTURE_PROFILE_FORMAT));
	set_text(json, "id", id);
	set_text(json, "name", work->request->name);
	set_text(json, "release", work->image->release);
	set_text(json, "build_id", work->image->build_id);
	set_text(json, "arch", "x86_64");
	set_tools(json, work);
	set_list(json, "config_changes", work->config_changes);
	set_list(json, "not_generated", work->not_made);
	set(json, "vmlinux_symbols", json_boolean(has_symbols(work->folder)));
	set(json, "units", json_integer(work->n_units));
	set(json, "modules", json_integer(work->inputs->n_modules));
	set(json, "size", json_integer((json_int_t)size));
	set_text(json, "imported", time);
	set_text(json, "suture", SUTURE_VERSION);
	set_text(json, "inputs_digest", work->inputs_digest);
	set(json, "inputs", json_incref(work->digests));
	set(json, "steps", json_incref(work->steps));
	set(json, "recipe", suture_recipe_json(work->recipe));
	return json;
}

gboolean suture_import_describe(const SutureImportWork *work, const gchar *id, GError **error)
{
	g_autofree gchar *path = g_build_filename(work->folder, "profile.json", NULL);
	g_autoptr(GBytes) bytes = NULL;
	SUTURE_AUTO_JSON *json = NULL;
	guint64 size = 0;

	if (!suture_folder_walk(work->folder, add_size, &size, error))
		return FALSE;
	json = description(work, id, size);
	bytes = suture_json_pretty(json);
	return suture_file_write_atomic_path(path, bytes, 0644, error);
}
