// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/entitlement.h"
#include "cli/terminal.h"
#include "common/file.h"
#include "fetcher/mirror/mirror.h"
#include "spec/json.h"

#define MAX_SECONDS 3600
#define MAX_STALE_DAYS 3650

/* What any of the subcommands takes. */
typedef struct {
	gchar **kernels;
	gchar *trusted_root;
	gchar *ca_file, *client_certificate, *client_key;
	gint jobs, stall_seconds;
} Options;

static void options_clear(Options *options)
{
	g_strfreev(options->kernels);
	g_free(options->trusted_root);
	g_free(options->ca_file);
	g_free(options->client_certificate);
	g_free(options->client_key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* One subcommand's command line. */
typedef struct {
	const gchar *usage, *summary;
	int wanted;                       /* arguments */
	gboolean network, trust, kernels; /* which of the options below */
	const GOptionEntry *more;         /* and its own; NULL: none */
} Usage;

static void add_network(GOptionContext *parser, Options *options)
{
	const GOptionEntry entries[] = {
		{"jobs", 'j', 0, G_OPTION_ARG_INT, &options->jobs, "files at once (8)", "N"},
		{"stall-seconds", 0, 0, G_OPTION_ARG_INT, &options->stall_seconds,
		 "give a transfer up that is slower than 1 KiB/s for so long (30)", "N"},
		{"ca-file", 0, 0, G_OPTION_ARG_FILENAME, &options->ca_file,
		 "judge the server by these certificates instead of the system's", "FILE"},
		{"client-certificate", 0, 0, G_OPTION_ARG_FILENAME, &options->client_certificate,
		 "show this certificate to the server", "FILE"},
		{"client-key", 0, 0, G_OPTION_ARG_FILENAME, &options->client_key, "its private key", "FILE"},
		{NULL},
	};

	g_option_context_add_main_entries(parser, entries, NULL);
}

static void add_trust(GOptionContext *parser, Options *options)
{
	const GOptionEntry entries[] = {
		{"trusted-root", 0, 0, G_OPTION_ARG_FILENAME, &options->trusted_root,
		 "the publisher's root.json, for a mirror that has none yet", "FILE"},
		{NULL},
	};

	g_option_context_add_main_entries(parser, entries, NULL);
}

static void add_kernels(GOptionContext *parser, Options *options)
{
	const GOptionEntry entries[] = {
		{"kernel", 'k', 0, G_OPTION_ARG_STRING_ARRAY, &options->kernels,
		 "only kernels whose release matches, with * and ? (repeat for several; !PATTERN: not these)",
		 "PATTERN"},
		{NULL},
	};

	g_option_context_add_main_entries(parser, entries, NULL);
}

static gboolean check_network(const Options *options, GError **error)
{
	if (options->jobs < 0 || options->jobs > SUTURE_HTTP_MAX_JOBS)
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--jobs %d: from 1 to %d",
			    options->jobs, SUTURE_HTTP_MAX_JOBS);
	else if (options->stall_seconds < 0 || options->stall_seconds > MAX_SECONDS)
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
			    "--stall-seconds %d: from 1 to %d", options->stall_seconds, MAX_SECONDS);
	else
		return TRUE;
	return FALSE;
}

static gboolean parse(const Usage *usage, Options *options, int *argc, char ***argv, GError **error)
{
	g_autoptr(GOptionContext) parser = g_option_context_new(usage->usage);

	g_option_context_set_summary(parser, usage->summary);
	if (usage->more)
		g_option_context_add_main_entries(parser, usage->more, NULL);
	if (usage->kernels)
		add_kernels(parser, options);
	if (usage->trust)
		add_trust(parser, options);
	if (usage->network)
		add_network(parser, options);
	if (!g_option_context_parse(parser, argc, argv, error))
		return FALSE;
	if (*argc - 1 == usage->wanted)
		return check_network(options, error);
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "usage: mirror %s %s", (*argv)[0],
		    usage->usage);
	return FALSE;
}

static void print_json(json_t *document)
{
	g_autoptr(GBytes) text = suture_json_pretty(document);

	g_print("%.*s", (int)g_bytes_get_size(text), (const gchar *)g_bytes_get_data(text, NULL));
}

static json_t *refused_json(const SutureMirrorReport *report)
{
	json_t *refused = json_array();

	for (guint i = 0; i < report->refused->len; i++) {
		const SutureMirrorRefusal *refusal = report->refused->pdata[i];
		g_autofree gchar *kernel = g_utf8_make_valid(refusal->kernel, -1);
		g_autofree gchar *detail = g_utf8_make_valid(refusal->cause->message, -1);

		json_array_append_new(refused,
				      json_pack("{s:s, s:s, s:s}", "kernel", kernel, "reason",
						suture_error_reason(refusal->cause), "detail", detail));
	}
	return refused;
}

static json_t *report_json(const SutureMirrorReport *report)
{
	return json_pack(
		"{s:b, s:b, s:o, s:I, s:{s:I, s:I, s:I, s:I}, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"changed", report->changed, "held_back", report->held_back, "refused", refused_json(report),
		"stale_since", (json_int_t)report->stale_since, "metadata", "root", (json_int_t)report->root,
		"timestamp", (json_int_t)report->timestamp, "snapshot", (json_int_t)report->snapshot,
		"targets", (json_int_t)report->targets, "kernels", (json_int_t)report->kernels, "files",
		(json_int_t)report->files, "bytes", (json_int_t)report->bytes, "new_files",
		(json_int_t)report->new_files, "new_bytes", (json_int_t)report->new_bytes, "rpm_md",
		(json_int_t)report->rpm_md, "requests", (json_int_t)report->count.requests, "received_bytes",
		(json_int_t)report->count.bytes);
}

static void print_text(const SutureMirrorReport *report)
{
	g_autofree gchar *new_bytes = g_format_size(report->new_bytes);
	g_autofree gchar *bytes = g_format_size(report->bytes);

	for (guint i = 0; i < report->refused->len; i++) {
		const SutureMirrorRefusal *refusal = report->refused->pdata[i];
		g_autofree gchar *kernel = suture_terminal_text(refusal->kernel);
		g_autofree gchar *detail = suture_terminal_text(refusal->cause->message);

		g_print("refused %s [%s] %s\n", kernel, suture_error_reason(refusal->cause), detail);
	}
	if (report->held_back) {
		g_print("held back: timestamp %" G_GINT64_FORMAT "\n", report->timestamp);
		return;
	}
	if (!report->changed) {
		g_print("nothing new: timestamp %" G_GINT64_FORMAT "\n", report->timestamp);
		return;
	}
	g_print("timestamp %" G_GINT64_FORMAT ": %u kernel%s, %" G_GUINT64_FORMAT
		" files (%s), of those %" G_GUINT64_FORMAT " new (%s); rpm-md of %u\n",
		report->timestamp, report->kernels, report->kernels == 1 ? "" : "s", report->files, bytes,
		report->new_files, new_bytes, report->rpm_md);
}

/* Takes the report's refusal. */
static gboolean print_report(const SutureContext *context, SutureMirrorReport *report, GError **error)
{
	SUTURE_AUTO_JSON *document = report_json(report);

	suture_terminal_clear();
	if (context->json)
		print_json(document);
	else if (!context->quiet)
		print_text(report);
	if (!report->refusal)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&report->refusal));
	return FALSE;
}

static SutureHttpOptions http_options(const SutureContext *context, const Options *options)
{
	return (SutureHttpOptions){
		.ca_file = options->ca_file,
		.client_certificate = options->client_certificate,
		.client_key = options->client_key,
		.stall_seconds = (guint)options->stall_seconds,
		.progress = context->quiet ? NULL : suture_terminal_transfer,
	};
}

static gboolean mirror_sync(SutureContext *context, int argc, char **argv, GError **error)
{
	static const Usage usage = {
		.usage = "URL DIR",
		.summary = "Brings DIR up to date with the repository at URL: metadata byte for byte, every "
			   "package, "
			   "rpm-md. All is verified,\nno key is needed. Readers of DIR see the old state or "
			   "the new "
			   "one; a sync that was cut short is gone on with.",
		.wanted = 2,
		.network = TRUE,
		.trust = TRUE,
		.kernels = TRUE,
	};
	g_auto(Options) options = {0};
	g_autoptr(SutureMirrorReport) report = NULL;
	g_autofree gchar *certificate = NULL;
	SutureMirrorSync sync = {.now = g_get_real_time() / G_USEC_PER_SEC};

	if (!parse(&usage, &options, &argc, &argv, error))
		return FALSE;
	sync.url = argv[1];
	sync.folder = argv[2];
	sync.root = options.trusted_root;
	sync.kernels = (const gchar *const *)options.kernels;
	sync.jobs = (guint)options.jobs;
	sync.http = http_options(context, &options);
	if (!suture_host_entitlement_choose(context, sync.url, options.client_certificate, &certificate,
					    error))
		return FALSE;
	sync.http.client_certificate = certificate;
	report = suture_mirror_sync(&sync, error);
	return report && print_report(context, report, error);
}

/* Files differ from what was signed: the rest of the report says which. */
static gboolean tell_damage(const SutureMirrorVerified *result, GError **error)
{
	const SutureMirrorDamage *first = result->damaged->len ? result->damaged->pdata[0] : NULL;

	if (!first || result->repaired)
		return TRUE;
	g_set_error(error, SUTURE_MIRROR_ERROR, SUTURE_MIRROR_ERROR_DAMAGED,
		    "%s and %u more are damaged; bring them again with --repair URL", first->path,
		    result->damaged->len - 1);
	return FALSE;
}

static void print_verified_json(const SutureMirrorVerified *result)
{
	json_t *damaged = json_array();
	SUTURE_AUTO_JSON *document =
		json_pack("{s:I, s:I, s:b, s:o}", "files", (json_int_t)result->files, "bytes",
			  (json_int_t)result->bytes, "repaired", result->repaired, "damaged", damaged);

	for (guint i = 0; i < result->damaged->len; i++) {
		const SutureMirrorDamage *damage = result->damaged->pdata[i];
		g_autofree gchar *detail = g_utf8_make_valid(damage->cause->message, -1);

		json_array_append_new(damaged,
				      json_pack("{s:s, s:s, s:s}", "path", damage->path, "reason",
						suture_error_reason(damage->cause), "detail", detail));
	}
	print_json(document);
}

static void print_verified_text(const SutureMirrorVerified *result)
{
	g_autofree gchar *bytes = g_format_size(result->bytes);

	for (guint i = 0; i < result->damaged->len; i++) {
		const SutureMirrorDamage *damage = result->damaged->pdata[i];
		g_autofree gchar *detail = suture_terminal_text(damage->cause->message);

		g_print("%s %s [%s] %s\n", result->repaired ? "repaired" : "damaged", damage->path,
			suture_error_reason(damage->cause), detail);
	}
	g_print("verified %" G_GUINT64_FORMAT " files (%s)\n", result->files, bytes);
}

static gboolean mirror_verify(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autofree gchar *url = NULL;
	const GOptionEntry more[] = {
		{"repair", 0, 0, G_OPTION_ARG_STRING, &url, "bring what is damaged from there", "URL"},
		{NULL},
	};
	const Usage usage = {
		.usage = "DIR",
		.summary = "Reads everything that the mirror serves, and compares it with what was signed.",
		.wanted = 1,
		.network = TRUE,
		.more = more,
	};
	g_autofree gchar *certificate = NULL;
	SutureMirrorVerify verify = {.now = g_get_real_time() / G_USEC_PER_SEC};
	g_autoptr(SutureMirrorVerified) result = NULL;

	if (!parse(&usage, &options, &argc, &argv, error))
		return FALSE;
	verify.folder = argv[1];
	verify.repair = url;
	verify.jobs = (guint)options.jobs;
	verify.http = http_options(context, &options);
	if (url &&
	    !suture_host_entitlement_choose(context, url, options.client_certificate, &certificate, error))
		return FALSE;
	verify.http.client_certificate = certificate;
	verify.progress = verify.http.progress;
	result = suture_mirror_verify(&verify, error);
	if (!result)
		return FALSE;
	suture_terminal_clear();
	if (context->json)
		print_verified_json(result);
	else if (!context->quiet)
		print_verified_text(result);
	return tell_damage(result, error);
}

static gboolean mirror_prune(SutureContext *context, int argc, char **argv, GError **error)
{
	static const Usage usage = {
		.usage = "DIR",
		.summary =
			"Removes what the metadata that is served no longer leads to. All versions of root "
			"stay. Wait "
			"some hours after a\nsync: readers that began before it still ask for the old files.",
		.wanted = 1,
	};
	g_auto(Options) options = {0};
	g_autofree gchar *bytes = NULL;
	SutureMirrorPruned pruned;
	SUTURE_AUTO_JSON *document = NULL;

	if (!parse(&usage, &options, &argc, &argv, error) ||
	    !suture_mirror_prune(argv[1], g_get_real_time() / G_USEC_PER_SEC, &pruned, error))
		return FALSE;
	bytes = g_format_size(pruned.bytes);
	document = json_pack("{s:i, s:I}", "files", (int)pruned.files, "bytes", (json_int_t)pruned.bytes);
	if (context->json)
		print_json(document);
	else if (!context->quiet)
		g_print("removed %u file%s (%s)\n", pruned.files, pruned.files == 1 ? "" : "s", bytes);
	return TRUE;
}

static gboolean mirror_state(SutureContext *context, int argc, char **argv, GError **error)
{
	static const Usage usage = {
		.usage = "DIR",
		.summary = "Prints what DIR has, as JSON: for 'suture mirror export --since' on the other "
			   "side of an air "
			   "gap.",
		.wanted = 1,
	};
	g_auto(Options) options = {0};
	SUTURE_AUTO_JSON *state = NULL;

	(void)context;
	if (!parse(&usage, &options, &argc, &argv, error))
		return FALSE;
	state = suture_mirror_state(argv[1], error);
	if (state)
		print_json(state);
	return state != NULL;
}

static gboolean mirror_export(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autofree gchar *media = NULL, *since = NULL, *bytes = NULL;
	const GOptionEntry more[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &media,
		 "the media to write: a tar archive with zstd", "MEDIA"},
		{"since", 0, 0, G_OPTION_ARG_FILENAME, &since,
		 "leave out what the other side has: the output of its 'suture mirror state'", "STATE"},
		{NULL},
	};
	const Usage usage = {
		.usage = "-o MEDIA DIR",
		.summary = "Writes what DIR serves to a media for the other side of an air gap.",
		.wanted = 1,
		.kernels = TRUE,
		.more = more,
	};
	SutureMirrorExport export = {.now = g_get_real_time() / G_USEC_PER_SEC};
	SutureMirrorExported done;
	SUTURE_AUTO_JSON *document = NULL;

	if (!parse(&usage, &options, &argc, &argv, error))
		return FALSE;
	if (!media) {
		g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
				    "name the media to write with --output");
		return FALSE;
	}
	export.folder = argv[1];
	export.media = media;
	export.since = since;
	export.kernels = (const gchar *const *)options.kernels;
	export.progress = context->quiet ? NULL : suture_terminal_transfer;
	if (!suture_mirror_export(&export, &done, error))
		return FALSE;
	suture_terminal_clear();
	bytes = g_format_size(done.bytes);
	document = json_pack("{s:s, s:I, s:i, s:I}", "media", media, "timestamp", (json_int_t)done.timestamp,
			     "files", (int)done.files, "bytes", (json_int_t)done.bytes);
	if (context->json)
		print_json(document);
	else if (!context->quiet)
		g_print("wrote %s: timestamp %" G_GINT64_FORMAT ", %u files (%s)\n", media, done.timestamp,
			done.files, bytes);
	return TRUE;
}

static gboolean mirror_import(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	gint max_stale = 0;
	const GOptionEntry more[] = {
		{"max-stale", 0, 0, G_OPTION_ARG_INT, &max_stale,
		 "tolerate a timestamp and snapshot that expired so many days ago at most", "DAYS"},
		{NULL},
	};
	const Usage usage = {
		.usage = "MEDIA DIR",
		.summary = "Brings DIR up to date from a media that 'suture mirror export' wrote, without a "
			   "network. All is "
			   "verified;\nmedia older than what DIR has is refused. An import that was cut "
			   "short is gone on with "
			   "by the next.",
		.wanted = 2,
		.trust = TRUE,
		.more = more,
	};
	g_autoptr(SutureMirrorReport) report = NULL;
	SutureMirrorImport import = {.now = g_get_real_time() / G_USEC_PER_SEC};

	if (!parse(&usage, &options, &argc, &argv, error))
		return FALSE;
	if (max_stale < 0 || max_stale > MAX_STALE_DAYS) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
			    "--max-stale %d: from 0 to %d days", max_stale, MAX_STALE_DAYS);
		return FALSE;
	}
	import.media = argv[1];
	import.folder = argv[2];
	import.root = options.trusted_root;
	import.max_stale = (guint)max_stale;
	import.progress = context->quiet ? NULL : suture_terminal_transfer;
	report = suture_mirror_import(&import, error);
	return report && print_report(context, report, error);
}

static const SutureCommand subcommands[] = {
	{"sync", mirror_sync, "bring a mirror up to date over the network"},
	{"verify", mirror_verify, "compare all that it serves with what was signed"},
	{"prune", mirror_prune, "remove what nothing leads to any more"},
	{"state", mirror_state, "print what it has, for an export on the other side"},
	{"export", mirror_export, "write it to media for the other side of an air gap"},
	{"import", mirror_import, "bring a mirror up to date from such media, without a network"},
	{NULL},
};

gboolean cmd_mirror(SutureContext *context, int argc, char **argv, GError **error)
{
	return suture_subcommand(context, subcommands, argc, argv, error);
}
