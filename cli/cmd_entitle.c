// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/terminal.h"
#include "cli/vendor.h"
#include "common/file.h"
#include "signer/sign/entitle.h"
#include "spec/json.h"

#define DAY 86400
#define MAX_DAYS 3650
#define MAX_PEM_BYTES (64 * 1024)

static gint64 now_seconds(void)
{
	return g_get_real_time() / G_USEC_PER_SEC;
}

static gchar *time_text(gint64 seconds)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

	return time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("unknown");
}

/* Whole days, rounded down. */
static gint64 days_until(gint64 end, gint64 now)
{
	return end >= now ? (end - now) / DAY : -((now - end + DAY - 1) / DAY);
}

static gboolean check_days(const gchar *option, gint days, gint from, GError **error)
{
	return (days >= from && days <= MAX_DAYS) ||
	       suture_vendor_usage(error, "%s: give a number of days from %d to %d", option, from, MAX_DAYS);
}

/* Strict options, and exactly @arguments after the command, the first of them the root's folder. */
static gboolean parse(const gchar *usage, const gchar *summary, const GOptionEntry *entries, int arguments,
		      int *argc, char ***argv, GError **error)
{
	if (!suture_vendor_parse(usage, summary, entries, argc, argv, error))
		return FALSE;
	return *argc == 1 + arguments ||
	       suture_vendor_usage(error, arguments == 1 ? "give the root's folder, and no other argument"
							 : "give the root's folder and a serial number");
}

static json_t *strings_json(gchar **strings)
{
	json_t *list = json_array();

	for (; *strings; strings++)
		json_array_append_new(list, json_string(*strings));
	return list;
}

static json_t *entitlement_json(const SutureEntitlement *entitlement)
{
	g_autofree gchar *begin = time_text(entitlement->not_before);
	g_autofree gchar *end = time_text(entitlement->not_after);

	return json_pack("{s:s, s:s, s:o, s:s, s:s, s:I}", "serial", entitlement->serial, "customer",
			 entitlement->customer, "channels", strings_json(entitlement->channels), "not_before",
			 begin, "not_after", end, "days_left",
			 (json_int_t)suture_entitlement_days_left(entitlement, now_seconds()));
}

static gboolean entitle_init(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *ca_key = NULL;
	g_autofree gchar *subject = NULL;
	gint days = MAX_DAYS, warn_days = 14;
	const GOptionEntry entries[] = {
		{"ca-key", 0, 0, G_OPTION_ARG_STRING, &ca_key,
		 "private key of the root; else one is made in DIR", "URI"},
		{"subject", 's', 0, G_OPTION_ARG_STRING, &subject, "of the root, as \"O=Vendor,CN=Name\"",
		 "NAME"},
		{"days", 'd', 0, G_OPTION_ARG_INT, &days, "how long the root is valid (3650)", "N"},
		{"warn-days", 0, 0, G_OPTION_ARG_INT, &warn_days,
		 "how early list and status warn of what ends (14)", "N"},
		{NULL},
	};
	SutureEntitleSettings settings;
	gboolean made;

	if (!parse("DIR - make a root of entitlements",
		   "A certificate authority of its own for TLS clients: it has nothing to do with the CMS "
		   "CA. "
		   "DIR is for the vendor alone.",
		   entries, 1, &argc, &argv, error) ||
	    !check_days("--days", days, 1, error) || !check_days("--warn-days", warn_days, 1, error))
		return FALSE;
	settings = (SutureEntitleSettings){ca_key, subject ? subject : "CN=Suture entitlements", (guint)days,
					   (guint)warn_days};
	if (!suture_entitle_init(argv[1], &settings, now_seconds(), &made, error))
		return FALSE;
	if (context->json) {
		g_autofree gchar *certificate = g_build_filename(argv[1], "ca.pem", NULL);
		SUTURE_AUTO_JSON *json = json_pack("{s:b, s:s}", "made", made, "certificate", certificate);

		suture_vendor_print_json(json);
	} else if (!context->quiet) {
		g_print("%s %s/ca.pem: what servers take clients' certificates by\n",
			made ? "made" : "there already:", argv[1]);
	}
	return TRUE;
}

typedef struct {
	gchar *customer, *csr, *out;
	GStrv channels;
	gint days;
} Issue;

static void issue_clear(Issue *issue)
{
	g_free(issue->customer);
	g_free(issue->csr);
	g_free(issue->out);
	g_strfreev(issue->channels);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Issue, issue_clear)

static void print_issued(const SutureContext *context, const SutureEntitlement *entitlement,
			 const gchar *path)
{
	SUTURE_AUTO_JSON *json = entitlement_json(entitlement);
	g_autofree gchar *channels = g_strjoinv(", ", entitlement->channels);
	g_autofree gchar *end = time_text(entitlement->not_after);

	json_object_set_new(json, "file", json_string(path));
	if (context->json)
		suture_vendor_print_json(json);
	else if (!context->quiet)
		g_print("issued %s to %s until %s for %s: %s\n", entitlement->serial, entitlement->customer,
			end, channels, path);
}

static gboolean entitle_issue(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Issue) issue = {NULL};
	const GOptionEntry entries[] = {
		{"customer", 'c', 0, G_OPTION_ARG_STRING, &issue.customer, "whom it is for", "NAME"},
		{"channel", 'n', 0, G_OPTION_ARG_STRING_ARRAY, &issue.channels,
		 "what it opens; may be repeated", "NAME"},
		{"days", 'd', 0, G_OPTION_ARG_INT, &issue.days, "how long it is valid", "N"},
		{"csr", 0, 0, G_OPTION_ARG_FILENAME, &issue.csr,
		 "for the key of this request, which stays with the customer (PKCS#10)", "FILE"},
		{"out", 'o', 0, G_OPTION_ARG_FILENAME, &issue.out, "write certificate and key here", "FILE"},
		{NULL},
	};
	g_autoptr(SutureEntitleRoot) root = NULL;
	g_autoptr(SutureEntitlement) entitlement = NULL;
	g_autoptr(GBytes) csr = NULL;
	SutureEntitleRequest request;

	if (!parse("DIR - issue an entitlement",
		   "Writes what the customer gives to 'suture subscribe'. Servers let it in once they have "
		   "the "
		   "next 'suture entitle nginx'.",
		   entries, 1, &argc, &argv, error))
		return FALSE;
	if (!issue.customer || !issue.channels || !issue.out)
		return suture_vendor_usage(error, "--customer, --channel, --days and --out are needed");
	if (!check_days("--days", issue.days, 1, error))
		return FALSE;
	csr = issue.csr ? suture_file_read(issue.csr, MAX_PEM_BYTES, error) : NULL;
	root = issue.csr && !csr ? NULL : suture_entitle_open(argv[1], TRUE, error);
	if (!root)
		return FALSE;
	request = (SutureEntitleRequest){issue.customer, (const gchar *const *)issue.channels,
					 (guint)issue.days, csr};
	entitlement = suture_entitle_issue(root, &request, now_seconds(), issue.out, error);
	if (!entitlement)
		return FALSE;
	print_issued(context, entitlement, issue.out);
	return TRUE;
}

static gboolean entitle_revoke(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *reason = NULL;
	g_autofree gchar *names = g_strjoinv(", ", (GStrv)suture_entitle_reasons());
	g_autofree gchar *summary =
		g_strdup_printf("It is refused once servers have the next CRL and map. Reasons: %s.", names);
	const GOptionEntry entries[] = {
		{"reason", 'r', 0, G_OPTION_ARG_STRING, &reason, "why; it is in the CRL", "REASON"}, {NULL}};
	g_autoptr(SutureEntitleRoot) root = NULL;
	gboolean done;

	if (!parse("DIR SERIAL - take an entitlement back", summary, entries, 2, &argc, &argv, error))
		return FALSE;
	if (!reason)
		return suture_vendor_usage(error, "--reason is needed: one of %s", names);
	root = suture_entitle_open(argv[1], TRUE, error);
	if (!root || !suture_entitle_revoke(root, argv[2], reason, now_seconds(), &done, error))
		return FALSE;
	if (context->json) {
		SUTURE_AUTO_JSON *json = json_pack("{s:b}", "revoked_now", done);

		suture_vendor_print_json(json);
	} else if (!context->quiet) {
		g_print("%s\n", done ? "revoked; now give servers a new CRL and map"
				     : "it was revoked before; nothing changes");
	}
	return TRUE;
}

static json_t *row_json(const SutureEntitleRow *row, gint64 now)
{
	json_t *object = entitlement_json(row->entitlement);
	g_autofree gchar *revoked = row->revoked ? time_text(row->revoked) : NULL;

	json_object_set_new(object, "state", json_string(suture_entitle_row_state(row, now)));
	json_object_set_new(object, "revoked", revoked ? json_string(revoked) : json_null());
	json_object_set_new(object, "reason", row->reason ? json_string(row->reason) : json_null());
	return object;
}

static void print_rows(const SutureContext *context, GPtrArray *rows, gint64 now)
{
	SUTURE_AUTO_JSON *list = json_array();

	for (guint i = 0; i < rows->len; i++) {
		const SutureEntitleRow *row = rows->pdata[i];
		g_autofree gchar *channels = g_strjoinv(",", row->entitlement->channels);
		g_autofree gchar *customer = suture_terminal_text(row->entitlement->customer);

		json_array_append_new(list, row_json(row, now));
		if (!context->json && !context->quiet)
			g_print("%s  %-8s %5" G_GINT64_FORMAT " days  %s: %s%s%s\n", row->entitlement->serial,
				suture_entitle_row_state(row, now),
				suture_entitlement_days_left(row->entitlement, now), customer, channels,
				row->reason ? "; " : "", row->reason ? row->reason : "");
	}
	if (context->json)
		suture_vendor_print_json(list);
}

/* The root that list and status look at, and how many days they look ahead. */
static SutureEntitleRoot *open_report(const gchar *usage, const gchar *summary, gint *warn_days, int *argc,
				      char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
		{"warn-days", 0, 0, G_OPTION_ARG_INT, warn_days,
		 "how early to warn of what ends (entitlements.conf)", "N"},
		{NULL},
	};
	SutureEntitleRoot *root;

	*warn_days = -1;
	if (!parse(usage, summary, entries, 1, argc, argv, error) ||
	    (*warn_days != -1 && !check_days("--warn-days", *warn_days, 0, error)))
		return NULL;
	root = suture_entitle_open((*argv)[1], FALSE, error);
	if (root && *warn_days == -1)
		*warn_days = (gint)suture_entitle_warn_days(root);
	return root;
}

static gboolean entitle_list(SutureContext *context, int argc, char **argv, GError **error)
{
	gint warn_days;
	g_autoptr(SutureEntitleRoot) root = open_report(
		"DIR - list what was issued",
		"Exits with 13 when the CRL or the root ends soon: 'suture entitle status' says more.",
		&warn_days, &argc, &argv, error);
	g_autoptr(GPtrArray) rows = root ? suture_entitle_rows(root, error) : NULL;
	g_auto(SutureEntitleHealth) health = {NULL};
	gint64 now = now_seconds();

	if (!rows || !suture_entitle_health(root, now, (guint)warn_days, &health, error))
		return FALSE;
	print_rows(context, rows, now);
	return suture_entitle_health_check(&health, now, (guint)warn_days, error);
}

static json_t *health_json(const SutureEntitleHealth *health, gint64 now)
{
	g_autofree gchar *root_end = time_text(health->root_not_after);
	g_autofree gchar *this_update = time_text(health->crl_this);
	g_autofree gchar *next_update = time_text(health->crl_next);
	json_t *crl = json_null();

	if (health->crl_number)
		crl = json_pack("{s:I, s:s, s:s, s:I, s:i}", "number", (json_int_t)health->crl_number,
				"this_update", this_update, "next_update", next_update, "days_left",
				(json_int_t)days_until(health->crl_next, now), "unlisted",
				(int)health->unlisted);
	return json_pack("{s:{s:s, s:s, s:I}, s:o, s:{s:i, s:i, s:i, s:i}}", "root", "subject",
			 health->issuer, "not_after", root_end, "days_left",
			 (json_int_t)days_until(health->root_not_after, now), "crl", crl, "entitlements",
			 "valid", (int)health->valid, "expiring", (int)health->expiring, "expired",
			 (int)health->expired, "revoked", (int)health->revoked);
}

static void print_health(const SutureEntitleHealth *health, gint64 now)
{
	g_autofree gchar *root_end = time_text(health->root_not_after);
	g_autofree gchar *crl_end = time_text(health->crl_next);

	g_print("root          %s, until %s (%" G_GINT64_FORMAT " days)\n", health->issuer, root_end,
		days_until(health->root_not_after, now));
	if (health->crl_number)
		g_print("CRL           number %" G_GINT64_FORMAT ", until %s (%" G_GINT64_FORMAT " days)\n",
			health->crl_number, crl_end, days_until(health->crl_next, now));
	else
		g_print("CRL           none was made\n");
	g_print("entitlements  %u valid, %u of them not for long; %u expired, %u revoked\n", health->valid,
		health->expiring, health->expired, health->revoked);
}

static gboolean entitle_status(SutureContext *context, int argc, char **argv, GError **error)
{
	gint warn_days;
	g_autoptr(SutureEntitleRoot) root =
		open_report("DIR - say how root, CRL and entitlements stand",
			    "For monitoring: exits with 13 when the CRL or the root ends soon, or when "
			    "somebody revoked is "
			    "not on the CRL.\nWith an expired CRL servers refuse everybody.",
			    &warn_days, &argc, &argv, error);
	g_auto(SutureEntitleHealth) health = {NULL};
	gint64 now = now_seconds();

	if (!root || !suture_entitle_health(root, now, (guint)warn_days, &health, error))
		return FALSE;
	if (context->json) {
		SUTURE_AUTO_JSON *json = health_json(&health, now);

		suture_vendor_print_json(json);
	} else if (!context->quiet) {
		print_health(&health, now);
	}
	return suture_entitle_health_check(&health, now, (guint)warn_days, error);
}

static gboolean entitle_crl(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *out = NULL;
	gint days = 30;
	const GOptionEntry entries[] = {
		{"days", 'd', 0, G_OPTION_ARG_INT, &days, "until the next one is due (30)", "N"},
		{"out", 'o', 0, G_OPTION_ARG_FILENAME, &out, "write the CRL here", "FILE"},
		{NULL},
	};
	g_autoptr(SutureEntitleRoot) root = NULL;
	g_autoptr(GBytes) crl = NULL;

	if (!parse("DIR - sign the next list of what is revoked",
		   "For the server's ssl_crl; make the next one well before this one ends, or the server "
		   "refuses everybody.",
		   entries, 1, &argc, &argv, error))
		return FALSE;
	if (!out)
		return suture_vendor_usage(error, "--out FILE is needed");
	if (!check_days("--days", days, 1, error))
		return FALSE;
	root = suture_entitle_open(argv[1], TRUE, error);
	crl = root ? suture_entitle_crl(root, (guint)days, now_seconds(), error) : NULL;
	if (!crl || !suture_file_write_atomic_path(out, crl, 0644, error))
		return FALSE;
	if (context->json) {
		SUTURE_AUTO_JSON *json = json_pack("{s:s, s:i}", "file", out, "days", days);

		suture_vendor_print_json(json);
	} else if (!context->quiet) {
		g_print("wrote %s, for %d days; reload the server\n", out, days);
	}
	return TRUE;
}

static gboolean entitle_nginx(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *out = NULL;
	const GOptionEntry entries[] = {
		{"out", 'o', 0, G_OPTION_ARG_FILENAME, &out, "write the map here", "FILE"}, {NULL}};
	g_autoptr(SutureEntitleRoot) root = NULL;
	g_autoptr(GBytes) map = NULL;

	if (!parse("DIR - write who may have which channel, for nginx",
		   "The file that nginx/suture.conf includes: a line for each channel of each entitlement in "
		   "force.",
		   entries, 1, &argc, &argv, error))
		return FALSE;
	if (!out)
		return suture_vendor_usage(error, "--out FILE is needed");
	root = suture_entitle_open(argv[1], TRUE, error);
	map = root ? suture_entitle_map(root, now_seconds(), error) : NULL;
	if (!map || !suture_file_write_atomic_path(out, map, 0640, error))
		return FALSE;
	if (context->json) {
		SUTURE_AUTO_JSON *json = json_pack("{s:s}", "file", out);

		suture_vendor_print_json(json);
	} else if (!context->quiet) {
		g_print("wrote %s; reload the server\n", out);
	}
	return TRUE;
}

gboolean cmd_entitle(SutureContext *context, int argc, char **argv, GError **error)
{
	static const SutureCommand commands[] = {
		{"init", entitle_init, "make a root of entitlements"},
		{"issue", entitle_issue, "issue an entitlement to a customer"},
		{"revoke", entitle_revoke, "take an entitlement back"},
		{"list", entitle_list, "list what was issued"},
		{"status", entitle_status, "say how root, CRL and entitlements stand"},
		{"crl", entitle_crl, "sign the next list of what is revoked"},
		{"nginx", entitle_nginx, "write who may have which channel, for nginx"},
		{NULL},
	};

	return suture_subcommand(context, commands, argc, argv, error);
}
