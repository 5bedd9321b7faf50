// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/tuf-metadata.h"

#include "fetcher/client/tuf-path.h"

#include <string.h>

#define ROLE(name) "\"" name "\":{\"keyids\":[\"k\"],\"threshold\":1}"
#define HEAD(type)          \
	"\"_type\":\"" type \
	"\",\"spec_version\":\"1.0.31\",\"version\":7,\"expires\":\"2030-01-02T03:04:05Z\","
#define SIGNATURES "{\"signatures\":[{\"keyid\":\"k\",\"sig\":\"\"}],\"signed\":"
#define ROOT_BODY                                                                                   \
	"\"keys\":{},\"roles\":{" ROLE("root") "," ROLE("timestamp") "," ROLE("snapshot") "," ROLE( \
		"targets") "}"
#define DELEGATIONS(roles) "\"targets\":{},\"delegations\":{\"keys\":{},\"roles\":[" roles "]}"
#define DELEGATED(name, where) "{\"name\":\"" name "\",\"keyids\":[\"k\"],\"threshold\":1," where "}"
#define TARGET(member) "\"targets\":{\"a/b\":{" member "}}"

static SutureTufMetadata *parse(const gchar *text, SutureTufType type, GError **error)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));

	return suture_tuf_metadata_parse(bytes, type, "test.json", error);
}

static SutureTufMetadata *parse_well(const gchar *text, SutureTufType type)
{
	g_autoptr(GError) error = NULL;
	SutureTufMetadata *metadata = parse(text, type, &error);

	g_assert_no_error(error);
	g_assert_nonnull(metadata);
	return metadata;
}

static void root_is_read(void)
{
	g_autoptr(SutureTufMetadata) root = parse_well(
		SIGNATURES "{" HEAD("root") "\"consistent_snapshot\":true," ROOT_BODY "}}", SUTURE_TUF_ROOT);
	const SutureTufRole *role = g_hash_table_lookup(root->roles, "snapshot");

	g_assert_cmpint(root->version, ==, 7);
	g_assert_cmpint(root->expires, ==, 1893553445);
	g_assert_true(root->consistent_snapshot);
	g_assert_cmpuint(g_hash_table_size(root->roles), ==, 4);
	g_assert_cmpstr(role->keyids->pdata[0], ==, "k");
	g_assert_cmpint(role->threshold, ==, 1);
	g_assert_cmpuint(root->signatures->len, ==, 1);
}

static void root_of_the_future_is_read(void)
{
	g_autoptr(SutureTufMetadata) root = parse_well(
		SIGNATURES "{\"x\":[1,{}]," HEAD("root") "\"roles\":{\"mirrors\":0," ROLE("root") "," ROLE(
			"timestamp") "," ROLE("snapshot") "," ROLE("targets") "},\"keys\":{\"k\":{"
									      "\"keytype\":\"new\"}}}}",
		SUTURE_TUF_ROOT);

	g_assert_false(root->consistent_snapshot);
	g_assert_cmpuint(g_hash_table_size(root->keys), ==, 0);
}

static void signed_bytes_are_canonical(void)
{
	static const gchar expected[] = "{\"_type\":\"targets\",\"expires\":\"2030-01-02T03:04:05Z\",\"spec_"
					"version\":\"1.0.31\",\"targets\":{},"
					"\"version\":7,\"z\":\"\n\\\"\"}";
	g_autoptr(SutureTufMetadata) targets =
		parse_well(SIGNATURES " { \"z\" : \"\\n\\\"\", " HEAD("targets") "\"targets\" : { } } } \n",
			   SUTURE_TUF_TARGETS);
	gsize size;
	const gchar *data = g_bytes_get_data(targets->signed_bytes, &size);

	g_assert_cmpmem(data, size, expected, strlen(expected));
}

static void listed_files_are_read(void)
{
	g_autoptr(SutureTufMetadata) snapshot = parse_well(
		SIGNATURES
		"{" HEAD("snapshot") "\"meta\":{\"targets.json\":{\"version\":3,\"length\":9,"
				     "\"hashes\":{\"sha256\":\"AB\"}},\"x.json\":{\"version\":4}}}}",
		SUTURE_TUF_SNAPSHOT);
	const SutureTufFile *targets = suture_tuf_metadata_file(snapshot, "targets.json");
	const SutureTufFile *other = suture_tuf_metadata_file(snapshot, "x.json");

	g_assert_cmpint(targets->version, ==, 3);
	g_assert_cmpint(targets->length, ==, 9);
	g_assert_cmpstr(g_hash_table_lookup(targets->hashes, "sha256"), ==, "ab");
	g_assert_cmpint(other->length, ==, -1);
	g_assert_null(other->hashes);
	g_assert_null(suture_tuf_metadata_file(snapshot, "y.json"));
}

static void targets_are_found_by_name(void)
{
	g_autoptr(SutureTufMetadata) targets = parse_well(
		SIGNATURES
		"{" HEAD("targets") "\"targets\":{"
				    "\"b\":{\"length\":1,\"hashes\":{\"sha256\":\"00\"}},"
				    "\"a\":{\"length\":2,\"hashes\":{\"x\":\"00\"},\"custom\":{\"n\":1}},"
				    "\"c\":{\"length\":9223372036854775807,\"hashes\":{\"x\":\"00\"}}}}}",
		SUTURE_TUF_TARGETS);
	const SutureTufTarget *target = suture_tuf_metadata_target(targets, "a");

	g_assert_cmpint(target->file.length, ==, 2);
	g_assert_true(json_is_object(target->custom));
	g_assert_cmpint(suture_tuf_metadata_target(targets, "c")->file.length, ==, G_MAXINT64);
	g_assert_null(suture_tuf_metadata_target(targets, "b")->custom);
	g_assert_null(suture_tuf_metadata_target(targets, ""));
	g_assert_null(suture_tuf_metadata_target(targets, "d"));
}

static void empty_targets_are_searched(void)
{
	g_autoptr(SutureTufMetadata) targets =
		parse_well(SIGNATURES "{" HEAD("targets") "\"targets\":{}}}", SUTURE_TUF_TARGETS);

	g_assert_null(suture_tuf_metadata_target(targets, "a"));
}

static void delegations_are_read(void)
{
	g_autoptr(SutureTufMetadata) targets = parse_well(
		SIGNATURES "{" HEAD("targets") DELEGATIONS(
			DELEGATED("b", "\"paths\":[\"x/*\",\"y\"],\"terminating\":true") "," DELEGATED(
				"a", "\"path_hash_prefixes\":[\"0A\"]")) "}}",
		SUTURE_TUF_TARGETS);
	const SutureTufDelegation *first = targets->delegations->pdata[0];
	const SutureTufDelegation *second = targets->delegations->pdata[1];

	g_assert_cmpuint(targets->delegations->len, ==, 2);
	g_assert_cmpstr(first->role->name, ==, "b");
	g_assert_cmpint(first->role->threshold, ==, 1);
	g_assert_cmpuint(first->paths->len, ==, 2);
	g_assert_null(first->prefixes);
	g_assert_true(first->terminating);
	g_assert_cmpstr(second->prefixes->pdata[0], ==, "0a");
	g_assert_false(second->terminating);
}

static void delegations_may_be_absent(void)
{
	g_autoptr(SutureTufMetadata) targets =
		parse_well(SIGNATURES "{" HEAD("targets") "\"targets\":{}}}", SUTURE_TUF_TARGETS);

	g_assert_cmpuint(targets->delegations->len, ==, 0);
}

static void role_files_are_names(void)
{
	static const struct {
		const gchar *role, *file, *local;
	} names[] = {
		{"6.1.0-47-cloud-amd64", "6.1.0-47-cloud-amd64.json", "6.1.0-47-cloud-amd64.json"},
		{"a+b~c_d", "a%2Bb~c_d.json", "a%2Bb~c_d.json"},
		{"../x", "..%2Fx.json", "%2E.%2Fx.json"},
		{"\303\274?#%", "%C3%BC%3F%23%25.json", "%C3%BC%3F%23%25.json"},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree gchar *file = suture_tuf_role_file(names[i].role);
		g_autofree gchar *local = suture_tuf_role_local_file(names[i].role);

		g_assert_cmpstr(file, ==, names[i].file);
		g_assert_cmpstr(local, ==, names[i].local);
	}
}

typedef struct {
	const gchar *name;
	SutureTufType type;
	SutureTufError code;
	const gchar *text;
} Refusal;

static const Refusal refusals[] = {
	{"empty", SUTURE_TUF_ROOT, SUTURE_TUF_ERROR_MALFORMED, ""},
	{"array", SUTURE_TUF_ROOT, SUTURE_TUF_ERROR_MALFORMED, "[]"},
	{"no-signed", SUTURE_TUF_ROOT, SUTURE_TUF_ERROR_MALFORMED, "{\"signatures\":[]}"},
	{"no-signatures", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 "{\"signed\":{" HEAD("targets") "\"targets\":{}}}"},
	{"signature-not-object", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 "{\"signatures\":[1],\"signed\":{" HEAD("targets") "\"targets\":{}}}"},
	{"signature-without-keyid", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 "{\"signatures\":[{\"sig\":\"\"}],\"signed\":{" HEAD("targets") "\"targets\":{}}}"},
	{"signature-twice", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_DUPLICATE_KEYID,
	 "{\"signatures\":[{\"keyid\":\"k\",\"sig\":\"\"},{\"keyid\":\"k\",\"sig\":\"0\"}],\"signed\":{" HEAD(
		 "targets") "\"targets\":{}}}"},
	{"duplicate-member", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") "\"targets\":{},\"targets\":{}}}"},
	{"trailing-data", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") "\"targets\":{}}} {}"},
	{"real-number", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") "\"x\":1.5,\"targets\":{}}}"},
	{"other-type", SUTURE_TUF_ROOT, SUTURE_TUF_ERROR_TYPE,
	 SIGNATURES "{" HEAD("targets") "\"targets\":{}}}"},
	{"spec-2", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_SPEC_VERSION,
	 SIGNATURES "{\"_type\":\"targets\",\"spec_version\":\"2.0\"}}"},
	{"spec-10", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_SPEC_VERSION,
	 SIGNATURES "{\"_type\":\"targets\",\"spec_version\":\"10.0\"}}"},
	{"version-zero", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{\"_type\":\"targets\",\"spec_version\":\"1.0\",\"version\":0}}"},
	{"version-2-to-63", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{\"_type\":\"targets\",\"spec_version\":\"1.0\",\"version\":9223372036854775808}}"},
	{"expires-local-time", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{\"_type\":\"targets\",\"spec_version\":\"1.0\",\"version\":1,"
		    "\"expires\":\"2030-01-02T03:04:05\"}}"},
	{"expires-no-such-day", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{\"_type\":\"targets\",\"spec_version\":\"1.0\",\"version\":1,"
		    "\"expires\":\"2030-02-30T03:04:05Z\"}}"},
	{"role-missing", SUTURE_TUF_ROOT, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("root") "\"keys\":{},\"roles\":{" ROLE("root") "}}}"},
	{"threshold-zero", SUTURE_TUF_ROOT, SUTURE_TUF_ERROR_THRESHOLD,
	 SIGNATURES "{" HEAD("root") "\"keys\":{},\"roles\":{\"root\":{\"keyids\":[],\"threshold\":0}}}}"},
	{"keyid-twice", SUTURE_TUF_ROOT, SUTURE_TUF_ERROR_DUPLICATE_KEYID,
	 SIGNATURES
	 "{" HEAD("root") "\"keys\":{},\"roles\":{\"root\":{\"keyids\":[\"a\",\"a\"],\"threshold\":1}}}}"},
	{"keyid-not-string", SUTURE_TUF_ROOT, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("root") "\"keys\":{},\"roles\":{\"root\":{\"keyids\":[1],\"threshold\":1}}}}"},
	{"key-not-object", SUTURE_TUF_ROOT, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("root") "\"keys\":{\"k\":1},\"roles\":{}}}"},
	{"consistent-snapshot-word", SUTURE_TUF_ROOT, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("root") "\"consistent_snapshot\":\"yes\"," ROOT_BODY "}}"},
	{"timestamp-without-snapshot", SUTURE_TUF_TIMESTAMP, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("timestamp") "\"meta\":{}}}"},
	{"snapshot-without-targets", SUTURE_TUF_SNAPSHOT, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("snapshot") "\"meta\":{\"snapshot.json\":{\"version\":1}}}}"},
	{"file-without-version", SUTURE_TUF_SNAPSHOT, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("snapshot") "\"meta\":{\"targets.json\":{}}}}"},
	{"length-negative", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") TARGET("\"length\":-1,\"hashes\":{\"sha256\":\"00\"}") "}}"},
	{"hashes-missing", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") TARGET("\"length\":1") "}}"},
	{"hashes-empty", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") TARGET("\"length\":1,\"hashes\":{}") "}}"},
	{"hash-not-hex", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") TARGET("\"length\":1,\"hashes\":{\"sha256\":\"../x\"}") "}}"},
	{"custom-not-object", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets")
		 TARGET("\"length\":1,\"hashes\":{\"sha256\":\"00\"},\"custom\":[]") "}}"},
	{"target-without-name", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") "\"targets\":{\"\":{\"length\":1,\"hashes\":{\"sha256\":\"00\"}}}}}"},
	{"delegations-not-object", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") "\"targets\":{},\"delegations\":[]}}"},
	{"delegations-without-keys", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") "\"targets\":{},\"delegations\":{\"roles\":[]}}}"},
	{"delegations-without-roles", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") "\"targets\":{},\"delegations\":{\"keys\":{}}}}"},
	{"delegated-role-not-object", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") DELEGATIONS("1") "}}"},
	{"delegated-name-root", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") DELEGATIONS(DELEGATED("root", "\"paths\":[\"*\"]")) "}}"},
	{"delegated-name-timestamp", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") DELEGATIONS(DELEGATED("timestamp", "\"paths\":[\"*\"]")) "}}"},
	{"delegated-name-snapshot", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") DELEGATIONS(DELEGATED("snapshot", "\"paths\":[\"*\"]")) "}}"},
	{"delegated-name-targets", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") DELEGATIONS(DELEGATED("targets", "\"paths\":[\"*\"]")) "}}"},
	{"delegated-name-empty", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") DELEGATIONS(DELEGATED("", "\"paths\":[\"*\"]")) "}}"},
	{"delegated-name-too-long", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") DELEGATIONS(
		 DELEGATED("/////////////////////////////////////////////////////////////////////////",
			   "\"paths\":[\"*\"]")) "}}"},
	{"delegated-twice", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") DELEGATIONS(
		 DELEGATED("a", "\"paths\":[\"*\"]") "," DELEGATED("a", "\"paths\":[\"*\"]")) "}}"},
	{"delegated-without-paths", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") DELEGATIONS(DELEGATED("a", "\"x\":1")) "}}"},
	{"delegated-by-path-and-hash", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets")
		 DELEGATIONS(DELEGATED("a", "\"paths\":[],\"path_hash_prefixes\":[]")) "}}"},
	{"delegated-path-empty", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") DELEGATIONS(DELEGATED("a", "\"paths\":[\"\"]")) "}}"},
	{"delegated-path-number", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") DELEGATIONS(DELEGATED("a", "\"paths\":[1]")) "}}"},
	{"delegated-hash-not-hex", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets") DELEGATIONS(DELEGATED("a", "\"path_hash_prefixes\":[\"0x\"]")) "}}"},
	{"delegated-terminating-word", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_MALFORMED,
	 SIGNATURES "{" HEAD("targets")
		 DELEGATIONS(DELEGATED("a", "\"paths\":[],\"terminating\":\"yes\"")) "}}"},
	{"delegated-threshold-zero", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_THRESHOLD,
	 SIGNATURES "{" HEAD("targets")
		 DELEGATIONS("{\"name\":\"a\",\"keyids\":[],\"threshold\":0,\"paths\":[]}") "}}"},
	{"delegated-keyid-twice", SUTURE_TUF_TARGETS, SUTURE_TUF_ERROR_DUPLICATE_KEYID,
	 SIGNATURES "{" HEAD("targets")
		 DELEGATIONS("{\"name\":\"a\",\"keyids\":[\"k\",\"k\"],\"threshold\":1,\"paths\":[]}") "}}"},
};

static void is_refused(gconstpointer data)
{
	const Refusal *refusal = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureTufMetadata) metadata = parse(refusal->text, refusal->type, &error);

	g_assert_null(metadata);
	g_assert_error(error, SUTURE_TUF_ERROR, (gint)refusal->code);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fetcher/tuf-metadata/root-is-read", root_is_read);
	g_test_add_func("/fetcher/tuf-metadata/root-of-the-future-is-read", root_of_the_future_is_read);
	g_test_add_func("/fetcher/tuf-metadata/signed-bytes-are-canonical", signed_bytes_are_canonical);
	g_test_add_func("/fetcher/tuf-metadata/listed-files-are-read", listed_files_are_read);
	g_test_add_func("/fetcher/tuf-metadata/targets-are-found-by-name", targets_are_found_by_name);
	g_test_add_func("/fetcher/tuf-metadata/empty-targets-are-searched", empty_targets_are_searched);
	g_test_add_func("/fetcher/tuf-metadata/delegations-are-read", delegations_are_read);
	g_test_add_func("/fetcher/tuf-metadata/delegations-may-be-absent", delegations_may_be_absent);
	g_test_add_func("/fetcher/tuf-path/role-files-are-names", role_files_are_names);
	for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
		g_autofree gchar *path =
			g_strconcat("/fetcher/tuf-metadata/refused/", refusals[i].name, NULL);

		g_test_add_data_func(path, &refusals[i], is_refused);
	}
	return g_test_run();
}
