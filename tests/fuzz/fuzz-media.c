// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a mirror reads from media. The first byte says what the rest is: m a media as it comes, t its tar
 * archive, which gets a zstd frame here, c its list of contents, r repomd.xml, p primary.xml. Corpus:
 * make_media.py.
 */
#include "common/file.h"
#include "common/staging.h"
#include "fetcher/mirror/contents.h"
#include "fetcher/mirror/mirror.h"
#include "fetcher/mirror/rpm-md-parse.h"

#include <stdint.h>
#include <sys/mman.h>

#define NOW 1800000000 /* a moment in the life of the corpus's metadata */
#define BLOCK_BYTES (128 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 8878 section 3.1.1: a frame of stored blocks. */
static void frame(GByteArray *to, const uint8_t *data, size_t size)
{
	static const guint8 head[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38};

	g_byte_array_append(to, head, sizeof head);
	do {
		size_t part = MIN(size, BLOCK_BYTES);
		guint32 block = GUINT32_TO_LE((guint32)part << 3 | (part == size));

		g_byte_array_append(to, (const guint8 *)&block, 3);
		g_byte_array_append(to, data, (guint)part);
		data += part;
		size -= part;
	} while (size > 0);
}

static void import(const uint8_t *data, size_t size)
{
	g_autoptr(SutureScratch) scratch = suture_scratch_new(NULL);
	g_autofree gchar *folder = g_build_filename(suture_scratch_path(scratch), "mirror", NULL);
	g_autofree gchar *media = g_build_filename(suture_scratch_path(scratch), "media", NULL);
	const SutureMirrorImport request = {.media = media, .folder = folder, .root = FUZZ_ROOT, .now = NOW};
	g_autoptr(SutureMirrorReport) report = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree gchar *shown = g_build_filename(folder, "metadata", "timestamp.json", NULL);

	g_assert_true(g_file_set_contents(media, (const gchar *)data, (gssize)size, NULL));
	report = suture_mirror_import(&request, &error);
	g_assert((report == NULL) == (error != NULL));
	g_assert((report != NULL) == g_file_test(shown, G_FILE_TEST_EXISTS));
}

static gboolean ignore(const gchar *href, const gchar *sha256, gpointer data, GError **error)
{
	(void)href, (void)sha256, (void)data, (void)error;
	return TRUE;
}

static void parse_primary(const uint8_t *data, size_t size)
{
	SUTURE_AUTO_FD fd = memfd_create("input", MFD_CLOEXEC);
	g_autoptr(GError) error = NULL;
	gboolean parsed;

	g_assert_true(suture_file_write_fd(fd, data, size, NULL));
	parsed = suture_mirror_primary_parse(fd, "input", ignore, NULL, &error);
	g_assert(parsed == (error == NULL));
}

static void parse(uint8_t kind, const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) bytes = g_bytes_new(data, size);
	g_autoptr(SutureMirrorContents) contents = NULL;
	g_autoptr(GPtrArray) files = NULL;
	g_autoptr(GError) error = NULL;

	if (kind == 'c') {
		contents = suture_mirror_contents_read(bytes, &error);
		g_assert((contents == NULL) == (error != NULL));
	} else if (kind == 'r') {
		files = suture_mirror_repomd_parse(bytes, "input", &error);
		g_assert((files == NULL) == (error != NULL));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GByteArray) framed = g_byte_array_new();

	if (size == 0)
		return 0;
	/* An import syncs its file system. */
	if (g_file_test("/dev/shm", G_FILE_TEST_IS_DIR))
		g_setenv("TMPDIR", "/dev/shm", TRUE);
	switch (data[0]) {
	case 'm':
		import(data + 1, size - 1);
		break;
	case 't':
		frame(framed, data + 1, size - 1);
		import(framed->data, framed->len);
		break;
	case 'p':
		parse_primary(data + 1, size - 1);
		break;
	default:
		parse(data[0], data + 1, size - 1);
	}
	return 0;
}
