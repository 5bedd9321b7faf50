// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/rpm-file.h"

#include "common/file.h"
#include "common/mutation.h"
#include "packager/read/bundle.h"
#include "packager/read/rpm-region.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAD_BYTES 96
#define LEAD_NAME 10
#define LEAD_NAME_BYTES 66
#define SIGNATURES_MAX (256 * 1024)
#define HEADER_MAX (4 * 1024 * 1024)

gboolean suture_rpm_refuse(GError **error, SutureBundleError code, const SutureRpmFile *file,
			   const gchar *format, ...)
{
	g_autofree gchar *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, SUTURE_BUNDLE_ERROR, code, "%s: %s", file->what, text);
	return FALSE;
}

void suture_rpm_file_free(SutureRpmFile *file)
{
	if (file->signatures)
		headerFree(file->signatures);
	if (file->header)
		headerFree(file->header);
	suture_fd_clear(&file->fd);
	g_free(file);
}

gchar *suture_rpm_string(Header header, rpmTagVal tag)
{
	SUTURE_AUTO_TD value = {0};
	const gchar *text = NULL;

	if (headerGet(header, tag, &value, HEADERGET_MINMEM) && rpmtdCount(&value) == 1)
		text = rpmtdGetString(&value);
	return g_strdup(text);
}

gboolean suture_rpm_number(Header header, rpmTagVal tag, guint64 *ret)
{
	SUTURE_AUTO_TD value = {0};

	if (!headerGet(header, tag, &value, HEADERGET_MINMEM) || rpmtdCount(&value) != 1 ||
	    rpmtdClass(&value) != RPM_NUMERIC_CLASS)
		return FALSE;
	*ret = rpmtdGetNumber(&value);
	return TRUE;
}

GStrv suture_rpm_strings(Header header, rpmTagVal tag)
{
	g_autoptr(GPtrArray) strings = g_ptr_array_new();
	SUTURE_AUTO_TD value = {0};
	const gchar *text;

	if (headerGet(header, tag, &value, HEADERGET_EXT))
		while ((text = rpmtdNextString(&value)))
			g_ptr_array_add(strings, g_strdup(text));
	g_ptr_array_add(strings, NULL);
	return (GStrv)g_ptr_array_free(g_steal_pointer(&strings), FALSE);
}

static gboolean read_exactly(const SutureRpmFile *file, guint64 offset, gpointer ret, gsize size,
			     GError **error)
{
	gchar *bytes = ret;

	while (size) {
		ssize_t got = pread(file->fd, bytes, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return suture_error_set_errno(error, errno, "%s", file->what);
		if (got == 0)
			return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_MALFORMED, file,
						 "the file ends before its payload");
		bytes += got;
		offset += (guint64)got;
		size -= (gsize)got;
	}
	return TRUE;
}

/* Reads the header structure at @offset; *@ret_region gets its bytes behind the magic. */
static gboolean read_region(const SutureRpmFile *file, guint64 offset, gsize limit, SutureRpmRegion *ret,
			    GError **error)
{
	guint8 intro[SUTURE_RPM_INTRO_BYTES];
	g_autofree guint8 *bytes = NULL;
	gsize size;

	if (!read_exactly(file, offset, intro, sizeof(intro), error))
		return FALSE;
	size = suture_rpm_region_size(intro, limit);
	if (!size)
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_MALFORMED, file,
					 "is not an RPM package: a header is missing or too large");
	bytes = g_malloc(size);
	if (!read_exactly(file, offset + SUTURE_RPM_MAGIC_BYTES, bytes, size, error))
		return FALSE;
	ret->bytes = g_bytes_new_take(g_steal_pointer(&bytes), size);
	return TRUE;
}

static Header import(const SutureRpmRegion *region)
{
	gsize size;
	gconstpointer bytes = g_bytes_get_data(region->bytes, &size);

	return headerImport((void *)(guintptr)bytes, (unsigned int)size, HEADERIMPORT_COPY);
}

static gboolean check_lead(const SutureRpmFile *file, const guint8 *lead, GError **error)
{
	/* Magic, format 3.0, a binary package, x86-64, Linux, header-style signature (lib/rpmlead of rpm). */
	static const guint8 start[LEAD_NAME] = {0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0, 0, 1};
	static const guint8 end[LEAD_BYTES - LEAD_NAME - LEAD_NAME_BYTES] = {0, 1, 0, 5};
	g_autofree gchar *nevr = headerGetAsString(file->header, RPMTAG_NEVR);
	gchar name[LEAD_NAME_BYTES] = {0};

	g_strlcpy(name, nevr ? nevr : "", sizeof(name));
	if (memcmp(lead, start, sizeof(start)) == 0 && memcmp(lead + LEAD_NAME, name, sizeof(name)) == 0 &&
	    memcmp(lead + LEAD_NAME + LEAD_NAME_BYTES, end, sizeof(end)) == 0)
		return TRUE;
	return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_LEAD, file,
				 "its lead is not what rpm writes for this package: the file was changed");
}

static gboolean check_zero(const SutureRpmFile *file, guint64 from, guint64 to, GError **error)
{
	guint8 padding[8] = {0};
	static const guint8 zero[8];

	if (!read_exactly(file, from, padding, to - from, error))
		return FALSE;
	if (suture_check_skipped("rpm-reserved") || memcmp(padding, zero, sizeof(zero)) == 0)
		return TRUE;
	return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_RESERVED, file,
				 "the padding of its signature header is not zero: the file was changed");
}

/* The payload ends where the signature header says and the file with it. */
static gboolean check_size(SutureRpmFile *file, guint64 header_offset, guint64 file_size, GError **error)
{
	guint64 size, header_size = file->payload_offset - header_offset;

	if (!suture_rpm_number(file->signatures, RPMSIGTAG_SIZE, &size) || size < header_size)
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_MALFORMED, file,
					 "its signature header does not say the package's size");
	file->payload_size = size - header_size;
	if (header_offset + size > file_size)
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_MALFORMED, file,
					 "is cut short: get it again");
	if (!suture_check_skipped("rpm-trailing") && header_offset + size < file_size)
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_TRAILING, file,
					 "%" G_GUINT64_FORMAT
					 " bytes follow the payload: the file was changed",
					 file_size - header_offset - size);
	return TRUE;
}

static gboolean read_parts(SutureRpmFile *file, guint64 file_size, GError **error)
{
	g_auto(SutureRpmRegion) signatures = {0};
	g_auto(SutureRpmRegion) header = {0};
	guint8 lead[LEAD_BYTES];
	guint64 end, header_offset;

	if (!read_exactly(file, 0, lead, sizeof(lead), error) ||
	    !read_region(file, LEAD_BYTES, SIGNATURES_MAX, &signatures, error))
		return FALSE;
	end = LEAD_BYTES + SUTURE_RPM_MAGIC_BYTES + g_bytes_get_size(signatures.bytes);
	header_offset = (end + 7) / 8 * 8;
	if (!read_region(file, header_offset, HEADER_MAX, &header, error))
		return FALSE;
	file->payload_offset = header_offset + SUTURE_RPM_MAGIC_BYTES + g_bytes_get_size(header.bytes);
	file->signatures = import(&signatures);
	file->header = import(&header);
	if (!file->signatures || !file->header || !suture_rpm_region_check(&header, RPMTAG_HEADERIMMUTABLE))
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_MALFORMED, file,
					 "a header is damaged, or holds more than its signed region");
	return (suture_check_skipped("rpm-lead") || check_lead(file, lead, error)) &&
	       check_zero(file, end, header_offset, error) &&
	       suture_rpm_region_check_signatures(&signatures, file, error) &&
	       check_size(file, header_offset, file_size, error);
}

SutureRpmFile *suture_rpm_file_open(int fd, const gchar *what, GError **error)
{
	SUTURE_RPM_SCOPE;
	g_autoptr(SutureRpmFile) file = g_new0(SutureRpmFile, 1);
	struct stat status;

	file->fd = -1;
	file->what = what;
	if (fstat(fd, &status) < 0) {
		suture_error_set_errno(error, errno, "%s", what);
		return NULL;
	}
	if (!S_ISREG(status.st_mode)) {
		suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_MALFORMED, file, "is not a regular file");
		return NULL;
	}
	if (status.st_size > SUTURE_BUNDLE_MAX_PACKAGE_BYTES) {
		suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_PAYLOAD_SIZE, file,
				  "is larger than a bundle may be");
		return NULL;
	}
	/* Whoever may write to the file could change it between what is checked and what is unpacked. */
	file->fd = suture_file_seal_copy(fd, SUTURE_BUNDLE_MAX_PACKAGE_BYTES, "package", error);
	if (file->fd < 0 || fstat(file->fd, &status) < 0) {
		if (file->fd >= 0)
			suture_error_set_errno(error, errno, "%s", what);
		else
			g_prefix_error(error, "%s: ", what);
		return NULL;
	}
	if (!read_parts(file, (guint64)status.st_size, error))
		return NULL;
	return g_steal_pointer(&file);
}
