// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/rpm-content.h"

#include "common/mutation.h"
#include "packager/read/naming.h"

#include <string.h>
#include <sys/stat.h>

/* Everything that makes rpm run something, or give a file powers of its own. */
static const rpmTagVal active_tags[] = {
	RPMTAG_PREIN,
	RPMTAG_POSTIN,
	RPMTAG_PREUN,
	RPMTAG_POSTUN,
	RPMTAG_PRETRANS,
	RPMTAG_POSTTRANS,
	RPMTAG_VERIFYSCRIPT,
	RPMTAG_PREINPROG,
	RPMTAG_POSTINPROG,
	RPMTAG_PREUNPROG,
	RPMTAG_POSTUNPROG,
	RPMTAG_PRETRANSPROG,
	RPMTAG_POSTTRANSPROG,
	RPMTAG_VERIFYSCRIPTPROG,
	RPMTAG_TRIGGERSCRIPTS,
	RPMTAG_TRIGGERNAME,
	RPMTAG_TRIGGERSCRIPTPROG,
	RPMTAG_FILETRIGGERSCRIPTS,
	RPMTAG_FILETRIGGERNAME,
	RPMTAG_FILETRIGGERSCRIPTPROG,
	RPMTAG_TRANSFILETRIGGERSCRIPTS,
	RPMTAG_TRANSFILETRIGGERNAME,
	RPMTAG_TRANSFILETRIGGERSCRIPTPROG,
	RPMTAG_FILECAPS,
	RPMTAG_POLICIES,
};

/* What a manifest has no words for, and what would make a package manager replace or remove other packages.
 */
static const rpmTagVal absent_tags[] = {RPMTAG_EPOCH, RPMTAG_SOURCEPACKAGE, RPMTAG_OBSOLETENAME,
					RPMTAG_CONFLICTNAME};

gboolean suture_rpm_content_check_passive(const SutureRpmFile *file, GError **error)
{
	SUTURE_RPM_SCOPE;

	for (gsize i = 0; i < G_N_ELEMENTS(active_tags); i++)
		if (headerIsEntry(file->header, active_tags[i]))
			return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_SCRIPTLET, file,
						 "carries %s: a bundle has no scriptlets, triggers or "
						 "capabilities",
						 rpmTagGetName(active_tags[i]));
	return TRUE;
}

/* One file of the header's list: its place, and the plain mode that the builder gives it. */
static gboolean check_listed(const SutureRpmFile *file, const SuturePayload *payload, const gchar *path,
			     guint64 mode, guint64 flags, guint64 size, GHashTable *listed, GError **error)
{
	g_autofree gchar *folder = NULL;
	g_autofree gchar *name = NULL;
	GBytes *bytes;

	if (!suture_payload_split(file, path, &folder, &name, error))
		return FALSE;
	if (!suture_check_skipped("payload-type") &&
	    (flags != 0 || mode != (*name ? S_IFREG | 0644u : S_IFDIR | 0755u)))
		return suture_rpm_refuse(
			error, SUTURE_BUNDLE_ERROR_PAYLOAD_TYPE, file,
			"lists \"%s\" with mode %o and file flags %u: a bundle has plain files "
			"of mode 644 and folders of mode 755",
			path, (guint)mode, (guint)flags);
	if (*name == '\0')
		return TRUE;
	bytes = g_hash_table_lookup(payload->files, name);
	if (g_strcmp0(folder, payload->folder) != 0 || !bytes || g_bytes_get_size(bytes) != size)
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_DISAGREE, file,
					 "its header lists \"%s\", which its payload does not hold so", path);
	g_hash_table_add(listed, g_steal_pointer(&name));
	return TRUE;
}

static gboolean all_root(Header header, rpmTagVal tag)
{
	g_auto(GStrv) names = suture_rpm_strings(header, tag);

	for (gsize i = 0; names[i]; i++)
		if (strcmp(names[i], "root") != 0)
			return FALSE;
	return TRUE;
}

gboolean suture_rpm_content_check_files(const SutureRpmFile *file, const SuturePayload *payload,
					GError **error)
{
	SUTURE_RPM_SCOPE;
	g_auto(GStrv) paths = suture_rpm_strings(file->header, RPMTAG_FILENAMES);
	SUTURE_AUTO_TD modes = {0};
	SUTURE_AUTO_TD flags = {0};
	SUTURE_AUTO_TD sizes = {0};
	g_autoptr(GHashTable) listed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	guint count = g_strv_length(paths);

	if (!headerGet(file->header, RPMTAG_FILEMODES, &modes, HEADERGET_MINMEM) ||
	    !headerGet(file->header, RPMTAG_FILEFLAGS, &flags, HEADERGET_MINMEM) ||
	    !headerGet(file->header, RPMTAG_FILESIZES, &sizes, HEADERGET_MINMEM) ||
	    rpmtdCount(&modes) != count || rpmtdCount(&flags) != count || rpmtdCount(&sizes) != count)
		return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_RPM_MALFORMED, file,
					 "its header's file list is incomplete");
	for (guint i = 0; i < count; i++) {
		rpmtdSetIndex(&modes, (int)i);
		rpmtdSetIndex(&flags, (int)i);
		rpmtdSetIndex(&sizes, (int)i);
		if (!check_listed(file, payload, paths[i], rpmtdGetNumber(&modes), rpmtdGetNumber(&flags),
				  rpmtdGetNumber(&sizes), listed, error))
			return FALSE;
	}
	if (g_hash_table_size(listed) != g_hash_table_size(payload->files) ||
	    !all_root(file->header, RPMTAG_FILEUSERNAME) || !all_root(file->header, RPMTAG_FILEGROUPNAME))
		return suture_rpm_refuse(
			error, SUTURE_BUNDLE_ERROR_DISAGREE, file,
			"its payload holds files that its header does not list, or not as root's");
	return TRUE;
}

static gboolean disagree(const SutureRpmFile *file, const gchar *member, const gchar *package,
			 const gchar *manifest, GError **error)
{
	return suture_rpm_refuse(error, SUTURE_BUNDLE_ERROR_DISAGREE, file,
				 "%s is \"%s\" in the package and \"%s\" by its manifest", member,
				 package ? package : "", manifest);
}

static gint compare_strings(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

/* The package's Provides without those that rpmbuild adds for the package's own name. */
static gchar *provides_of(Header header, const gchar *name)
{
	g_auto(GStrv) all = suture_rpm_strings(header, RPMTAG_PROVIDENAME);
	g_autofree gchar *own = g_strdup_printf("%s(x86-64)", name);
	g_autoptr(GPtrArray) others = g_ptr_array_new();

	for (gsize i = 0; all[i]; i++)
		if (strcmp(all[i], name) != 0 && strcmp(all[i], own) != 0)
			g_ptr_array_add(others, all[i]);
	g_ptr_array_sort(others, compare_strings);
	g_ptr_array_add(others, NULL);
	return g_strjoinv(" ", (GStrv)others->pdata);
}

static gboolean check_provides(const SutureRpmFile *file, const SutureManifest *manifest, const gchar *name,
			       GError **error)
{
	g_auto(GStrv) wanted = suture_bundle_provides(&manifest->patch);
	g_autofree gchar *wanted_text = g_strjoinv(" ", wanted);
	g_autofree gchar *have = provides_of(file->header, name);

	return strcmp(have, wanted_text) == 0 || disagree(file, "Provides", have, wanted_text, error);
}

gboolean suture_rpm_content_check_manifest(const SutureRpmFile *file, const SuturePayload *payload,
					   const SutureManifest *manifest, GError **error)
{
	SUTURE_RPM_SCOPE;
	const SuturePatch *patch = &manifest->patch;
	g_autofree gchar *name = suture_bundle_rpm_name(patch);
	g_autofree gchar *folder = suture_bundle_folder(patch);
	const struct {
		const gchar *member;
		rpmTagVal tag;
		const gchar *wanted;
	} members[] = {
		{"name", RPMTAG_NAME, name},
		{"version", RPMTAG_VERSION, patch->version},
		{"release", RPMTAG_RELEASE, patch->release},
		{"architecture", RPMTAG_ARCH, patch->kernel.arch},
	};

	if (suture_check_skipped("disagree"))
		return TRUE;
	for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
		g_autofree gchar *have = suture_rpm_string(file->header, members[i].tag);

		if (g_strcmp0(have, members[i].wanted) != 0)
			return disagree(file, members[i].member, have, members[i].wanted, error);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(absent_tags); i++)
		if (headerIsEntry(file->header, absent_tags[i]))
			return disagree(file, rpmTagGetName(absent_tags[i]), "set", "absent", error);
	if (g_strcmp0(payload->folder, folder) != 0)
		return disagree(file, "folder", payload->folder, folder, error);
	return check_provides(file, manifest, name, error);
}
