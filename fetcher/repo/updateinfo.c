// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/updateinfo.h"

#include <createrepo_c/updateinfo.h>
#include <createrepo_c/xml_dump.h>

#define CVE_PREFIX "CVE-"
#define CVE_URL "https://www.cve.org/CVERecord?id="

G_DEFINE_AUTOPTR_CLEANUP_FUNC(cr_UpdateRecord, cr_updaterecord_free)

/* The words that dnf and zypper know. */
static const gchar *severity_word(SutureSeverity severity)
{
	switch (severity) {
	case SUTURE_SEVERITY_LOW:
		return "Low";
	case SUTURE_SEVERITY_MODERATE:
		return "Moderate";
	case SUTURE_SEVERITY_IMPORTANT:
		return "Important";
	case SUTURE_SEVERITY_CRITICAL:
		return "Critical";
	case SUTURE_SEVERITY_NONE:
		break;
	}
	return "None";
}

/* updateinfo's own date form, "2030-01-02 03:04:05", from RFC 3339. */
static gchar *date_of(const gchar *issued)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(issued, NULL);

	return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup(issued);
}

static gboolean has_reference(const cr_UpdateRecord *record, const gchar *id)
{
	for (const GSList *at = record->references; at; at = at->next)
		if (g_str_equal(((const cr_UpdateReference *)at->data)->id, id))
			return TRUE;
	return FALSE;
}

static void add_references(cr_UpdateRecord *record, const SuturePatch *patch)
{
	for (guint i = 0; i < patch->vulnerabilities->len; i++) {
		const SutureVulnerability *vulnerability = patch->vulnerabilities->pdata[i];
		gboolean cve = g_str_has_prefix(vulnerability->id, CVE_PREFIX);
		cr_UpdateReference *reference;
		g_autofree gchar *href = NULL;

		if (!g_str_equal(vulnerability->status, "fixed") || has_reference(record, vulnerability->id))
			continue;
		reference = cr_updatereference_new();
		href = g_strconcat(cve ? CVE_URL : "", cve ? vulnerability->id : "", NULL);
		reference->id = g_string_chunk_insert(reference->chunk, vulnerability->id);
		reference->title = reference->id;
		reference->type = g_string_chunk_insert(reference->chunk, cve ? "cve" : "other");
		reference->href = g_string_chunk_insert(reference->chunk, href);
		cr_updaterecord_append_reference(record, reference);
	}
}

static void add_package(cr_UpdateCollection *collection, const SutureRepoBundle *bundle)
{
	cr_UpdateCollectionPackage *package = cr_updatecollectionpackage_new();
	GStringChunk *chunk = package->chunk;

	package->name = g_string_chunk_insert(chunk, bundle->rpm_name);
	package->epoch = g_string_chunk_insert(chunk, bundle->rpm_epoch);
	package->version = g_string_chunk_insert(chunk, bundle->rpm_version);
	package->release = g_string_chunk_insert(chunk, bundle->rpm_release);
	package->arch = g_string_chunk_insert(chunk, bundle->rpm_arch);
	package->filename = g_string_chunk_insert(chunk, bundle->file);
	package->sum = g_string_chunk_insert(chunk, bundle->sha256);
	package->sum_type = CR_CHECKSUM_SHA256;
	cr_updatecollection_append_package(collection, package);
}

static cr_UpdateRecord *record_new(const SutureRepoBundle *bundle)
{
	const SuturePatch *patch = &bundle->target->patch;
	cr_UpdateRecord *record = cr_updaterecord_new();
	cr_UpdateCollection *collection = cr_updatecollection_new();
	g_autofree gchar *issued = date_of(patch->issued);
	g_autofree gchar *shortname = g_strconcat("livepatch-", bundle->kernel, NULL);

	record->id = g_string_chunk_insert(record->chunk, patch->advisory);
	record->type = "security";
	record->status = "final";
	record->version = "1";
	record->title = g_string_chunk_insert(record->chunk, bundle->summary);
	record->description = record->title;
	record->issued_date = g_string_chunk_insert(record->chunk, issued);
	collection->shortname = g_string_chunk_insert(collection->chunk, shortname);
	collection->name = g_string_chunk_insert(collection->chunk, shortname);
	cr_updaterecord_append_collection(record, collection);
	return record;
}

/* All of one advisory's bundles, which stand at @first and after. */
static gchar *advisory_xml(GPtrArray *bundles, guint first, GError **error)
{
	const gchar *advisory = ((SutureRepoBundle *)bundles->pdata[first])->target->patch.advisory;
	g_autoptr(cr_UpdateRecord) record = record_new(bundles->pdata[first]);
	SutureSeverity severity = SUTURE_SEVERITY_NONE;
	g_autoptr(GError) cause = NULL;
	gchar *xml;

	for (guint i = first; i < bundles->len; i++) {
		const SutureRepoBundle *bundle = bundles->pdata[i];

		if (!g_str_equal(bundle->target->patch.advisory, advisory))
			continue;
		severity = MAX(severity, bundle->target->patch.severity);
		add_references(record, &bundle->target->patch);
		add_package(record->collections->data, bundle);
	}
	record->severity = (gchar *)severity_word(severity);
	xml = cr_xml_dump_updaterecord(record, &cause);
	if (!xml)
		g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_RPM_MD, "%s: updateinfo: %s",
			    advisory, cause->message);
	return xml;
}

GPtrArray *suture_updateinfo_records(GPtrArray *bundles, GError **error)
{
	g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < bundles->len; i++) {
		const SutureRepoBundle *bundle = bundles->pdata[i];
		gchar *xml;

		if (!g_hash_table_add(done, bundle->target->patch.advisory))
			continue;
		xml = advisory_xml(bundles, i, error);
		if (!xml)
			return NULL;
		g_ptr_array_add(records, xml);
	}
	return g_steal_pointer(&records);
}
