/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* A kernel's .config: symbol ("CONFIG_SMP") -> value ("y", "m", a number, a text without quotes, or "n" for
 * "# CONFIG_X is not set"). Lines of other forms are passed over. */
GHashTable *suture_config_parse(const gchar *text);
GHashTable *suture_config_read(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Version that the first lines name ("6.1.170" of "# Linux/x86 6.1.170 Kernel Configuration"), or NULL. New.
 */
gchar *suture_config_version(const gchar *path);

/*
 * The symbols that both have with different values, each as "CONFIG_X: y, now n", sorted; gchar*. With @all
 * also those that @after lacks and that are not "n". What is known of a Rust compiler is passed over where
 * the kernel has nothing in Rust.
 */
GPtrArray *suture_config_changes(GHashTable *before, GHashTable *after, gboolean all);
