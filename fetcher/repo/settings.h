/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/error.h"

/* The four top-level roles of TUF (specification 1.0, section 2.1). */
typedef enum {
	SUTURE_REPO_ROOT,
	SUTURE_REPO_TARGETS,
	SUTURE_REPO_SNAPSHOT,
	SUTURE_REPO_TIMESTAMP,
	SUTURE_REPO_N_ROLES,
} SutureRepoRole;
/* "root", "targets", "snapshot", "timestamp". */
const gchar *suture_repo_role_name(SutureRepoRole role);

typedef struct {
	GStrv keys; /* key URIs; NULL for none. Of these, repository.conf keeps the private ones alone, and
		     none of root's: the others sign what is staged, elsewhere */
	guint threshold;   /* signatures needed; for a new root.json alone, which then says it */
	guint expiry_days; /* life of a signed document, 1 to 3650 */
} SutureRoleSettings;

/* repository.conf(5): how a repository folder is published. */
typedef struct {
	SutureRoleSettings roles[SUTURE_REPO_N_ROLES];
	SutureRoleSettings kernels; /* of the kernels' roles; keys NULL: those of targets */
	gchar *trust;               /* folder of what hosts trust: rpm-keyring.asc, cms-ca.pem, module.pem */
	gchar *rpm_key; /* URI of the key that signs repomd.xml: "gpg:FINGERPRINT?homedir=/path" */
} SutureRepoSettings;

/* With the default expiry and threshold 1 in each role. */
SutureRepoSettings *suture_repo_settings_new(void);
void suture_repo_settings_free(SutureRepoSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRepoSettings, suture_repo_settings_free)

/* Reads repository.conf's content. COMMON-CONFIG names the group and key that is missing, unknown or
 * malformed. */
SutureRepoSettings *suture_repo_settings_parse(GBytes *bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The file for @settings. */
GBytes *suture_repo_settings_write(const SutureRepoSettings *settings) G_GNUC_WARN_UNUSED_RESULT;
