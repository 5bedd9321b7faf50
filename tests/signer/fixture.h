/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Certificates and signatures made by the openssl program in a scratch folder: what the tests judge us by is
 * not our own. Everything here asserts success. */

#include "common/error.h"
#include "common/staging.h"

/* The scratch folder of this program, with a configuration for openssl; removed by fixture_end(). */
void fixture_begin(void);
void fixture_end(void);

/* Runs a command line in it. */
void fixture_run(const gchar *format, ...) G_GNUC_PRINTF(1, 2);

/* Files in it. */
GBytes *fixture_read(const gchar *name);
void fixture_write(const gchar *name, GBytes *bytes);
gchar *fixture_path(const gchar *name);

/* NAME.key and NAME.pem: a self-signed P-256 CA of that subject. */
void fixture_ca(const gchar *name, const gchar *subject);

/* How openssl is told which key to make. */
#define FIXTURE_P256 "ec -pkeyopt ec_paramgen_curve:P-256"
#define FIXTURE_P384 "ec -pkeyopt ec_paramgen_curve:P-384"
#define FIXTURE_P521 "ec -pkeyopt ec_paramgen_curve:P-521"
#define FIXTURE_RSA(bits) "rsa:" #bits

/* Extensions of a proper signer of manifests, one a line. */
#define FIXTURE_SIGNER "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=codeSigning\n"

/* NAME.key and NAME.pem: a certificate that @ca issued. */
void fixture_issue(const gchar *name, const gchar *ca, const gchar *newkey, const gchar *extensions);

/* `openssl cms -sign` of the file "content" by NAME; @options are added. DER. */
GBytes *fixture_cms(const gchar *name, const gchar *options);

/* A CRL of @ca that lists @revoked (NULL for nobody), valid between the two times. */
GBytes *fixture_crl(const gchar *ca, const gchar *revoked, gint64 this_update, gint64 next_update);

/* Seconds since the epoch, for judging certificates made just now. */
gint64 fixture_now(void);

/* Asserts that @ok is FALSE and @error has @code of the verifying half; frees the error. */
void fixture_assert_refused(gboolean ok, GError **error, int code);
