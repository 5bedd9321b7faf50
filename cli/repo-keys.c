// SPDX-License-Identifier: LGPL-2.1-or-later
/* suture repo init and rotate: the options that give roles their keys. */
#include "cli/repo-internal.h"

#include "signer/sign/key.h"

#define SECOND G_USEC_PER_SEC

typedef struct {
	GStrv keys[SUTURE_REPO_N_ROLES];
	gint thresholds[SUTURE_REPO_N_ROLES];
	gint days[SUTURE_REPO_N_ROLES];
	GStrv signers; /* rotate alone */
	gchar *trust, *rpm_key;
} KeyOptions;

static void key_options_clear(KeyOptions *options)
{
	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++)
		g_strfreev(options->keys[i]);
	g_strfreev(options->signers);
	g_free(options->trust);
	g_free(options->rpm_key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KeyOptions, key_options_clear)

GStrv suture_repo_absolute_uris(GStrv uris)
{
	GStrv copy = uris ? g_new0(gchar *, g_strv_length(uris) + 1) : NULL;

	for (guint i = 0; uris && uris[i]; i++)
		copy[i] = suture_private_key_absolute(uris[i]);
	return copy;
}

static gboolean refuse_number(GError **error, SutureRepoRole role, const gchar *option, const gchar *range)
{
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--%s-%s: give a number %s",
		    suture_repo_role_name(role), option, range);
	return FALSE;
}

/* @rotate: what is not given stays as it is, so that 0 and NULL mean "keep". */
static gboolean take_roles(const KeyOptions *options, gboolean rotate, SutureRepoSettings *settings,
			   GError **error)
{
	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++) {
		SutureRoleSettings *role = &settings->roles[i];

		if (options->thresholds[i] < 0)
			return refuse_number(error, i, "threshold", "from 1");
		if (options->days[i] < 0 || options->days[i] > 3650)
			return refuse_number(error, i, "expiry", "of days from 1 to 3650");
		role->keys = suture_repo_absolute_uris(options->keys[i]);
		if (options->thresholds[i])
			role->threshold = (guint)options->thresholds[i];
		if (options->days[i] || rotate)
			role->expiry_days = (guint)options->days[i];
	}
	return TRUE;
}

static gboolean check_init(const KeyOptions *options, GError **error)
{
	const gchar *missing = NULL;

	if (!options->rpm_key)
		missing = "--rpm-key";
	if (!options->trust)
		missing = "--trust";
	for (guint i = SUTURE_REPO_N_ROLES; i-- > 0;)
		if (!options->keys[i])
			missing = (const gchar *const[]){"--root-key", "--targets-key", "--snapshot-key",
							 "--timestamp-key"}[i];
	if (missing)
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
			    "%s is missing; 'suture repo init --help' says what belongs there", missing);
	return missing == NULL;
}

gboolean cmd_repo_init(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(KeyOptions) given = {0};
	const GOptionEntry entries[] = {
		{"root-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given.keys[SUTURE_REPO_ROOT],
		 "private key of the root role (repeat for several); not stored", "URI"},
		{"root-threshold", 0, 0, G_OPTION_ARG_INT, &given.thresholds[SUTURE_REPO_ROOT],
		 "root signatures needed (1)", "N"},
		{"root-expiry", 0, 0, G_OPTION_ARG_INT, &given.days[SUTURE_REPO_ROOT],
		 "life of root.json (365)", "DAYS"},
		{"targets-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given.keys[SUTURE_REPO_TARGETS],
		 "private key of the targets role (repeat for several)", "URI"},
		{"targets-threshold", 0, 0, G_OPTION_ARG_INT, &given.thresholds[SUTURE_REPO_TARGETS],
		 "targets signatures needed (1)", "N"},
		{"targets-expiry", 0, 0, G_OPTION_ARG_INT, &given.days[SUTURE_REPO_TARGETS],
		 "life of targets.json (90)", "DAYS"},
		{"snapshot-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given.keys[SUTURE_REPO_SNAPSHOT],
		 "private key of the snapshot role", "URI"},
		{"snapshot-expiry", 0, 0, G_OPTION_ARG_INT, &given.days[SUTURE_REPO_SNAPSHOT],
		 "life of snapshot.json (14)", "DAYS"},
		{"timestamp-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given.keys[SUTURE_REPO_TIMESTAMP],
		 "private key of the timestamp role", "URI"},
		{"timestamp-expiry", 0, 0, G_OPTION_ARG_INT, &given.days[SUTURE_REPO_TIMESTAMP],
		 "life of timestamp.json (7)", "DAYS"},
		{"rpm-key", 0, 0, G_OPTION_ARG_STRING, &given.rpm_key, "key that signs repomd.xml",
		 "gpg:FINGERPRINT"},
		{"trust", 0, 0, G_OPTION_ARG_FILENAME, &given.trust,
		 "what hosts trust: rpm-keyring.asc, cms-ca.pem, module.pem", "DIR"},
		{NULL},
	};
	g_autoptr(SutureRepoSettings) settings = suture_repo_settings_new();
	g_autofree gchar *folder = NULL;

	if (!suture_repo_options(
		    entries, "DIR",
		    "Makes a repository. A web server serves DIR/public as it is; the rest of DIR is "
		    "private. Keys are made with 'suture key create --type tuf'.\nA key that is kept "
		    "elsewhere "
		    "is named by its public half; what it has to sign is staged then.",
		    0, 0, &argc, &argv, &folder, error) ||
	    !check_init(&given, error) || !take_roles(&given, FALSE, settings, error))
		return FALSE;
	settings->rpm_key = g_strdup(given.rpm_key);
	settings->trust = g_canonicalize_filename(given.trust, NULL);
	if (!suture_repo_init(folder, settings, g_get_real_time() / SECOND, error))
		return FALSE;
	if (!context->quiet)
		g_print("initialised %s; 'suture repo status %s' says what is to be signed\n", folder,
			folder);
	return TRUE;
}

gboolean cmd_repo_rotate(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(KeyOptions) given = {0};
	const GOptionEntry entries[] = {
		{"sign-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given.signers,
		 "present private key of the root role (repeat up to its threshold)", "URI"},
		{"root-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given.keys[SUTURE_REPO_ROOT],
		 "root's keys from now on", "URI"},
		{"root-threshold", 0, 0, G_OPTION_ARG_INT, &given.thresholds[SUTURE_REPO_ROOT],
		 "root signatures needed from now on; with --root-key (1)", "N"},
		{"root-expiry", 0, 0, G_OPTION_ARG_INT, &given.days[SUTURE_REPO_ROOT], "life of root.json",
		 "DAYS"},
		{"targets-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given.keys[SUTURE_REPO_TARGETS],
		 "targets' keys from now on", "URI"},
		{"targets-threshold", 0, 0, G_OPTION_ARG_INT, &given.thresholds[SUTURE_REPO_TARGETS],
		 "targets signatures needed from now on; with --targets-key (1)", "N"},
		{"snapshot-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given.keys[SUTURE_REPO_SNAPSHOT],
		 "snapshot's key from now on", "URI"},
		{"timestamp-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given.keys[SUTURE_REPO_TIMESTAMP],
		 "timestamp's key from now on", "URI"},
		{NULL},
	};
	g_autoptr(SutureRepoSettings) changes = suture_repo_settings_new();
	g_autofree gchar *folder = NULL;
	g_autoptr(SutureRepo) repo = NULL;
	g_auto(GStrv) signers = NULL;

	if (!suture_repo_options(
		    entries, "DIR",
		    "Makes the next version of root metadata: a later expiry, and new keys for each role "
		    "named. It goes out with the next publish.\nWithout --sign-key it is staged, for 'suture "
		    "repo "
		    "sign' on the machines that have the keys.",
		    0, 0, &argc, &argv, &folder, error) ||
	    !take_roles(&given, TRUE, changes, error))
		return FALSE;
	signers = suture_repo_absolute_uris(given.signers);
	repo = suture_repo_open(folder, error);
	if (!repo || !suture_repo_rotate(repo, changes, (const gchar *const *)signers,
					 g_get_real_time() / SECOND, error))
		return FALSE;
	if (!context->quiet)
		g_print("%s the next root metadata; 'suture repo publish %s' sends it out%s\n",
			signers ? "signed" : "staged", folder, signers ? "" : " once it is signed");
	return TRUE;
}

gboolean cmd_repo_delegate(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(GStrv) uris = NULL;
	g_autofree gchar *folder = NULL, *kernel = NULL;
	gint threshold = 1;
	const GOptionEntry entries[] = {
		{"key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &uris,
		 "a key of the role (repeat for several); none: those of targets again", "URI"},
		{"threshold", 0, 0, G_OPTION_ARG_INT, &threshold, "signatures needed (1)", "N"},
		{"kernel", 0, 0, G_OPTION_ARG_STRING, &kernel, "for this kernel release alone", "RELEASE"},
		{NULL},
	};
	SutureRoleSettings role = {0};
	g_autoptr(SutureRepo) repo = NULL;
	gboolean ok;

	if (!suture_repo_options(
		    entries, "DIR [--key URI]...",
		    "Says who signs for kernels' bundles: by default the keys of targets in root metadata. "
		    "Goes out with the next publish, which the targets keys sign.",
		    0, 0, &argc, &argv, &folder, error))
		return FALSE;
	if (threshold < 1)
		return refuse_number(error, SUTURE_REPO_TARGETS, "threshold", "from 1");
	repo = suture_repo_open(folder, error);
	if (!repo)
		return FALSE;
	role.keys = suture_repo_absolute_uris(uris);
	role.threshold = (guint)threshold;
	ok = suture_repo_delegate(repo, kernel, &role, error);
	g_strfreev(role.keys);
	if (ok && !context->quiet)
		g_print("%s: %s; 'suture repo publish %s' sends it out\n", kernel ? kernel : "all kernels",
			uris ? "keys of their own" : "the keys of targets", folder);
	return ok;
}
