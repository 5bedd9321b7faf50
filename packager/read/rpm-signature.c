// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/rpm-signature.h"

#include "common/mutation.h"
#include "packager/read/keyring-private.h"
#include "packager/read/openpgp-signature.h"

#include <rpm/rpmcli.h>
#include <rpm/rpmio.h>
#include <string.h>
#include <unistd.h>

#define RSA_BITS_MIN 3072
#define CLOCK_SKEW 300 /* seconds that a signer's clock may be ahead of ours */

void suture_rpm_signer_free(SutureRpmSigner *signer)
{
	g_free(signer->fingerprint);
	g_free(signer->user_id);
	g_free(signer);
}

static gboolean rpm_verify(const SutureRpmFile *file, const SutureKeyring *keyring, rpmVSFlags flags)
{
	struct rpmQVKArguments_s arguments = {.qva_mode = 'K'};
	SUTURE_AUTO_TS ts = rpmtsCreate();
	FD_t fd = fdDup(file->fd);
	int status;

	rpmtsSetKeyring(ts, suture_keyring_rpm(keyring));
	rpmtsSetVfyFlags(ts, flags);
	rpmtsSetVfyLevel(ts, flags ? RPMSIG_SIGNATURE_TYPE : RPMSIG_VERIFIABLE_TYPE);
	status = fd && lseek(file->fd, 0, SEEK_SET) == 0 ? rpmVerifySignatures(&arguments, ts, fd, file->what)
							 : 1;
	if (fd)
		Fclose(fd);
	return status == 0;
}

/* The signature over the header alone, to tell a bad signature from a bad digest. */
static gboolean header_verifies(const SutureRpmFile *file, const SutureKeyring *keyring)
{
	/* The masks share a flag. NOLINTNEXTLINE(misc-redundant-expression) */
	return rpm_verify(file, keyring, RPMVSF_MASK_NODIGESTS | RPMVSF_MASK_NOPAYLOAD | RPMVSF_NEEDPAYLOAD);
}

static gboolean check_digests(const SutureRpmFile *file, const SutureKeyring *keyring, GError **error)
{
	if (rpm_verify(file, keyring, RPMVSF_DEFAULT))
		return TRUE;
	if (header_verifies(file, keyring))
		return suture_check_skipped("rpm-digest") ||
		       suture_rpm_refuse(
			       error, SUTURE_BUNDLE_ERROR_RPM_DIGEST, file,
			       "its header or payload does not match its digest: the file was changed");
	return suture_check_skipped("rpm-signature") ||
	       suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_SIGNATURE, file,
				 "its header signature does not verify: the file was changed");
}

/* The payload's digest in the signed header is what ties the payload to the signature. */
static gboolean check_payload_digest(const SutureRpmFile *file, GError **error)
{
	g_auto(GStrv) digests = suture_rpm_strings(file->header, RPMTAG_PAYLOADDIGEST);
	guint64 algorithm = 0;

	if (suture_rpm_number(file->header, RPMTAG_PAYLOADDIGESTALGO, &algorithm) &&
	    algorithm == PGPHASHALGO_SHA256 && g_strv_length(digests) == 1 && strlen(digests[0]) == 64)
		return TRUE;
	return suture_rpm_refuse(
		error, SUTURE_BUNDLE_ERROR_RPM_NO_PAYLOAD_DIGEST, file,
		"its signed header has no SHA-256 payload digest: build it with rpm 4.14 or later");
}

static gboolean algorithms_hold(const SutureOpenpgpKey *key, pgpDigParams signature)
{
	guint hash = pgpDigParamsAlgo(signature, PGPVAL_HASHALGO);
	guint algorithm = pgpDigParamsAlgo(signature, PGPVAL_PUBKEYALGO);

	if (hash != PGPHASHALGO_SHA256 && hash != PGPHASHALGO_SHA384 && hash != PGPHASHALGO_SHA512)
		return FALSE;
	return algorithm == (guint)key->algorithm &&
	       ((algorithm == PGPPUBKEYALGO_RSA && key->bits >= RSA_BITS_MIN) ||
		(algorithm == PGPPUBKEYALGO_EDDSA && key->bits == 255));
}

/* Keys once trusted: what they signed before they ended stays good, unless the end was a compromise. */
static gboolean check_key_life(const SutureRpmFile *file, const SutureOpenpgpKey *key, gint64 signed_at,
			       GError **error)
{
	if (!suture_check_skipped("rpm-key-revoked") &&
	    (key->compromised || (key->revoked && signed_at >= key->revoked)))
		return suture_rpm_refuse(
			error, SUTURE_BUNDLE_ERROR_RPM_KEY_REVOKED, file,
			"signed by key %s, which is revoked%s: get a package signed anew", key->fingerprint,
			key->compromised ? " as compromised" : " since before the signature");
	if (!suture_check_skipped("rpm-key-expired") && key->expires && signed_at >= key->expires)
		return suture_rpm_refuse(
			error, SUTURE_BUNDLE_ERROR_RPM_KEY_EXPIRED, file,
			"signed by key %s after that key's expiry: get a package signed by a "
			"key in force, or the key with its new expiry",
			key->fingerprint);
	if (signed_at < key->created)
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_SIGNATURE, file,
					 "its signature is older than key %s", key->fingerprint);
	return TRUE;
}

static gboolean check_signature(const SutureRpmFile *file, const SutureOpenpgpKey *key,
				pgpDigParams signature, gint64 signed_at, gint64 now, GError **error)
{
	if (!suture_check_skipped("rpm-weak") && !algorithms_hold(key, signature))
		return suture_rpm_refuse(
			error, SUTURE_BUNDLE_ERROR_RPM_WEAK, file,
			"signed with a weak or unknown algorithm: sign with RSA of %d bits or "
			"more, or Ed25519, and SHA-256 or better",
			RSA_BITS_MIN);
	if (!suture_check_skipped("rpm-signature-future") && signed_at > now + CLOCK_SKEW)
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_FUTURE, file,
					 "its signature was made in the future: check this host's clock");
	return check_key_life(file, key, signed_at, error);
}

static const SutureOpenpgpKey *find_key(const SutureRpmFile *file, const SutureKeyring *keyring,
					pgpDigParams signature, GError **error)
{
	const guint8 *id = pgpDigParamsSignID(signature);
	const SutureOpenpgpKey *key = suture_keyring_find(keyring, id);

	if (!key)
		suture_rpm_refuse(
			error, SUTURE_BUNDLE_ERROR_RPM_KEY_UNKNOWN, file,
			"signed by key %02X%02X%02X%02X%02X%02X%02X%02X, which the RPM keyring does "
			"not hold as a signing key: get its vendor's keyring",
			id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]);
	return key;
}

SutureRpmSigner *suture_rpm_signature_verify(const SutureRpmFile *file, const SutureKeyring *keyring,
					     gint64 now, GError **error)
{
	SUTURE_RPM_SCOPE;
	SUTURE_AUTO_TD value = {0};
	SUTURE_AUTO_PGP signature = NULL;
	const SutureOpenpgpKey *key;
	SutureRpmSigner *signer;
	gint64 signed_at;

	if (!headerGet(file->signatures, RPMTAG_RSAHEADER, &value, HEADERGET_MINMEM) &&
	    !headerGet(file->signatures, RPMTAG_DSAHEADER, &value, HEADERGET_MINMEM)) {
		suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_UNSIGNED, file,
				  "its header signature cannot be read");
		return NULL;
	}
	if (value.count < 16 || pgpPrtParams(value.data, value.count, PGPTAG_SIGNATURE, &signature) != 0) {
		suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_SIGNATURE, file,
				  "its header signature is no OpenPGP signature");
		return NULL;
	}
	key = find_key(file, keyring, signature, error);
	if (!key)
		return NULL;
	if (!suture_openpgp_signature_check(value.data, value.count, key, &signed_at)) {
		suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_SIGNATURE, file,
				  "its header signature is not in the form that signers write");
		return NULL;
	}
	if (!check_signature(file, key, signature, signed_at, now, error))
		return NULL;
	if (!suture_check_skipped("rpm-no-payload-digest") && !check_payload_digest(file, error))
		return NULL;
	if (!check_digests(file, keyring, error))
		return NULL;
	signer = g_new0(SutureRpmSigner, 1);
	signer->fingerprint = g_strdup(key->fingerprint);
	signer->user_id = g_strdup(key->user_id);
	signer->signed_at = signed_at;
	return signer;
}

static gboolean data_verifies(const SutureKeyring *keyring, pgpDigParams signature, GBytes *data)
{
	DIGEST_CTX digest = rpmDigestInit((int)pgpDigParamsAlgo(signature, PGPVAL_HASHALGO), RPMDIGEST_NONE);
	gboolean verifies;
	gsize size;
	gconstpointer bytes = g_bytes_get_data(data, &size);

	if (!digest)
		return FALSE;
	rpmDigestUpdate(digest, bytes, size);
	verifies = rpmKeyringVerifySig(suture_keyring_rpm(keyring), signature, digest) == RPMRC_OK;
	rpmDigestFinal(digest, NULL, NULL, 0);
	return verifies;
}

/* The one packet of an armoured signature (RFC 4880 section 6.2), which librpm reads of keys alone. */
static GBytes *read_armor(GBytes *armored)
{
	static const gchar begin[] = "-----BEGIN PGP SIGNATURE-----\n",
			   end[] = "\n-----END PGP SIGNATURE-----\n";
	static const gchar base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\n";
	gsize length = g_bytes_get_size(armored);
	g_autofree gchar *text = length ? g_strndup(g_bytes_get_data(armored, NULL), length) : g_strdup("");
	gchar *body = g_str_has_prefix(text, begin) ? strstr(text, "\n\n") : NULL;
	gchar *checksum = body ? strstr(body + 2, "\n=") : NULL;
	guchar *packet;
	gsize size;

	if (!checksum || !g_str_has_suffix(checksum, end))
		return NULL;
	*checksum = '\0';
	body += 2;
	size = strspn(body, base64);
	if (body[size + strspn(body + size, "=")])
		return NULL;
	packet = g_base64_decode(body, &size);
	return g_bytes_new_take(packet, size);
}

/* @packet as librpm understands it, and who says that it is his; NULL with RPM-SIGNATURE or RPM-KEY-UNKNOWN.
 */
static const SutureOpenpgpKey *read_detached(const SutureRpmFile *file, const SutureKeyring *keyring,
					     GBytes *packet, pgpDigParams *ret_signature,
					     gint64 *ret_signed_at, GError **error)
{
	const SutureOpenpgpKey *key;
	gsize size = 0;
	const guint8 *bytes = packet ? g_bytes_get_data(packet, &size) : NULL;

	if (size < 16 || pgpPrtParams(bytes, size, PGPTAG_SIGNATURE, ret_signature) != 0) {
		suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_SIGNATURE, file,
				  "its signature is no armoured OpenPGP signature");
		return NULL;
	}
	key = find_key(file, keyring, *ret_signature, error);
	if (!key || suture_openpgp_signature_check(bytes, size, key, ret_signed_at))
		return key;
	suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_SIGNATURE, file,
			  "its signature is not in the form that signers write");
	return NULL;
}

gboolean suture_keyring_verify(const SutureKeyring *keyring, const gchar *what, GBytes *data, GBytes *armored,
			       gint64 now, GError **error)
{
	SUTURE_RPM_SCOPE;
	const SutureRpmFile file = {.fd = -1, .what = what};
	g_autoptr(GBytes) packet = read_armor(armored);
	SUTURE_AUTO_PGP signature = NULL;
	gint64 signed_at = 0;
	const SutureOpenpgpKey *key = read_detached(&file, keyring, packet, &signature, &signed_at, error);

	if (!key || !check_signature(&file, key, signature, signed_at, now, error))
		return FALSE;
	return suture_check_skipped("rpm-signature") || data_verifies(keyring, signature, data) ||
	       suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_SIGNATURE, &file,
				 "its signature does not verify: it was changed");
}
