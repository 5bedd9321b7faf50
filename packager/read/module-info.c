// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/module-info.h"

#include "packager/read/module-patch.h"

#include <string.h>

#define MARK_KERNEL "livepatch"
#define MARK_FRAMEWORK "suture_livepatch"
#define CONSISTENCY "suture_consistency"

void suture_module_info_free(SutureModuleInfo *info)
{
	g_free(info->name);
	g_free(info->vermagic);
	g_free(info->srcversion);
	g_free(info->build_id);
	g_free(info->depends);
	g_ptr_array_unref(info->functions);
	g_ptr_array_unref(info->objects);
	g_free(info);
}

G_GNUC_PRINTF(3, 4)
static gboolean refuse(GError **error, SutureBundleError code, const gchar *format, ...)
{
	va_list args;

	va_start(args, format);
	g_propagate_error(error, g_error_new_valist(SUTURE_BUNDLE_ERROR, code, format, args));
	va_end(args);
	return FALSE;
}

/* The .modinfo section's "key=value" strings; a key that we read twice would let two readers disagree. */
static GHashTable *read_modinfo(Elf *elf, const gchar *what, GError **error)
{
	g_autoptr(GHashTable) values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	static const gchar *const single[] = {"name",      "vermagic",     "srcversion", "depends",
					      MARK_KERNEL, MARK_FRAMEWORK, CONSISTENCY,  NULL};
	gsize index = suture_elf_find_section(elf, ".modinfo");
	GElf_Shdr header;
	Elf_Data *data;

	if (!index || !suture_elf_section(elf, index, &header, &data) || !data->d_buf) {
		refuse(error, SUTURE_BUNDLE_ERROR_MODULE_MALFORMED,
		       "%s: has no .modinfo section: give a module that kbuild linked (.ko)", what);
		return NULL;
	}
	for (gsize i = 0; i < data->d_size;) {
		const gchar *text = (const gchar *)data->d_buf + i;
		gsize length = strnlen(text, data->d_size - i);
		g_autofree gchar *entry = g_strndup(text, length);
		gchar *equals = strchr(entry, '=');

		i += length + 1;
		if (!equals)
			continue;
		*equals = '\0';
		if (!g_strv_contains(single, entry))
			continue;
		if (!g_utf8_validate(equals + 1, -1, NULL) || g_hash_table_contains(values, entry)) {
			refuse(error, SUTURE_BUNDLE_ERROR_MODULE_MALFORMED,
			       "%s: modinfo '%s' stands there twice or is not text", what, entry);
			return NULL;
		}
		g_hash_table_insert(values, g_strdup(entry), g_strdup(equals + 1));
	}
	return g_steal_pointer(&values);
}

static gchar *take(GHashTable *values, const gchar *key)
{
	const gchar *value = g_hash_table_lookup(values, key);

	return g_strdup(value ? value : "");
}

static gboolean read_mark(GHashTable *values, SutureModuleInfo *info, const gchar *what, GError **error)
{
	gboolean kernel = g_strcmp0(g_hash_table_lookup(values, MARK_KERNEL), "Y") == 0;
	gboolean framework = g_strcmp0(g_hash_table_lookup(values, MARK_FRAMEWORK), "Y") == 0;

	if (!kernel && !framework)
		return refuse(error, SUTURE_BUNDLE_ERROR_NO_MARK,
			      "%s: is not marked as a live patch: add MODULE_INFO(livepatch, \"Y\")", what);
	/* For kernels with CONFIG_LIVEPATCH the framework's own modules carry the kernel's mark too. */
	info->provider = framework ? SUTURE_PROVIDER_FRAMEWORK : SUTURE_PROVIDER_KERNEL;
	return TRUE;
}

/* The names of KLP_SET_CONSISTENCY() (framework/include/suture/livepatch.h). */
static gboolean read_consistency(GHashTable *values, SutureModuleInfo *info, const gchar *what,
				 GError **error)
{
	static const gchar *const names[] = {
		[SUTURE_CONSISTENCY_PER_TASK] = "KLP_PER_TASK",
		[SUTURE_CONSISTENCY_STOP_MACHINE] = "KLP_STOP_MACHINE",
		[SUTURE_CONSISTENCY_IMMEDIATE] = "KLP_IMMEDIATE",
	};
	const gchar *said = g_hash_table_lookup(values, CONSISTENCY);

	info->consistency = SUTURE_CONSISTENCY_PER_TASK;
	if (!said)
		return TRUE;
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(said, names[i]) == 0)
			info->consistency = (SutureConsistency)i;
	if (strcmp(said, names[info->consistency]) != 0)
		return refuse(error, SUTURE_BUNDLE_ERROR_MODULE_MALFORMED,
			      "%s: modinfo " CONSISTENCY " names no consistency model that is known here",
			      what);
	return info->provider == SUTURE_PROVIDER_FRAMEWORK ||
	       info->consistency == SUTURE_CONSISTENCY_PER_TASK ||
	       refuse(error, SUTURE_BUNDLE_ERROR_MODULE_MALFORMED,
		      "%s: is marked for the kernel's own livepatch, which has no consistency model %s", what,
		      said);
}

static gchar *read_build_id(Elf *elf)
{
	gsize index = suture_elf_find_section(elf, ".note.gnu.build-id");
	gchar *build_id = NULL;
	GElf_Shdr header;
	Elf_Data *data;

	if (index && suture_elf_section(elf, index, &header, &data) && header.sh_type == SHT_NOTE)
		build_id = suture_elf_notes_build_id(data);
	return build_id ? build_id : g_strdup("");
}

static gboolean is_module(Elf *elf, const gchar *what, GError **error)
{
	GElf_Ehdr header;

	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64 &&
	    gelf_getehdr(elf, &header) && header.e_ident[EI_DATA] == ELFDATA2LSB &&
	    header.e_machine == EM_X86_64 && header.e_type == ET_REL)
		return TRUE;
	return refuse(error, SUTURE_BUNDLE_ERROR_NOT_MODULE,
		      "%s: is not an ELF x86-64 relocatable file: give a kernel module (.ko), not compressed",
		      what);
}

SutureModuleInfo *suture_module_info_read(GBytes *module, const gchar *what, GError **error)
{
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(module);
	g_autoptr(SutureModuleInfo) info = g_new0(SutureModuleInfo, 1);
	g_autoptr(GHashTable) values = NULL;

	info->functions = g_ptr_array_new_with_free_func((GDestroyNotify)suture_function_free);
	info->objects = g_ptr_array_new_with_free_func(g_free);
	if (!is_module(elf, what, error))
		return NULL;
	values = read_modinfo(elf, what, error);
	if (!values)
		return NULL;
	info->name = take(values, "name");
	info->vermagic = take(values, "vermagic");
	info->srcversion = take(values, "srcversion");
	info->depends = take(values, "depends");
	info->build_id = read_build_id(elf);
	if (!*info->name || !*info->vermagic) {
		refuse(error, SUTURE_BUNDLE_ERROR_MODULE_MALFORMED,
		       "%s: its modinfo has no name or no vermagic", what);
		return NULL;
	}
	if (!read_mark(values, info, what, error) || !read_consistency(values, info, what, error) ||
	    !suture_module_patch_read(elf, info, what, error))
		return NULL;
	return g_steal_pointer(&info);
}

void suture_module_identity_free(SutureModuleIdentity *identity)
{
	g_free(identity->name);
	g_free(identity->release);
	g_free(identity->build_id);
	g_free(identity->srcversion);
	g_free(identity);
}

SutureModuleIdentity *suture_module_identity_read(GBytes *module, const gchar *what, GError **error)
{
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(module);
	g_autoptr(GHashTable) values = is_module(elf, what, error) ? read_modinfo(elf, what, error) : NULL;
	const gchar *vermagic = values ? g_hash_table_lookup(values, "vermagic") : NULL;
	SutureModuleIdentity *identity;

	if (!vermagic || !*vermagic) {
		if (values)
			refuse(error, SUTURE_BUNDLE_ERROR_MODULE_MALFORMED, "%s: its modinfo has no vermagic",
			       what);
		return NULL;
	}
	identity = g_new0(SutureModuleIdentity, 1);
	identity->name = take(values, "name");
	identity->release = g_strndup(vermagic, strcspn(vermagic, " "));
	identity->build_id = read_build_id(elf);
	identity->srcversion = take(values, "srcversion");
	return identity;
}

gboolean suture_module_is_build(const SuturePatchedBuild *wanted, const gchar *build_id,
				const gchar *srcversion)
{
	if (*wanted->build_id && build_id && *build_id)
		return strcmp(wanted->build_id, build_id) == 0;
	return *wanted->srcversion && g_strcmp0(wanted->srcversion, srcversion) == 0;
}

gchar *suture_module_release(GBytes *module, const gchar *what, GError **error)
{
	g_autoptr(SutureModuleIdentity) identity = suture_module_identity_read(module, what, error);

	return identity ? g_steal_pointer(&identity->release) : NULL;
}

gboolean suture_module_info_check_release(const SutureModuleInfo *info, const gchar *release, GError **error)
{
	gsize length = strcspn(info->vermagic, " ");

	if (strlen(release) == length && strncmp(info->vermagic, release, length) == 0)
		return TRUE;
	return refuse(error, SUTURE_BUNDLE_ERROR_VERMAGIC,
		      "module %s: built for kernel %.*s, not for %s: build it against that kernel's headers",
		      info->name, (int)length, info->vermagic, release);
}

gboolean suture_module_info_check_name(const SutureModuleInfo *info, const gchar *file, GError **error)
{
	g_autofree gchar *name = g_str_has_suffix(file, ".ko") ? g_strndup(file, strlen(file) - 3) : NULL;

	if (name && strcmp(g_strdelimit(name, "-", '_'), info->name) == 0)
		return TRUE;
	return refuse(error, SUTURE_BUNDLE_ERROR_MODULE_MALFORMED,
		      "%s: its modinfo says the module's name is %s: name the file %s.ko", file, info->name,
		      info->name);
}
