// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/record.h"

#include "spec/form.h"
#include "spec/patch-json.h"

#include <string.h>

#define RECORD_FORMAT 1

/*
 * Every string member, in the order of the format. Members without a form are text for people of @max code
 * points, which, with four bytes for the worst of them, keeps the line below SUTURE_RECORD_MAX_BYTES.
 */
typedef struct {
	const gchar *key;
	gsize offset;
	SutureForm form; /* SUTURE_FORM_LAST: text */
	glong max;
} Member;

#define FORM(key, form)                                           \
	{                                                         \
#key, G_STRUCT_OFFSET(SutureRecord, key), form, 0 \
	}
#define TEXT(key, max)                                                          \
	{                                                                       \
#key, G_STRUCT_OFFSET(SutureRecord, key), SUTURE_FORM_LAST, max \
	}
static const Member members[] = {
	FORM(time, SUTURE_FORM_TIME_MICRO),
	TEXT(boot_id, 64),
	TEXT(host, 255),
	TEXT(kernel_release, 64),
	FORM(kernel_build_id, SUTURE_FORM_BUILD_ID_OR_EMPTY),
	TEXT(actor, 512),
	FORM(event, SUTURE_FORM_WORD),
	TEXT(bundle, 512),
	FORM(manifest_sha256, SUTURE_FORM_SHA256_OR_EMPTY),
	FORM(package_sha256, SUTURE_FORM_SHA256_OR_EMPTY),
	FORM(reason, SUTURE_FORM_WORD_OR_EMPTY),
	TEXT(detail, 4096),
	FORM(previous, SUTURE_FORM_SHA256),
};

static gchar **member_of(const SutureRecord *record, const Member *member)
{
	return (gchar **)((guint8 *)record + member->offset);
}

SutureRecord *suture_record_new(void)
{
	return g_new0(SutureRecord, 1);
}

void suture_record_free(SutureRecord *record)
{
	if (!record)
		return;
	for (gsize i = 0; i < G_N_ELEMENTS(members); i++)
		g_free(*member_of(record, &members[i]));
	g_free(record);
}

static gboolean check_member(const Member *member, const gchar *value, GError **error)
{
	return member->form == SUTURE_FORM_LAST
		       ? suture_form_check_text(value, 0, member->max, "", member->key, error)
		       : suture_form_check(member->form, value, "", member->key, error);
}

static gboolean check_known(json_t *json, GError **error)
{
	const gchar *known[G_N_ELEMENTS(members) + 3] = {"format", "sequence"};

	for (gsize i = 0; i < G_N_ELEMENTS(members); i++)
		known[i + 2] = members[i].key;
	return suture_json_only(json, "", known, error);
}

static gboolean read_record(json_t *json, SutureRecord *record, GError **error)
{
	gint64 sequence;

	if (!suture_format_read(json, RECORD_FORMAT, NULL, error) || !check_known(json, error) ||
	    !suture_json_integer(json, "", "sequence", 1, G_MAXINT64, &sequence, error))
		return FALSE;
	record->sequence = (guint64)sequence;
	for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
		gchar **value = member_of(record, &members[i]);

		if (!suture_json_copy_string(json, "", members[i].key, value, error) ||
		    !check_member(&members[i], *value, error))
			return FALSE;
	}
	return TRUE;
}

/* JSON allows line breaks between its tokens; a record does not, its line is what is hashed. */
static gboolean check_one_line(GBytes *line, GError **error)
{
	gsize size;
	const gchar *data = g_bytes_get_data(line, &size);

	if (size > 0 && data[size - 1] == '\n')
		size--;
	if (size == 0 || (!memchr(data, '\n', size) && !memchr(data, '\r', size)))
		return TRUE;
	g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_SYNTAX, "a record must be one line");
	return FALSE;
}

SutureRecord *suture_record_parse(GBytes *line, GError **error)
{
	g_autoptr(SutureRecord) record = suture_record_new();
	SUTURE_AUTO_JSON *json = NULL;

	if (!check_one_line(line, error))
		return NULL;
	json = suture_json_parse(line, SUTURE_RECORD_MAX_BYTES, "record", error);
	if (!json)
		return NULL;
	if (!read_record(json, record, error)) {
		g_prefix_error(error, "record: ");
		return NULL;
	}
	return g_steal_pointer(&record);
}

GBytes *suture_record_write(const SutureRecord *record)
{
	SUTURE_AUTO_JSON *json = json_object();
	gchar *line;
	gsize length;

	g_return_val_if_fail(record->sequence >= 1 && record->sequence <= G_MAXINT64, NULL);
	json_object_set_new(json, "format", json_integer(RECORD_FORMAT));
	json_object_set_new(json, "sequence", json_integer((json_int_t)record->sequence));
	for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
		const gchar *given = *member_of(record, &members[i]);
		g_autofree gchar *value = members[i].form == SUTURE_FORM_LAST
						  ? suture_form_make_text(given, members[i].max)
						  : g_strdup(given ? given : "");

		g_return_val_if_fail(check_member(&members[i], value, NULL), NULL);
		json_object_set_new(json, members[i].key, json_string(value));
	}
	line = json_dumps(json, JSON_COMPACT);
	length = strlen(line);
	line = g_realloc(line, length + 1);
	line[length] = '\n';
	return g_bytes_new_take(line, length + 1);
}
