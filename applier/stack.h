/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/live.h"
#include "applier/load.h"
#include "applier/sysfs.h"

/* One patch of the stack as the kernel has it: all the modules of one bundle, or a livepatch of somebody
 * else's. */
typedef struct {
	const gchar *id;            /* the bundle's; the kernel's name for it when foreign */
	const SutureLiveCopy *copy; /* borrowed from the stack; NULL: foreign */
	GPtrArray *patches;         /* const SutureSysfsPatch*, borrowed from the stack, bottom first */
	gboolean enabled;           /* every module that is there is */
	gboolean transition;        /* one of them is in transition */
	gboolean complete;          /* every module of the bundle is there */
} SutureStackEntry;

/* sysfs joined to the live copies by the modules' kernel names and build-ids. */
typedef struct {
	GPtrArray *patches; /* SutureSysfsPatch*, bottom first */
	GPtrArray *copies;  /* SutureLiveCopy* */
	GPtrArray *entries; /* SutureStackEntry*, bottom first */
	GPtrArray *faults;  /* SutureStoredFault*: unreadable copies. Only a foreign entry can be what one was
			       for:  when there is none, all are left-overs */
} SutureLiveStack;
void suture_live_stack_free(SutureLiveStack *stack);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureLiveStack, suture_live_stack_free)

SutureLiveStack *suture_live_stack_read(const SutureLivepatch *livepatch, const gchar *root,
					const gchar *boot_id, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The entry of bundle @id; NULL when it is not in the kernel. Borrowed. */
const SutureStackEntry *suture_live_stack_find(const SutureLiveStack *stack, const gchar *id);

/* Whether an unreadable copy may be that of a patch in the kernel: what cannot be told apart is not dropped.
 */
gboolean suture_live_stack_has_faults(const SutureLiveStack *stack);

/* Fully on, and nothing in motion. */
gboolean suture_stack_entry_is_live(const SutureStackEntry *entry);

/* Of all its modules. */
SutureProvider suture_stack_entry_provider(const SutureStackEntry *entry);

/* Whether the kernel may keep its modules once they patch nothing any more. */
SutureStay suture_stack_entry_stay(const SutureStackEntry *entry);

/* Whether the copy stands for nothing that is in the kernel, now or replaced by something that is: left by a
 * crash, or by somebody who took the patch out behind our back. */
gboolean suture_live_copy_is_stale(const SutureLiveStack *stack, const SutureLiveCopy *copy);
