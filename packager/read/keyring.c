// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/keyring.h"

#include "common/process.h"
#include "common/staging.h"
#include "packager/read/keyring-private.h"

#include <stdlib.h>
#include <string.h>

#define KEYRING_MAX (1024 * 1024)

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
	const gchar *const common[] = {"gpg",
				       "--homedir",
				       home,
				       "--no-options",
				       "--batch",
				       "--no-tty",
				       "--quiet",
				       "--no-autostart",
				       "--no-auto-check-trustdb",
				       NULL};

	for (gsize i = 0; common[i]; i++)
		g_ptr_array_add(argv, (gpointer)common[i]);
	for (gsize i = 0; command[i]; i++)
		g_ptr_array_add(argv, (gpointer)command[i]);
	g_ptr_array_add(argv, NULL);
	return suture_process_run((const gchar *const *)argv->pdata, environment, NULL, input, ret_output,
				  error);
}

/* Checks @armored by gpg: *@ret_listing says what it knows of the keys, *@ret_clean holds those keys alone.
 */
static gboolean examine(GBytes *armored, gchar **ret_listing, gchar **ret_clean, GError **error)
{
	static const gchar *const import[] = {"--import", NULL};
	static const gchar *const list[] = {"--with-colons", "--fixed-list-mode", "--check-sigs", NULL};
	static const gchar *const export[] = {"--armor", "--export-options", "export-minimal", "--export",
					      NULL};
	g_autoptr(SutureScratch) scratch = suture_scratch_new(error);
	g_autoptr(GError) cause = NULL;
	const gchar *home;

	if (!scratch)
		return FALSE;
	home = suture_scratch_path(scratch);
	if (!run_gpg(home, import, armored, NULL, &cause))
		return malformed(error, cause->message);
	return run_gpg(home, list, NULL, ret_listing, error) && run_gpg(home, export, NULL, ret_clean, error);
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

static gboolean index_keys(SutureKeyring *keyring, GError **error)
{
	keyring->by_id = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < keyring->keys->len; i++) {
		SutureOpenpgpKey *key = g_ptr_array_index(keyring->keys, i);

		if (!g_hash_table_insert(keyring->by_id, key->id, key))
			return malformed(error, "has two keys with the same key id");
	}
	return TRUE;
}

SutureKeyring *suture_keyring_new(GBytes *armored, GError **error)
{
	g_autoptr(SutureKeyring) keyring = g_new0(SutureKeyring, 1);
	g_autofree gchar *listing = NULL;
	g_autofree gchar *clean = NULL;
	gsize size = g_bytes_get_size(armored);
	const gchar *text = g_bytes_get_data(armored, NULL);

	if (size == 0 || size > KEYRING_MAX ||
	    !g_strstr_len(text, (gssize)size, "-----BEGIN PGP PUBLIC KEY")) {
		malformed(error, size > KEYRING_MAX ? "is too large" : "holds no public key");
		return NULL;
	}
	if (!examine(armored, &listing, &clean, error))
		return NULL;
	keyring->keys = suture_gpg_listing_parse(listing);
	if (keyring->keys->len == 0) {
		malformed(error, "holds no key that may sign");
		return NULL;
	}
	if (!index_keys(keyring, error))
		return NULL;
	keyring->rpm = rpm_keyring_new(clean);
	if (!keyring->rpm) {
		malformed(error, "holds a key that librpm cannot read");
		return NULL;
	}
	return g_steal_pointer(&keyring);
}
