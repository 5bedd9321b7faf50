// SPDX-License-Identifier: LGPL-2.1-or-later
/* Two object files, as a compiler made them for `suture build`: the size of the first in four bytes, then
 * both. */
#include "packager/diff/diff.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(GBytes *before, GBytes *after)
{
	const SutureDiffRequest request = {
		.unit = "input", .object = "ext4", .before = before, .after = after};
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureDiff) diff = suture_diff_run(&request, &error);
	g_autoptr(SutureDiff) again = NULL;
	SutureDiffRequest next = {.unit = "output", .object = "ext4"};

	g_assert((diff == NULL) == (error != NULL));
	if (!diff || !diff->extracted)
		return;
	/* What was extracted is an object, and the same as itself. */
	next.before = next.after = diff->extracted;
	again = suture_diff_run(&next, &error);
	g_assert_no_error(error);
	g_assert(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) before = NULL, after = NULL;
	uint32_t first;

	if (size < sizeof(first))
		return 0;
	memcpy(&first, data, sizeof(first));
	size -= sizeof(first);
	first = MIN(first, size);
	before = g_bytes_new(data + sizeof(first), first);
	after = g_bytes_new(data + sizeof(first) + first, size - first);
	run(before, after);
	run(after, after);
	return 0;
}
