// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/metadata.h"
#include "signer/sign/key-create.h"

#include <string.h>

typedef struct {
	GPtrArray *keys; /* two keys */
	json_t *root;    /* each role has the first; root and targets both, targets with threshold 2 */
} Fixture;

static GPtrArray *keys_new(guint count)
{
	GPtrArray *keys = g_ptr_array_new_with_free_func((GDestroyNotify)suture_private_key_free);

	for (guint i = 0; i < count; i++) {
		g_autoptr(GError) error = NULL;
		SuturePrivateKey *key = suture_private_key_create("ec", 256, &error);

		g_assert_no_error(error);
		g_ptr_array_add(keys, key);
	}
	return keys;
}

/* Borrows the keys at @indices, which end with -1. */
static GPtrArray *pick(const Fixture *fixture, const int *indices)
{
	GPtrArray *keys = g_ptr_array_new();

	for (; *indices >= 0; indices++)
		g_ptr_array_add(keys, fixture->keys->pdata[*indices]);
	return keys;
}
#define PICK(fixture, ...) pick(fixture, (const int[]){__VA_ARGS__, -1})

static GPtrArray *publics(GPtrArray *keys)
{
	GPtrArray *public = g_ptr_array_new_with_free_func((GDestroyNotify)suture_tuf_key_free);

	for (guint i = 0; i < keys->len; i++)
		g_ptr_array_add(public, suture_private_key_tuf_public(keys->pdata[i], NULL));
	return public;
}

static gboolean signed_by(const SutureRepoDocument *document, json_t *root, SutureRepoRole role)
{
	SutureRepoAuthority authority = suture_repo_root_authority(root, role);

	return suture_repo_document_signed_by(document, &authority);
}

static void set_role(json_t *root, SutureRepoRole role, GPtrArray *keys, guint threshold)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) public = publics(keys);
	gboolean ok = suture_repo_root_set_role(root, role, public, threshold, &error);

	g_assert_no_error(error);
	g_assert_true(ok);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) first = NULL;

	(void)data;
	fixture->keys = keys_new(3);
	fixture->root = suture_repo_root_new(1, 2000000000);
	first = PICK(fixture, 0);
	for (guint role = 0; role < SUTURE_REPO_N_ROLES; role++)
		set_role(fixture->root, role, first, 1);
	g_clear_pointer(&first, g_ptr_array_unref);
	first = PICK(fixture, 0, 1);
	set_role(fixture->root, SUTURE_REPO_ROOT, first, 1);
	set_role(fixture->root, SUTURE_REPO_TARGETS, first, 2);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	g_ptr_array_unref(fixture->keys);
	json_decref(fixture->root);
}

static GBytes *sign(json_t *signed_, GPtrArray *keys)
{
	g_autoptr(GError) error = NULL;
	GBytes *bytes = suture_repo_document(signed_, NULL, keys, &error);

	g_assert_no_error(error);
	return bytes;
}

static SutureRepoDocument *parse(GBytes *bytes, SutureRepoRole role)
{
	g_autoptr(GError) error = NULL;
	SutureRepoDocument *document = suture_repo_document_parse(bytes, role, "document", &error);

	g_assert_no_error(error);
	return document;
}

static void test_time(void)
{
	g_autofree gchar *text = suture_repo_time(951782400);

	g_assert_cmpstr(text, ==, "2000-02-29T00:00:00Z");
}

static void test_round_trip(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) keys = PICK(fixture, 0);
	g_autoptr(GBytes) bytes = sign(fixture->root, keys);
	g_autoptr(SutureRepoDocument) document = parse(bytes, SUTURE_REPO_ROOT);

	(void)data;
	g_assert_cmpint(document->version, ==, 1);
	g_assert_cmpint(document->expires, ==, 2000000000);
	g_assert_true(json_equal(document->signed_, fixture->root));
	g_assert_true(signed_by(document, fixture->root, SUTURE_REPO_ROOT));
	g_assert_true(json_is_true(json_object_get(document->signed_, "consistent_snapshot")));
}

/* One signature for a key named twice: it must not count as two. */
static void test_signs_once(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) twice = PICK(fixture, 0, 0), both = PICK(fixture, 0, 1);
	SUTURE_AUTO_JSON *targets = suture_repo_signed_new(SUTURE_REPO_TARGETS, 7, 2000000000);
	g_autoptr(GBytes) once_signed = sign(targets, twice), signed_twice = sign(targets, both);
	g_autoptr(SutureRepoDocument) few = parse(once_signed, SUTURE_REPO_TARGETS);
	g_autoptr(SutureRepoDocument) enough = parse(signed_twice, SUTURE_REPO_TARGETS);

	(void)data;
	g_assert_cmpuint(json_array_size(json_object_get(few->document, "signatures")), ==, 1);
	g_assert_false(signed_by(few, fixture->root, SUTURE_REPO_TARGETS));
	g_assert_true(signed_by(enough, fixture->root, SUTURE_REPO_TARGETS));
}

static void test_other_content(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) keys = PICK(fixture, 0);
	g_autoptr(GBytes) bytes = sign(fixture->root, keys);
	g_autoptr(SutureRepoDocument) document = parse(bytes, SUTURE_REPO_ROOT);

	(void)data;
	json_object_set_new(document->signed_, "version", json_integer(2));
	g_assert_false(signed_by(document, fixture->root, SUTURE_REPO_ROOT));
}

static void test_stranger(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) stranger = PICK(fixture, 2);
	g_autoptr(GBytes) bytes = sign(fixture->root, stranger);
	g_autoptr(SutureRepoDocument) document = parse(bytes, SUTURE_REPO_ROOT);
	SutureRepoAuthority authority = suture_repo_root_authority(fixture->root, SUTURE_REPO_ROOT);
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_false(signed_by(document, fixture->root, SUTURE_REPO_ROOT));
	g_assert_false(suture_repo_keys_check(&authority, stranger, &error));
	g_assert_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_KEY);
	g_assert_cmpstr(suture_error_reason(error), ==, "repo-key");
}

/* Signers on machines of their own: each adds to what the others signed. */
static void test_adds_signatures(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) first = PICK(fixture, 0), second = PICK(fixture, 1);
	SutureRepoAuthority authority = suture_repo_root_authority(fixture->root, SUTURE_REPO_TARGETS);
	SUTURE_AUTO_JSON *targets = suture_repo_signed_new(SUTURE_REPO_TARGETS, 7, 2000000000);
	g_autoptr(GBytes) once = sign(targets, first), both = NULL;
	g_autoptr(SutureRepoDocument) before = parse(once, SUTURE_REPO_TARGETS), after = NULL;

	(void)data;
	g_assert_cmpuint(suture_repo_document_count(before, &authority), ==, 1);
	both = suture_repo_document(targets, json_object_get(before->document, "signatures"), second, NULL);
	after = parse(both, SUTURE_REPO_TARGETS);
	g_assert_cmpuint(suture_repo_document_count(after, &authority), ==, 2);
	g_assert_true(suture_repo_document_signed_by(after, &authority));
}

static void test_role_threshold(Fixture *fixture, gconstpointer data)
{
	static const guint impossible[] = {0, 2};
	g_autoptr(GPtrArray) twice = PICK(fixture, 0, 0), public = publics(twice);

	(void)data;
	for (guint i = 0; i < G_N_ELEMENTS(impossible); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(suture_repo_root_set_role(fixture->root, SUTURE_REPO_ROOT, public,
							 impossible[i], &error));
		g_assert_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_THRESHOLD);
	}
}

static void test_drops_keys(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) third = PICK(fixture, 2);
	json_t *keys = json_object_get(fixture->root, "keys");

	(void)data;
	g_assert_cmpuint(json_object_size(keys), ==, 2);
	set_role(fixture->root, SUTURE_REPO_ROOT, third, 1);
	g_assert_cmpuint(json_object_size(keys), ==, 3);
	set_role(fixture->root, SUTURE_REPO_TARGETS, third, 1);
	g_assert_cmpuint(json_object_size(keys), ==, 2);
}

static void test_damaged(void)
{
	static const gchar *const texts[] = {
		"",
		"{}",
		"{\"signatures\":[],\"signed\":[]}",
		"{\"signatures\":[],\"signed\":{\"_type\":\"root\",\"version\":1,\"expires\":\"2030-01-01T00:"
		"00:00Z\"}}",
		"{\"signatures\":[],\"signed\":{\"_type\":\"targets\",\"version\":0,\"expires\":\"2030-01-"
		"01T00:00:00Z\"}}",
		"{\"signatures\":[],\"signed\":{\"_type\":\"targets\",\"version\":1,\"expires\":\"soon\"}}",
		"{\"signatures\":{},\"signed\":{\"_type\":\"targets\",\"version\":1,\"expires\":\"2030-01-"
		"01T00:00:00Z\"}}",
	};

	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GBytes) bytes = g_bytes_new_static(texts[i], strlen(texts[i]));
		g_autoptr(GError) error = NULL;

		g_assert_null(suture_repo_document_parse(bytes, SUTURE_REPO_TARGETS, "targets.json", &error));
		g_assert_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_DAMAGED);
		g_assert_cmpstr(suture_error_reason(error), ==, "repo-damaged");
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/repo/metadata/time-is-rfc3339-utc", test_time);
	g_test_add_func("/repo/metadata/damaged-document-is-refused", test_damaged);
#define ADD(name, test) g_test_add("/repo/metadata/" name, Fixture, NULL, set_up, test, tear_down)
	ADD("root-signs-and-reads-back", test_round_trip);
	ADD("key-named-twice-signs-once", test_signs_once);
	ADD("changed-content-is-not-signed", test_other_content);
	ADD("key-outside-the-role-is-refused", test_stranger);
	ADD("signers-add-to-each-other", test_adds_signatures);
	ADD("impossible-threshold-is-refused", test_role_threshold);
	ADD("root-drops-keys-without-role", test_drops_keys);
	return g_test_run();
}
