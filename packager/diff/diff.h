/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/error.h"

/*
 * The diff of two object files: what of the second must be in a live patch so that a kernel with the first
 * runs the second. Pure: bytes in, bytes and a report out.
 */

/* Where a symbol of the unit is in the running kernel. */
typedef struct {
	gchar *object;     /* "vmlinux" or a module's name */
	gchar *symbol;     /* its name in kallsyms */
	guint64 sympos;    /* as klp_func.old_sympos */
	gboolean exported; /* by vmlinux: the module loader finds it */
} SutureDiffTarget;

/*
 * Asks where @symbol (its name in the unit before the change, or one that only the unit after it refers to)
 * is;
 * @local: it is one of the unit's own static ones. Fills @ret with newly allocated strings. FALSE with @error
 * when the running kernel has none, or too many to tell: the diff then refuses (UNRESOLVED) with these words.
 */
typedef gboolean (*SutureDiffResolve)(gpointer data, const gchar *symbol, gboolean local,
				      SutureDiffTarget *ret, GError **error);
/* Whether the fix changes something in the lines @first to @last, as they were before it, of the file that
 * DWARF calls @file. */
typedef gboolean (*SutureDiffTouched)(gpointer data, const gchar *file, guint first, guint last);
/* Whether something is so of the function that the running kernel has by this name of the unit. */
typedef gboolean (*SutureDiffAsk)(gpointer data, const gchar *function, gboolean local);

typedef struct {
	const gchar *unit;   /* "net/ipv4/tcp_input.o", for messages */
	const gchar *object; /* whose the unit is: "vmlinux" or a module's name */
	guint number;        /* of the unit among those of the patch: part of the names of the aliases */
	/* As the compiler made them (ET_REL, -ffunction-sections -fdata-sections), not yet run through
	 * objtool. */
	GBytes *before, *after;
	SutureDiffResolve resolve; /* NULL: all are the object's, by their own name, none exported */
	SutureDiffAsk
		traceable;    /* has a call of ftrace in the running kernel; NULL: as the unit before has */
	SutureDiffAsk sealed; /* has lost its ENDBR (IBT); NULL: none has */
	SutureDiffAsk taken;  /* is a global name in the running object; NULL: none is that is new here */
	SutureDiffAsk frozen; /* is a static key of vmlinux that is read-only, and that the kernel would write
				 to for a new branch on it; NULL: none is */
	/* NULL: it is not known. A changed function that was inlined everywhere is then not told from the
	 * functions that it is part of. */
	SutureDiffTouched touched;
	gpointer data; /* for all of these */
	/* Symbols of vmlinux that are not exported are filled in only after the kernel has read the tables of
	 * the patch module (it has no .klp.rela.vmlinux sections): static keys among them are as those of
	 * modules. */
	gboolean late;
} SutureDiffRequest;

typedef enum {
	SUTURE_DIFF_CHANGED, /* replaces one of the running kernel: is to be a klp_func */
	SUTURE_DIFF_NEW,     /* is in the patch alone */
} SutureDiffKind;

typedef struct {
	gchar *name;   /* in the unit after */
	gchar *before; /* in the unit before; NULL: NEW */
	SutureDiffKind kind;
	gboolean local; /* static */
	gchar *alias;   /* CHANGED: a global symbol for the new code, "__suture_new.<unit>.<index>" */
	guint64 size_before, size_after; /* bytes, its parts in .text.unlikely not counted */
	gchar **reasons;                 /* why it is there, in words; at least one */
	gchar **inlined;         /* functions that the compiler inlined into it, from DWARF; may be empty */
	SutureDiffTarget target; /* CHANGED: where the original is */
} SutureDiffFunction;

/* An undefined symbol of the extracted object that the module loader would not find. */
typedef struct {
	gchar *name; /* in the extracted object: the symbol's own, or ".suture.sym.<object>.<symbol>,<sympos>"
		      */
	SutureDiffTarget target;
} SutureDiffReference;

typedef enum {
	SUTURE_DIFF_INCLUDED, /* in the extracted object, as far as it is needed there */
	SUTURE_DIFF_HARMLESS, /* not in it, and need not be */
	SUTURE_DIFF_REFUSED,
} SutureDiffDisposition;

/* A section of the unit after that differs from that before. */
typedef struct {
	gchar *name;
	SutureDiffDisposition disposition;
	gchar *sentence;
} SutureDiffSection;

typedef struct {
	SutureDiffError code;
	gchar *name;     /* of the function, the data, the section or the type */
	gchar *sentence; /* what is the matter, and what the author of the fix can do */
} SutureDiffRefusal;

/* Around the patching of an object: klp_callbacks. */
typedef enum {
	SUTURE_DIFF_PRE_PATCH,
	SUTURE_DIFF_POST_PATCH,
	SUTURE_DIFF_PRE_UNPATCH,
	SUTURE_DIFF_POST_UNPATCH,
	SUTURE_DIFF_N_MOMENTS,
} SutureDiffMoment;
/* The member of klp_callbacks, "pre_patch"; static. */
const gchar *suture_diff_moment_name(SutureDiffMoment moment);

/* A function that the author wants to be called then (<suture/fix.h>). */
typedef struct {
	SutureDiffMoment moment;
	gchar *name;  /* in the unit after */
	gchar *alias; /* a global symbol for it, "__suture_new.<unit>.<moment>" */
} SutureDiffCallback;

/* What the author declares with KLP_STATE(): klp_state. */
typedef struct {
	guint64 id;      /* from 1 to G_MAXINT64 */
	guint64 version; /* of 32 bits */
} SutureDiffState;

/* A type whose layout differs (see layout.h). */
typedef struct {
	gchar *name; /* "struct sock" */
	gchar *what; /* "size 8 -> 16", "member b: offset 4 -> 8" */
} SutureDiffLayout;

typedef struct {
	GBytes *extracted;     /* an ET_REL object; NULL when nothing need be in the patch */
	GPtrArray *functions;  /* SutureDiffFunction*, those after's order */
	GPtrArray *references; /* SutureDiffReference*, by name */
	GPtrArray *sections;   /* SutureDiffSection*, after's order */
	GPtrArray *refusals;   /* SutureDiffRefusal*; empty: the extracted object can be used */
	GPtrArray *layouts;    /* SutureDiffLayout*, by name */
	GPtrArray *callbacks;  /* SutureDiffCallback*, one a moment at most */
	GArray *states;        /* SutureDiffState, after's order */
	GPtrArray *
		notes; /* gchar*: what the patched functions do otherwise than if they had been compiled in */
	guint n_relocations; /* of the extracted object */
} SutureDiff;

/*
 * Compares the two. What the extracted object holds, in short: each changed and each new function; new data,
 * and constants that changed if only functions read them; copies of what has no identity (strings, constants,
 * __func__, lock class keys, once-flags); the entries of the kernel's tables (__bug_table, .altinstructions,
 * ...) that describe any of these. Everything else is an undefined symbol. A call of a changed function, and
 * a pointer to one, means the original, which ftrace redirects. One that ftrace cannot redirect is copied,
 * and what calls it is changed, where nothing else can reach it (carry.h). The same request gives the same
 * bytes.
 *
 * A change of a type's layout is always refused: objects of the old layout are in memory, and other units use
 * it, and that neither is so cannot be seen from one unit. Types that a function declares for itself are
 * fine.
 *
 * NULL with MALFORMED when one of the two cannot be read. Everything else is in the list of refusals, which
 * the caller has to look at; the extracted object is there for looking at it only then.
 */
SutureDiff *suture_diff_run(const SutureDiffRequest *request, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_diff_free(SutureDiff *diff);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureDiff, suture_diff_free)

void suture_diff_target_clear(SutureDiffTarget *target);
