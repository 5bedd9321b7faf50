/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Private to signer/sign: what the files of entitle share. */

#include "signer/sign/entitle.h"

#define SUTURE_ENTITLE_CA "ca.pem"
#define SUTURE_ENTITLE_CRL "crl.pem"
#define SUTURE_ENTITLE_ISSUED "issued"
#define SUTURE_ENTITLE_REVOKED "revoked"
#define SUTURE_ENTITLE_MAX_BYTES (64 * 1024)
#define SUTURE_ENTITLE_MAX_CRL_BYTES (64 * 1024 * 1024)
#define SUTURE_DAY 86400

struct _SutureEntitleRoot {
	gchar *path;
	int fd, lock; /* of the folder; -1 when it is not locked */
	gchar *ca_key;
	GBytes *ca_pem;
	gchar *issuer; /* the CA's name, RFC 2253 form */
	gint64 not_after;
	guint warn_days;
};

/* Sets DATABASE with "<folder>/<file>: words"; FALSE. */
gboolean suture_entitle_damaged(const SutureEntitleRoot *root, const gchar *file, GError **error,
				const gchar *format, ...) G_GNUC_PRINTF(4, 5);

/* What @name is in a CRL; NO_REASON for none of suture_entitle_reasons(). */
#define SUTURE_ENTITLE_NO_REASON G_MAXUINT
guint suture_entitle_reason_code(const gchar *name);
