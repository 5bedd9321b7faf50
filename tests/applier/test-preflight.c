// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/preflight.h"
#include "common/file.h"
#include "tests/applier/fake-kernel.h"

#define KEY_ID "5af258f0bb45638f08933108a96a30851401d6fe"
#define BUILTIN "17da49e0 I------     2 perm 1f0b0000     0     0 keyring   .builtin_trusted_keys: 1\n"
#define KEY                                                                            \
	"310deacf I------     1 perm 1f030000     0     0 asymmetri a vendor: " KEY_ID \
	": X509.rsa 1401d6fe []\n"

static gboolean preflight(const FakeKernel *kernel, GError **error)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);

	return suture_preflight_key(suture_livepatch_root(livepatch), KEY_ID, "CN=a vendor", "patch-1-1",
				    "/etc/suture/trust/module.pem", error);
}

static void test_enrolled(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_write(kernel, "sys/module/module/parameters/sig_enforce", "Y\n");
	fake_write(kernel, "proc/keys", BUILTIN KEY);
	g_assert_true(preflight(kernel, &error));
	g_assert_no_error(error);
}

static void test_unenrolled(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_write(kernel, "sys/module/module/parameters/sig_enforce", "Y\n");
	fake_write(kernel, "proc/keys", BUILTIN);
	g_assert_false(preflight(kernel, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_KEY_UNENROLLED);
	g_assert_nonnull(strstr(error->message, "mokutil --import"));
}

static void test_lockdown(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_write(kernel, "sys/module/module/parameters/sig_enforce", "N\n");
	fake_write(kernel, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	fake_write(kernel, "proc/keys", BUILTIN);
	g_assert_false(preflight(kernel, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_KEY_UNENROLLED);
}

static void test_not_enforced(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_write(kernel, "sys/module/module/parameters/sig_enforce", "N\n");
	fake_write(kernel, "sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	fake_write(kernel, "proc/keys", BUILTIN);
	g_assert_true(preflight(kernel, &error));
	g_assert_no_error(error);
}

static void test_cannot_tell(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_write(kernel, "sys/module/module/parameters/sig_enforce", "Y\n");
	fake_write(kernel, "proc/keys", "");
	g_assert_true(preflight(kernel, &error));
	g_assert_no_error(error);
}

/* The id of a key in the description of something that is no asymmetric key enrols nothing. */
static void test_id_elsewhere(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_write(kernel, "sys/module/module/parameters/sig_enforce", "Y\n");
	fake_write(kernel, "proc/keys",
		   BUILTIN "1 I------ 1 perm 1f030000 0 0 user      mine: " KEY_ID ": 4\n");
	g_assert_false(preflight(kernel, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_KEY_UNENROLLED);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FAKE_TEST("/applier/preflight/enrolled-key-accepted", test_enrolled);
	FAKE_TEST("/applier/preflight/unenrolled-key-refused", test_unenrolled);
	FAKE_TEST("/applier/preflight/lockdown-enforces", test_lockdown);
	FAKE_TEST("/applier/preflight/not-enforced-accepted", test_not_enforced);
	FAKE_TEST("/applier/preflight/unknown-is-left-to-the-kernel", test_cannot_tell);
	FAKE_TEST("/applier/preflight/other-kinds-of-key-do-not-count", test_id_elsewhere);
	return g_test_run();
}
