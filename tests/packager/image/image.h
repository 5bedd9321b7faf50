/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/staging.h"

/* Small kernels and modules of our own, made with as and ld. Every failure ends the test. */

/* How the table of symbols is written; see packager/image/kallsyms-tables.c. */
typedef struct {
	const gchar *name;
	gboolean number_first;    /* as from 6.4 on */
	gboolean numbers_by_name; /* as from 6.2 on */
	enum { LAYOUT_PERCPU, LAYOUT_RELATIVE, LAYOUT_ABSOLUTE, LAYOUT_NONE } addresses;
} Layout;
extern const Layout layouts[];
extern const gsize n_layouts;
#define LAYOUT_6_1 (&layouts[0])
extern const Layout no_table;

/* The object file of assembler @source. */
GBytes *image_assemble(const gchar *source);

/*
 * A stripped vmlinux of assembler @sources (ended by NULL), each an object of its own, at the kernel's
 * addresses. Symbols without a dot at the beginning are in its table, as nm sorts them: @ret_symbols (may be
 * NULL) "address type name" lines.
 */
GBytes *image_link(const gchar *const *sources, const Layout *layout, gchar **ret_symbols);

/* A module of @sources, each an object of its own. */
GBytes *image_module(const gchar *const *sources);

/* Writes @image to @name in @scratch; returns the path. */
gchar *image_save(const SutureScratch *scratch, const gchar *name, GBytes *image);

/* @image with byte @offset changed by @mask. */
GBytes *image_flip(GBytes *image, gsize offset, guint8 mask);
