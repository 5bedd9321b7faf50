/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/payload.h"
#include "packager/read/rpm-file.h"
#include "spec/manifest.h"

/* RPM-SCRIPTLET when the package would run, trigger or configure anything: scripts, triggers, capabilities.
 */
gboolean suture_rpm_content_check_passive(const SutureRpmFile *file, GError **error);

/*
 * The header's file list against the unpacked @payload: the same files, plain ones of root, none a ghost or
 * configuration. PAYLOAD-PATH, PAYLOAD-TYPE, DISAGREE.
 */
gboolean suture_rpm_content_check_files(const SutureRpmFile *file, const SuturePayload *payload,
					GError **error);

/* DISAGREE unless name, version, release, architecture, folder and Provides are those of @manifest. */
gboolean suture_rpm_content_check_manifest(const SutureRpmFile *file, const SuturePayload *payload,
					   const SutureManifest *manifest, GError **error);
