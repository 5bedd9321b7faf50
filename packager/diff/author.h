/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/spread.h"

/*
 * What the author of the fix says of the patch itself by the macros of <suture/fix.h>, which leave it in
 * sections of the object after: callbacks (".suture.callback.<moment>", pointers) and states
 * (".suture.state", pairs of 64 bits). Into the diff's lists; refuses (CALLBACK, STATE) what is not as
 * these macros make it.
 */
void suture_author_read(SutureSpread *spread);

/* "__suture_new.<unit>.<moment>", newly allocated. */
gchar *suture_author_alias(const SutureDiffRequest *request, SutureDiffMoment moment);
