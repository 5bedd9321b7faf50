/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/live.h"
#include "applier/sysfs.h"
#include "common/staging.h"

/* A sysfs and procfs in files, for what reads; what acts is tested in a real kernel (test_apply_vm.py). */
typedef struct {
	SutureScratch *scratch;
	const gchar *root;
} FakeKernel;

#define FAKE_BOOT_ID "0b1e5a52-7b0c-4a6a-9f5c-3f1a2b3c4d5e"

void fake_kernel_set_up(FakeKernel *kernel, gconstpointer data);
void fake_kernel_tear_down(FakeKernel *kernel, gconstpointer data);

/* Writes a file below the root, with its folders. */
void fake_write(const FakeKernel *kernel, const gchar *path, const gchar *text);
/* A livepatch, loaded now: enabled, patching @function ("vmlinux/name,1"). */
void fake_patch(const FakeKernel *kernel, const gchar *name, const gchar *function);
/* The same of the framework; @order is its place in the framework's stack. */
void fake_framework_patch(const FakeKernel *kernel, const gchar *name, const gchar *function, guint order);
/* A loaded module with what its `taint` reads. */
void fake_module(const FakeKernel *kernel, const gchar *name, const gchar *taint);
/* A module's GNU build-id note, of the one byte @id eight times. */
void fake_build_id(const FakeKernel *kernel, const gchar *module, guint8 id);

/*
 * The live copy of a bundle @name-1-1 with one module of that name whose build-id is @id eight times, which
 * fixes @cve.
 */
void fake_live_copy(const FakeKernel *kernel, const gchar *name, guint8 id, const gchar *cve);
/* The same of a cumulative one. */
void fake_cumulative_copy(const FakeKernel *kernel, const gchar *name, guint8 id, const gchar *cve);

/* The same of one that patches the module @object of the build @build_id. */
void fake_patching_copy(const FakeKernel *kernel, const gchar *name, guint8 id, const gchar *object,
			const gchar *build_id);

SutureLivepatch *fake_open(const FakeKernel *kernel);

#define FAKE_TEST(path, function) \
	g_test_add(path, FakeKernel, NULL, fake_kernel_set_up, function, fake_kernel_tear_down)
