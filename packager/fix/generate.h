/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/diff.h"
#include "packager/fix/error.h"
#include "spec/patch.h"

/* The C source of a patch module that lists what the extracted objects have. */

typedef struct {
	gchar *object; /* "vmlinux" or a module's name */
	gchar *name;   /* of the function as it runs */
	guint64 sympos;
	gchar *alias; /* global symbol of the new one: SUTURE_NEW_FUNCTION_PREFIX... */
} SuturePatchedFunction;
SuturePatchedFunction *suture_patched_function_new(const gchar *object, const gchar *name, guint64 sympos,
						   const gchar *alias);
void suture_patched_function_free(SuturePatchedFunction *function);

/* A function to be called around the patching of an object. */
typedef struct {
	gchar *object;
	SutureDiffMoment moment;
	gchar *alias;
} SuturePatchCallback;
SuturePatchCallback *suture_patch_callback_new(const gchar *object, SutureDiffMoment moment,
					       const gchar *alias);
void suture_patch_callback_free(SuturePatchCallback *callback);

typedef struct {
	GPtrArray *functions; /* SuturePatchedFunction* */
	GPtrArray
		*references;  /* SutureReference*: modules that they are in become objects of the patch too */
	GPtrArray *callbacks; /* SuturePatchCallback*, one for each object and moment at most */
	GArray *states;       /* SutureDiffState, each id once */
	GPtrArray *namespaces; /* gchar*, each once: of exported symbols that the objects refer to */
	const gchar *description;
	gboolean replace;
	gboolean ibt;       /* the kernel has CONFIG_X86_KERNEL_IBT */
	gboolean framework; /* for Suture's framework, whose model is @consistency */
	SutureConsistency consistency;
} SuturePatchSource;

/* The text; all lists sorted, so that the order of units changes nothing. */
gchar *suture_patch_source_generate(const SuturePatchSource *source);
