/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <glib.h>

/* libarchive over a part of an open file, read by pread(2): the descriptor's position does not matter. */

static inline void suture_archive_clear(struct archive **archive)
{
	if (*archive)
		archive_read_free(*archive);
	*archive = NULL;
}
#define SUTURE_AUTO_ARCHIVE __attribute__((cleanup(suture_archive_clear))) struct archive

/* The one entry of a compressed stream without a container; NULL when no known filter takes it. */
struct archive *suture_archive_open_raw(int fd, guint64 offset, guint64 length);

/*
 * A cpio archive ("newc") in one of RPM's compressions; NULL, with libarchive's words in @error, when it is
 * not.
 */
struct archive *suture_archive_open_cpio(int fd, guint64 offset, guint64 length, const gchar *what,
					 GError **error);
