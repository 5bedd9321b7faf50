// SPDX-License-Identifier: LGPL-2.1-or-later
/* spec-parse FORMAT FILE...: prints the reason code of each file, or "ok", as the parser of FORMAT judges it.
 */
#include "common/error.h"
#include "common/file.h"
#include "spec/manifest.h"
#include "spec/receipt.h"
#include "spec/record.h"
#include "spec/refresh.h"
#include "spec/target.h"

static gboolean parse_manifest(GBytes *bytes, GError **error)
{
	g_autoptr(SutureManifest) manifest = suture_manifest_parse(bytes, error);

	return manifest != NULL;
}

static gboolean parse_receipt(GBytes *bytes, GError **error)
{
	g_autoptr(SutureReceipt) receipt = suture_receipt_parse(bytes, error);

	return receipt != NULL;
}

static gboolean parse_ledger(GBytes *bytes, GError **error)
{
	g_autoptr(SutureRecord) record = suture_record_parse(bytes, error);

	return record != NULL;
}

static gboolean parse_refresh(GBytes *bytes, GError **error)
{
	g_autoptr(SutureRefresh) refresh = suture_refresh_parse(bytes, error);

	return refresh != NULL;
}

static gboolean parse_target(GBytes *bytes, GError **error)
{
	g_autoptr(SutureTarget) target = NULL;
	SUTURE_AUTO_JSON *custom = suture_json_parse(bytes, 1024 * 1024, "custom", error);

	return custom && suture_target_parse(custom, &target, error);
}

static const struct {
	const gchar *format;
	gboolean (*parse)(GBytes *bytes, GError **error);
} parsers[] = {
	{"manifest", parse_manifest}, {"target", parse_target},   {"receipt", parse_receipt},
	{"ledger", parse_ledger},     {"refresh", parse_refresh},
};

static gboolean judge(const gchar *format, const gchar *path)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = suture_file_read(path, 16 * 1024 * 1024, &error);

	for (gsize i = 0; bytes && i < G_N_ELEMENTS(parsers); i++) {
		if (!g_str_equal(parsers[i].format, format))
			continue;
		if (parsers[i].parse(bytes, &error))
			g_print("ok\n");
		else
			g_print("%s\t%s\n", suture_error_reason(error), error->message);
		return TRUE;
	}
	g_printerr("%s: %s\n", path, error ? error->message : "unknown format");
	return FALSE;
}

int main(int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (!judge(argv[1], argv[i]))
			return 1;
	return argc < 3 ? 2 : 0;
}
