// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/rpm-region.h"

#include "common/mutation.h"

#include <string.h>

#define COUNTS_BYTES 8
#define ENTRY_BYTES 16

static const guint8 magic[SUTURE_RPM_MAGIC_BYTES] = {0x8e, 0xad, 0xe8, 0x01};

typedef struct {
	guint32 tag, type, offset, count;
} Entry;

typedef struct {
	guint32 tag, type;
	gboolean signature;
} Known;

/* What rpm 4.14 to 4.18 write; header signatures stand in RSAHEADER and, for every other algorithm,
 * DSAHEADER. */
static const Known known_tags[] = {
	{RPMTAG_DSAHEADER, RPM_BIN_TYPE, TRUE},         {RPMTAG_RSAHEADER, RPM_BIN_TYPE, TRUE},
	{RPMTAG_SHA1HEADER, RPM_STRING_TYPE, FALSE},    {RPMTAG_SHA256HEADER, RPM_STRING_TYPE, FALSE},
	{RPMSIGTAG_SIZE, RPM_INT32_TYPE, FALSE},        {RPMSIGTAG_MD5, RPM_BIN_TYPE, FALSE},
	{RPMSIGTAG_PAYLOADSIZE, RPM_INT32_TYPE, FALSE}, {RPMSIGTAG_RESERVEDSPACE, RPM_BIN_TYPE, FALSE},
};

static guint32 get_32(const guint8 *bytes)
{
	guint32 value;

	memcpy(&value, bytes, sizeof(value));
	return GUINT32_FROM_BE(value);
}

gsize suture_rpm_region_size(const guint8 intro[SUTURE_RPM_INTRO_BYTES], gsize limit)
{
	guint64 entries = get_32(intro + SUTURE_RPM_MAGIC_BYTES);
	guint64 data = get_32(intro + SUTURE_RPM_MAGIC_BYTES + 4);
	guint64 size = COUNTS_BYTES + entries * ENTRY_BYTES + data;

	return memcmp(intro, magic, sizeof(magic)) == 0 && size <= limit ? size : 0;
}

static guint32 entry_count(const SutureRpmRegion *region)
{
	return get_32(g_bytes_get_data(region->bytes, NULL));
}

static guint32 data_size(const SutureRpmRegion *region)
{
	return get_32((const guint8 *)g_bytes_get_data(region->bytes, NULL) + 4);
}

static const guint8 *data_of(const SutureRpmRegion *region)
{
	return (const guint8 *)g_bytes_get_data(region->bytes, NULL) + COUNTS_BYTES +
	       (gsize)entry_count(region) * ENTRY_BYTES;
}

static Entry parse_entry(const guint8 *bytes)
{
	return (Entry){get_32(bytes), get_32(bytes + 4), get_32(bytes + 8), get_32(bytes + 12)};
}

static Entry entry_at(const SutureRpmRegion *region, guint32 index)
{
	const guint8 *bytes = g_bytes_get_data(region->bytes, NULL);

	return parse_entry(bytes + COUNTS_BYTES + (gsize)index * ENTRY_BYTES);
}

gboolean suture_rpm_region_check(const SutureRpmRegion *region, rpmTagVal tag)
{
	guint32 count = entry_count(region), size = data_size(region);
	Entry first, trailer;

	if (count == 0 || size < ENTRY_BYTES)
		return FALSE;
	first = entry_at(region, 0);
	trailer = parse_entry(data_of(region) + size - ENTRY_BYTES);
	return first.tag == (guint32)tag && first.type == RPM_BIN_TYPE && first.count == ENTRY_BYTES &&
	       first.offset == size - ENTRY_BYTES && trailer.tag == (guint32)tag &&
	       trailer.type == RPM_BIN_TYPE && trailer.count == ENTRY_BYTES &&
	       trailer.offset == (guint32)0 - count * ENTRY_BYTES;
}

static const Known *find_known(guint32 tag)
{
	for (gsize i = 0; i < G_N_ELEMENTS(known_tags); i++)
		if (known_tags[i].tag == tag)
			return &known_tags[i];
	return NULL;
}

static gboolean all_zero(const guint8 *bytes, gsize size)
{
	for (gsize i = 0; i < size; i++)
		if (bytes[i])
			return FALSE;
	return TRUE;
}

/* Bytes of the value of @entry, 0 when it leaves @room or has another form than rpm gives it. */
static gsize value_size(const Entry *entry, const guint8 *value, gsize room)
{
	gsize size = entry->count;

	if (entry->type == RPM_INT32_TYPE)
		size = entry->count == 1 ? 4 : 0;
	else if (entry->type == RPM_STRING_TYPE)
		size = entry->count == 1 ? strnlen((const gchar *)value, room) + 1 : 0;
	return size <= room ? size : 0;
}

static gboolean value_is_written_so(const Entry *entry, const guint8 *value, gsize size)
{
	if (entry->tag == RPMSIGTAG_RESERVEDSPACE)
		return all_zero(value, size);
	/* librpm compares digests without regard to case. */
	for (gsize i = 0; entry->type == RPM_STRING_TYPE && i < size; i++)
		if (g_ascii_isupper((gchar)value[i]))
			return FALSE;
	return TRUE;
}

/* Whether the values fill the data area one after the other, with zeros where they are aligned. */
static gboolean check_values(const SutureRpmRegion *region)
{
	const guint8 *data = data_of(region);
	gsize end = data_size(region) - ENTRY_BYTES, position = 0;

	for (guint32 i = 1; i < entry_count(region); i++) {
		Entry entry = entry_at(region, i);
		gsize size;

		if (entry.offset < position || entry.offset > end ||
		    entry.offset - position > (entry.type == RPM_INT32_TYPE ? 3 : 0) ||
		    !all_zero(data + position, entry.offset - position))
			return FALSE;
		size = value_size(&entry, data + entry.offset, end - entry.offset);
		if (!size || !value_is_written_so(&entry, data + entry.offset, size))
			return FALSE;
		position = entry.offset + size;
	}
	return position == end;
}

static gboolean check_tags(const SutureRpmRegion *region, const SutureRpmFile *file, GError **error)
{
	guint signatures = 0;
	guint64 seen = 0;

	for (guint32 i = 1; i < entry_count(region); i++) {
		Entry entry = entry_at(region, i);
		const Known *known = find_known(entry.tag);

		if (!known && !suture_check_skipped("rpm-signatures"))
			return suture_rpm_refuse(
				error, SUTURE_BUNDLE_ERROR_RPM_SIGNATURES, file,
				"its signature header holds tag %u: sign it with one OpenPGP "
				"header signature and nothing else",
				entry.tag);
		if (!known)
			continue;
		if (known->type != entry.type || seen & (1u << (known - known_tags)))
			return suture_rpm_refuse(
				error, SUTURE_BUNDLE_ERROR_RPM_MALFORMED, file,
				"tag %u of its signature header is double or of a wrong type", entry.tag);
		seen |= 1u << (known - known_tags);
		signatures += known->signature;
	}
	if (signatures == 0)
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_UNSIGNED, file,
					 "is not signed: get it from its vendor, or sign it");
	if (!suture_check_skipped("rpm-signatures") && signatures > 1)
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_SIGNATURES, file,
					 "carries %u header signatures: sign it once", signatures);
	return TRUE;
}

gboolean suture_rpm_region_check_signatures(const SutureRpmRegion *region, const SutureRpmFile *file,
					    GError **error)
{
	if (!suture_rpm_region_check(region, RPMTAG_HEADERSIGNATURES))
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_MALFORMED, file,
					 "its signature header is not one region");
	if (!check_tags(region, file, error))
		return FALSE;
	if (suture_check_skipped("rpm-reserved") || check_values(region))
		return TRUE;
	return suture_rpm_refuse(
		error, SUTURE_BUNDLE_ERROR_RPM_RESERVED, file,
		"its signature header holds bytes that rpm does not write: the file was changed");
}
