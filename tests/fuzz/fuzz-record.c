// SPDX-License-Identifier: LGPL-2.1-or-later
/* A ledger record or a receipt that is accepted is written, and what is written is accepted and written the
 * same. */
#include "spec/receipt.h"
#include "spec/record.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(GBytes *bytes)
{
	g_autoptr(SutureRecord) record = suture_record_parse(bytes, NULL);
	g_autoptr(SutureRecord) again = NULL;
	g_autoptr(GBytes) written = NULL, rewritten = NULL;

	if (!record)
		return;
	written = suture_record_write(record);
	again = suture_record_parse(written, NULL);
	g_assert_nonnull(again);
	rewritten = suture_record_write(again);
	g_assert_true(g_bytes_equal(written, rewritten));
}

static void check_receipt(GBytes *bytes)
{
	g_autoptr(SutureReceipt) receipt = suture_receipt_parse(bytes, NULL);
	g_autoptr(SutureReceipt) again = NULL;
	g_autoptr(GBytes) written = NULL, rewritten = NULL;

	if (!receipt)
		return;
	written = suture_receipt_write(receipt);
	again = suture_receipt_parse(written, NULL);
	g_assert_nonnull(again);
	rewritten = suture_receipt_write(again);
	g_assert_true(g_bytes_equal(written, rewritten));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);

	check_record(bytes);
	check_receipt(bytes);
	return 0;
}
