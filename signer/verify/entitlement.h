/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Refusals of entitlement certificates. Exit code INPUT unless said otherwise. */
#define SUTURE_ENTITLEMENT_ERROR suture_entitlement_error_quark()
GQuark suture_entitlement_error_quark(void);
typedef enum {
	SUTURE_ENTITLEMENT_ERROR_MALFORMED, /* "entitlement-malformed": not exactly one certificate in PEM,
					       or one without customer, serial or channels as
					       spec/entitlement.md says */
	SUTURE_ENTITLEMENT_ERROR_PURPOSE,   /* "entitlement-purpose": for another use than clientAuth alone */
	SUTURE_ENTITLEMENT_ERROR_KEY,    /* "entitlement-key": without its private key, or with another's */
	SUTURE_ENTITLEMENT_ERROR_MODE,   /* "entitlement-mode": a file with a private key that others may read
					  */
	SUTURE_ENTITLEMENT_ERROR_ISSUER, /* "entitlement-issuer": not of the given CA (exit UNTRUSTED) */
	SUTURE_ENTITLEMENT_ERROR_EARLY,  /* "entitlement-not-yet-valid": (exit NETWORK) */
	SUTURE_ENTITLEMENT_ERROR_EXPIRED,  /* "entitlement-expired": no server gives anything for it (exit
					      NETWORK) */
	SUTURE_ENTITLEMENT_ERROR_EXPIRING, /* "entitlement-expiring": valid, for a few days (exit EXPIRING) */
} SutureEntitlementError;

#define SUTURE_ENTITLEMENT_MAX_BYTES (64 * 1024)
#define SUTURE_ENTITLEMENT_MAX_CHANNELS 64
/* What a channel's name follows in a subjectAltName (uniformResourceIdentifier). */
#define SUTURE_CHANNEL_URI "urn:suture:channel:"

/* What an entitlement certificate says (spec/entitlement.md). Strings owned. */
typedef struct {
	gchar *serial;                /* upper-case hex, as nginx writes it */
	gchar *issuer;                /* RFC 2253 form */
	gchar *customer;              /* printable */
	GStrv channels;               /* at least one; in the certificate's order */
	gint64 not_before, not_after; /* seconds since the epoch */
} SutureEntitlement;
void suture_entitlement_free(SutureEntitlement *entitlement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureEntitlement, suture_entitlement_free)

/*
 * Reads the one certificate of @pem, a file that may hold its private key beside it: structure and purpose.
 * Neither issuer nor time is judged. MALFORMED, PURPOSE.
 */
SutureEntitlement *suture_entitlement_parse(GBytes *pem, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same for a certificate in DER. */
SutureEntitlement *suture_entitlement_parse_der(GBytes *der, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* EARLY or EXPIRED unless it is valid at @now. */
gboolean suture_entitlement_check_time(const SutureEntitlement *entitlement, gint64 now,
				       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whole days until it ends; negative once it has. */
gint64 suture_entitlement_days_left(const SutureEntitlement *entitlement, gint64 now);

/* Whether @pem holds exactly one private key, not encrypted, and that of its certificate: else KEY. */
gboolean suture_entitlement_check_key(GBytes *pem, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether a CA of @ca_pem issued the certificate of @pem, at whatever time: else ISSUER. */
gboolean suture_entitlement_check_issuer(GBytes *pem, GBytes *ca_pem,
					 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* 1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or digit: a channel is a folder of a URL. */
gboolean suture_channel_name_is_valid(const gchar *name);
/* 1 to 64 printable characters of UTF-8. */
gboolean suture_customer_name_is_valid(const gchar *name);
