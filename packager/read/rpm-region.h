/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/rpm-file.h"

/*
 * The bytes of one RPM header structure: librpm reads the values, but does not say whether the bytes between
 * them, which no signature covers in the signature header, are what rpm writes.
 */
#define SUTURE_RPM_INTRO_BYTES 16
#define SUTURE_RPM_MAGIC_BYTES 8

typedef struct {
	GBytes *bytes; /* behind the magic: two counts, index, data */
} SutureRpmRegion;

static inline void suture_rpm_region_clear(SutureRpmRegion *region)
{
	g_clear_pointer(&region->bytes, g_bytes_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureRpmRegion, suture_rpm_region_clear)

/* Bytes behind the magic of the structure that starts with @intro; 0 for another magic, or more than @limit.
 */
gsize suture_rpm_region_size(const guint8 intro[SUTURE_RPM_INTRO_BYTES], gsize limit);

/* Whether all of the structure is one region marked @tag, index and data. */
gboolean suture_rpm_region_check(const SutureRpmRegion *region, rpmTagVal tag);

/*
 * Judges the signature header: known tags of the right type, exactly one header signature, values side by
 * side with zeros between them, reserved space all zeros, digests in the case that rpm writes. Codes
 * RPM-MALFORMED, RPM-RESERVED, RPM-UNSIGNED, RPM-SIGNATURES.
 */
gboolean suture_rpm_region_check_signatures(const SutureRpmRegion *region, const SutureRpmFile *file,
					    GError **error);
