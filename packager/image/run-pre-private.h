/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/image/run-pre.h"
#include "packager/image/running-private.h"
#include "packager/image/unit.h"

/* Not compared yet. */
#define SUTURE_RUN_PRE_UNKNOWN ((SutureRunPreState)G_MAXINT)

/* Where a section or an undefined symbol of the unit is in the image. */
typedef struct {
	gboolean known;
	guint64 address;
} SuturePlace;

/* What one reference says about a place. */
typedef struct {
	guint64 key;     /* of the place */
	guint64 address; /* that it would have */
	guint function;  /* index of the one that refers; G_MAXUINT: data */
	guint64 offset;  /* in it */
} SutureInference;

struct _SutureRunPre {
	gchar *name;
	SutureRunning *running;
	SutureUnit *unit;
	GArray *functions;   /* SutureRunPreFunction */
	GHashTable *by_name; /* gchar* -> index in functions + 1 */
	GArray *sections;    /* SuturePlace, by ELF index */
	GArray *symbols;     /* SuturePlace, by ELF index: those that no section of the unit decides */
	GArray *inferences;  /* SutureInference */
	GStringChunk *texts; /* reasons */
};

/* The place that @key is the key of. */
SuturePlace *suture_run_pre_place(const SutureRunPre *run_pre, guint64 key);

/* What messages call it. */
const gchar *suture_run_pre_place_name(const SutureRunPre *run_pre, guint64 key);

/* Whether the place may be at @address: symbols of the image, and the bytes there, do not speak against it.
 */
gboolean suture_run_pre_acceptable(const SutureRunPre *run_pre, guint64 key, guint64 address);

/* Whether the section holds data that nothing changes after the compiler. */
gboolean suture_run_pre_is_plain_data(const SutureUnitSection *section);

/* Takes places of sections from symbols that the image has once. */
void suture_run_pre_place_by_names(SutureRunPre *run_pre);

/* Takes places that are not known yet from what most references say. TRUE: there are more now. */
gboolean suture_run_pre_place_by_references(SutureRunPre *run_pre);

typedef struct {
	guint64 offset; /* of the first difference */
	guint8 expected, found;
	guint64 key;    /* SUTURE_NO_KEY, or what is referred to elsewhere */
	gboolean bytes; /* whether bytes differ, rather than what is referred to */
} SutureDifference;
#define SUTURE_NO_KEY G_MAXUINT64

/*
 * Compares @size bytes at @offset of section @section with the image at @address; FALSE: they differ. What
 * references say is appended to @inferences with @function. @strict: what they say must fit the places.
 */
gboolean suture_run_pre_compare(const SutureRunPre *run_pre, guint section, guint64 offset, guint64 size,
				guint64 address, gboolean strict, guint function, GArray *inferences,
				SutureDifference *ret);

/* Appends what the references of data section @section, in the image at @address, say. */
void suture_run_pre_read_data(const SutureRunPre *run_pre, guint section, guint64 address,
			      GArray *inferences);

static inline SutureRunPreFunction *suture_run_pre_function(const SutureRunPre *run_pre, guint index)
{
	return &g_array_index(run_pre->functions, SutureRunPreFunction, index);
}

/* Compares function @index with what is at @address, as suture_run_pre_compare() does. */
gboolean suture_run_pre_compare_function(const SutureRunPre *run_pre, guint index, guint64 address,
					 gboolean strict, GArray *inferences, SutureDifference *ret);

/* The verdict on function @index; @reason is copied. */
void suture_run_pre_conclude(SutureRunPre *run_pre, guint index, SutureRunPreState state, guint64 address,
			     const gchar *reason);
void suture_run_pre_conclude_difference(SutureRunPre *run_pre, guint index, guint64 address,
					const SutureDifference *difference);

/* Places sections of single functions beside those that are placed. TRUE: there are more now. */
gboolean suture_run_pre_place_by_neighbours(SutureRunPre *run_pre);

/* Finds, by comparing, the place of a section that nothing else tells. TRUE: of one more. */
gboolean suture_run_pre_place_by_bytes(SutureRunPre *run_pre);

/* The verdict on every function that has none yet. */
void suture_run_pre_conclude_rest(SutureRunPre *run_pre);
