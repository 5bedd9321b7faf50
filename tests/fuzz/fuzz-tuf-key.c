// SPDX-License-Identifier: LGPL-2.1-or-later
/* Key objects of TUF metadata, and public keys in PEM. */
#include "signer/verify/tuf-key.h"

#include <stdint.h>

static void use(const SutureTufKey *key, GBytes *data)
{
	g_autofree gchar *id = suture_tuf_key_id(key);
	g_autofree gchar *fingerprint = suture_tuf_key_fingerprint(key);

	if (suture_tuf_key_verify(key, data, "00", NULL))
		g_error("a signature of one byte verifies with key %s, %s", id, fingerprint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) input = g_bytes_new_static(data, size);
	SUTURE_AUTO_JSON *json = suture_json_parse(input, 65536, "a key", NULL);
	g_autoptr(SutureTufKey) parsed = json ? suture_tuf_key_parse(json, NULL) : NULL;
	g_autoptr(SutureTufKey) read = suture_tuf_key_from_pem(input, NULL);

	if (parsed)
		use(parsed, input);
	if (read)
		use(read, input);
	return 0;
}
