/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* A SuturePinPrompt that asks at the terminal (/dev/tty), without showing what is typed. However it ends,
 * also by Ctrl-C, the terminal is as it was before. */
gchar *suture_pin_prompt(const gchar *token, GError **error);
