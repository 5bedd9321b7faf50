/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/command.h"
#include "policy/policy.h"

/*
 * This host's policy: [policy] of /etc/suture/suture.conf, then of each *.conf in /etc/suture/policy.d/ in
 * the order of their names, all below the context's root. What is absent says nothing. POLICY-SYNTAX names
 * the file.
 */
SuturePolicy *suture_policy_load(const SutureContext *context, GError **error) G_GNUC_WARN_UNUSED_RESULT;
