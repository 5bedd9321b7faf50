// SPDX-License-Identifier: LGPL-2.1-or-later
/* Target data that is accepted is written, and what is written is accepted and says the same. */
#include "spec/target.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
	SUTURE_AUTO_JSON *custom = suture_json_parse(bytes, 1024 * 1024, "custom", NULL);
	SUTURE_AUTO_JSON *written = NULL;
	g_autoptr(SutureTarget) target = NULL;
	g_autoptr(SutureTarget) again = NULL;

	if (!custom || !suture_target_parse(custom, &target, NULL) || !target)
		return 0;
	written = suture_target_custom(&target->patch, target->manifest_sha256);
	g_assert_true(suture_target_parse(written, &again, NULL));
	g_assert_null(suture_patch_difference(&target->patch, &again->patch));
	return 0;
}
