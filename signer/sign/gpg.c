// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/sign/gpg.h"

#include "common/process.h"
#include "signer/sign/private.h"

#include <string.h>

void suture_gpg_uri_free(SutureGpgUri *key)
{
	if (!key)
		return;
	g_free(key->fingerprint);
	g_free(key->home);
	g_free(key);
}

static gboolean fingerprint_is_valid(const gchar *text)
{
	gsize length = strlen(text);

	return (length == 40 || length == 64) && strspn(text, "0123456789abcdefABCDEF") == length;
}

/* "FINGERPRINT" or "FINGERPRINT?homedir=/path" */
static gboolean parse_parts(const gchar *text, SutureGpgUri *key)
{
	g_auto(GStrv) parts = g_strsplit(text, "?", 2);
	g_autoptr(GHashTable) parameters = NULL;

	if (!parts[0] || !fingerprint_is_valid(parts[0]))
		return FALSE;
	key->fingerprint = g_ascii_strup(parts[0], -1);
	if (!parts[1])
		return TRUE;
	parameters = g_uri_parse_params(parts[1], -1, "&", G_URI_PARAMS_NONE, NULL);
	key->home = parameters ? g_strdup(g_hash_table_lookup(parameters, "homedir")) : NULL;
	return key->home && *key->home && g_hash_table_size(parameters) == 1;
}

SutureGpgUri *suture_gpg_uri_parse(const gchar *uri, GError **error)
{
	g_autoptr(SutureGpgUri) key = g_new0(SutureGpgUri, 1);

	if (g_str_has_prefix(uri, "gpg:") && parse_parts(uri + strlen("gpg:"), key))
		return g_steal_pointer(&key);
	g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_URI,
		    "%s does not name an RPM key; write gpg:FINGERPRINT or gpg:FINGERPRINT?homedir=/path",
		    uri);
	return NULL;
}

/* Runs gpg for @key; a failure is one of signing, with gpg's words. */
static gchar *run(const SutureGpgUri *key, GBytes *input, const gchar *const *arguments, GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autoptr(GError) cause = NULL;
	g_autofree gchar *output = NULL;

	g_ptr_array_add(argv, (gpointer) "gpg");
	g_ptr_array_add(argv, (gpointer) "--batch");
	g_ptr_array_add(argv, (gpointer) "--quiet");
	if (key->home) {
		g_ptr_array_add(argv, (gpointer) "--homedir");
		g_ptr_array_add(argv, key->home);
	}
	for (; *arguments; arguments++)
		g_ptr_array_add(argv, (gpointer)*arguments);
	g_ptr_array_add(argv, NULL);
	if (suture_process_run((const gchar *const *)argv->pdata, NULL, NULL, input, &output, &cause))
		return g_steal_pointer(&output);
	g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_FAILED, "gpg key %s: %s", key->fingerprint,
		    cause->message);
	return NULL;
}

GBytes *suture_gpg_sign_detached(const gchar *key_uri, GBytes *data, GError **error)
{
	g_autoptr(SutureGpgUri) key = suture_gpg_uri_parse(key_uri, error);
	gchar *signature;

	if (!key)
		return NULL;
	signature = run(key, data,
			(const gchar *const[]){"--armor", "--detach-sign", "--digest-algo", "SHA256",
					       "--local-user", key->fingerprint, NULL},
			error);
	return signature ? g_bytes_new_take(signature, strlen(signature)) : NULL;
}

GBytes *suture_gpg_export(const gchar *key_uri, GError **error)
{
	g_autoptr(SutureGpgUri) key = suture_gpg_uri_parse(key_uri, error);
	g_autofree gchar *armoured = NULL;

	if (!key)
		return NULL;
	armoured =
		run(key, NULL, (const gchar *const[]){"--armor", "--export", key->fingerprint, NULL}, error);
	if (!armoured)
		return NULL;
	if (*armoured)
		return g_bytes_new(armoured, strlen(armoured));
	g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_KEY, "gpg key %s is not in %s",
		    key->fingerprint, key->home ? key->home : "gpg's home folder");
	return NULL;
}

gchar *suture_gpg_list(const gchar *uri, GError **error)
{
	g_autoptr(SutureGpgUri) key = suture_gpg_uri_parse(uri, error);

	if (!key)
		return NULL;
	return run(key, NULL, (const gchar *const[]){"--with-colons", "--list-keys", key->fingerprint, NULL},
		   error);
}
