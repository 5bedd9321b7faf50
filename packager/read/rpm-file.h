/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/error.h"
#include "packager/read/rpm-library.h"

/*
 * The parts of an RPM file (package format 3: lead, signature header, header, payload) whose form is what rpm
 * writes, byte for byte, where no signature covers them. Nothing here is verified yet.
 */
typedef struct {
	int fd; /* a sealed copy: everything is read from it */
	const gchar *what;
	Header signatures; /* the signature header */
	Header header; /* exactly the signed, immutable region: nothing else stands in the file's header */
	guint64 payload_offset, payload_size;
} SutureRpmFile;

/*
 * Codes RPM-MALFORMED, RPM-LEAD, RPM-RESERVED, RPM-TRAILING, RPM-UNSIGNED, RPM-SIGNATURES, PAYLOAD-SIZE (a
 * file over the limit).
 */
SutureRpmFile *suture_rpm_file_open(int fd, const gchar *what, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_rpm_file_free(SutureRpmFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRpmFile, suture_rpm_file_free)

/* The value of a text or 32-bit tag of @header; NULL or FALSE when it is absent, or another type. */
gchar *suture_rpm_string(Header header, rpmTagVal tag);
gboolean suture_rpm_number(Header header, rpmTagVal tag, guint64 *ret);
/* The strings of a tag (also an extension tag, such as RPMTAG_FILENAMES), NULL-terminated; empty when absent.
 */
GStrv suture_rpm_strings(Header header, rpmTagVal tag);

/* FALSE with "<what>: <formatted>" and @code. */
gboolean suture_rpm_refuse(GError **error, SutureBundleError code, const SutureRpmFile *file,
			   const gchar *format, ...) G_GNUC_PRINTF(4, 5);
