// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/import.h"
#include "packager/profile/agree.h"
#include "packager/profile/config-file.h"
#include "packager/profile/dry-run.h"
#include "packager/profile/generate.h"
#include "packager/profile/inputs.h"
#include "packager/profile/profile-private.h"
#include "packager/profile/store.h"

#include "common/cancel.h"
#include "common/file.h"
#include "common/staging.h"
#include "packager/read/kernel.h"
#include "spec/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DRY_RUN "dry-run"
#define ROUNDS_MAX 4 /* what was generated may include what is */

void suture_import_work_clear(SutureImportWork *work)
{
	g_clear_pointer(&work->digests, json_decref);
	g_clear_pointer(&work->steps, json_decref);
	g_clear_pointer(&work->inputs, suture_inputs_free);
	g_clear_pointer(&work->image, suture_image_identity_free);
	g_clear_pointer(&work->config, g_hash_table_unref);
	g_clear_pointer(&work->toolchain, suture_toolchain_free);
	g_clear_pointer(&work->recipe, suture_recipe_free);
	g_clear_pointer(&work->config_changes, g_ptr_array_unref);
	g_clear_pointer(&work->not_made, g_ptr_array_unref);
	g_free(work->inputs_digest);
	g_free(work->mismatch);
	g_free(work->folder);
	g_free(work->tree);
}

/* The step before ends here; its time is kept. */
static void begin(SutureImportWork *work, const gchar *step)
{
	gint64 now = g_get_monotonic_time();

	if (work->step)
		json_array_append_new(work->steps, json_pack("{s:s, s:I}", "step", work->step, "milliseconds",
							     (json_int_t)((now - work->since) / 1000)));
	work->step = step;
	work->since = now;
	if (step && work->request->progress)
		work->request->progress(step, 0, 0, work->request->progress_data);
}

/* A bzImage's payload has no symbols; a vmlinux that has them must be of the same build. */
static gboolean place_vmlinux(SutureImportWork *work, GError **error)
{
	g_autofree gchar *image = suture_inputs_path(work->inputs, SUTURE_INPUT_IMAGE);
	g_autofree gchar *debug = suture_inputs_path(work->inputs, SUTURE_INPUT_VMLINUX);
	g_autofree gchar *vmlinux = g_build_filename(work->folder, "vmlinux", NULL);
	g_autofree gchar *build_id = NULL;
	SUTURE_AUTO_FD to = open(vmlinux, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (to < 0)
		return suture_error_set_errno(error, errno, "%s", vmlinux);
	if (!suture_kernel_image_unpack(image, to, error)) {
		g_prefix_error(error, "%s: ", work->inputs->origins[SUTURE_INPUT_IMAGE]);
		return FALSE;
	}
	work->image = suture_image_identity_read(vmlinux, work->inputs->origins[SUTURE_INPUT_IMAGE], error);
	if (!work->image || !debug)
		return work->image != NULL;
	build_id = suture_kernel_image_build_id(debug, error);
	if (!build_id)
		return FALSE;
	if (strcmp(build_id, work->image->build_id) != 0) {
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_DISAGREE,
			    "%s has the build-id %s, %s has %s; give inputs of one kernel build",
			    work->inputs->origins[SUTURE_INPUT_VMLINUX], build_id,
			    work->inputs->origins[SUTURE_INPUT_IMAGE], work->image->build_id);
		return FALSE;
	}
	return rename(debug, vmlinux) == 0 || suture_error_set_errno(error, errno, "%s", vmlinux);
}

static gboolean read_config(SutureImportWork *work, GError **error)
{
	g_autofree gchar *path = suture_inputs_path(work->inputs, SUTURE_INPUT_CONFIG);

	work->config = suture_config_read(path, error);
	if (!work->config)
		return FALSE;
	if (g_strcmp0(g_hash_table_lookup(work->config, "CONFIG_X86_64"), "y") == 0)
		return TRUE;
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_INPUT,
		    "%s: is not the configuration of a kernel for x86_64",
		    work->inputs->origins[SUTURE_INPUT_CONFIG]);
	return FALSE;
}

static gboolean find_tools(SutureImportWork *work, GError **error)
{
	g_autofree gchar *cc = suture_toolchain_compiler_name(
		work->config, work->inputs->origins[SUTURE_INPUT_CONFIG], error);
	g_autoptr(GError) difference = NULL;

	work->toolchain = cc ? suture_toolchain_open(work->request->toolchain_root, cc, error) : NULL;
	if (!work->toolchain)
		return FALSE;
	if (suture_toolchain_check(work->toolchain, work->config, work->image, &difference))
		return TRUE;
	if (!work->request->allow_toolchain_mismatch) {
		g_propagate_error(error, g_steal_pointer(&difference));
		return FALSE;
	}
	work->mismatch = g_strdup(difference->message);
	return TRUE;
}

gchar *suture_import_id(const gchar *inputs_digest, const SutureToolchain *toolchain)
{
	g_autofree gchar *text =
		g_strdup_printf("%d\n%s\n%s\n%s\n%s\n%s\n%s", SUTURE_PROFILE_FORMAT, inputs_digest,
				toolchain->root ? toolchain->root : "", toolchain->cc, toolchain->cc_version,
				toolchain->as_version, toolchain->ld_version);

	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}

static gchar *digest_of_inputs(json_t *digests)
{
	g_autoptr(GString) text = g_string_new(NULL);
	gsize index;
	json_t *input;

	json_array_foreach (digests, index, input)
		g_string_append_printf(text, "%s %s\n", json_string_value(json_object_get(input, "role")),
				       json_string_value(json_object_get(input, "sha256")));
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text->str, -1);
}

/* One made of the same inputs whose tools are still what they were. */
static SutureProfile *find_made(const SutureImportWork *work)
{
	g_autoptr(GPtrArray) profiles = suture_profile_list(work->request->store, NULL);
	g_autofree gchar *root = work->request->toolchain_root
					 ? g_canonicalize_filename(work->request->toolchain_root, NULL)
					 : NULL;

	for (guint i = 0; profiles && i < profiles->len; i++) {
		SutureProfile *profile = profiles->pdata[i];
		const gchar *made_of = json_string_value(json_object_get(profile->json, "inputs_digest"));
		const gchar *cc = json_string_value(json_object_get(profile->json, "cc"));
		g_autoptr(SutureToolchain) toolchain = NULL;
		g_autofree gchar *id = NULL;

		if (g_strcmp0(made_of, work->inputs_digest) != 0 || !cc ||
		    g_strcmp0(profile->toolchain_root, root) != 0 ||
		    (profile->toolchain_mismatch && !work->request->allow_toolchain_mismatch))
			continue;
		toolchain = suture_toolchain_open(root, cc, NULL);
		id = toolchain ? suture_import_id(work->inputs_digest, toolchain) : NULL;
		if (g_strcmp0(id, profile->id) == 0)
			return suture_profile_open_id(work->request->store, id, NULL);
	}
	return NULL;
}

static gboolean write_index(const SutureImportWork *work, const gchar *name, GVariant *index, GError **error)
{
	g_autoptr(GBytes) bytes = g_variant_get_data_as_bytes(index);
	g_autofree gchar *path = g_build_filename(work->folder, name, NULL);

	return suture_file_write_atomic_path(path, bytes, 0644, error);
}

/* The index of includes, once all is there that kbuild generates for them. */
static GVariant *index_includes(SutureImportWork *work, const SutureKernelTree *tree,
				const SutureCommands *commands, GError **error)
{
	g_autoptr(GHashTable) asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint round = 0;; round++) {
		g_autoptr(GHashTable) absent = NULL;
		g_autoptr(GVariant) includes = NULL;
		g_autoptr(GPtrArray) files = NULL;

		begin(work, "reading include lines");
		includes = suture_includes_make(commands, work->tree, work->request->progress,
						work->request->progress_data, &absent, error);
		files = includes ? suture_generate_find(tree, DRY_RUN, absent, asked, error) : NULL;
		if (!files)
			return NULL;
		if (files->len == 0 || round == ROUNDS_MAX) {
			work->not_made = suture_generate_lacking(tree, asked);
			return g_steal_pointer(&includes);
		}
		begin(work, "generating what is included");
		if (!suture_generate_make(tree, files, error) || !suture_generate_tidy(tree, commands, error))
			return NULL;
	}
}

static gboolean index_commands(SutureImportWork *work, const SutureKernelTree *tree, GError **error)
{
	g_autofree gchar *path = g_build_filename(work->folder, DRY_RUN, NULL);
	SUTURE_AUTO_FD fd = suture_file_open(path, O_RDONLY, error);
	g_autoptr(SutureDryRun) run = suture_dry_run_new();
	g_autoptr(GVariant) commands = NULL;
	g_autoptr(SutureCommands) reader = NULL;
	g_autoptr(GVariant) includes = NULL;

	if (fd < 0 || !suture_dry_run_read(run, fd, path, error))
		return FALSE;
	commands = suture_dry_run_index(run, error);
	if (!commands)
		return FALSE;
	reader = suture_commands_new(commands);
	work->n_units = suture_commands_count(reader);
	includes = index_includes(work, tree, reader, error);
	return includes && write_index(work, "commands", commands, error) &&
	       write_index(work, "includes", includes, error);
}

static gboolean prepare(SutureImportWork *work, GError **error)
{
	g_autofree gchar *config = suture_inputs_path(work->inputs, SUTURE_INPUT_CONFIG);
	g_autofree gchar *symvers = suture_inputs_path(work->inputs, SUTURE_INPUT_SYMVERS);
	const SutureKernelTree tree = {
		.toolchain = work->toolchain,
		.tree = work->tree,
		.folder = work->folder,
		.release = work->image->release,
		.jobs = work->request->jobs ? work->request->jobs : g_get_num_processors(),
	};

	begin(work, "preparing the tree");
	if (!suture_prepare_tree(&tree, config, symvers, error) ||
	    !suture_prepare_check_config(&tree, config, work->mismatch ? &work->config_changes : NULL, error))
		return FALSE;
	begin(work, "recording how a module is made");
	work->recipe = suture_recipe_record(&tree, error);
	if (!work->recipe)
		return FALSE;
	begin(work, "asking kbuild for all commands");
	if (!suture_prepare_dry_run(&tree, DRY_RUN, error))
		return FALSE;
	begin(work, "reading the commands");
	return index_commands(work, &tree, error);
}

/* What is of no use any more. */
static gboolean tidy(const SutureImportWork *work, int dirfd, GError **error)
{
	static const gchar *const names[] = {"in", DRY_RUN, "make.log"};

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		if (!suture_file_remove_tree(dirfd, names[i], error))
			return FALSE;
	return suture_cancel_check(error) && work->folder;
}

static gboolean gather(SutureImportWork *work, int dirfd, GError **error)
{
	begin(work, "unpacking");
	work->inputs = suture_inputs_gather(work->request, dirfd, work->folder, error);
	if (!work->inputs)
		return FALSE;
	begin(work, "checking that inputs and tools belong together");
	work->tree = suture_inputs_path(work->inputs, SUTURE_INPUT_SOURCE);
	return place_vmlinux(work, error) && work->image &&
	       suture_inputs_agree(work->inputs, work->image, error) && read_config(work, error) &&
	       find_tools(work, error);
}

static gboolean make(SutureImportWork *work, int store_fd, gchar **ret_id, GError **error)
{
	g_autoptr(SutureStaging) staging = suture_staging_new(store_fd, error);
	g_autofree gchar *link = NULL;
	g_autofree gchar *id = NULL;

	if (!staging)
		return FALSE;
	link = g_strdup_printf("/proc/self/fd/%d", suture_staging_fd(staging));
	work->folder = g_file_read_link(link, error);
	if (!work->folder || !gather(work, suture_staging_fd(staging), error) || !prepare(work, error) ||
	    !tidy(work, suture_staging_fd(staging), error))
		return FALSE;
	begin(work, "writing to disk");
	id = suture_import_id(work->inputs_digest, work->toolchain);
	if (!suture_import_describe(work, id, error) || !suture_cancel_check(error) ||
	    !suture_staging_commit(staging, id, error))
		return FALSE;
	*ret_id = g_steal_pointer(&id);
	return TRUE;
}

static SutureProfile *import(SutureImportWork *work, gboolean *ret_present, GError **error)
{
	SUTURE_AUTO_FD store_fd = -1;
	SUTURE_AUTO_FD lock = -1;
	SutureProfile *made;
	g_autofree gchar *id = NULL;

	begin(work, "reading the inputs");
	work->digests = suture_inputs_digest(work->request, error);
	if (!work->digests)
		return NULL;
	work->inputs_digest = digest_of_inputs(work->digests);
	begin(work, "waiting for other imports");
	lock = suture_store_lock(work->request->store, &store_fd, error);
	made = lock < 0 ? NULL : find_made(work);
	if (made || lock < 0) {
		if (made && ret_present)
			*ret_present = TRUE;
		return made;
	}
	if (!make(work, store_fd, &id, error))
		return NULL;
	return suture_profile_open_id(work->request->store, id, error);
}

SutureProfile *suture_profile_import(const SutureImport *request, gboolean *ret_present, GError **error)
{
	g_auto(SutureImportWork) work = {.request = request, .steps = json_array()};

	if (ret_present)
		*ret_present = FALSE;
	return suture_inputs_check(request, error) ? import(&work, ret_present, error) : NULL;
}
