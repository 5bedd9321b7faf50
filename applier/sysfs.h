/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/error.h"
#include "spec/patch.h"

/*
 * The livepatch ABI in sysfs (spec/abi/testing/sysfs-livepatch): the only code that reads or writes it. It is
 * the same for both providers; which one is driven is the choice of a folder.
 */
typedef struct _SutureLivepatch SutureLivepatch;

/*
 * The provider below @root (NULL: "/"): the kernel's own at sys/kernel/livepatch, else the framework at
 * sys/kernel/suture. PROVIDER when there is neither.
 */
SutureLivepatch *suture_livepatch_open(const gchar *root, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_livepatch_free(SutureLivepatch *livepatch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureLivepatch, suture_livepatch_free)

SutureProvider suture_livepatch_provider(const SutureLivepatch *livepatch);
/* Descriptor (O_PATH) of the root that it was opened below; borrowed. */
int suture_livepatch_root(const SutureLivepatch *livepatch);
/* NOT-SYSFS unless the folder is in a sysfs of the running kernel: what is written or loaded acts there. */
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
	gboolean enabled;
	gboolean transition;
	SutureTristate replace;
	gint64 stack_order; /* 1 is the bottom; 0 when the kernel does not tell */
	GPtrArray *objects; /* SutureSysfsObject* */
} SutureSysfsPatch;
void suture_sysfs_patch_free(SutureSysfsPatch *patch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureSysfsPatch, suture_sysfs_patch_free)

/*
 * All patches there are, bottom of the stack first: by stack_order, or where that is absent by /proc/modules
 * (which lists the newest first). SutureSysfsPatch*. A patch that vanishes meanwhile is left out.
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
 * transition. Success when the patch is not there or already goes that way.
 */
gboolean suture_livepatch_set_enabled(const SutureLivepatch *livepatch, const gchar *name, gboolean enabled,
				      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether a kernel module (not only a patch) is loaded: sys/module/<name>/initstate is there. */
gboolean suture_livepatch_module_loaded(const SutureLivepatch *livepatch, const gchar *module);
/* Whether a loaded module is marked as a livepatch (taint K): our own to remove when no patch folder has its
 * name. */
gboolean suture_livepatch_module_is_patch(const SutureLivepatch *livepatch, const gchar *module);
/* GNU build-id of a loaded module, hex; NULL when it has none. */
gchar *suture_livepatch_module_build_id(const SutureLivepatch *livepatch, const gchar *module);

/*
 * The content of the small file @path below @folder, up to @limit bytes, trailing white space off; NULL when
 * absent, unreadable or gone while being read. For sysfs and procfs, where each of these is ordinary.
 */
gchar *suture_sysfs_text(int folder, const gchar *path, gsize limit);
