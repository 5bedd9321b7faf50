// SPDX-License-Identifier: LGPL-2.1-or-later
/* OpenSSL's engine for PKCS#11 (libp11). OpenSSL 3 calls engines deprecated; a provider that does as well is
 * not in the distributions yet that this is built for. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "signer/sign/pkcs11.h"

#include "signer/sign/private.h"

#include <openssl/crypto.h>
#include <openssl/ui.h>

#ifdef OPENSSL_NO_ENGINE
EVP_PKEY *suture_pkcs11_engine_load(const gchar *module, const gchar *uri, const gchar *pin, GError **error)
{
	(void)module, (void)uri, (void)pin;
	g_set_error_literal(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_TOKEN,
			    "this OpenSSL has no engines, and without them there are no keys on tokens");
	return NULL;
}
#else
#include <openssl/engine.h>

static gboolean failed(GError **error, const gchar *what)
{
	g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_TOKEN, "%s: %s", what,
		    suture_openssl_error());
	return FALSE;
}

static gboolean load_engine(ENGINE *engine)
{
	static const struct {
		const gchar *command, *value;
	} commands[] = {{"ID", "pkcs11"}, {"DIR_LOAD", "2"}, {"DIR_ADD", NULL}, {"LIST_ADD", "0"}};

	for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
		const gchar *value =
			commands[i].value ? commands[i].value : OPENSSL_info(OPENSSL_INFO_ENGINES_DIR);

		if (ENGINE_ctrl_cmd_string(engine, commands[i].command, value, 0) != 1)
			return FALSE;
	}
	return ENGINE_ctrl_cmd_string(engine, "LOAD", NULL, 0) == 1;
}

static ENGINE *engine_new(const gchar *module, GError **error)
{
	ENGINE *engine;

	OPENSSL_init_crypto(OPENSSL_INIT_ENGINE_DYNAMIC, NULL);
	engine = ENGINE_by_id("dynamic");
	if (!engine || !load_engine(engine))
		failed(error,
		       "OpenSSL's engine for PKCS#11 cannot be loaded (package libengine-pkcs11-openssl, or "
		       "openssl-pkcs11)");
	else if (ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", module, 0) != 1 || ENGINE_init(engine) != 1)
		failed(error, module);
	else
		return engine;
	ENGINE_free(engine);
	return NULL;
}

/* One for each module; kept for as long as the process lives. */
static ENGINE *engine_for(const gchar *module, GError **error)
{
	static GHashTable *engines;
	ENGINE *engine;

	if (!engines)
		engines = g_hash_table_new(g_str_hash, g_str_equal);
	engine = g_hash_table_lookup(engines, module);
	if (engine)
		return engine;
	engine = engine_new(module, error);
	if (engine)
		g_hash_table_insert(engines, g_strdup(module), engine);
	return engine;
}

/* The engine asks for the PIN that was asked for already. */
static int answer(UI *ui, UI_STRING *string)
{
	const gchar *pin = UI_get0_user_data(ui);

	if (UI_get_string_type(string) != UIT_PROMPT && UI_get_string_type(string) != UIT_VERIFY)
		return 1;
	return pin && UI_set_result(ui, string, pin) == 0;
}

static UI_METHOD *answers(void)
{
	static UI_METHOD *method;

	if (!method) {
		method = UI_create_method("suture");
		UI_method_set_reader(method, answer);
	}
	return method;
}

EVP_PKEY *suture_pkcs11_engine_load(const gchar *module, const gchar *uri, const gchar *pin, GError **error)
{
	ENGINE *engine = engine_for(module, error);
	EVP_PKEY *key = engine ? ENGINE_load_private_key(engine, uri, answers(), (gpointer)pin) : NULL;

	if (engine && !key)
		failed(error, uri);
	return key;
}
#endif
