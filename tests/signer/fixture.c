// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fixture.h"

#include "common/file.h"
#include "common/process.h"
#include "signer/sign/certificate.h"
#include "signer/verify/error.h"

#include <string.h>

#define MAX_BYTES (16 * 1024 * 1024)

static SutureScratch *scratch;

static const gchar config[] = "[req]\n"
			      "distinguished_name = name\n"
			      "prompt = no\n"
			      "[name]\n"
			      "CN = unused\n";

void fixture_begin(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = g_bytes_new_static(config, sizeof config - 1);

	scratch = suture_scratch_new(&error);
	g_assert_no_error(error);
	fixture_write("openssl.cnf", bytes);
}

void fixture_end(void)
{
	g_clear_pointer(&scratch, suture_scratch_free);
}

gchar *fixture_path(const gchar *name)
{
	return g_build_filename(suture_scratch_path(scratch), name, NULL);
}

void fixture_run(const gchar *format, ...)
{
	g_autofree gchar *line = NULL;
	g_auto(GStrv) argv = NULL;
	g_autoptr(GError) error = NULL;
	gboolean ran;
	va_list args;

	va_start(args, format);
	line = g_strdup_vprintf(format, args);
	va_end(args);
	g_shell_parse_argv(line, NULL, &argv, &error);
	g_assert_no_error(error);
	ran = suture_process_run((const gchar *const *)argv, NULL, suture_scratch_path(scratch), NULL, NULL,
				 &error);
	g_assert_no_error(error);
	g_assert_true(ran);
}

GBytes *fixture_read(const gchar *name)
{
	g_autofree gchar *path = fixture_path(name);
	g_autoptr(GError) error = NULL;
	GBytes *bytes = suture_file_read(path, MAX_BYTES, &error);

	g_assert_no_error(error);
	return bytes;
}

void fixture_write(const gchar *name, GBytes *bytes)
{
	g_autofree gchar *path = fixture_path(name);
	g_autoptr(GError) error = NULL;
	gsize size;
	gconstpointer data = g_bytes_get_data(bytes, &size);

	g_file_set_contents(path, data ? data : "", (gssize)size, &error);
	g_assert_no_error(error);
}

void fixture_ca(const gchar *name, const gchar *subject)
{
	fixture_run("openssl req -config openssl.cnf -x509 -newkey " FIXTURE_P256
		    " -nodes -keyout %s.key -out %s.pem -days 3650 -subj '%s'"
		    " -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign"
		    " -addext subjectKeyIdentifier=hash",
		    name, name, subject);
}

void fixture_issue(const gchar *name, const gchar *ca, const gchar *newkey, const gchar *extensions)
{
	static guint serial = 1000;
	g_autoptr(GBytes) bytes = g_bytes_new(extensions, strlen(extensions));

	fixture_write("extensions", bytes);
	fixture_run("openssl req -config openssl.cnf -new -newkey %s -nodes -keyout %s.key -out %s.csr -subj "
		    "/CN=%s",
		    newkey, name, name, name);
	fixture_run("openssl x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -set_serial %u -days 365 -sha256"
		    " -extfile extensions -out %s.pem",
		    name, ca, ca, serial++, name);
}

GBytes *fixture_cms(const gchar *name, const gchar *options)
{
	fixture_run(
		"openssl cms -sign -binary -in content -signer %s.pem -inkey %s.key -outform DER -out p7s %s",
		name, name, options);
	return fixture_read("p7s");
}

GBytes *fixture_crl(const gchar *ca, const gchar *revoked, gint64 this_update, gint64 next_update)
{
	g_autofree gchar *key_name = g_strconcat(ca, ".key", NULL);
	g_autofree gchar *ca_name = g_strconcat(ca, ".pem", NULL);
	g_autofree gchar *key_path = fixture_path(key_name);
	g_autofree gchar *revoked_name = g_strconcat(revoked ? revoked : "", ".pem", NULL);
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	g_autoptr(GBytes) ca_pem = fixture_read(ca_name);
	g_autoptr(SuturePrivateKey) key = NULL;
	g_autoptr(GError) error = NULL;
	GBytes *crl;

	key = suture_private_key_open(key_path, &error);
	g_assert_no_error(error);
	if (revoked)
		g_ptr_array_add(list, fixture_read(revoked_name));
	crl = suture_crl_make(key, ca_pem, list, NULL, this_update, next_update, &error);
	g_assert_no_error(error);
	return crl;
}

gint64 fixture_now(void)
{
	return g_get_real_time() / G_USEC_PER_SEC;
}

void fixture_assert_refused(gboolean ok, GError **error, int code)
{
	g_assert_false(ok);
	g_assert_error(*error, SUTURE_VERIFY_ERROR, code);
	g_assert_cmpuint(strlen((*error)->message), >, 10);
	g_clear_error(error);
}
