// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/gpg-listing.h"

#include <string.h>

/* Fields of a line, counted from 0. */
enum {
	TYPE = 0,
	VALIDITY = 1,
	LENGTH = 2,
	ALGORITHM = 3,
	KEY_ID = 4,
	CREATED = 5,
	EXPIRES = 6,
	USER_ID = 9,
	CLASS = 10,
	CAPABILITIES = 11,
	FIELDS = 11,
	FIELDS_OF_KEY = 12
};

/* Reasons for revocation, RFC 4880 section 5.2.3.23, that leave earlier signatures good. */
#define REASON_SUPERSEDED "01"
#define REASON_RETIRED "03"

typedef struct {
	GPtrArray *keys;
	SutureOpenpgpKey *primary, *current;
} Parser;

void suture_openpgp_key_free(SutureOpenpgpKey *key)
{
	g_free(key->fingerprint);
	g_free(key->id);
	g_free(key->user_id);
	g_free(key);
}

static gint64 number(const gchar *text)
{
	return g_ascii_strtoll(text, NULL, 10);
}

static gint64 earlier(gint64 a, gint64 b)
{
	return a && b ? MIN(a, b) : MAX(a, b);
}

static void add_key(Parser *parser, GStrv fields, gboolean primary)
{
	SutureOpenpgpKey *key = g_new0(SutureOpenpgpKey, 1);

	key->id = g_strdup(fields[KEY_ID]);
	key->algorithm = number(fields[ALGORITHM]);
	key->bits = number(fields[LENGTH]);
	key->created = number(fields[CREATED]);
	key->expires = number(fields[EXPIRES]);
	key->signs = strchr(fields[CAPABILITIES], 's') != NULL && !strchr("idn", *fields[VALIDITY] ?: '-');
	/* Revoked, says gpg: closed until the revocation's own line tells when and why. */
	key->compromised = *fields[VALIDITY] == 'r';
	g_ptr_array_add(parser->keys, key);
	parser->current = key;
	if (primary)
		parser->primary = key;
}

/* A revocation of the current key (class 20) or subkey (28) that gpg verified. */
static void add_revocation(Parser *parser, GStrv fields)
{
	g_auto(GStrv) class = g_strsplit(fields[CLASS], ",", 2);
	SutureOpenpgpKey *key = parser->current;
	gboolean keeps;

	if (*fields[VALIDITY] != '!' || !class[0] ||
	    (!g_str_has_prefix(class[0], "20") && !g_str_has_prefix(class[0], "28")))
		return;
	keeps = g_strcmp0(class[1], REASON_SUPERSEDED) == 0 || g_strcmp0(class[1], REASON_RETIRED) == 0;
	/* Of several revocations the strictest counts. */
	key->compromised = !keeps || (key->compromised && key->revoked);
	key->revoked = earlier(key->revoked, number(fields[CREATED]));
}

static gboolean is_key(const gchar *type)
{
	return strcmp(type, "pub") == 0 || strcmp(type, "sub") == 0;
}

static void add_line(Parser *parser, GStrv fields)
{
	const gchar *type = fields[TYPE];

	if (strcmp(type, "pub") == 0)
		add_key(parser, fields, TRUE);
	else if (strcmp(type, "sub") == 0 && parser->primary)
		add_key(parser, fields, FALSE);
	else if (strcmp(type, "fpr") == 0 && parser->current && !parser->current->fingerprint)
		parser->current->fingerprint = g_strdup(fields[USER_ID]);
	else if (strcmp(type, "uid") == 0 && parser->primary && !parser->primary->user_id)
		parser->primary->user_id = g_strdup(fields[USER_ID]);
	else if (strcmp(type, "rev") == 0 && parser->current)
		add_revocation(parser, fields);
}

static void inherit(SutureOpenpgpKey *key, const SutureOpenpgpKey *primary)
{
	key->expires = earlier(key->expires, primary->expires);
	key->created = MAX(key->created, primary->created);
	key->compromised |= primary->compromised;
	key->revoked = earlier(key->revoked, primary->revoked);
	if (!key->user_id)
		key->user_id = g_strdup(primary->user_id ? primary->user_id : "");
}

GPtrArray *suture_gpg_listing_parse(const gchar *listing)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)suture_openpgp_key_free);
	g_auto(GStrv) lines = g_strsplit(listing, "\n", -1);
	Parser parser = {.keys = keys};
	g_autoptr(GHashTable) primaries = g_hash_table_new(NULL, NULL);

	for (gsize i = 0; lines[i]; i++) {
		g_auto(GStrv) fields = g_strsplit(lines[i], ":", -1);

		if (g_strv_length(fields) < FIELDS ||
		    (is_key(fields[TYPE]) && g_strv_length(fields) < FIELDS_OF_KEY))
			continue;
		add_line(&parser, fields);
		if (parser.current)
			g_hash_table_insert(primaries, parser.current, parser.primary);
	}
	for (guint i = 0; i < keys->len; i++)
		inherit(g_ptr_array_index(keys, i), g_hash_table_lookup(primaries, keys->pdata[i]));
	for (guint i = keys->len; i-- > 0;) {
		const SutureOpenpgpKey *key = g_ptr_array_index(keys, i);

		if (!key->signs || !key->fingerprint || strlen(key->id) != 16)
			g_ptr_array_remove_index(keys, i);
	}
	return g_steal_pointer(&keys);
}
