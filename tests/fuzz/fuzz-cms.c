// SPDX-License-Identifier: LGPL-2.1-or-later
/* Manifest signatures, CA certificates and CRLs from outside. The corpus holds a signature that this CA's
 * signer made. */
#include "signer/verify/cms.h"

#include <stdint.h>

static const char ca[] = "-----BEGIN CERTIFICATE-----\n"
			 "MIIBYzCCAQmgAwIBAgIQTj+iFgZIUauiOCqMAE4a+TAKBggqhkjOPQQDAjAPMQ0w\n"
			 "CwYDVQQDDARmdXp6MCAXDTI2MTEyMjE0MTU0M1oYDzIxMjYxMDI5MTQxNTQzWjAP\n"
			 "MQ0wCwYDVQQDDARmdXp6MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWfVBULTf\n"
			 "KF7JoUMrfBi4YXJ4p4Z67vBRL3WAt7O22L2wlHWyz8Hw+a64eo+Y8elwNeMY+Ype\n"
			 "VDglZnjGvVF6eaNFMEMwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMC\n"
			 "AQYwHQYDVR0OBBYEFBvchM2wCPUC4+nPN/qmu/rzcpAuMAoGCCqGSM49BAMCA0gA\n"
			 "MEUCIQDnAN4rGbicJBcRA7gAeD0wBZ8vAJKd3D2RgKs74jEVRQIgN5yjryaTAR+H\n"
			 "nTKloY+vtRBIAlviesmyyvqvoa4IHvA=\n"
			 "-----END CERTIFICATE-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) pem = g_bytes_new_static(ca, sizeof ca - 1);
	g_autoptr(GBytes) content = g_bytes_new_static("{\"format\": 1}\n", 14);
	g_autoptr(GBytes) input = g_bytes_new_static(data, size);
	g_autoptr(SutureCmsTrust) trust = suture_cms_trust_new(pem, NULL, NULL);
	g_autoptr(SutureCmsTrust) revoking = suture_cms_trust_new(pem, input, NULL);
	g_autoptr(SutureCmsTrust) given = suture_cms_trust_new(input, NULL, NULL);
	g_autoptr(SutureCmsSigner) signer = NULL;
	g_autoptr(GError) error = NULL;

	if (suture_cms_verify(trust, content, input, 0, &signer, &error) != (signer != NULL))
		g_error("a verdict without a signer, or a signer without a verdict");
	return 0;
}
