// SPDX-License-Identifier: LGPL-2.1-or-later
/* Entitlement certificates, in PEM with a private key beside them, and in DER. */
#include "signer/verify/entitlement.h"

#include <stdint.h>

static void use(const SutureEntitlement *entitlement)
{
	g_assert_true(suture_customer_name_is_valid(entitlement->customer));
	g_assert_cmpuint(g_strv_length(entitlement->channels), <=, SUTURE_ENTITLEMENT_MAX_CHANNELS);
	for (gchar **channel = entitlement->channels; *channel; channel++)
		g_assert_true(suture_channel_name_is_valid(*channel));
	g_assert_cmpint(suture_entitlement_days_left(entitlement, entitlement->not_after), ==, 0);
	if (suture_entitlement_check_time(entitlement, entitlement->not_after + 1, NULL))
		g_error("an entitlement is valid after its end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) input = g_bytes_new_static(data, size);
	g_autoptr(SutureEntitlement) pem = suture_entitlement_parse(input, NULL);
	g_autoptr(SutureEntitlement) der = suture_entitlement_parse_der(input, NULL);

	if (pem)
		use(pem);
	if (der)
		use(der);
	if (suture_entitlement_check_key(input, NULL) && suture_entitlement_check_issuer(input, input, NULL))
		g_debug("self-signed");
	return 0;
}
