/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signer/sign/key.h"
#include "signer/verify/entitlement.h"

/* Refusals of issuing entitlements. Exit code INPUT unless said otherwise. */
#define SUTURE_ENTITLE_ERROR suture_entitle_error_quark()
GQuark suture_entitle_error_quark(void);
typedef enum {
	SUTURE_ENTITLE_ERROR_DATABASE, /* "entitle-database": none in the folder, or a damaged one */
	SUTURE_ENTITLE_ERROR_EXISTS,   /* "entitle-exists": a root with another key is there */
	SUTURE_ENTITLE_ERROR_NAME,     /* "entitle-name": of a customer, channel or reason that cannot be */
	SUTURE_ENTITLE_ERROR_REQUEST, /* "entitle-request": not one certificate request that its key signed */
	SUTURE_ENTITLE_ERROR_UNKNOWN, /* "entitle-unknown": no entitlement has that serial number */
	SUTURE_ENTITLE_ERROR_CRL_DUE, /* "entitle-crl-due": the CRL ends soon or has ended, or lacks what was
					 revoked (exit EXPIRING) */
	SUTURE_ENTITLE_ERROR_ROOT_DUE, /* "entitle-root-due": the root ends soon or has ended (exit EXPIRING)
					*/
} SutureEntitleError;

/*
 * The vendor's root of entitlements and what it issued, a folder of plain files:
 *	entitlements.conf	ca-key (a URI; a plain relative path is below the folder), warn-days
 *	ca.pem			the root's certificate; never the CMS CA's, which has another purpose
 *	private/ca.key		its key, unless that is elsewhere
 *	issued/SERIAL.pem	each certificate issued
 *	revoked/SERIAL.json	when and why one was revoked
 *	crl.pem			the last CRL
 * Each file appears whole. One process at a time changes it.
 */
typedef struct _SutureEntitleRoot SutureEntitleRoot;

typedef struct {
	const gchar *ca_key;  /* URI; NULL: a P-256 key is made in the folder */
	const gchar *subject; /* of the root, as in SutureCertificateRequest */
	guint days;           /* that the root is valid */
	guint warn_days;      /* how long before an end suture_entitle_health() says so */
} SutureEntitleSettings;

/*
 * Makes a root in @folder, mode 0700. *@ret_made is FALSE when it was there already: with the same key that
 * is success, else EXISTS. What an interrupted call left is completed.
 */
gboolean suture_entitle_init(const gchar *folder, const SutureEntitleSettings *settings, gint64 now,
			     gboolean *ret_made, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* With @change the folder is locked (COMMON-BUSY when another process has it). */
SutureEntitleRoot *suture_entitle_open(const gchar *folder, gboolean change,
				       GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_entitle_root_free(SutureEntitleRoot *root);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureEntitleRoot, suture_entitle_root_free)

/* Of entitlements.conf. */
guint suture_entitle_warn_days(const SutureEntitleRoot *root);

typedef struct {
	const gchar *customer;
	const gchar *const *channels;
	guint days;
	GBytes *csr; /* PKCS#10 in PEM; NULL: a P-256 key is made, and goes into the file */
} SutureEntitleRequest;

/*
 * Issues an entitlement and writes certificate and key to the new file @path, mode 0600 (KEY-EXISTS if there
 * is one). A name that cannot be gives NAME; a request whose signature does not fit REQUEST; more days than
 * the root has, or a weak key, KEY-UNUSABLE.
 */
SutureEntitlement *suture_entitle_issue(SutureEntitleRoot *root, const SutureEntitleRequest *request,
					gint64 now, const gchar *path,
					GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* An entitlement that was issued. */
typedef struct {
	SutureEntitlement *entitlement;
	gint64 revoked; /* seconds since the epoch; 0: it is not */
	gchar *reason;  /* why; NULL: it is not */
} SutureEntitleRow;
void suture_entitle_row_free(SutureEntitleRow *row);

/* "valid", "early", "expired" or "revoked"; static. */
const gchar *suture_entitle_row_state(const SutureEntitleRow *row, gint64 now);

/* All, by customer and end: SutureEntitleRow*. A file that is not what its name says: DATABASE. */
GPtrArray *suture_entitle_rows(const SutureEntitleRoot *root, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What revoke's reasons are, NULL-terminated: those of RFC 5280 section 5.3.1, in words. */
const gchar *const *suture_entitle_reasons(void);

/* Revokes @serial (hex, in either case) from the next CRL and map on. One that is revoked stays so as it was,
 * with *@ret_done FALSE. */
gboolean suture_entitle_revoke(SutureEntitleRoot *root, const gchar *serial, const gchar *reason, gint64 now,
			       gboolean *ret_done, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The next CRL: all that is revoked, valid for @days. It is kept as crl.pem. */
GBytes *suture_entitle_crl(SutureEntitleRoot *root, guint days, gint64 now,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * What nginx includes in a map from "$ssl_client_serial:channel:$ssl_client_i_dn" to 1: a line for each
 * channel of each entitlement that is neither revoked nor expired.
 */
GBytes *suture_entitle_map(const SutureEntitleRoot *root, gint64 now,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
	gchar *issuer;         /* the root's name, RFC 2253 form */
	gint64 root_not_after; /* seconds since the epoch, as all that follow */
	gint64 crl_number;     /* 0: none was made */
	gint64 crl_this, crl_next;
	guint unlisted;                          /* revoked since the CRL */
	guint valid, expiring, expired, revoked; /* entitlements; the expiring are valid too */
} SutureEntitleHealth;
void suture_entitle_health_clear(SutureEntitleHealth *health);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureEntitleHealth, suture_entitle_health_clear)

gboolean suture_entitle_health(const SutureEntitleRoot *root, gint64 now, guint warn_days,
			       SutureEntitleHealth *ret, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* CRL-DUE or ROOT-DUE when something has to be done within @warn_days. */
gboolean suture_entitle_health_check(const SutureEntitleHealth *health, gint64 now, guint warn_days,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;
