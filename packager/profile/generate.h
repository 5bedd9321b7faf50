/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/commands.h"
#include "packager/profile/prepare.h"

/*
 * What kbuild generates beside the sources while it builds (parsers of ASN.1, tables, the vDSO's image), and
 * without which the units that are made of it or include it cannot be compiled.
 */

/*
 * Those of the paths in the set @absent that the dry run, in the file @output below the tree's folder, speaks
 * of: kbuild would make them. gchar*, sorted; each is added to the set @asked, and those in it are not looked
 * at again. New. FILE of GLib.
 */
GPtrArray *suture_generate_find(const SutureKernelTree *tree, const gchar *output, GHashTable *absent,
				GHashTable *asked, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Has kbuild make @files by the rules of the folders that they are in. One that it cannot make is not there
 * afterwards, and that is no error. IO, CANCELLED.
 */
gboolean suture_generate_make(const SutureKernelTree *tree, GPtrArray *files, GError **error);

/* Those of the set @asked that are not there, gchar*, sorted. New. */
GPtrArray *suture_generate_lacking(const SutureKernelTree *tree, GHashTable *asked);

/* Takes away what objects of units were made on the way. IO. */
gboolean suture_generate_tidy(const SutureKernelTree *tree, const SutureCommands *commands, GError **error);
