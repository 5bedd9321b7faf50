// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which token and which object a URI means is found out here, so that each thing that can be wrong is told
 * apart; the signing is the engine's. Engine and p11-kit share the module, and with it the login.
 */
#include "signer/sign/pkcs11.h"

#include "signer/sign/private.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <string.h>

#define MAX_SLOTS 64
#define MAX_ATTRIBUTE_BYTES 256

G_DEFINE_AUTOPTR_CLEANUP_FUNC(P11KitUri, p11_kit_uri_free)

/* A token that is there. Those used are kept for as long as the process lives: a login ends with the last
 * session. */
typedef struct {
	CK_FUNCTION_LIST *module;
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
	CK_SESSION_HANDLE session;
	gchar *name; /* for people */
	gchar *pin;
} Token;

/* An object of a token. */
typedef struct {
	guint8 id[MAX_ATTRIBUTE_BYTES], label[MAX_ATTRIBUTE_BYTES];
	CK_ULONG id_size, label_size;
} Object;

G_GNUC_PRINTF(3, 4)
static gboolean refuse(GError **error, SutureSignError code, const gchar *format, ...)
{
	g_autofree gchar *words = NULL;
	va_list args;

	va_start(args, format);
	words = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, SUTURE_SIGN_ERROR, code, words);
	return FALSE;
}

static gboolean token_failed(GError **error, const gchar *name, const gchar *what, CK_RV result)
{
	return refuse(error, SUTURE_SIGN_ERROR_TOKEN, "%s: %s: %s", name, what, p11_kit_strerror(result));
}

static void token_free(gpointer data)
{
	Token *token = data;

	g_free(token->name);
	suture_pin_free(token->pin);
	g_free(token);
}

static CK_OBJECT_CLASS class_of(P11KitUri *uri)
{
	const CK_ATTRIBUTE *class = p11_kit_uri_get_attribute(uri, CKA_CLASS);

	return class && class->ulValueLen == sizeof(CK_OBJECT_CLASS) ? *(const CK_OBJECT_CLASS *)class->pValue
								     : CKO_PRIVATE_KEY;
}

/* No message here quotes the URI before it is known to have no PIN in it. */
static P11KitUri *parse_uri(const gchar *text, GError **error)
{
	g_autoptr(P11KitUri) uri = p11_kit_uri_new();
	int result = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);

	if (strcasestr(text, "pin-value") || p11_kit_uri_get_pin_value(uri))
		refuse(error, SUTURE_SIGN_ERROR_PIN_URI,
		       "a PIN in a key's URI can be seen by every user of this machine: change the PIN, and "
		       "leave "
		       "pin-value out, to be asked for it, or name a file with pin-source=");
	else if (result != P11_KIT_URI_OK)
		refuse(error, SUTURE_SIGN_ERROR_URI, "%s: %s; write pkcs11:token=NAME;object=NAME (RFC 7512)",
		       text, p11_kit_uri_message(result));
	else if (p11_kit_uri_any_unrecognized(uri))
		refuse(error, SUTURE_SIGN_ERROR_URI,
		       "%s: it has an attribute that is not known here (RFC 7512)", text);
	else if (class_of(uri) != CKO_PRIVATE_KEY)
		refuse(error, SUTURE_SIGN_ERROR_URI, "%s does not name a private key; write type=private",
		       text);
	else
		return g_steal_pointer(&uri);
	return NULL;
}

/* NULL-terminated, as p11-kit has them; kept for as long as the process lives. */
static CK_FUNCTION_LIST **load_modules(P11KitUri *uri, GError **error)
{
	static CK_FUNCTION_LIST **configured;
	static GHashTable *named;
	const gchar *path = p11_kit_uri_get_module_path(uri);
	CK_FUNCTION_LIST **list;

	p11_kit_be_quiet();
	if (!path) {
		if (!configured)
			configured = p11_kit_modules_load_and_initialize(0);
		if (!configured)
			refuse(error, SUTURE_SIGN_ERROR_TOKEN, "the PKCS#11 modules of this machine: %s",
			       p11_kit_message());
		return configured;
	}
	if (!named)
		named = g_hash_table_new(g_str_hash, g_str_equal);
	list = g_hash_table_lookup(named, path);
	if (list)
		return list;
	list = g_new0(CK_FUNCTION_LIST *, 2);
	list[0] = p11_kit_module_load(path, 0);
	if (list[0] && p11_kit_module_initialize(list[0]) == CKR_OK) {
		g_hash_table_insert(named, g_strdup(path), list);
		return list;
	}
	refuse(error, SUTURE_SIGN_ERROR_TOKEN, "PKCS#11 module %s: %s", path,
	       p11_kit_message() ? p11_kit_message() : "it cannot be set up");
	g_free(list);
	return NULL;
}

static gchar *text_of(const guint8 *padded, gsize size)
{
	g_autofree gchar *text = g_strndup((const gchar *)padded, size);

	return g_utf8_make_valid(g_strchomp(text), -1);
}

static gchar *name_of(const CK_TOKEN_INFO *info)
{
	g_autofree gchar *label = text_of(info->label, sizeof info->label);
	g_autofree gchar *model = text_of(info->model, sizeof info->model);
	g_autofree gchar *serial = text_of(info->serialNumber, sizeof info->serialNumber);

	return g_strdup_printf("token \"%s\" (%s, serial number %s)", label, model, serial);
}

static gboolean slot_matches(P11KitUri *uri, CK_FUNCTION_LIST *module, CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
	CK_SLOT_INFO slot_info;

	return (wanted == (CK_SLOT_ID)-1 || wanted == slot) &&
	       module->C_GetSlotInfo(slot, &slot_info) == CKR_OK &&
	       p11_kit_uri_match_slot_info(uri, &slot_info) && module->C_GetTokenInfo(slot, info) == CKR_OK &&
	       (info->flags & CKF_TOKEN_INITIALIZED) && p11_kit_uri_match_token_info(uri, info);
}

static void find_tokens(P11KitUri *uri, CK_FUNCTION_LIST *module, GPtrArray *tokens)
{
	CK_SLOT_ID slots[MAX_SLOTS];
	CK_ULONG count = MAX_SLOTS;
	CK_INFO info;

	if (module->C_GetInfo(&info) != CKR_OK || !p11_kit_uri_match_module_info(uri, &info) ||
	    module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
		return;
	for (CK_ULONG i = 0; i < count; i++) {
		Token *token = g_new0(Token, 1);

		token->module = module;
		token->slot = slots[i];
		g_ptr_array_add(tokens, token);
		if (slot_matches(uri, module, slots[i], &token->info))
			token->name = name_of(&token->info);
		else
			g_ptr_array_remove_index(tokens, tokens->len - 1);
	}
}

/* The one token that @uri means. */
static Token *find_token(P11KitUri *uri, const gchar *text, GError **error)
{
	CK_FUNCTION_LIST **modules = load_modules(uri, error);
	g_autoptr(GPtrArray) tokens = NULL;
	g_autoptr(GString) names = NULL;

	if (!modules)
		return NULL;
	tokens = g_ptr_array_new_with_free_func(token_free);
	for (; *modules; modules++)
		find_tokens(uri, *modules, tokens);
	if (tokens->len == 1)
		return g_ptr_array_steal_index(tokens, 0);
	if (tokens->len == 0) {
		refuse(error, SUTURE_SIGN_ERROR_TOKEN_MISSING,
		       "%s: no such token is there; plug it in, or correct token= ('p11tool --list-tokens' "
		       "shows "
		       "what is there)",
		       text);
		return NULL;
	}
	names = g_string_new(NULL);
	for (guint i = 0; i < tokens->len; i++)
		g_string_append_printf(names, "%s%s", i ? ", " : "", ((Token *)tokens->pdata[i])->name);
	refuse(error, SUTURE_SIGN_ERROR_AMBIGUOUS,
	       "%s means %u tokens: %s; tell them apart by token= or serial=", text, tokens->len, names->str);
	return NULL;
}

static gboolean wrong_pin(Token *token, CK_RV result, GError **error)
{
	CK_TOKEN_INFO info = {.flags = 0};

	token->module->C_GetTokenInfo(token->slot, &info);
	if (result == CKR_PIN_LOCKED || (info.flags & CKF_USER_PIN_LOCKED))
		return refuse(error, SUTURE_SIGN_ERROR_PIN_LOCKED,
			      "%s is locked after too many wrong PINs; its security officer can unlock it",
			      token->name);
	return refuse(error, SUTURE_SIGN_ERROR_PIN_WRONG, "the PIN of %s is another one%s", token->name,
		      info.flags & CKF_USER_PIN_FINAL_TRY ? "; ONE try is left before it locks" : "");
}

static gboolean log_in(Token *token, const gchar *pin_source, GError **error)
{
	CK_RV result;

	if (!(token->info.flags & CKF_LOGIN_REQUIRED))
		return TRUE;
	/* Otherwise the token has a keypad of its own. */
	if (!(token->info.flags & CKF_PROTECTED_AUTHENTICATION_PATH)) {
		token->pin = suture_pin_get(token->name, pin_source, error);
		if (!token->pin)
			return FALSE;
	}
	result = token->module->C_Login(token->session, CKU_USER, (guint8 *)token->pin,
					token->pin ? strlen(token->pin) : 0);
	switch (result) {
	case CKR_OK:
	case CKR_USER_ALREADY_LOGGED_IN:
		return TRUE;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
	case CKR_PIN_LOCKED:
		return wrong_pin(token, result, error);
	default:
		return token_failed(error, token->name, "cannot log in", result);
	}
}

/* Tokens that this process has logged in to: a PIN is asked for once a run. */
static GPtrArray *tokens_in_use(void)
{
	static GPtrArray *tokens;

	if (!tokens)
		tokens = g_ptr_array_new();
	return tokens;
}

static const Token *open_token(P11KitUri *uri, const gchar *text, GError **error)
{
	GPtrArray *used = tokens_in_use();
	Token *token = find_token(uri, text, error);
	CK_RV result;

	if (!token)
		return NULL;
	for (guint i = 0; i < used->len; i++) {
		Token *known = used->pdata[i];

		if (known->module == token->module && known->slot == token->slot) {
			token_free(token);
			return known;
		}
	}
	result = token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, &token->session);
	if (result != CKR_OK) {
		token_failed(error, token->name, "cannot be used", result);
	} else if (log_in(token, p11_kit_uri_get_pin_source(uri), error)) {
		g_ptr_array_add(used, token);
		return token;
	} else {
		token->module->C_CloseSession(token->session);
	}
	token_free(token);
	return NULL;
}

/* The handles of the private keys that @uri means; at most two: more are as ambiguous. */
static CK_RV find_handles(const Token *token, P11KitUri *uri, CK_OBJECT_HANDLE handles[2], CK_ULONG *count)
{
	static CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(uri, CKA_ID);
	const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(uri, CKA_LABEL);
	CK_ATTRIBUTE wanted[3] = {{CKA_CLASS, &class, sizeof class}};
	CK_ULONG size = 1;
	CK_RV result;

	if (id)
		wanted[size++] = *id;
	if (label)
		wanted[size++] = *label;
	result = token->module->C_FindObjectsInit(token->session, wanted, size);
	if (result != CKR_OK)
		return result;
	result = token->module->C_FindObjects(token->session, handles, 2, count);
	token->module->C_FindObjectsFinal(token->session);
	return result;
}

static CK_RV read_object(const Token *token, CK_OBJECT_HANDLE handle, Object *object)
{
	CK_ATTRIBUTE attributes[] = {{CKA_ID, object->id, sizeof object->id},
				     {CKA_LABEL, object->label, sizeof object->label}};
	CK_RV result = token->module->C_GetAttributeValue(token->session, handle, attributes, 2);

	object->id_size = attributes[0].ulValueLen;
	object->label_size = attributes[1].ulValueLen;
	if (result == CKR_OK &&
	    (object->id_size > sizeof object->id || object->label_size > sizeof object->label))
		return CKR_BUFFER_TOO_SMALL;
	return result;
}

static gboolean find_object(const Token *token, P11KitUri *uri, const gchar *text, Object *object,
			    GError **error)
{
	CK_OBJECT_HANDLE handles[2];
	CK_ULONG count = 0;
	CK_RV result = find_handles(token, uri, handles, &count);

	if (result == CKR_OK && count == 0)
		return refuse(
			error, SUTURE_SIGN_ERROR_KEY_MISSING,
			"%s: %s has no such private key; 'p11tool --login --list-keys' shows what it has",
			text, token->name);
	if (result == CKR_OK && count > 1)
		return refuse(error, SUTURE_SIGN_ERROR_AMBIGUOUS,
			      "%s means several private keys of %s; tell them apart by object= or id=", text,
			      token->name);
	if (result == CKR_OK)
		result = read_object(token, handles[0], object);
	return result == CKR_OK || token_failed(error, token->name, "cannot find its keys", result);
}

/* A URI for the engine that fits nothing else. */
static gchar *exact_uri(const Token *token, const Object *object)
{
	g_autoptr(P11KitUri) uri = p11_kit_uri_new();
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE attributes[3] = {{CKA_CLASS, &class, sizeof class}};
	CK_ULONG count = 1;
	gchar *text = NULL, *copy;

	*p11_kit_uri_get_token_info(uri) = token->info;
	if (object->id_size)
		attributes[count++] = (CK_ATTRIBUTE){CKA_ID, (gpointer)object->id, object->id_size};
	if (object->label_size)
		attributes[count++] = (CK_ATTRIBUTE){CKA_LABEL, (gpointer)object->label, object->label_size};
	p11_kit_uri_set_attributes(uri, attributes, count);
	if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) != P11_KIT_URI_OK)
		return NULL;
	copy = g_strdup(text);
	free(text);
	return copy;
}

static EVP_PKEY *load_key(const Token *token, const Object *object, GError **error)
{
	g_autofree gchar *exact = exact_uri(token, object);
	gchar *path = p11_kit_module_get_filename(token->module);
	EVP_PKEY *key = NULL;

	if (exact && path)
		key = suture_pkcs11_engine_load(path, exact, token->pin, error);
	else
		refuse(error, SUTURE_SIGN_ERROR_TOKEN, "%s: its key cannot be named to OpenSSL", token->name);
	free(path);
	return key;
}

EVP_PKEY *suture_pkcs11_key_open(const gchar *text, GError **error)
{
	g_autoptr(P11KitUri) uri = parse_uri(text, error);
	const Token *token = uri ? open_token(uri, text, error) : NULL;
	Object object = {.id_size = 0};

	if (!token || !find_object(token, uri, text, &object, error))
		return NULL;
	return load_key(token, &object, error);
}
