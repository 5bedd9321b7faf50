// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/naming.h"

#include <string.h>

#define RPM_NAME_BYTES G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._+-"

gchar *suture_bundle_rpm_name(const SuturePatch *patch)
{
	g_autofree gchar *release = g_strdup(patch->kernel.release);

	g_strcanon(release, RPM_NAME_BYTES, '_');
	return g_strdup_printf("livepatch-%s-%s", release, patch->name);
}

gchar *suture_bundle_folder(const SuturePatch *patch)
{
	g_autofree gchar *id = suture_patch_id(patch);

	return g_strdup_printf("%s/%s", patch->kernel.release, id);
}

static gint compare_strings(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

GStrv suture_bundle_provides(const SuturePatch *patch)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	g_ptr_array_add(names, g_strdup_printf("livepatch(%s)", patch->kernel.release));
	g_ptr_array_add(names, g_strdup_printf("livepatch(build-id:%s)", patch->kernel.build_id));
	for (guint i = 0; i < patch->vulnerabilities->len; i++) {
		const SutureVulnerability *vulnerability = g_ptr_array_index(patch->vulnerabilities, i);

		if (strcmp(vulnerability->status, "fixed") == 0)
			g_ptr_array_add(names, g_strdup_printf("livepatch(cve:%s)", vulnerability->id));
	}
	g_ptr_array_sort(names, compare_strings);
	g_ptr_array_add(names, NULL);
	return (GStrv)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}
