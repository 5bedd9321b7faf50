// SPDX-License-Identifier: LGPL-2.1-or-later
/* A kernel module as built, compared with itself as a unit: both readers of relocatable files, and the
 * comparison. */
#include "common/file.h"
#include "packager/image/resolve.h"

#include <stdint.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void resolve(const SutureRunning *running, const SutureRunPre *run_pre, const gchar *name)
{
	g_autoptr(GBytes) nothing = g_bytes_new(NULL, 0);
	g_autoptr(SutureSymvers) symvers = suture_symvers_parse(nothing, "none", NULL);
	g_auto(SutureTarget) target = {0};
	g_autoptr(GError) error = NULL;
	gboolean resolved = suture_resolve(running, run_pre, symvers, name, TRUE, &target, &error);

	g_assert(resolved == (error == NULL));
}

static void compare(SutureRunning *running, GBytes *unit)
{
	g_autoptr(GError) error = NULL, differs = NULL;
	g_autoptr(SutureRunPre) run_pre = suture_run_pre(running, unit, "input", &error);

	g_assert((run_pre == NULL) == (error != NULL));
	for (guint i = 0; run_pre && i < suture_run_pre_count(run_pre); i++) {
		const SutureRunPreFunction *function = suture_run_pre_at(run_pre, i);

		g_assert((function->state == SUTURE_RUN_PRE_MATCHES) == (function->reason == NULL));
		suture_running_traceable(running, function->address);
		suture_running_sealed(running, function->address);
		resolve(running, run_pre, function->name);
	}
	if (run_pre)
		g_assert(suture_run_pre_check(run_pre, &differs) == (differs == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SUTURE_AUTO_FD fd = memfd_create("input", MFD_CLOEXEC);
	g_autofree gchar *path = g_strdup_printf("/proc/self/fd/%d", fd);
	g_autoptr(GBytes) unit = g_bytes_new(data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureRunning) running = NULL;

	g_assert(suture_file_write_fd(fd, data, size, NULL));
	running = suture_running_open_module(path, "input", &error);
	g_assert((running == NULL) == (error != NULL));
	if (running)
		compare(running, unit);
	return 0;
}
