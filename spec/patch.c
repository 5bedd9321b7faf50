// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/patch.h"

static const gchar *const severities[] = {"none", "low", "moderate", "important", "critical"};
static const gchar *const providers[] = {"kernel", "framework"};
static const gchar *const consistencies[] = {"per-task", "stop-machine", "immediate"};

static gboolean index_of(const gchar *const *names, gsize n_names, const gchar *name, gsize *ret)
{
	for (gsize i = 0; i < n_names; i++)
		if (g_strcmp0(names[i], name) == 0) {
			*ret = i;
			return TRUE;
		}
	return FALSE;
}

const gchar *suture_severity_name(SutureSeverity severity)
{
	return (gsize)severity < G_N_ELEMENTS(severities) ? severities[severity] : NULL;
}

gboolean suture_severity_parse(const gchar *name, SutureSeverity *ret)
{
	gsize index;

	if (!index_of(severities, G_N_ELEMENTS(severities), name, &index))
		return FALSE;
	*ret = (SutureSeverity)index;
	return TRUE;
}

const gchar *suture_provider_name(SutureProvider provider)
{
	return (gsize)provider < G_N_ELEMENTS(providers) ? providers[provider] : NULL;
}

gboolean suture_provider_parse(const gchar *name, SutureProvider *ret)
{
	gsize index;

	if (!index_of(providers, G_N_ELEMENTS(providers), name, &index))
		return FALSE;
	*ret = (SutureProvider)index;
	return TRUE;
}

const gchar *suture_consistency_name(SutureConsistency consistency)
{
	return (gsize)consistency < G_N_ELEMENTS(consistencies) ? consistencies[consistency] : NULL;
}

gboolean suture_consistency_parse(const gchar *name, SutureConsistency *ret)
{
	gsize index;

	if (!index_of(consistencies, G_N_ELEMENTS(consistencies), name, &index))
		return FALSE;
	*ret = (SutureConsistency)index;
	return TRUE;
}

void suture_kernel_clear(SutureKernel *kernel)
{
	g_clear_pointer(&kernel->release, g_free);
	g_clear_pointer(&kernel->arch, g_free);
	g_clear_pointer(&kernel->build_id, g_free);
	g_clear_pointer(&kernel->vermagic, g_free);
}

void suture_kernel_copy(SutureKernel *to, const SutureKernel *from)
{
	SutureKernel copy = {
		.release = g_strdup(from->release),
		.arch = g_strdup(from->arch),
		.build_id = g_strdup(from->build_id),
		.vermagic = g_strdup(from->vermagic),
	};

	suture_kernel_clear(to);
	*to = copy;
}

SutureVulnerability *suture_vulnerability_new(const gchar *id, const gchar *status)
{
	SutureVulnerability *vulnerability = g_new(SutureVulnerability, 1);

	*vulnerability = (SutureVulnerability){g_strdup(id), g_strdup(status)};
	return vulnerability;
}

void suture_vulnerability_free(SutureVulnerability *vulnerability)
{
	if (!vulnerability)
		return;
	g_free(vulnerability->id);
	g_free(vulnerability->status);
	g_free(vulnerability);
}

void suture_patch_init(SuturePatch *patch)
{
	*patch = (SuturePatch){
		.vulnerabilities = g_ptr_array_new_with_free_func((GDestroyNotify)suture_vulnerability_free),
		.stack.requires = g_ptr_array_new_with_free_func(g_free),
		.stack.supersedes = g_ptr_array_new_with_free_func(g_free),
		.stack.conflicts = g_ptr_array_new_with_free_func(g_free),
	};
}

void suture_patch_clear(SuturePatch *patch)
{
	g_clear_pointer(&patch->name, g_free);
	g_clear_pointer(&patch->version, g_free);
	g_clear_pointer(&patch->release, g_free);
	g_clear_pointer(&patch->advisory, g_free);
	g_clear_pointer(&patch->issued, g_free);
	g_clear_pointer(&patch->vulnerabilities, g_ptr_array_unref);
	suture_kernel_clear(&patch->kernel);
	g_clear_pointer(&patch->stack.requires, g_ptr_array_unref);
	g_clear_pointer(&patch->stack.supersedes, g_ptr_array_unref);
	g_clear_pointer(&patch->stack.conflicts, g_ptr_array_unref);
}

SuturePatch *suture_patch_new(void)
{
	SuturePatch *patch = g_new(SuturePatch, 1);

	suture_patch_init(patch);
	return patch;
}

void suture_patch_free(SuturePatch *patch)
{
	if (!patch)
		return;
	suture_patch_clear(patch);
	g_free(patch);
}

gchar *suture_patch_id(const SuturePatch *patch)
{
	return g_strdup_printf("%s-%s-%s", patch->name, patch->version, patch->release);
}

gboolean suture_patch_matches(const SuturePatch *patch, const gchar *entry)
{
	g_autofree gchar *id = NULL;

	if (g_strcmp0(patch->name, entry) == 0)
		return TRUE;
	id = suture_patch_id(patch);
	return g_strcmp0(id, entry) == 0;
}

static gboolean lists_equal(const GPtrArray *a, const GPtrArray *b)
{
	if (a->len != b->len)
		return FALSE;
	for (guint i = 0; i < a->len; i++)
		if (g_strcmp0(a->pdata[i], b->pdata[i]) != 0)
			return FALSE;
	return TRUE;
}

static gboolean vulnerabilities_equal(const GPtrArray *a, const GPtrArray *b)
{
	if (a->len != b->len)
		return FALSE;
	for (guint i = 0; i < a->len; i++) {
		const SutureVulnerability *left = a->pdata[i], *right = b->pdata[i];

		if (g_strcmp0(left->id, right->id) != 0 || g_strcmp0(left->status, right->status) != 0)
			return FALSE;
	}
	return TRUE;
}

static const gchar *kernel_difference(const SutureKernel *a, const SutureKernel *b)
{
	if (g_strcmp0(a->release, b->release) != 0)
		return "kernel.release";
	if (g_strcmp0(a->arch, b->arch) != 0)
		return "kernel.arch";
	if (g_strcmp0(a->build_id, b->build_id) != 0)
		return "kernel.build_id";
	/* target data does not say it */
	if (a->vermagic && b->vermagic && g_strcmp0(a->vermagic, b->vermagic) != 0)
		return "kernel.vermagic";
	return NULL;
}

static const gchar *stack_difference(const SutureStack *a, const SutureStack *b)
{
	if (!lists_equal(a->requires, b->requires))
		return "stack.requires";
	if (!lists_equal(a->supersedes, b->supersedes))
		return "stack.supersedes";
	if (!lists_equal(a->conflicts, b->conflicts))
		return "stack.conflicts";
	return !a->cumulative == !b->cumulative ? NULL : "stack.cumulative";
}

static const gchar *word_difference(const SuturePatch *a, const SuturePatch *b)
{
	if (g_strcmp0(a->name, b->name) != 0)
		return "name";
	if (g_strcmp0(a->version, b->version) != 0)
		return "version";
	if (g_strcmp0(a->release, b->release) != 0)
		return "release";
	if (g_strcmp0(a->advisory, b->advisory) != 0)
		return "advisory";
	return g_strcmp0(a->issued, b->issued) == 0 ? NULL : "issued";
}

const gchar *suture_patch_difference(const SuturePatch *a, const SuturePatch *b)
{
	const gchar *difference = word_difference(a, b);

	if (difference)
		return difference;
	if (a->severity != b->severity)
		return "severity";
	if (!vulnerabilities_equal(a->vulnerabilities, b->vulnerabilities))
		return "vulnerabilities";
	difference = kernel_difference(&a->kernel, &b->kernel);
	if (difference)
		return difference;
	if (a->provider != b->provider)
		return "provider";
	if (a->consistency != b->consistency)
		return "consistency";
	return stack_difference(&a->stack, &b->stack);
}
