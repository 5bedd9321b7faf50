// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/keyring.h"

#include "common/process.h"
#include "common/staging.h"
#include "packager/read/keyring-private.h"

#include <stdlib.h>
#include <string.h>

#define KEYRING_MAX (1024 * 1024)
#define KEYRING_FILE "keys.gpg"

struct _SutureKeyring {
	rpmKeyring rpm;
	GPtrArray *keys;   /* SutureOpenpgpKey* */
	GHashTable *by_id; /* id -> SutureOpenpgpKey* in keys */
};

void suture_keyring_free(SutureKeyring *keyring)
{
	if (keyring->rpm)
		rpmKeyringFree(keyring->rpm);
	g_clear_pointer(&keyring->by_id, g_hash_table_unref);
	g_clear_pointer(&keyring->keys, g_ptr_array_unref);
	g_free(keyring);
}

rpmKeyring suture_keyring_rpm(const SutureKeyring *keyring)
{
	return keyring->rpm;
}

const SutureOpenpgpKey *suture_keyring_find(const SutureKeyring *keyring, const guint8 id[8])
{
	gchar hex[17];

	for (gsize i = 0; i < 8; i++)
		g_snprintf(hex + 2 * i, 3, "%02X", id[i]);
	return g_hash_table_lookup(keyring->by_id, hex);
}

static gboolean malformed(GError **error, const gchar *why)
{
	g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_KEYRING,
		    "the RPM keyring %s: give ASCII-armoured OpenPGP public keys", why);
	return FALSE;
}

/* gpg in a home of its own: nothing of the user's keys or options, no agent, no trust database. */
static gboolean run_gpg(const gchar *home, const gchar *const *command, GBytes *input, gchar **ret_output,
			GError **error)
{
	static const gchar *const environment[] = {"LC_ALL=C", NULL};
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	const gchar *const common[] = {"gpg", "--homedir", home, "--no-options", "--batch", "--no-tty",
				       "--quiet", "--no-autostart", "--no-auto-check-trustdb",
				       /* A dead clock does not take the keys away: times are judged here. */
				       "--ignore-time-conflict", NULL};

	for (gsize i = 0; common[i]; i++)
		g_ptr_array_add(argv, (gpointer)common[i]);
	for (gsize i = 0; command[i]; i++)
		g_ptr_array_add(argv, (gpointer)command[i]);
	g_ptr_array_add(argv, NULL);
	return suture_process_run((const gchar *const *)argv->pdata, environment, NULL, input, ret_output,
				  error);
}

/* gpg's first words for it to work on the file that take_keys() wrote, or on its own one. */
static gchar **on_keys(const gchar *home, gboolean merge, const gchar *const *command)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();

	if (!merge) {
		g_ptr_array_add(words, g_strdup("--no-default-keyring"));
		g_ptr_array_add(words, g_strdup("--keyring"));
		g_ptr_array_add(words, g_build_filename(home, KEYRING_FILE, NULL));
	}
	for (; *command; command++)
		g_ptr_array_add(words, g_strdup(*command));
	g_ptr_array_add(words, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

/*
 * What gpg takes of @armored. With @merge it is gpg's own keyring, where keys that come twice become one; but
 * it then asks for gpg's agent for each key, by a socket.
 */
static gboolean take_keys(const gchar *home, gboolean merge, GBytes *armored, GError **error)
{
	static const gchar *const merging[] = {"--import", NULL};
	static const gchar *const plain[] = {"--armor", "--import-options", "import-export", "--import",
					     NULL};
	g_autofree gchar *file = g_build_filename(home, KEYRING_FILE, NULL);
	const gchar *const unpack[] = {"--output", file, "--dearmor", NULL};
	g_autofree gchar *taken = NULL;
	g_autoptr(GBytes) text = NULL;

	if (merge)
		return run_gpg(home, merging, armored, NULL, error);
	if (!run_gpg(home, plain, armored, &taken, error))
		return FALSE;
	text = g_bytes_new(taken, strlen(taken));
	return run_gpg(home, unpack, text, NULL, error);
}

/* Checks @armored by gpg: *@ret_listing says what it knows of the keys, *@ret_clean holds those keys alone.
 */
static gboolean examine(GBytes *armored, gboolean merge, gchar **ret_listing, gchar **ret_clean,
			GError **error)
{
	static const gchar *const list[] = {"--with-colons", "--fixed-list-mode", "--check-sigs", NULL};
	static const gchar *const export[] = {"--armor", "--export-options", "export-minimal", "--export",
					      NULL};
	g_autoptr(SutureScratch) scratch = suture_scratch_new(error);
	g_auto(GStrv) list_keys = NULL, export_keys = NULL;
	g_autoptr(GError) cause = NULL;
	const gchar *home;

	if (!scratch)
		return FALSE;
	home = suture_scratch_path(scratch);
	if (!take_keys(home, merge, armored, &cause))
		return malformed(error, cause->message);
	list_keys = on_keys(home, merge, list);
	export_keys = on_keys(home, merge, export);
	return run_gpg(home, (const gchar *const *)list_keys, NULL, ret_listing, error) &&
	       run_gpg(home, (const gchar *const *)export_keys, NULL, ret_clean, error);
}

static void add_subkeys(rpmKeyring keyring, rpmPubkey primary)
{
	int count = 0;
	rpmPubkey *subkeys = rpmGetSubkeys(primary, &count);

	for (int i = 0; i < count; i++) {
		rpmKeyringAddKey(keyring, subkeys[i]);
		rpmPubkeyFree(subkeys[i]);
	}
	free(subkeys);
}

static gboolean add_certificates(rpmKeyring keyring, const guint8 *packets, gsize size)
{
	gsize length;

	for (; size; packets += length, size -= length) {
		rpmPubkey key;

		if (pgpPubKeyCertLen(packets, size, &length) || length == 0 || length > size)
			return FALSE;
		key = rpmPubkeyNew(packets, length);
		if (!key)
			return FALSE;
		rpmKeyringAddKey(keyring, key);
		add_subkeys(keyring, key);
		rpmPubkeyFree(key);
	}
	return TRUE;
}

static rpmKeyring rpm_keyring_new(const gchar *armored)
{
	SUTURE_RPM_SCOPE;
	rpmKeyring keyring = rpmKeyringNew();
	uint8_t *packets = NULL;
	size_t size = 0;

	if (pgpParsePkts(armored, &packets, &size) != PGPARMOR_PUBKEY || size == 0 ||
	    !add_certificates(keyring, packets, size))
		keyring = rpmKeyringFree(keyring);
	free(packets);
	return keyring;
}

/* FALSE: two keys have one id. */
static gboolean index_keys(SutureKeyring *keyring)
{
	g_hash_table_remove_all(keyring->by_id);
	for (guint i = 0; i < keyring->keys->len; i++) {
		SutureOpenpgpKey *key = g_ptr_array_index(keyring->keys, i);

		if (!g_hash_table_insert(keyring->by_id, key->id, key))
			return FALSE;
	}
	return TRUE;
}

/* Parses, @merge as in take_keys(). *@ret_twice: a key is there more than once. */
static gboolean fill(SutureKeyring *keyring, GBytes *armored, gboolean merge, gboolean *ret_twice,
		     GError **error)
{
	g_autofree gchar *listing = NULL;
	g_autofree gchar *clean = NULL;

	if (!examine(armored, merge, &listing, &clean, error))
		return FALSE;
	g_clear_pointer(&keyring->keys, g_ptr_array_unref);
	keyring->keys = suture_gpg_listing_parse(listing);
	if (keyring->keys->len == 0)
		return malformed(error, "holds no key that may sign");
	*ret_twice = !index_keys(keyring);
	if (*ret_twice)
		return malformed(error, "has two keys with the same key id");
	keyring->rpm = rpm_keyring_new(clean);
	return keyring->rpm || malformed(error, "holds a key that librpm cannot read");
}

SutureKeyring *suture_keyring_new(GBytes *armored, GError **error)
{
	g_autoptr(SutureKeyring) keyring = g_new0(SutureKeyring, 1);
	g_autoptr(GError) cause = NULL;
	gboolean twice = FALSE;
	gsize size = g_bytes_get_size(armored);
	const gchar *text = g_bytes_get_data(armored, NULL);

	if (size == 0 || size > KEYRING_MAX ||
	    !g_strstr_len(text, (gssize)size, "-----BEGIN PGP PUBLIC KEY")) {
		malformed(error, size > KEYRING_MAX ? "is too large" : "holds no public key");
		return NULL;
	}
	keyring->by_id = g_hash_table_new(g_str_hash, g_str_equal);
	if (fill(keyring, armored, FALSE, &twice, &cause))
		return g_steal_pointer(&keyring);
	if (!twice) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return NULL;
	}
	return fill(keyring, armored, TRUE, &twice, error) ? g_steal_pointer(&keyring) : NULL;
}
