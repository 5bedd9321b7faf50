/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/error.h"
#include "spec/patch.h"

/*
 * The livepatch ABI in sysfs (spec/abi/testing/sysfs-livepatch, sysfs-framework): the only code that reads or
 * writes it. It is the same for both providers: the kernel's own at sys/kernel/livepatch, and the framework
 * at sys/kernel/suture. Both may be there, each with a stack of its own. A patch is named as its module is,
 * so that one name is never in both, and what is asked for by name is found in either.
 */
typedef struct _SutureLivepatch SutureLivepatch;

/* The providers below @root (NULL: "/"). That there is none is no error here. */
SutureLivepatch *suture_livepatch_open(const gchar *root, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_livepatch_free(SutureLivepatch *livepatch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureLivepatch, suture_livepatch_free)

gboolean suture_livepatch_has(const SutureLivepatch *livepatch, SutureProvider provider);
/* PROVIDER unless there is one at all. */
gboolean suture_livepatch_has_any(const SutureLivepatch *livepatch, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Finds a provider that came after it was opened. */
void suture_livepatch_look_again(SutureLivepatch *livepatch);
/* Descriptor (O_PATH) of the root that it was opened below; borrowed. */
int suture_livepatch_root(const SutureLivepatch *livepatch);
/* NOT-SYSFS unless sys/kernel is in a sysfs of the running kernel: what is written or loaded acts there. */
gboolean suture_livepatch_check_real(const SutureLivepatch *livepatch,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef enum { SUTURE_TRISTATE_NO, SUTURE_TRISTATE_YES, SUTURE_TRISTATE_UNKNOWN } SutureTristate;

typedef struct {
	gchar *name;            /* "vmlinux" or a module */
	SutureTristate patched; /* UNKNOWN: the kernel has no such attribute */
	GPtrArray *functions;   /* gchar*: "<function>,<sympos>" */
} SutureSysfsObject;

typedef struct {
	gchar *name;
	SutureProvider provider;
	gboolean enabled;
	gboolean transition;
	SutureTristate replace;
	gint64 stack_order; /* among those of its provider, 1 is the bottom; 0 when the kernel does not tell
			     */
	GPtrArray *objects; /* SutureSysfsObject* */
} SutureSysfsPatch;
void suture_sysfs_patch_free(SutureSysfsPatch *patch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureSysfsPatch, suture_sysfs_patch_free)

/*
 * All patches there are, bottom of the stack first: by stack_order, or where that is absent or there are two
 * stacks by /proc/modules (which lists the newest first; both providers enable a patch when its module is
 * loaded and never again). SutureSysfsPatch*. A patch that vanishes meanwhile is left out.
 */
GPtrArray *suture_livepatch_list(const SutureLivepatch *livepatch, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* One patch; *@ret is NULL, successfully, when it is not there (any more). */
gboolean suture_livepatch_read(const SutureLivepatch *livepatch, const gchar *name, SutureSysfsPatch **ret,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* As above, without the objects: cheap enough to poll. */
gboolean suture_livepatch_poll(const SutureLivepatch *livepatch, const gchar *name, SutureSysfsPatch **ret,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Starts the transition to @enabled (or reverses the one under way). BUSY while another patch is in
 * transition, STACK-NOT-TOP when another is above it, BLOCKED when the framework could not stop the kernel
 * with no task in the functions. Success when the patch is not there or already goes that way.
 */
gboolean suture_livepatch_set_enabled(const SutureLivepatch *livepatch, const gchar *name, gboolean enabled,
				      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Lines of the patch's `blockers`, which the framework alone has; NULL when it is absent or unreadable. */
gchar *suture_livepatch_blockers(const SutureLivepatch *livepatch, const gchar *name);

/* Names of loaded modules that are marked as livepatches and have no patch: pinned until the next boot, or
 * about to go. gchar*, sorted. */
GPtrArray *suture_livepatch_list_leftovers(const SutureLivepatch *livepatch);

/* Whether a kernel module (not only a patch) is loaded: sys/module/<name>/initstate is there. */
gboolean suture_livepatch_module_loaded(const SutureLivepatch *livepatch, const gchar *module);
/* Whether a loaded module is marked as a livepatch (taint K): our own to remove when no patch folder has its
 * name. */
gboolean suture_livepatch_module_is_patch(const SutureLivepatch *livepatch, const gchar *module);
/* GNU build-id of a loaded module, hex; NULL when it has none. */
gchar *suture_livepatch_module_build_id(const SutureLivepatch *livepatch, const gchar *module);
/* Its modinfo srcversion; NULL when it has none. */
gchar *suture_livepatch_module_srcversion(const SutureLivepatch *livepatch, const gchar *module);

/*
 * The content of the small file @path below @folder, up to @limit bytes, trailing white space off; NULL when
 * absent, unreadable or gone while being read. For sysfs and procfs, where each of these is ordinary.
 */
gchar *suture_sysfs_text(int folder, const gchar *path, gsize limit);
