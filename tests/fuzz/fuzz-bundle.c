// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whole RPM files: as they are verified, and then each reader behind the signature on its own, which no
 * changed file would reach.
 */
#include "common/file.h"
#include "packager/read/bundle.h"
#include "packager/read/rpm-content.h"

#include <stdint.h>
#include <sys/mman.h>

#define NOW 1800000000 /* a moment in the life of the corpus's keys */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const SutureTrust *load_trust(void)
{
	static SutureTrust *trust;
	g_autoptr(GError) error = NULL;

	if (!trust)
		trust = suture_trust_load(FUZZ_TRUST, &error);
	if (!trust)
		g_error("%s", error->message);
	return trust;
}

static void read_unsigned(int fd)
{
	g_autoptr(SutureRpmFile) file = suture_rpm_file_open(fd, "input", NULL);
	g_autoptr(SuturePayload) payload = NULL;
	g_autoptr(SutureManifest) manifest = NULL;

	if (!file)
		return;
	(void)suture_rpm_content_check_passive(file, NULL);
	payload = suture_payload_read(file, NULL);
	if (!payload)
		return;
	(void)suture_rpm_content_check_files(file, payload, NULL);
	manifest = suture_manifest_parse(g_hash_table_lookup(payload->files, SUTURE_MANIFEST_FILE), NULL);
	if (manifest)
		(void)suture_rpm_content_check_manifest(file, payload, manifest, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SUTURE_AUTO_FD fd = memfd_create("input", MFD_CLOEXEC);
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureBundle) bundle = NULL;

	g_assert(suture_file_write_fd(fd, data, size, NULL));
	bundle = suture_bundle_verify(fd, "input", load_trust(), NULL, NULL, NOW, NULL, &error);
	g_assert((bundle == NULL) == (error != NULL));
	read_unsigned(fd);
	return 0;
}
