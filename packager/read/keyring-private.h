/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/gpg-listing.h"
#include "packager/read/keyring.h"
#include "packager/read/rpm-library.h"

/* The keys as librpm verifies with them; borrowed. */
rpmKeyring suture_keyring_rpm(const SutureKeyring *keyring);

/* The signing key with this 64-bit key id (RFC 4880 section 12.2), or NULL. */
const SutureOpenpgpKey *suture_keyring_find(const SutureKeyring *keyring, const guint8 id[8]);
