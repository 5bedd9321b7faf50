// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the libraries say of real kernels, for test_kernels.py to compare with what others say. */
#include "packager/image/kallsyms.h"
#include "packager/image/running.h"
#include "packager/image/symvers.h"

#include "common/file.h"

#include <stdio.h>
#include <string.h>

#define VMLINUX_MAX (2048LL * 1024 * 1024)

static gboolean print_kallsyms(const gchar *path, GError **error)
{
	g_autoptr(GBytes) file = suture_file_read(path, VMLINUX_MAX, error);
	g_autoptr(SutureKallsyms) kallsyms = file ? suture_kallsyms_read(file, path, error) : NULL;

	for (guint i = 0; kallsyms && i < suture_kallsyms_count(kallsyms); i++) {
		const SutureKallsym *symbol = suture_kallsyms_at(kallsyms, i);

		g_print("%016" G_GINT64_MODIFIER "x %c %s\n", symbol->address, symbol->type, symbol->name);
	}
	return kallsyms != NULL;
}

static gboolean print_symvers(const gchar *path, GError **error)
{
	g_autoptr(SutureSymvers) symvers = suture_symvers_read(path, error);

	for (guint i = 0; symvers && i < suture_symvers_count(symvers); i++) {
		const SutureExport *export = suture_symvers_at(symvers, i);

		g_print("0x%08x %s %s %s %s\n", export->crc, export->name, export->object,
			export->gpl ? "gpl" : "any", export->name_space ? export->name_space : "-");
	}
	return symvers != NULL;
}

/* One line for each symbol named on standard input: name, number, sympos, traceable, sealed. */
static gboolean print_symbols(const SutureRunning *running)
{
	gchar name[4096];

	while (running && fgets(name, sizeof(name), stdin)) {
		SutureRunningSymbol symbol;

		g_strchomp(name);
		for (guint i = 0; suture_running_symbol(running, name, i, &symbol); i++)
			g_print("%s %u %" G_GUINT64_FORMAT " %d %d\n", name, i, symbol.sympos,
				suture_running_traceable(running, symbol.address),
				suture_running_sealed(running, symbol.address));
	}
	return running != NULL;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureRunning) running = NULL;
	gboolean done = FALSE;

	if (argc == 3 && strcmp(argv[1], "kallsyms") == 0) {
		done = print_kallsyms(argv[2], &error);
	} else if (argc == 3 && strcmp(argv[1], "symvers") == 0) {
		done = print_symvers(argv[2], &error);
	} else if (argc == 3 && strcmp(argv[1], "vmlinux") == 0) {
		running = suture_running_open_vmlinux(argv[2], &error);
		done = print_symbols(running);
	} else if (argc == 4 && strcmp(argv[1], "module") == 0) {
		running = suture_running_open_module(argv[2], argv[3], &error);
		done = print_symbols(running);
	}
	if (!done)
		g_printerr("%s\n",
			   error ? error->message : "kallsyms|symvers|vmlinux FILE, module FILE NAME");
	return done ? 0 : 1;
}
