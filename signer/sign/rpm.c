// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/sign/gpg.h"

#include "common/file.h"
#include "common/staging.h"
#include "signer/sign/private.h"
#include "spec/manifest.h"

#include <fcntl.h>
#include <rpm/header.h>
#include <rpm/rpmlib.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmmacro.h>
#include <rpm/rpmsign.h>
#include <rpm/rpmts.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_LOG_BYTES (64 * 1024)

typedef struct rpmts_s RpmTransaction;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RpmTransaction, rpmtsFree)
typedef struct headerToken_s RpmHeader;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RpmHeader, headerFree)

/* librpm's failures have their words in its log alone; kept here, printed nowhere. */
static int keep_message(rpmlogRec record, rpmlogCallbackData data)
{
	g_string_append(data, rpmlogRecMessage(record));
	return 0;
}

static gboolean failed(GError **error, const gchar *path, GString *said)
{
	g_strdelimit(g_strchomp(said->str), "\n", ';');
	g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_FAILED, "%s cannot be signed: %s", path,
		    *said->str ? said->str : "librpm gives no reason");
	return FALSE;
}

static RpmHeader *read_header(const gchar *path)
{
	g_autoptr(RpmTransaction) transaction = rpmtsCreate();
	Header header = NULL;
	FD_t file = Fopen(path, "r.ufdio");

	/* What is read here decides nothing about trust: it is the vendor's own, unsigned file. */
	rpmtsSetVSFlags(transaction, _RPMVSF_NODIGESTS | _RPMVSF_NOSIGNATURES);
	rpmReadPackageFile(transaction, file, path, &header);
	Fclose(file);
	return header;
}

static gboolean is_signed(Header header)
{
	static const rpmTagVal tags[] = {RPMTAG_RSAHEADER, RPMTAG_DSAHEADER, RPMTAG_SIGPGP, RPMTAG_SIGGPG};

	for (gsize i = 0; i < G_N_ELEMENTS(tags); i++)
		if (headerIsEntry(header, tags[i]))
			return TRUE;
	return FALSE;
}

static void push_macro(const gchar *name, const gchar *value)
{
	g_auto(GStrv) parts = g_strsplit(value, "%", -1);
	g_autofree gchar *literal = g_strjoinv("%%", parts);

	rpmPushMacro(NULL, name, NULL, literal, RMIL_CMDLINE);
}

/* rpmPkgSign() prints the file's name on standard output, which belongs to our own callers, and goes on
 * writing to a gpg that has ended, which ought not to be our end too. */
static int sign_silently(const gchar *path, const struct rpmSignArgs *arguments)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before;
	SUTURE_AUTO_FD null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	SUTURE_AUTO_FD output = -1;
	int result;

	fflush(stdout);
	output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (null < 0 || output < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -1;
	sigaction(SIGPIPE, &ignore, &before);
	result = rpmPkgSign(path, arguments);
	sigaction(SIGPIPE, &before, NULL);
	fflush(stdout);
	dup2(output, STDOUT_FILENO);
	return result;
}

/* librpmsign takes its settings from macros, and lets gpg write to our standard error unless told to log to a
 * file. */
static int sign_with_macros(const SutureGpgUri *key, const gchar *path, const gchar *log)
{
	static const gchar *const names[] = {"__gpg", "_gpg_name", "_gpg_digest_algo", "_gpg_path",
					     "_gpg_sign_cmd_extra_args"};
	/* Not .hashalgo: librpmsign would hand gpg the number, which gpg does not take. */
	struct rpmSignArgs arguments = {.keyid = key->fingerprint};
	g_autofree gchar *gpg = g_find_program_in_path("gpg");
	g_autofree gchar *quoted = g_shell_quote(log);
	g_autofree gchar *extra = g_strconcat("--batch --logger-file ", quoted, NULL);
	const gchar *const values[] = {gpg ? gpg : "/usr/bin/gpg", key->fingerprint, "sha256",
				       key->home ? key->home : "", extra};
	int result;

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		push_macro(names[i], values[i]);
	result = sign_silently(path, &arguments);
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		rpmPopMacro(NULL, names[i]);
	return result;
}

static gboolean sign_package(const SutureGpgUri *key, const gchar *path, GString *said, GError **error)
{
	g_autoptr(SutureScratch) scratch = suture_scratch_new(error);
	g_autoptr(RpmHeader) header = NULL;
	g_autoptr(GBytes) log_bytes = NULL;
	g_autofree gchar *log = NULL;

	if (!scratch)
		return FALSE;
	header = read_header(path);
	if (!header)
		return failed(error, path, said);
	if (is_signed(header)) {
		g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_ALREADY,
			    "%s carries a signature; sign the package as it was built", path);
		return FALSE;
	}
	log = g_build_filename(suture_scratch_path(scratch), "gpg.log", NULL);
	if (sign_with_macros(key, path, log) == 0)
		return TRUE;
	log_bytes = suture_file_read(log, MAX_LOG_BYTES, NULL);
	if (log_bytes)
		g_string_append_len(said, g_bytes_get_data(log_bytes, NULL),
				    (gssize)g_bytes_get_size(log_bytes));
	return failed(error, path, said);
}

/* librpm is configured once and logs into @said until log_end(). */
static rpmlogCallback log_begin(GString *said)
{
	static gsize configured;

	if (g_once_init_enter(&configured)) {
		rpmReadConfigFiles(NULL, NULL);
		g_once_init_leave(&configured, 1);
	}
	return rpmlogSetCallback(keep_message, said);
}

gboolean suture_rpm_sign(const gchar *key_uri, const gchar *path, GError **error)
{
	g_autoptr(SutureGpgUri) key = suture_gpg_uri_parse(key_uri, error);
	g_autoptr(GString) said = g_string_new(NULL);
	rpmlogCallback previous;
	gboolean done;

	if (!key)
		return FALSE;
	previous = log_begin(said);
	done = sign_package(key, path, said, error);
	rpmlogSetCallback(previous, NULL);
	return done;
}

static gboolean has_file(Header header, const gchar *name)
{
	struct rpmtd_s names;
	gboolean found = FALSE;
	const gchar *one;

	if (!headerGet(header, RPMTAG_BASENAMES, &names, HEADERGET_MINMEM))
		return FALSE;
	while (!found && (one = rpmtdNextString(&names)))
		found = g_str_equal(one, name);
	rpmtdFreeData(&names);
	return found;
}

gboolean suture_rpm_carries_manifest(const gchar *path, GError **error)
{
	g_autoptr(GString) said = g_string_new(NULL);
	rpmlogCallback previous = log_begin(said);
	g_autoptr(RpmHeader) header = read_header(path);

	rpmlogSetCallback(previous, NULL);
	if (!header)
		return failed(error, path, said);
	if (has_file(header, SUTURE_MANIFEST_SIGNATURE_FILE))
		return TRUE;
	g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_ORDER,
		    "%s holds no %s; sign modules and manifest, then pack, then sign the package", path,
		    SUTURE_MANIFEST_SIGNATURE_FILE);
	return FALSE;
}
