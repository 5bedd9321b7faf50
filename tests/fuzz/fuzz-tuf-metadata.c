// SPDX-License-Identifier: LGPL-2.1-or-later
/* TUF metadata of any role: the first byte chooses which. */
#include "fetcher/client/tuf-metadata.h"
#include "fetcher/client/tuf-path.h"
#include "fetcher/client/tuf-signatures.h"

#include <stdint.h>
#include <string.h>

static void search(const SutureTufMetadata *targets)
{
	suture_tuf_metadata_target(targets, "a");
	for (guint i = 0; i < targets->delegations->len; i++) {
		const SutureTufDelegation *delegation = targets->delegations->pdata[i];
		g_autofree gchar *file = suture_tuf_role_local_file(delegation->role->name);

		if (strchr(file, '/') || file[0] == '.' || strlen(file) > 250)
			g_error("role file %s", file);
		/* What is for a path could be for something below its folder. */
		if (suture_tuf_delegation_matches(delegation, "6.1/a") &&
		    !suture_tuf_delegation_reaches(delegation, "6.1"))
			g_error("a delegation is for 6.1/a, and for nothing below 6.1");
		if (suture_tuf_signatures_verify(targets, delegation->role, targets->keys,
						 SUTURE_TUF_ERROR_DELEGATED_SIGNATURE, NULL))
			g_assert_cmpuint(targets->signatures->len, >, 0);
	}
}

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
		search(metadata);
	return 0;
}
