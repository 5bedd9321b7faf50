/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/diff.h"
#include "packager/diff/special.h"
#include "packager/read/elf-file.h"

/* A model of an ET_REL object: sections, symbols, references, and the atoms that they are divided into. */

typedef struct _SutureSection SutureSection;
typedef struct _SutureAtom SutureAtom;
typedef struct _SutureObject SutureObject;

typedef struct {
	const gchar *name; /* "" for sections' own */
	guint64 value, size;
	SutureSection *section; /* NULL: undefined, absolute */
	guint8 type, bind;
	gboolean undefined;
	SutureAtom *atom; /* in which it lies */
} SutureSymbol;

/* A place that the linker fills, or a short way within a section that the assembler filled already. */
typedef struct {
	guint64 offset; /* in its section */
	guint32 type;   /* R_X86_64_* */
	gint64 addend;
	SutureSymbol *symbol; /* NULL: filled by the assembler */
	guint8 size;          /* bytes that are filled; 0: not a kind that can be carried */
	guint8 behind;   /* how far behind the place the processor counts from; 0 where the place itself is */
	gboolean branch; /* of a call or jump */
	gboolean value;  /* the instruction reads or writes what is there, and does not take its address */
	SutureAtom *target; /* NULL: undefined symbol */
	gint64 at; /* what it means: so many bytes behind the target's start; undefined: the addend */
} SutureLink;

struct _SutureSection {
	SutureObject *object;
	guint index;
	const gchar *name;
	GElf_Shdr header;
	const guint8 *bytes; /* NULL: SHT_NOBITS */
	const SutureSectionRule *rule;
	GArray *links;    /* SutureLink, by offset */
	GPtrArray *atoms; /* by start */
	gsize linked_to;  /* SHF_LINK_ORDER: index of that section */
};

typedef enum {
	SUTURE_ATOM_FUNCTION,
	SUTURE_ATOM_CODE, /* without a name: replacements of alternatives and the like */
	SUTURE_ATOM_DATA,
	SUTURE_ATOM_STRING,
	SUTURE_ATOM_CONSTANT, /* of a section of constants that the linker merges */
	SUTURE_ATOM_ENTRY,    /* of a table that describes other atoms */
} SutureAtomKind;

typedef enum { SUTURE_ATOM_SAME, SUTURE_ATOM_CHANGED, SUTURE_ATOM_NEW } SutureAtomState;

struct _SutureAtom {
	SutureAtomKind kind;
	SutureSection *section;
	guint64 start, size;
	guint64 entry; /* of a function: where its symbol stands, behind what may be padded before it */
	SutureSymbol *symbol; /* NULL: none */
	const gchar *base;    /* its name without the compiler's numbers; interned; NULL: none */
	gboolean numbered;    /* the name has such numbers */
	gboolean own;         /* belongs to one expansion of a macro: no identity (names.h) */
	guint first_link, n_links;
	GPtrArray *entries; /* ENTRY atoms that describe it; NULL: none */
	SutureAtom *owner;  /* of an ENTRY: what it describes */
	SutureAtom *parent; /* of a part of a function: the function */
	gboolean cold;      /* the part in .text.unlikely, which jumps alone enter */

	SutureAtom *twin; /* in the other object (correlate.h) */
	gboolean ambiguous;
	SutureAtomState state;
	gboolean masked; /* a difference was seen that does not count: line numbers */

	gboolean carried;  /* a function that is not redirected, but copied for what calls it: carry.h */
	gboolean included; /* spread.h */
	gboolean dropped;
	gboolean keyless; /* an entry of a jump table that gets a key which is always off */
	gboolean refused;
	guint callbacks; /* of a function: 1 << moment for each that the author makes it */
	gchar *sentence; /* why it need not be included */
	GPtrArray *reasons;
	guint out_section; /* emit.h */
	guint64 out_offset;
};

struct _SutureObject {
	GBytes *bytes;
	Elf *elf;
	const gchar *what;   /* for messages */
	GPtrArray *sections; /* SutureSection*, by index; NULL for 0 */
	GPtrArray *symbols;  /* SutureSymbol*, by index */
	GPtrArray *atoms;    /* SutureAtom*, those of the sections in their order */
};

/*
 * Reads the object in @bytes, which @what names in messages. MALFORMED when it is not an ET_REL object of
 * x86-64, or when an offset, index or size in it leads out of it. The atoms know their links and entries,
 * not yet their twins.
 */
SutureObject *suture_object_read(GBytes *bytes, const gchar *what, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_object_free(SutureObject *object);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureObject, suture_object_free)

/* Divides the sections of @object, which has been read, into atoms, and finds the target of each link. */
void suture_object_divide(SutureObject *object);

/* Link @index of @atom, in the order of places. */
SutureLink *suture_atom_link(const SutureAtom *atom, guint index);

/* The bytes of @atom; NULL when it has none in the file. */
const guint8 *suture_atom_bytes(const SutureAtom *atom);

/* The name of @atom for messages: its symbol's, or else the section's and the offset. Newly allocated. */
gchar *suture_atom_name(const SutureAtom *atom);

/* Whether the symbol of @atom is one that other units cannot see. */
gboolean suture_atom_is_local(const SutureAtom *atom);

/* Whether the running kernel may write to it. */
gboolean suture_atom_is_writable(const SutureAtom *atom);

/* Whether it has no identity: a copy is as good as the original. */
gboolean suture_atom_is_anonymous(const SutureAtom *atom);
