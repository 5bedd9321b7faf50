/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Identity of one kernel build: equal releases with different build-ids are different kernels. Strings are
 * owned by the struct. */
typedef struct {
	gchar *release;  /* uname -r */
	gchar *arch;     /* "x86_64" */
	gchar *build_id; /* GNU build-id of vmlinux, lower-case hex, 16 to 128 digits */
	gchar *vermagic; /* modinfo vermagic of its modules; NULL where not known (target data, running
			    kernel) */
} SutureKernel;

void suture_kernel_clear(SutureKernel *kernel);
void suture_kernel_copy(SutureKernel *to, const SutureKernel *from);

/* Ordered, so that a floor compares with >=. Text forms: "none" "low" "moderate" "important" "critical". */
typedef enum {
	SUTURE_SEVERITY_NONE,
	SUTURE_SEVERITY_LOW,
	SUTURE_SEVERITY_MODERATE,
	SUTURE_SEVERITY_IMPORTANT,
	SUTURE_SEVERITY_CRITICAL,
} SutureSeverity;
const gchar *suture_severity_name(SutureSeverity severity);
gboolean suture_severity_parse(const gchar *name, SutureSeverity *ret);

/* "kernel" (the kernel's own livepatch) or "framework" (suture.ko). */
typedef enum { SUTURE_PROVIDER_KERNEL, SUTURE_PROVIDER_FRAMEWORK } SutureProvider;
const gchar *suture_provider_name(SutureProvider provider);
gboolean suture_provider_parse(const gchar *name, SutureProvider *ret);

/* "per-task", "stop-machine", "immediate"; the kernel's own livepatch is always per-task. */
typedef enum {
	SUTURE_CONSISTENCY_PER_TASK,
	SUTURE_CONSISTENCY_STOP_MACHINE,
	SUTURE_CONSISTENCY_IMMEDIATE
} SutureConsistency;
const gchar *suture_consistency_name(SutureConsistency consistency);
gboolean suture_consistency_parse(const gchar *name, SutureConsistency *ret);

/* Status of a vulnerability with this patch applied, in OpenVEX words: "fixed", "not_affected",
 * "under_investigation". */
typedef struct {
	gchar *id; /* "CVE-2024-1086" or a vendor's id: [A-Za-z0-9._-]{1,64} */
	gchar *status;
} SutureVulnerability;
SutureVulnerability *suture_vulnerability_new(const gchar *id, const gchar *status);
void suture_vulnerability_free(SutureVulnerability *vulnerability);

/*
 * What the stacking order needs. Entries of the lists are patch names ("meminfo": any version) or full
 * identifiers
 * ("meminfo-1-1": that one alone).
 */
typedef struct {
	GPtrArray *requires;   /* gchar*, never NULL */
	GPtrArray *supersedes; /* gchar*, never NULL */
	GPtrArray *conflicts;  /* gchar*, never NULL */
	gboolean cumulative;   /* replaces all below it (klp_patch.replace) */
} SutureStack;

/* What both the manifest and the target data of the repository say of a patch; what policy decides on. */
typedef struct {
	gchar *name;     /* [a-z0-9][a-z0-9_-]{0,63} */
	gchar *version;  /* [A-Za-z0-9][A-Za-z0-9._]{0,31}: an RPM version */
	gchar *release;  /* same form: an RPM release */
	gchar *advisory; /* vendor's advisory id, [A-Za-z0-9:._-]{1,64} */
	gchar *issued;   /* RFC 3339, UTC: "2026-11-22T12:00:00Z" */
	SutureSeverity severity;
	GPtrArray *vulnerabilities; /* SutureVulnerability*, never NULL */
	SutureKernel kernel;
	SutureProvider provider;
	SutureConsistency consistency;
	SutureStack stack;
} SuturePatch;

SuturePatch *suture_patch_new(void);
void suture_patch_init(SuturePatch *patch);
void suture_patch_clear(SuturePatch *patch);
void suture_patch_free(SuturePatch *patch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SuturePatch, suture_patch_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureKernel, suture_kernel_clear)

/* "<name>-<version>-<release>": the identifier in the stack lists and the folder name in both stores. */
gchar *suture_patch_id(const SuturePatch *patch);

/* Whether a stack entry ("meminfo" or "meminfo-1-1") names @patch. */
gboolean suture_patch_matches(const SuturePatch *patch, const gchar *entry);

/* NULL when @a and @b say the same in every member, else the static name of the first member that differs. */
const gchar *suture_patch_difference(const SuturePatch *a, const SuturePatch *b);
