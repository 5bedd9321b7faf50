/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/profile.h"

/*
 * The index of a kernel's commands: a serialised GVariant, mapped into memory. All words of all commands
 * once, sorted units that refer to them, and the units' numbers by source.
 */
#define SUTURE_COMMANDS_UNIT_TYPE "(sssasauaub)"
#define SUTURE_COMMANDS_TYPE "(asa" SUTURE_COMMANDS_UNIT_TYPE "au)"

typedef struct _SutureCommands SutureCommands;

/* Over a file's content (kept), or an index just made. NULL when it is none. */
SutureCommands *suture_commands_new(GVariant *index);
SutureCommands *suture_commands_new_from_bytes(GBytes *bytes);
void suture_commands_free(SutureCommands *commands);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureCommands, suture_commands_free)

/* Units are numbered in the order of their names. */
guint suture_commands_count(const SutureCommands *commands);
gchar *suture_commands_unit(const SutureCommands *commands, guint number);

/* Number of the unit named @unit, or -1. */
gint suture_commands_find(const SutureCommands *commands, const gchar *unit);

/* All of unit @number; new. */
SutureCommandLine *suture_commands_line(const SutureCommands *commands, guint number);

/* Numbers of the units compiled from @source, guint32. New. */
GArray *suture_commands_of_source(const SutureCommands *commands, const gchar *source);
