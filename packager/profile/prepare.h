/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/toolchain.h"

/* A source tree that kbuild is run in. */
typedef struct {
	const SutureToolchain *toolchain;
	const gchar *tree;    /* absolute */
	const gchar *folder;  /* may be written to: the tree lies in it, and so does the log */
	const gchar *release; /* KERNELRELEASE */
	guint jobs;
} SutureKernelTree;

/*
 * Puts @config and @symvers (compressed or not) into the tree and has kbuild prepare it: prepare,
 * modules_prepare. A tree that was built in is cleaned first. MAKE with the last words of kbuild; IO when the
 * disk is full.
 */
gboolean suture_prepare_tree(const SutureKernelTree *tree, const gchar *config, const gchar *symvers,
			     GError **error);

/*
 * That Kconfig left the configuration as it was, but for symbols that it lacked. CONFIG names the first that
 * changed; with @ret_changes (NULL: refuse) they are returned instead, gchar*.
 */
gboolean suture_prepare_check_config(const SutureKernelTree *tree, const gchar *config,
				     GPtrArray **ret_changes, GError **error);

/* Runs make in the tree with @arguments (NULL-terminated); its standard output goes to @output below the
 * folder, all else to a log. MAKE; with @expect_failure make may fail. */
gboolean suture_prepare_make(const SutureKernelTree *tree, const gchar *const *arguments, const gchar *output,
			     gboolean expect_failure, GError **error);

/* The dry run: all that kbuild would run for vmlinux and modules goes to @output below the folder. */
gboolean suture_prepare_dry_run(const SutureKernelTree *tree, const gchar *output, GError **error);
