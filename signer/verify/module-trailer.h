/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Private to signer/: how a signature is appended to a module, as the kernel's
 * Documentation/admin-guide/module-signing.rst lays it out: module, PKCS#7, these 12 bytes, the magic string.
 */

#include <glib.h>

#define SUTURE_MODULE_MAGIC "~Module signature appended~\n"
#define SUTURE_MODULE_MAGIC_SIZE (sizeof SUTURE_MODULE_MAGIC - 1)
#define SUTURE_MODULE_ID_PKCS7 2

typedef struct {
	guint8 algorithm, hash;                          /* 0: the PKCS#7 says */
	guint8 id_type;                                  /* SUTURE_MODULE_ID_PKCS7 */
	guint8 signer_length, key_id_length, padding[3]; /* 0 */
	guint8 signature_size[4];                        /* big-endian */
} SutureModuleTrailer;
G_STATIC_ASSERT(sizeof(SutureModuleTrailer) == 12);
