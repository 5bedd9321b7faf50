// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/openpgp-signature.h"

#include <string.h>

#define TAG_SIGNATURE 2
#define SUBPACKET_CREATED 2
#define SUBPACKET_ISSUER 16
#define SUBPACKET_FINGERPRINT 33
#define CRITICAL 0x80

/* What is left of the bytes read so far; every read checks that they are there. */
typedef struct {
	const guint8 *bytes;
	gsize size;
} Reader;

static gboolean take(Reader *reader, gsize size, Reader *ret)
{
	if (size > reader->size)
		return FALSE;
	*ret = (Reader){reader->bytes, size};
	reader->bytes += size;
	reader->size -= size;
	return TRUE;
}

/* A big-endian number of @size bytes. */
static gboolean take_number(Reader *reader, gsize size, guint32 *ret)
{
	Reader bytes;

	if (!take(reader, size, &bytes))
		return FALSE;
	*ret = 0;
	for (gsize i = 0; i < size; i++)
		*ret = *ret << 8 | bytes.bytes[i];
	return TRUE;
}

/* The header of one packet that fills all of @reader (section 4.2): the old format, or the new one's lengths.
 */
static gboolean take_header(Reader *reader)
{
	guint32 tag, length, low;

	if (!take_number(reader, 1, &tag) || !(tag & 0x80))
		return FALSE;
	if (!(tag & 0x40))
		return (tag >> 2 & 0x0f) == TAG_SIGNATURE && (tag & 3) < 3 &&
		       take_number(reader, (gsize)1 << (tag & 3), &length) && length == reader->size;
	if ((tag & 0x3f) != TAG_SIGNATURE || !take_number(reader, 1, &length))
		return FALSE;
	if (length >= 192 && length < 224) {
		if (!take_number(reader, 1, &low))
			return FALSE;
		length = ((length - 192) << 8) + low + 192;
	}
	return length == reader->size;
}

/* One subpacket with a one-octet length, which is all that these need. */
static gboolean take_subpacket(Reader *area, guint32 *ret_type, Reader *ret_value)
{
	guint32 length;

	return take_number(area, 1, &length) && length >= 1 && length < 192 &&
	       take_number(area, 1, ret_type) && take(area, length - 1, ret_value);
}

static gboolean check_hashed(Reader area, gint64 *ret_created)
{
	gboolean found = FALSE;
	Reader value;
	guint32 type, seconds;

	while (area.size) {
		if (!take_subpacket(&area, &type, &value))
			return FALSE;
		if ((type & ~CRITICAL) != SUBPACKET_CREATED)
			continue;
		if (found || value.size != sizeof(seconds) || !take_number(&value, sizeof(seconds), &seconds))
			return FALSE;
		*ret_created = seconds;
		found = TRUE;
	}
	return found;
}

static gboolean is_hex(const Reader *value, const gchar *hex)
{
	if (strlen(hex) != 2 * value->size)
		return FALSE;
	for (gsize i = 0; i < value->size; i++)
		if ((g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1])) !=
		    value->bytes[i])
			return FALSE;
	return TRUE;
}

/* No signature covers these: they may only say which key made it, each way once at most. */
static gboolean check_unhashed(Reader area, const SutureOpenpgpKey *key)
{
	guint64 seen = 0;
	Reader value;
	guint32 type, version;

	while (area.size) {
		if (!take_subpacket(&area, &type, &value) || type > SUBPACKET_FINGERPRINT ||
		    seen & (guint64)1 << type)
			return FALSE;
		seen |= (guint64)1 << type;
		if (type == SUBPACKET_ISSUER && is_hex(&value, key->id))
			continue;
		if (type != SUBPACKET_FINGERPRINT || !take_number(&value, 1, &version) || version != 4 ||
		    !is_hex(&value, key->fingerprint))
			return FALSE;
	}
	return TRUE;
}

/* A multiprecision integer (section 3.2) whose length is that of its value. */
static gboolean take_integer(Reader *reader)
{
	guint32 bits;
	Reader value;

	return take_number(reader, 2, &bits) && bits > 0 && take(reader, (bits + 7) / 8, &value) &&
	       g_bit_storage(value.bytes[0]) == (bits - 1) % 8 + 1;
}

gboolean suture_openpgp_signature_check(const guint8 *packet, gsize size, const SutureOpenpgpKey *key,
					gint64 *ret_created)
{
	Reader reader = {packet, size}, hashed, unhashed;
	guint32 version, algorithms, length, digest;
	gint64 created = 0;

	/* signature type, public key algorithm and digest algorithm: hashed, and judged elsewhere */
	if (!take_header(&reader) || !take_number(&reader, 1, &version) || version != 4 ||
	    !take_number(&reader, 3, &algorithms))
		return FALSE;
	if (!take_number(&reader, 2, &length) || !take(&reader, length, &hashed) ||
	    !check_hashed(hashed, &created))
		return FALSE;
	if (!take_number(&reader, 2, &length) || !take(&reader, length, &unhashed) ||
	    !check_unhashed(unhashed, key) || !take_number(&reader, 2, &digest))
		return FALSE;
	if (!take_integer(&reader))
		return FALSE;
	while (reader.size)
		if (!take_integer(&reader))
			return FALSE;
	*ret_created = created;
	return TRUE;
}
