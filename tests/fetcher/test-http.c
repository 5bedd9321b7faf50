// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/cancel.h"
#include "common/file.h"
#include "common/staging.h"
#include "fetcher/client/http.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
	SutureScratch *scratch;
	SutureHttp *http;
	gchar *url; /* of a file with ten bytes */
	int fd;     /* an empty file */
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
	const SutureHttpOptions options = {0};
	g_autoptr(GBytes) ten = g_bytes_new_static("0123456789", 10);
	g_autofree gchar *path = NULL, *empty = NULL;

	(void)data;
	fixture->scratch = suture_scratch_new(NULL);
	fixture->http = suture_http_new(&options, NULL);
	path = g_build_filename(suture_scratch_path(fixture->scratch), "ten", NULL);
	empty = g_build_filename(suture_scratch_path(fixture->scratch), "empty", NULL);
	g_assert_true(suture_file_write_atomic_path(path, ten, 0600, NULL));
	fixture->url = g_strconcat("file://", path, NULL);
	fixture->fd = suture_file_open(empty, O_RDWR | O_CREAT, NULL);
	g_assert_cmpint(fixture->fd, >=, 0);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	suture_fd_clear(&fixture->fd);
	g_free(fixture->url);
	suture_http_free(fixture->http);
	suture_scratch_free(fixture->scratch);
}

static void paths_are_escaped(void)
{
	static const struct {
		const gchar *base, *path, *url;
	} cases[] = {
		{"http://h", "a/b", "http://h/a/b"},
		{"http://h/", "a b", "http://h/a%20b"},
		{"http://h/x", "?#%", "http://h/x/%3F%23%25"},
		{"http://h/x", "../y", "http://h/x/../y"},
		{"http://h/x", "\xc3\xa9", "http://h/x/%C3%A9"},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree gchar *url = suture_http_join(cases[i].base, cases[i].path);

		g_assert_cmpstr(url, ==, cases[i].url);
	}
}

static void body_up_to_the_limit(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) body = suture_http_get(fixture->http, fixture->url, 10, &error);

	(void)data;
	g_assert_no_error(error);
	g_assert_cmpmem(g_bytes_get_data(body, NULL), g_bytes_get_size(body), "0123456789", 10);
	g_assert_cmpuint(suture_http_count(fixture->http).requests, ==, 1);
	g_assert_cmpuint(suture_http_count(fixture->http).bytes, ==, 10);
}

static void body_over_the_limit(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) body = suture_http_get(fixture->http, fixture->url, 9, &error);

	(void)data;
	g_assert_null(body);
	g_assert_error(error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_TOO_LARGE);
}

static void missing_file(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *url = g_strconcat(fixture->url, "-not", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) body = suture_http_get(fixture->http, url, 9, &error);

	(void)data;
	g_assert_null(body);
	g_assert_error(error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_NOT_FOUND);
}

static void assert_continues(Fixture *fixture, const gchar *start, gboolean resumed, const gchar *whole)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) content = NULL;
	gboolean was_resumed = !resumed;

	g_assert_true(suture_file_write_fd(fixture->fd, start, strlen(start), NULL));
	g_assert_true(
		suture_http_get_file(fixture->http, fixture->url, fixture->fd, 10, &was_resumed, &error));
	g_assert_no_error(error);
	g_assert_cmpint(was_resumed, ==, resumed);
	content = suture_file_read_fd(fixture->fd, 100, "content", &error);
	g_assert_no_error(error);
	g_assert_cmpmem(g_bytes_get_data(content, NULL), g_bytes_get_size(content), whole, strlen(whole));
}

static void file_from_the_start(Fixture *fixture, gconstpointer data)
{
	(void)data;
	assert_continues(fixture, "", FALSE, "0123456789");
}

static void file_goes_on(Fixture *fixture, gconstpointer data)
{
	(void)data;
	assert_continues(fixture, "abcd", TRUE, "abcd456789");
}

static void file_that_is_whole(Fixture *fixture, gconstpointer data)
{
	(void)data;
	assert_continues(fixture, "abcdefghij", TRUE, "abcdefghij");
	g_assert_cmpuint(suture_http_count(fixture->http).requests, ==, 0);
}

static void file_that_is_too_long(Fixture *fixture, gconstpointer data)
{
	(void)data;
	assert_continues(fixture, "abcdefghijk", FALSE, "0123456789");
}

static void cancelled_before_it_starts(void)
{
	const SutureHttpOptions options = {0};
	g_autoptr(SutureHttp) http = suture_http_new(&options, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) body = NULL;

	g_cancellable_cancel(suture_cancellable());
	body = suture_http_get(http, "http://127.0.0.1:1/", 9, &error);
	g_cancellable_reset(suture_cancellable());
	g_assert_null(body);
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CANCELLED);
	g_assert_cmpuint(suture_http_count(http).requests, ==, 0);
}

/* A server whose body goes on and on, a byte at a time. */
static void drip(int listener)
{
	static const gchar head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
	int client = accept(listener, NULL, NULL);
	gboolean sent = send(client, head, sizeof head - 1, MSG_NOSIGNAL) > 0;

	for (int i = 0; sent && i < 1000; i++) {
		sent = send(client, "x", 1, MSG_NOSIGNAL) == 1;
		g_usleep(G_USEC_PER_SEC / 20);
	}
}

static pid_t start_server(gchar **ret_url)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	SUTURE_AUTO_FD listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t server;

	g_assert_cmpint(bind(listener, (struct sockaddr *)&address, size), ==, 0);
	g_assert_cmpint(listen(listener, 1), ==, 0);
	g_assert_cmpint(getsockname(listener, (struct sockaddr *)&address, &size), ==, 0);
	*ret_url = g_strdup_printf("http://127.0.0.1:%u/", ntohs(address.sin_port));
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		drip(listener);
		_exit(0);
	}
	return server;
}

static void body_has_to_be_there_in_time(void)
{
	const SutureHttpOptions options = {.get_seconds = 1};
	g_autofree gchar *url = NULL;
	pid_t server = start_server(&url);
	g_autoptr(SutureHttp) http = suture_http_new(&options, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) body = suture_http_get(http, url, 1000, &error);

	g_assert_null(body);
	g_assert_error(error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_STALLED);
	g_assert_cmpuint(suture_http_count(http).bytes, >, 1); /* it was on its way */
	g_assert_cmpint(kill(server, SIGKILL), ==, 0);
	g_assert_cmpint(waitpid(server, NULL, 0), ==, server);
}

int main(int argc, char **argv)
{
	static const struct {
		const gchar *path;
		void (*run)(Fixture *, gconstpointer);
	} tests[] = {
		{"/fetcher/http/body-up-to-the-limit", body_up_to_the_limit},
		{"/fetcher/http/body-over-the-limit", body_over_the_limit},
		{"/fetcher/http/missing-file", missing_file},
		{"/fetcher/http/file-from-the-start", file_from_the_start},
		{"/fetcher/http/file-goes-on", file_goes_on},
		{"/fetcher/http/file-that-is-whole", file_that_is_whole},
		{"/fetcher/http/file-that-is-too-long", file_that_is_too_long},
	};

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fetcher/http/paths-are-escaped", paths_are_escaped);
	for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
	g_test_add_func("/fetcher/http/cancelled-before-it-starts", cancelled_before_it_starts);
	g_test_add_func("/fetcher/http/body-has-to-be-there-in-time", body_has_to_be_there_in_time);
	return g_test_run();
}
