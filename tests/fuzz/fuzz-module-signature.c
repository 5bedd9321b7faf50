// SPDX-License-Identifier: LGPL-2.1-or-later
/* Modules with something appended. The corpus holds one that this certificate's key signed. */
#include "signer/verify/module-signature.h"

#include <stdint.h>

static const char certificate[] = "-----BEGIN CERTIFICATE-----\n"
				  "MIIBYzCCAQmgAwIBAgIQbv7jXEbXTLV9flHH3tg/LDAKBggqhkjOPQQDAjAPMQ0w\n"
				  "CwYDVQQDDARmdXp6MB4XDTI2MTEyMjE0MTU0M1oXDTM2MTExOTE0MTU0M1owDzEN\n"
				  "MAsGA1UEAwwEZnV6ejBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLYZatPX5BYT\n"
				  "bkttHIR1/4N/9z5PqYA76uF3aZzZkc6IuU7rJXEXOtXl317k5uJnLr1iAkEcmxH8\n"
				  "yuvVUHbLlg2jRzBFMAwGA1UdEwEB/wQCMAAwCwYDVR0PBAQDAgeAMB0GA1UdDgQW\n"
				  "BBT4YxzJC5hh80rC66kX82TV6+0QezAJBgNVHSMEAjAAMAoGCCqGSM49BAMCA0gA\n"
				  "MEUCIF8X/ygvHw6IXe0T03tFdCprNTz8kHgw75qwG4SgRX1yAiEAoRMhtz4Cbthw\n"
				  "+yYqupnzAfX+SUaFrBQ95bHvPDuoIJE=\n"
				  "-----END CERTIFICATE-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) pem = g_bytes_new_static(certificate, sizeof certificate - 1);
	g_autoptr(GBytes) module = g_bytes_new_static(data, size);
	g_autoptr(SutureModuleTrust) trust = suture_module_trust_new(pem, NULL);
	g_autoptr(SutureModuleSigner) signer = NULL;
	g_autoptr(GError) error = NULL;
	gsize content_size = 0;

	if (suture_module_signature_strip(module, &content_size, NULL) && content_size > size)
		g_error("the module has grown");
	if (suture_module_signature_verify(trust, module, &signer, &error) && signer->content_size >= size)
		g_error("a signature without bytes");
	return 0;
}
