/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/sysfs.h"

/* How strictly this kernel judges modules. */
typedef struct {
	SutureTristate sig_enforce; /* module.sig_enforce */
	gchar *lockdown; /* "none", "integrity", "confidentiality"; "" when the kernel does not tell */
} SutureEnforcement;
void suture_enforcement_clear(SutureEnforcement *enforcement);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureEnforcement, suture_enforcement_clear)

/* Reads sys/module/module/parameters/sig_enforce and sys/kernel/security/lockdown below @root (a descriptor).
 */
void suture_enforcement_read(int root, SutureEnforcement *ret);
/* Whether the kernel refuses modules that no trusted key has signed. */
gboolean suture_enforcement_on(const SutureEnforcement *enforcement);

/*
 * Whether the kernel's keyrings hold the asymmetric key whose subject key identifier is @key_id (hex), by
 * proc/keys below @root. UNKNOWN when proc/keys is unreadable or does not show the kernel's own keyrings.
 */
SutureTristate suture_key_enrolled(int root, const gchar *key_id);

/*
 * Refuses with KEY-UNENROLLED a module that this kernel would refuse for its key: enforcement is on and
 * @key_id is not enrolled. @what names the bundle, @certificates the file that holds the certificate to
 * enrol. Whether it can tell or not: when it cannot, the kernel is asked, and a debug message says so.
 */
gboolean suture_preflight_key(int root, const gchar *key_id, const gchar *subject, const gchar *what,
			      const gchar *certificates, GError **error) G_GNUC_WARN_UNUSED_RESULT;
