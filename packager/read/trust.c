// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/file.h"
#include "packager/read/bundle.h"

#include <sys/stat.h>

#define ANCHOR_MAX (1024 * 1024)

typedef struct {
	const gchar *name, *holds;
} Anchor;

static const Anchor rpm_keyring = {"rpm-keyring.asc", "the vendor's OpenPGP keys"};
static const Anchor cms_ca = {"cms-ca.pem", "the vendor's CA certificate for manifests"};
static const Anchor cms_crl = {"cms-crl.pem", "that CA's revocation list"};
static const Anchor module_keys = {"module.pem", "the vendor's module signing certificates"};

static gboolean bad_anchor(const gchar *path, const Anchor *anchor, const GError *cause, GError **error)
{
	g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG, "%s: %s: put %s there", path,
		    cause->message, anchor->holds);
	return FALSE;
}

static GBytes *read_anchor(const gchar *folder, const Anchor *anchor, GError **error)
{
	g_autofree gchar *path = g_build_filename(folder, anchor->name, NULL);
	g_autoptr(GError) cause = NULL;
	GBytes *bytes = suture_file_read(path, ANCHOR_MAX, &cause);

	/* The message already names the path. */
	if (!bytes)
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG, "%s: put %s there",
			    cause->message, anchor->holds);
	return bytes;
}

static gboolean load_keyring(const gchar *folder, SutureTrust *trust, GError **error)
{
	g_autoptr(GBytes) bytes = read_anchor(folder, &rpm_keyring, error);
	g_autofree gchar *path = g_build_filename(folder, rpm_keyring.name, NULL);
	g_autoptr(GError) cause = NULL;

	if (!bytes)
		return FALSE;
	trust->keyring = suture_keyring_new(bytes, &cause);
	return trust->keyring || bad_anchor(path, &rpm_keyring, cause, error);
}

static gboolean load_cms(const gchar *folder, SutureTrust *trust, GError **error)
{
	g_autofree gchar *crl_path = g_build_filename(folder, cms_crl.name, NULL);
	g_autofree gchar *path = g_build_filename(folder, cms_ca.name, NULL);
	g_autoptr(GBytes) ca = read_anchor(folder, &cms_ca, error);
	g_autoptr(GBytes) crl = NULL;
	g_autoptr(GError) cause = NULL;
	struct stat status;

	if (!ca)
		return FALSE;
	/* A link that leads nowhere is a fault, not an absent list. */
	if (lstat(crl_path, &status) == 0 && !(crl = read_anchor(folder, &cms_crl, error)))
		return FALSE;
	trust->cms = suture_cms_trust_new(ca, crl, &cause);
	return trust->cms || bad_anchor(path, &cms_ca, cause, error);
}

static gboolean load_modules(const gchar *folder, SutureTrust *trust, GError **error)
{
	g_autoptr(GBytes) bytes = read_anchor(folder, &module_keys, error);
	g_autofree gchar *path = g_build_filename(folder, module_keys.name, NULL);
	g_autoptr(GError) cause = NULL;

	if (!bytes)
		return FALSE;
	trust->modules = suture_module_trust_new(bytes, &cause);
	return trust->modules || bad_anchor(path, &module_keys, cause, error);
}

SutureTrust *suture_trust_load_at_rest(const gchar *folder, GError **error)
{
	g_autoptr(SutureTrust) trust = g_new0(SutureTrust, 1);

	if (!load_cms(folder, trust, error) || !load_modules(folder, trust, error))
		return NULL;
	return g_steal_pointer(&trust);
}

SutureTrust *suture_trust_load(const gchar *folder, GError **error)
{
	g_autoptr(SutureTrust) trust = suture_trust_load_at_rest(folder, error);

	if (!trust || !load_keyring(folder, trust, error))
		return NULL;
	return g_steal_pointer(&trust);
}

gchar *suture_trust_folder(const gchar *root)
{
	g_autofree gchar *adopted = g_build_filename(root ? root : "/", SUTURE_TRUST_ADOPTED, NULL);

	if (g_file_test(adopted, G_FILE_TEST_IS_DIR))
		return g_steal_pointer(&adopted);
	return g_build_filename(root ? root : "/", SUTURE_TRUST_PROVISIONED, NULL);
}

void suture_trust_free(SutureTrust *trust)
{
	g_clear_pointer(&trust->keyring, suture_keyring_free);
	g_clear_pointer(&trust->cms, suture_cms_trust_free);
	g_clear_pointer(&trust->modules, suture_module_trust_free);
	g_free(trust);
}
