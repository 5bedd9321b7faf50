// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/vendor.h"
#include "common/file.h"
#include "signer/sign/gpg.h"
#include "signer/sign/manifest.h"
#include "signer/sign/module.h"
#include "spec/json.h"
#include "spec/manifest.h"

#include <string.h>

#define MAX_PEM_BYTES (1024 * 1024)

typedef struct {
	gchar *key, *certificate, *hash, *chain;
	gboolean replace;
} Options;

static void options_clear(Options *options)
{
	g_free(options->key);
	g_free(options->certificate);
	g_free(options->hash);
	g_free(options->chain);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* The options of @taken (letters: k key, c certificate, h hash, i chain of intermediates, r replace) and at
 * least one argument. */
static gboolean parse(Options *options, const gchar *taken, const gchar *usage, const gchar *summary,
		      int *argc, char ***argv, GError **error)
{
	const struct {
		gchar letter;
		GOptionEntry entry;
	} known[] = {
		{'k', {"key", 'k', 0, G_OPTION_ARG_STRING, &options->key, "private key", "URI"}},
		{'c',
		 {"certificate", 'c', 0, G_OPTION_ARG_FILENAME, &options->certificate,
		  "the key's certificate", "FILE"}},
		{'h',
		 {"hash", 0, 0, G_OPTION_ARG_STRING, &options->hash, "sha256 (default), sha384 or sha512",
		  "NAME"}},
		{'i',
		 {"chain", 0, 0, G_OPTION_ARG_FILENAME, &options->chain,
		  "intermediate CA certificates to put in", "FILE"}},
		{'r',
		 {"replace", 0, 0, G_OPTION_ARG_NONE, &options->replace, "sign anew what is signed", NULL}},
	};
	GOptionEntry entries[G_N_ELEMENTS(known) + 1] = {{NULL}};
	gsize count = 0;

	for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
		if (strchr(taken, known[i].letter))
			entries[count++] = known[i].entry;
	if (!suture_vendor_parse(usage, summary, entries, argc, argv, error))
		return FALSE;
	if (*argc < 2 || !options->key || (strchr(taken, 'c') && !options->certificate))
		return suture_vendor_usage(error, "--key%s and at least one argument are needed",
					   strchr(taken, 'c') ? ", --certificate" : "");
	if (options->hash && !suture_module_hash_is_known(options->hash))
		return suture_vendor_usage(error, "--hash %s is not sha256, sha384 or sha512", options->hash);
	return TRUE;
}

static void print_signed(const SutureContext *context, const gchar *const *paths)
{
	SUTURE_AUTO_JSON *list = json_array();

	for (; *paths; paths++) {
		json_array_append_new(list, json_string(*paths));
		if (!context->json && !context->quiet)
			g_print("signed %s\n", *paths);
	}
	if (context->json)
		suture_vendor_print_json(list);
}

static gboolean sign_module(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {NULL};
	g_autoptr(SutureSigner) signer = NULL;

	if (!parse(&options, "kchr", "FILE.ko... - sign kernel modules",
		   "Appends the signature that the kernel checks, in place.", &argc, &argv, error))
		return FALSE;
	signer = suture_signer_open(options.key, options.certificate, error);
	if (!signer)
		return FALSE;
	for (int i = 1; i < argc; i++)
		if (!suture_module_sign_file(signer, options.hash, options.replace, argv[i], error))
			return FALSE;
	print_signed(context, (const gchar *const *)argv + 1);
	return TRUE;
}

static gboolean sign_modules(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {NULL};
	g_autoptr(SutureSigner) signer = NULL;

	if (!parse(&options, "kchr", "FOLDER... - sign the modules of bundle folders",
		   "Signs each module that FOLDER/manifest.json names, and writes their new sizes and "
		   "digests there.",
		   &argc, &argv, error))
		return FALSE;
	signer = suture_signer_open(options.key, options.certificate, error);
	if (!signer)
		return FALSE;
	for (int i = 1; i < argc; i++)
		if (!suture_bundle_sign_modules(signer, options.hash, options.replace, argv[i], error))
			return FALSE;
	print_signed(context, (const gchar *const *)argv + 1);
	return TRUE;
}

static gboolean sign_manifest(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {NULL};
	g_autoptr(SutureSigner) signer = NULL;
	g_autoptr(GBytes) chain = NULL;

	if (!parse(&options, "kcir", "FOLDER... - sign the manifests of bundle folders",
		   "Writes FOLDER/" SUTURE_MANIFEST_SIGNATURE_FILE
		   ". The modules must be signed and as the manifest says.",
		   &argc, &argv, error))
		return FALSE;
	signer = suture_signer_open(options.key, options.certificate, error);
	if (!signer)
		return FALSE;
	if (options.chain) {
		chain = suture_file_read(options.chain, MAX_PEM_BYTES, error);
		if (!chain)
			return FALSE;
	}
	for (int i = 1; i < argc; i++)
		if (!suture_bundle_sign_manifest(signer, chain, options.replace, argv[i], error))
			return FALSE;
	print_signed(context, (const gchar *const *)argv + 1);
	return TRUE;
}

static gboolean sign_package(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {NULL};

	if (!parse(&options, "k", "FILE.rpm... - sign bundle packages",
		   "Puts the OpenPGP signature into the RPM header, in place. The package must hold a signed "
		   "manifest.",
		   &argc, &argv, error))
		return FALSE;
	for (int i = 1; i < argc; i++)
		if (!suture_rpm_carries_manifest(argv[i], error) ||
		    !suture_rpm_sign(options.key, argv[i], error))
			return FALSE;
	print_signed(context, (const gchar *const *)argv + 1);
	return TRUE;
}

gboolean cmd_sign(SutureContext *context, int argc, char **argv, GError **error)
{
	static const SutureCommand commands[] = {
		{"module", sign_module, "append the kernel's signature to module files"},
		{"modules", sign_modules, "sign the modules of a bundle folder, and update its manifest"},
		{"manifest", sign_manifest, "sign the manifest of a bundle folder"},
		{"package", sign_package, "sign a bundle package (RPM header)"},
		{NULL},
	};

	return suture_subcommand(context, commands, argc, argv, error);
}
