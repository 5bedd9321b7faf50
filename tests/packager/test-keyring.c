// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/keyring.h"

#include "packager/read/gpg-listing.h"
#include "packager/read/keyring-private.h"
#include "tests/packager/material.h"

#include <string.h>

static GBytes *read_keys(const gchar *name)
{
	g_autofree gchar *path = g_build_filename("..", "test-keys", name, NULL);

	return material_read(path);
}

/* The key in the test keyring whose user id starts with @name. */
static const SutureOpenpgpKey *find_key(const SutureKeyring *keyring, const gchar *name)
{
	g_autofree gchar *file = g_strconcat(name, ".fpr", NULL);
	g_autoptr(GBytes) text = read_keys(file);
	const gchar *hex = g_bytes_get_data(text, NULL);
	guint8 id[8];

	g_assert_cmpuint(g_bytes_get_size(text), ==, 41);
	for (gsize i = 0; i < 8; i++)
		id[i] = (guint8)(g_ascii_xdigit_value(hex[24 + 2 * i]) << 4 |
				 g_ascii_xdigit_value(hex[25 + 2 * i]));
	return suture_keyring_find(keyring, id);
}

static void test_load(void)
{
	g_autoptr(GBytes) armored = read_keys("trust/rpm-keyring.asc");
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureKeyring) keyring = suture_keyring_new(armored, &error);
	const SutureOpenpgpKey *key;

	g_assert_no_error(error);
	key = find_key(keyring, "vendor");
	g_assert_nonnull(key);
	g_assert_cmpint(key->bits, ==, 3072);
	g_assert_cmpint(key->created, ==, 1704067200);
	g_assert_cmpint(key->expires, ==, 0);
	g_assert_true(g_str_has_prefix(key->user_id, "vendor"));
	g_assert_cmpint(find_key(keyring, "expired")->expires, ==, 1735689600);
	g_assert_null(find_key(keyring, "stranger"));
}

static void test_revoked(void)
{
	g_autoptr(GBytes) armored = read_keys("trust/rpm-keyring.asc");
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureKeyring) keyring = suture_keyring_new(armored, &error);

	g_assert_no_error(error);
	g_assert_true(find_key(keyring, "compromised")->compromised);
	g_assert_true(find_key(keyring, "unspecified")->compromised);
	g_assert_false(find_key(keyring, "retired")->compromised);
	g_assert_false(find_key(keyring, "superseded")->compromised);
	g_assert_cmpint(find_key(keyring, "retired")->revoked, ==, 1735689600);
}

static void assert_refused(const gchar *text)
{
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
	g_autoptr(GError) error = NULL;

	g_assert_null(suture_keyring_new(bytes, &error));
	g_assert_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_KEYRING);
}

static void test_malformed(void)
{
	assert_refused("");
	assert_refused("no key at all");
	assert_refused("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n");
	assert_refused("-----BEGIN PGP PUBLIC KEY BLOCK-----\n");
}

static void test_damaged(void)
{
	g_autoptr(GBytes) armored = read_keys("stranger.asc");
	g_autofree gchar *text = g_strndup(g_bytes_get_data(armored, NULL), g_bytes_get_size(armored));

	text[strlen(text) / 2] = text[strlen(text) / 2] == 'A' ? 'B' : 'A';
	assert_refused(text);
}

/* As when a publisher appends a key anew, with a later expiry. */
static void test_key_twice(void)
{
	g_autoptr(GBytes) armored = read_keys("stranger.asc");
	g_autofree gchar *text = g_strndup(g_bytes_get_data(armored, NULL), g_bytes_get_size(armored));
	g_autofree gchar *twice = g_strconcat(text, text, NULL);
	g_autoptr(GBytes) bytes = g_bytes_new_static(twice, strlen(twice));
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureKeyring) keyring = suture_keyring_new(bytes, &error);

	g_assert_no_error(error);
	g_assert_nonnull(keyring);
}

static void test_too_large(void)
{
	g_autofree gchar *text = g_strnfill(2 * 1024 * 1024, 'A');

	memcpy(text, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n", 38);
	assert_refused(text);
}

/* A primary key's end is its subkeys' end. */
static void test_listing_subkey(void)
{
	g_autoptr(GPtrArray) keys =
		suture_gpg_listing_parse("tru::1:1795356394:0:3:1:5\n"
					 "pub:r:4096:1:1111111111111111:100:2000::-:::cSC::::::23::0:\n"
					 "fpr:::::::::AAAA:\n"
					 "rev:!::1:1111111111111111:1500::::x:20x,03::AAAA:::10:\n"
					 "uid:r::::100::HASH::Vendor <v@example.org>::::::::::0:\n"
					 "sub:r:3072:1:2222222222222222:200:3000:::::s::::::23:\n"
					 "fpr:::::::::BBBB:\n"
					 "sub:-:3072:1:3333333333333333:200::::::e::::::23:\n"
					 "fpr:::::::::CCCC:\n");
	const SutureOpenpgpKey *key;

	g_assert_cmpuint(keys->len, ==, 1);
	key = g_ptr_array_index(keys, 0);
	g_assert_cmpstr(key->fingerprint, ==, "BBBB");
	g_assert_cmpint(key->expires, ==, 2000);
	g_assert_cmpint(key->revoked, ==, 1500);
	g_assert_cmpint(key->created, ==, 200);
	g_assert_cmpstr(key->user_id, ==, "Vendor <v@example.org>");
}

/* The strictest of several revocations counts, and one that does not verify does not. */
static void test_listing_revocations(void)
{
	g_autoptr(GPtrArray) keys =
		suture_gpg_listing_parse("pub:r:3072:1:1111111111111111:100:::-:::scSC::::::23::0:\n"
					 "fpr:::::::::AAAA:\n"
					 "rev:!::1:1111111111111111:1500::::x:20x,03::AAAA:::10:\n"
					 "rev:!::1:1111111111111111:1700::::x:20x,02::AAAA:::10:\n"
					 "pub:-:3072:1:2222222222222222:100:::-:::scSC::::::23::0:\n"
					 "fpr:::::::::BBBB:\n"
					 "rev:-::1:2222222222222222:1500::::x:20x,02::BBBB:::10:\n"
					 "pub:r:3072:1:3333333333333333:100:::-:::scSC::::::23::0:\n"
					 "fpr:::::::::CCCC:\n"
					 "rev:!::1:3333333333333333:1500::::x:20x,02::CCCC:::10:\n"
					 "rev:!::1:3333333333333333:1600::::x:20x,01::CCCC:::10:\n");
	const SutureOpenpgpKey *first, *second, *third;

	g_assert_cmpuint(keys->len, ==, 3);
	first = g_ptr_array_index(keys, 0);
	second = g_ptr_array_index(keys, 1);
	third = g_ptr_array_index(keys, 2);
	g_assert_true(first->compromised);
	g_assert_cmpint(first->revoked, ==, 1500);
	g_assert_false(second->compromised);
	g_assert_cmpint(second->revoked, ==, 0);
	g_assert_true(third->compromised);
}

/* Revoked, but by nobody that is known: closed. */
static void test_listing_unexplained(void)
{
	g_autoptr(GPtrArray) keys =
		suture_gpg_listing_parse("pub:r:3072:1:1111111111111111:100:::-:::sc::::::23::0:\n"
					 "fpr:::::::::AAAA:\n");
	const SutureOpenpgpKey *key = g_ptr_array_index(keys, 0);

	g_assert_true(key->compromised);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	material_ensure();
	g_test_add_func("/bundle/keyring/load", test_load);
	g_test_add_func("/bundle/keyring/revoked", test_revoked);
	g_test_add_func("/bundle/keyring/malformed", test_malformed);
	g_test_add_func("/bundle/keyring/damaged", test_damaged);
	g_test_add_func("/bundle/keyring/too-large", test_too_large);
	g_test_add_func("/bundle/keyring/key-twice", test_key_twice);
	g_test_add_func("/bundle/gpg-listing/subkey", test_listing_subkey);
	g_test_add_func("/bundle/gpg-listing/revocations", test_listing_revocations);
	g_test_add_func("/bundle/gpg-listing/unexplained", test_listing_unexplained);
	return g_test_run();
}
