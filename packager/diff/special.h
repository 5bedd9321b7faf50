/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/error.h"

#include <gelf.h>

/* What is known of sections by their names. */

typedef enum {
	SUTURE_SECTION_TEXT,
	SUTURE_SECTION_DATA,
	SUTURE_SECTION_STRINGS,   /* SHF_MERGE and SHF_STRINGS */
	SUTURE_SECTION_CONSTANTS, /* SHF_MERGE */
	SUTURE_SECTION_TABLE,     /* its entries describe other atoms and go where these go */
	SUTURE_SECTION_REGISTRY,  /* read at boot or load: what is there stays, new entries would not be seen
				   */
	SUTURE_SECTION_BOOT,      /* text and data that are gone after boot, or run at exit */
	SUTURE_SECTION_AUTHOR,    /* what the author says of the patch: author.h */
	SUTURE_SECTION_HARMLESS,  /* nobody needs it in the patch */
	SUTURE_SECTION_FILE,      /* of the file itself: symbols, names, relocations, groups */
	SUTURE_SECTION_UNKNOWN,
} SutureSectionKind;

typedef struct {
	const gchar *pattern; /* of g_pattern_match_simple() */
	SutureSectionKind kind;
	/* TABLE: the possible sizes of an entry in bytes, ending with 0; the first that fits is meant. */
	guint8 sizes[4];
	guint8 owner; /* where in the entry the address of what it describes stands */
	/* These bits of the 32 at so many bytes may differ: line numbers; 0: none. */
	guint32 mask;
	guint8 mask_at;
	SutureDiffError code;  /* of the refusal of a change */
	const gchar *sentence; /* HARMLESS: why. REGISTRY, BOOT: what the matter is and what to do */
} SutureSectionRule;

#define SUTURE_CALLBACK_SECTIONS ".suture.callback."
#define SUTURE_STATE_SECTION ".suture.state"

/* Where in an entry of __jump_table, and of .static_call_sites, the key stands. */
#define SUTURE_JUMP_KEY_AT 8
#define SUTURE_STATIC_CALL_KEY_AT 4
#define SUTURE_KEY_FLAGS 3 /* bits of a key's address that are none */
#define SUTURE_KEY_SIZE 16 /* bytes of struct static_key */

/* What is known of the section @name with the header @header; never NULL; static. */
const SutureSectionRule *suture_section_rule(const gchar *name, const GElf_Shdr *header);

/*
 * The size of the entries of a table of @size bytes that has links at @offsets (guint64, sorted), or 0 when
 * none of @rule's fits: one fits when it divides the table, and each entry has a link at the owner's place.
 */
gsize suture_section_entry_size(const SutureSectionRule *rule, guint64 size, const GArray *offsets);
