/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Names that the compiler or a macro numbers, so that they differ from one compilation to the next. */

/*
 * @name without the numbers: "count" of "count.12", "f.isra" of "f.isra.0", "__UNIQUE_ID_x" of
 * "__UNIQUE_ID_x123". Interned. @ret_numbered (may be NULL): whether it had any.
 */
const gchar *suture_name_base(const gchar *name, gboolean *ret_numbered);

/* The name of the function of which the function @name is the unlikely or the split-off part ("f" of
 * "f.cold", "f.isra.0" of "f.isra.0.part.3"); newly allocated; NULL when it is none. */
gchar *suture_name_parent(const gchar *name);

/* Whether it is the part in .text.unlikely: entered by a jump from its function alone. */
gboolean suture_name_is_cold(const gchar *name);

/* What the symbol @name of a table of exports stands for: "f" for "__ksymtab_f", and for "__export_symbol_f"
 * as it is since Linux 6.5. NULL: none. Within @name. */
const gchar *suture_name_exported(const gchar *name);

/*
 * Whether variables of this base name belong to one expansion of a macro and are no state worth keeping: lock
 * class keys, flags that something was said once, names of functions, descriptors of messages.
 */
gboolean suture_name_is_own(const gchar *base);

/* Whether such a variable may be written to and is no state for all that: keys of lock classes, flags that
 * something was said once or how often. */
gboolean suture_name_is_flag(const gchar *base);
