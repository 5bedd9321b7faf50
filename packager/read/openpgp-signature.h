/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/gpg-listing.h"

/*
 * The form of one OpenPGP signature packet (RFC 4880 section 5.2.3), which librpm reads loosely: bytes that
 * the signature does not cover could be changed without a trace. TRUE when all of @packet is one version 4
 * signature with its creation time among the hashed subpackets, nothing but @key's own name among the others,
 * and numbers in their one form. *@ret_created: seconds since the epoch. Whether it verifies is librpm's.
 */
gboolean suture_openpgp_signature_check(const guint8 *packet, gsize size, const SutureOpenpgpKey *key,
					gint64 *ret_created);
