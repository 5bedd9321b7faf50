/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * receipt.json, format 1 (spec/receipt.md): what was checked when this host first accepted a bundle, kept as
 * /var/lib/suture/receipts/<manifest sha256>.json, root only. Later applies and boots trust its judgement of
 * certificate time, and nothing else of it.
 */
typedef struct {
	gchar *manifest_sha256;
	gchar *origin;          /* "tuf", "file" or "rpm" (installed by the package manager) */
	gchar *accepted;        /* RFC 3339 UTC: when certificate time was judged */
	gchar *package_sha256;  /* of the RPM file; "" for origin "rpm" */
	gchar *package_name;    /* file name or NEVRA */
	gchar *rpm_key;         /* OpenPGP fingerprint, hex; "" for origin "rpm" */
	gint64 rpm_signed;      /* seconds since the epoch; 0 for origin "rpm" */
	gchar *cms_certificate; /* SHA-256 of the DER certificate, hex */
	gchar *cms_subject;
	gchar *cms_not_after;                                      /* RFC 3339 UTC */
	gint64 tuf_root, tuf_timestamp, tuf_snapshot, tuf_targets; /* versions; 0 when origin is not "tuf" */
} SutureReceipt;

SutureReceipt *suture_receipt_new(void);
void suture_receipt_free(SutureReceipt *receipt);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureReceipt, suture_receipt_free)
/* Codes of SUTURE_JSON_ERROR and SUTURE_MANIFEST_ERROR (FORMAT, VALUE). */
SutureReceipt *suture_receipt_parse(GBytes *bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;
GBytes *suture_receipt_write(const SutureReceipt *receipt) G_GNUC_WARN_UNUSED_RESULT;
