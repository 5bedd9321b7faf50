// SPDX-License-Identifier: LGPL-2.1-or-later
/* TUF metadata of any role: the first byte chooses which. */
#include "fetcher/client/tuf-metadata.h"
#include "fetcher/client/tuf-signatures.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(SutureTufMetadata) metadata = NULL;

	if (size == 0)
		return 0;
	bytes = g_bytes_new(data + 1, size - 1);
	metadata = suture_tuf_metadata_parse(bytes, data[0] % 4, "fuzz", NULL);
	if (metadata && metadata->type == SUTURE_TUF_ROOT)
		suture_tuf_keys_rotated(metadata, metadata, "root");
	if (metadata && metadata->type == SUTURE_TUF_ROOT &&
	    suture_tuf_signatures_verify(metadata, g_hash_table_lookup(metadata->roles, "root"),
					 metadata->keys, SUTURE_TUF_ERROR_ROOT_SIGNATURE, NULL))
		g_assert_cmpuint(metadata->signatures->len, >, 0);
	if (metadata && metadata->type == SUTURE_TUF_TARGETS)
		suture_tuf_metadata_target(metadata, "a");
	return 0;
}
