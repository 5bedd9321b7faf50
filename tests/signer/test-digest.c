// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/verify/digest.h"

#include "common/error.h"
#include "common/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

/* FIPS 180-4's examples. */
static const struct {
	const gchar *text, *digest;
} examples[] = {
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};
#define MILLION_A "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static void bytes_give_the_standards_digests(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(examples); i++) {
		g_autoptr(GBytes) bytes = g_bytes_new_static(examples[i].text, strlen(examples[i].text));
		g_autofree gchar *digest = suture_digest_bytes(bytes);

		g_assert_cmpstr(digest, ==, examples[i].digest);
	}
}

static void pieces_give_the_digest_of_the_whole(void)
{
	SutureDigest *digest = suture_digest_new();
	g_autofree gchar *result = NULL;

	for (guint i = 0; i < 100000; i++)
		suture_digest_update(digest, "aaaaaaaaaa", 10);
	result = suture_digest_finish(digest);
	g_assert_cmpstr(result, ==, MILLION_A);
}

static void fd_is_read_whole_whatever_its_position(void)
{
	g_autofree gchar *text = g_strnfill(1000000, 'a');
	g_autofree gchar *digest = NULL;
	g_autoptr(GError) error = NULL;
	guint64 size = 0;
	SUTURE_AUTO_FD fd = memfd_create("digest", MFD_CLOEXEC);

	g_assert_cmpint(write(fd, text, 1000000), ==, 1000000);
	digest = suture_digest_fd(fd, &size, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(digest, ==, MILLION_A);
	g_assert_cmpuint(size, ==, 1000000);
	g_assert_cmpint(lseek(fd, 0, SEEK_CUR), ==, 1000000);
}

static void unreadable_fd_is_an_error(void)
{
	g_autoptr(GError) error = NULL;
	SUTURE_AUTO_FD fd = open("/", O_PATH | O_CLOEXEC);

	g_assert_null(suture_digest_fd(fd, NULL, &error));
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_IO);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/signer/digest/bytes-give-the-standards-digests", bytes_give_the_standards_digests);
	g_test_add_func("/signer/digest/pieces-give-the-digest-of-the-whole",
			pieces_give_the_digest_of_the_whole);
	g_test_add_func("/signer/digest/fd-is-read-whole", fd_is_read_whole_whatever_its_position);
	g_test_add_func("/signer/digest/unreadable-fd-is-an-error", unreadable_fd_is_an_error);
	return g_test_run();
}
