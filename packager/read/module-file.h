/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Bytes of a module (or Module.symvers) that may be compressed: xz, zstd, gzip. MODULE-MALFORMED, IO. */
GBytes *suture_module_file_read(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The module's name of the file at @path: "nf_tables" of "net/netfilter/nf-tables.ko.xz". New. */
gchar *suture_module_file_name(const gchar *path);
