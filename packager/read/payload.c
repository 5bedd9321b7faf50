// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/payload.h"

#include "common/file.h"
#include "common/mutation.h"
#include "packager/read/archive-file.h"
#include "packager/read/bundle.h"

#include <string.h>
#include <sys/stat.h>

#define FILES_MAX (SUTURE_MANIFEST_MAX_MODULES + 2)
#define READ_STEP (1024 * 1024)

void suture_payload_free(SuturePayload *payload)
{
	g_free(payload->folder);
	g_hash_table_unref(payload->files);
	g_free(payload);
}

/* The components of @path below the store's folder, or NULL. */
static GStrv split_below_store(const gchar *path)
{
	gsize length = strlen(SUTURE_BUNDLE_PACKAGE_STORE);
	g_auto(GStrv) parts = NULL;

	if (strncmp(path, SUTURE_BUNDLE_PACKAGE_STORE, length) != 0 || (path[length] && path[length] != '/'))
		return NULL;
	parts = g_strsplit(path + length + (path[length] == '/'), "/", 4);
	if (g_strv_length(parts) > 3)
		return NULL;
	for (gsize i = 0; parts[i]; i++)
		if (!suture_check_skipped("payload-path") && !suture_file_name_is_safe(parts[i]))
			return NULL;
	return g_steal_pointer(&parts);
}

gboolean suture_payload_split(const SutureRpmFile *file, const gchar *path, gchar **ret_folder,
			      gchar **ret_name, GError **error)
{
	g_auto(GStrv) parts = split_below_store(path);
	guint count;

	if (!parts) {
		suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_PAYLOAD_PATH, file,
				  "holds \"%s\", which is outside a bundle's folder", path);
		return FALSE;
	}
	count = g_strv_length(parts);
	*ret_folder = count >= 2 ? g_strdup_printf("%s/%s", parts[0], parts[1]) : NULL;
	*ret_name = g_strdup(count == 3 ? parts[2] : "");
	return TRUE;
}

/* The most bytes that a file of this name may have; 0 for a name that no bundle has. */
static gint64 limit_of(const gchar *name)
{
	if (strcmp(name, SUTURE_MANIFEST_FILE) == 0)
		return SUTURE_MANIFEST_MAX_BYTES;
	if (strcmp(name, SUTURE_MANIFEST_SIGNATURE_FILE) == 0)
		return SUTURE_PAYLOAD_SIGNATURE_MAX;
	return g_str_has_suffix(name, ".ko") ? SUTURE_MANIFEST_MAX_MODULE_BYTES : 0;
}

static gboolean unpack_failed(const SutureRpmFile *file, struct archive *archive, GError **error)
{
	const gchar *why = archive_error_string(archive);

	return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_MALFORMED, file,
				 "its payload cannot be unpacked: %s", why ? why : "it is damaged");
}

/* Reads exactly the @size bytes of the current entry, into memory that grows with what really arrives. */
static GBytes *read_entry(const SutureRpmFile *file, struct archive *archive, gint64 size, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_sized_new((guint)MIN(size, READ_STEP));

	while (bytes->len < size) {
		guint before = bytes->len;
		gsize step = (gsize)MIN(size - before, READ_STEP);
		la_ssize_t got;

		g_byte_array_set_size(bytes, before + (guint)step);
		got = archive_read_data(archive, bytes->data + before, step);
		if (got <= 0) {
			unpack_failed(file, archive, error);
			return NULL;
		}
		g_byte_array_set_size(bytes, before + (guint)got);
	}
	return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

static gboolean check_type(const SutureRpmFile *file, struct archive_entry *entry, const gchar *path,
			   gboolean folder, GError **error)
{
	mode_t type = archive_entry_filetype(entry);

	if (suture_check_skipped("payload-type"))
		return TRUE;
	if (type != (folder ? S_IFDIR : S_IFREG) ||
	    (!folder && (archive_entry_hardlink(entry) || archive_entry_nlink(entry) > 1)))
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_PAYLOAD_TYPE, file,
					 "\"%s\" is not a plain file or folder", path);
	return TRUE;
}

static gboolean add_file(SuturePayload *payload, const SutureRpmFile *file, struct archive *archive,
			 const gchar *name, gint64 size, GError **error)
{
	gint64 limit = limit_of(name);
	GBytes *bytes;

	if (!limit || g_hash_table_contains(payload->files, name))
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_PAYLOAD_EXTRA, file, "holds \"%s\", %s",
					 name, limit ? "twice" : "which is not a file of a bundle");
	if (size <= 0 || size > limit || g_hash_table_size(payload->files) >= FILES_MAX)
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_PAYLOAD_SIZE, file,
					 "\"%s\" is empty, too large, or one file too many", name);
	bytes = read_entry(file, archive, size, error);
	if (!bytes)
		return FALSE;
	g_hash_table_insert(payload->files, g_strdup(name), bytes);
	return TRUE;
}

static gboolean add_entry(SuturePayload *payload, const SutureRpmFile *file, struct archive *archive,
			  struct archive_entry *entry, GError **error)
{
	const gchar *path = archive_entry_pathname(entry);
	g_autofree gchar *folder = NULL;
	g_autofree gchar *name = NULL;

	if (!path || !g_utf8_validate(path, -1, NULL) || !g_str_has_prefix(path, "./"))
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_PAYLOAD_PATH, file,
					 "holds a path that rpm does not write");
	if (!suture_payload_split(file, path + 1, &folder, &name, error) ||
	    !check_type(file, entry, path, *name == '\0', error))
		return FALSE;
	if (folder && payload->folder && strcmp(folder, payload->folder) != 0)
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_PAYLOAD_PATH, file,
					 "holds two bundles' folders, \"%s\" and \"%s\"", payload->folder,
					 folder);
	if (folder && !payload->folder)
		payload->folder = g_steal_pointer(&folder);
	if (*name != '\0')
		return add_file(payload, file, archive, name, archive_entry_size(entry), error);
	/* What stands behind a folder's entry would be unpacked only to be dropped: without limit. */
	if (archive_entry_size(entry) != 0 || ++payload->folders > FILES_MAX)
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_PAYLOAD_SIZE, file,
					 "\"%s\" is a folder with content, or one folder too many", path);
	return TRUE;
}

static gboolean check_complete(const SuturePayload *payload, const SutureRpmFile *file, GError **error)
{
	static const gchar *const required[] = {SUTURE_MANIFEST_FILE, SUTURE_MANIFEST_SIGNATURE_FILE};
	guint64 stated;

	for (gsize i = 0; i < G_N_ELEMENTS(required); i++)
		if (!g_hash_table_contains(payload->files, required[i]))
			return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_PAYLOAD_MISSING, file,
						 "its payload has no %s", required[i]);
	if (suture_rpm_number(file->signatures, RPMSIGTAG_PAYLOADSIZE, &stated) &&
	    !suture_check_skipped("rpm-payload-size") && stated != payload->unpacked_size)
		return suture_rpm_refuse(
			error, SUTURE_BUNDLE_ERROR_RPM_RESERVED, file,
			"its signature header gives another size of the unpacked payload: the "
			"file was changed");
	return TRUE;
}

SuturePayload *suture_payload_read(const SutureRpmFile *file, GError **error)
{
	SUTURE_AUTO_ARCHIVE *archive = suture_archive_open_cpio(file->fd, file->payload_offset,
								file->payload_size, file->what, error);
	g_autoptr(SuturePayload) payload = g_new0(SuturePayload, 1);
	struct archive_entry *entry;
	int status;

	payload->files =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
	if (!archive)
		return NULL;
	while ((status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
		if (!add_entry(payload, file, archive, entry, error))
			return NULL;
	if (status != ARCHIVE_EOF) {
		unpack_failed(file, archive, error);
		return NULL;
	}
	payload->unpacked_size = (guint64)archive_filter_bytes(archive, 0);
	return check_complete(payload, file, error) ? g_steal_pointer(&payload) : NULL;
}
