// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/instruction.h"
#include "packager/diff/names.h"
#include "packager/diff/object.h"

#include <string.h>

#define PADDING_MAX 64 /* bytes */

/* Where something begins that has no symbol: the places in a section that links lead to. */
typedef struct {
	GHashTable *landings; /* SutureSection* -> GArray of guint64 */
} Division;

static gint compare_offsets(gconstpointer left, gconstpointer right)
{
	guint64 a = *(const guint64 *)left, b = *(const guint64 *)right;

	return a < b ? -1 : a > b;
}

static gint compare_links(gconstpointer left, gconstpointer right)
{
	const SutureLink *a = left, *b = right;

	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static SutureLink *link_within(const SutureSection *section, guint64 start, guint64 end)
{
	guint low = 0, high = section->links->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (g_array_index(section->links, SutureLink, middle).offset < start)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == section->links->len || g_array_index(section->links, SutureLink, low).offset >= end)
		return NULL;
	return &g_array_index(section->links, SutureLink, low);
}

static gboolean counts_from_place(guint32 type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32 || type == R_X86_64_PC64 ||
	       type == R_X86_64_PC16 || type == R_X86_64_PC8;
}

/*
 * A jump or call whose displacement the assembler filled in, from one function of the section to another:
 * there is no relocation for it, but there must be one as soon as one of the two stands elsewhere.
 */
static void add_made_link(SutureSection *section, GArray *made, guint64 at,
			  const SutureInstruction *instruction)
{
	SutureLink link = {.offset = at + instruction->relative_at,
			   .size = instruction->relative_size,
			   .behind = instruction->relative_size,
			   .branch = TRUE};
	const guint8 *place = section->bytes + link.offset;
	gint32 far;

	memcpy(&far, place, instruction->relative_size == 4 ? 4 : 0);
	link.type = instruction->relative_size == 4 ? R_X86_64_PLT32 : R_X86_64_PC8;
	link.at = (gint64)(at + instruction->length) +
		  (instruction->relative_size == 4 ? far : (gint64)(gint8)*place);
	if (link.at >= 0 && (guint64)link.at < section->header.sh_size)
		g_array_append_val(made, link);
}

/* Finds out from where the processor counts what links in instructions say: the end of the instruction. */
static void read_instructions(SutureSection *section, guint64 start, guint64 end, GArray *made)
{
	SutureInstruction instruction;

	for (guint64 at = start; at < end; at += instruction.length) {
		SutureLink *link;

		/* What is no instruction leaves the rest at what links usually are: the end of their
		 * instruction. */
		if (!suture_instruction_read(section->bytes + at, end - at, &instruction))
			return;
		link = link_within(section, at, at + instruction.length);
		for (; link && link < &g_array_index(section->links, SutureLink, section->links->len) &&
		       link->offset < at + instruction.length;
		     link++) {
			link->branch =
				instruction.relative_at && link->offset == at + instruction.relative_at;
			link->value = instruction.memory_at && link->offset == at + instruction.memory_at;
			if (counts_from_place(link->type))
				link->behind = (guint8)(at + instruction.length - link->offset);
		}
		if (instruction.relative_at && !link_within(section, at, at + instruction.length))
			add_made_link(section, made, at, &instruction);
	}
}

static SutureAtom *add_atom(SutureSection *section, SutureAtomKind kind, guint64 start, guint64 size)
{
	SutureAtom *atom = g_new0(SutureAtom, 1);

	atom->section = section;
	atom->kind = kind;
	atom->start = start;
	atom->entry = start;
	atom->size = size;
	g_ptr_array_add(section->atoms, atom);
	g_ptr_array_add(section->object->atoms, atom);
	return atom;
}

static gboolean is_named(const SutureSection *section, const SutureSymbol *symbol, gboolean code)
{
	if (symbol->section != section || symbol->type == STT_SECTION || symbol->type == STT_FILE ||
	    !*symbol->name || g_str_has_prefix(symbol->name, ".L"))
		return FALSE;
	if (code)
		return symbol->type == STT_FUNC || (symbol->type == STT_NOTYPE && symbol->bind != STB_LOCAL);
	return symbol->type == STT_OBJECT || symbol->type == STT_NOTYPE || symbol->type == STT_COMMON ||
	       symbol->type == STT_TLS;
}

static gint compare_symbols(gconstpointer left, gconstpointer right)
{
	const SutureSymbol *a = *(SutureSymbol *const *)left, *b = *(SutureSymbol *const *)right;

	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return strcmp(a->name, b->name);
}

static GPtrArray *symbols_of(const SutureSection *section, gboolean code)
{
	GPtrArray *found = g_ptr_array_new();

	for (guint i = 0; i < section->object->symbols->len; i++)
		if (is_named(section, section->object->symbols->pdata[i], code))
			g_ptr_array_add(found, section->object->symbols->pdata[i]);
	g_ptr_array_sort(found, compare_symbols);
	return found;
}

/* What is written to has a state, however it is called, but for flags and what only tables have. */
static gboolean may_be_own(const SutureAtom *atom)
{
	const gchar *section = atom->section->name;

	return !suture_atom_is_writable(atom) || suture_name_is_flag(atom->base) ||
	       !(g_str_has_prefix(section, ".data") || g_str_has_prefix(section, ".bss"));
}

static void name_atom(SutureAtom *atom, SutureSymbol *symbol)
{
	symbol->atom = atom;
	/* Of several names the one that others know. */
	if (atom->symbol && (atom->symbol->bind != STB_LOCAL || symbol->bind == STB_LOCAL))
		return;
	atom->symbol = symbol;
	atom->base = suture_name_base(symbol->name, &atom->numbered);
	atom->own = atom->numbered && suture_name_is_own(atom->base) && may_be_own(atom);
}

static gboolean is_padding(const SutureSection *section, guint64 start, guint64 end)
{
	/* Alignment of functions, whatever the assembler fills it with. */
	if (section->header.sh_flags & SHF_EXECINSTR)
		return end - start < PADDING_MAX && !link_within(section, start, end);
	for (guint64 i = start; section->bytes && i < end; i++)
		if (section->bytes[i])
			return FALSE;
	return !link_within(section, start, end);
}

/* What lies between symbols, divided where links lead to; padding between variables is nothing. */
static void add_nameless(Division *division, SutureSection *section, SutureAtomKind kind, guint64 start,
			 guint64 end)
{
	GArray *landings = g_hash_table_lookup(division->landings, section);
	guint64 from = start;
	gboolean landed = FALSE;

	if (start >= end)
		return;
	for (guint i = 0; landings && i < landings->len; i++) {
		guint64 at = g_array_index(landings, guint64, i);

		if (at < start || at >= end)
			continue;
		if (at > from && (landed || !is_padding(section, from, at)))
			add_atom(section, kind, from, at - from);
		if (at > from || !landed)
			from = at;
		landed = TRUE;
	}
	if (landed || !is_padding(section, from, end))
		add_atom(section, kind, from, end - from);
}

/* Where the padding begins that the compiler put before a function to be patched
 * (-fpatchable-function-entry). */
static guint64 padded_start(Division *division, SutureSection *section, guint64 from, guint64 symbol)
{
	GArray *landings = g_hash_table_lookup(division->landings, section);

	for (guint i = 0; landings && i < landings->len; i++) {
		guint64 at = g_array_index(landings, guint64, i);
		gboolean nops = at >= from && at < symbol && symbol - at <= 32;

		for (guint64 k = at; nops && k < symbol; k++)
			nops = section->bytes[k] == 0x90;
		if (nops)
			return at;
	}
	return symbol;
}

static void divide_named(Division *division, SutureSection *section, gboolean code)
{
	g_autoptr(GPtrArray) symbols = symbols_of(section, code);
	SutureAtomKind nameless = code ? SUTURE_ATOM_CODE : SUTURE_ATOM_DATA;
	SutureAtom *last = NULL;
	guint64 end = 0;

	for (guint i = 0; i < symbols->len; i++) {
		SutureSymbol *symbol = symbols->pdata[i];
		guint64 size = symbol->size, start = symbol->value;

		if (last && size > 0 && last->size == 0 && last->start == start &&
		    section->header.sh_size > start)
			last = NULL; /* an empty variable shares its place with another */
		if (last && (start < end || (start == last->entry && size == last->size))) {
			name_atom(last, symbol);
			continue;
		}
		if (code)
			start = padded_start(division, section, end, start);
		add_nameless(division, section, nameless, end, start);
		if (size == 0 && (code || symbol->type == STT_NOTYPE))
			size = (i + 1 < symbols->len ? ((SutureSymbol *)symbols->pdata[i + 1])->value
						     : section->header.sh_size) -
			       symbol->value;
		end = symbol->value + size;
		last = add_atom(section, code ? SUTURE_ATOM_FUNCTION : SUTURE_ATOM_DATA, start, end - start);
		last->entry = symbol->value;
		name_atom(last, symbol);
	}
	add_nameless(division, section, nameless, end, section->header.sh_size);
}

static void divide_strings(SutureSection *section)
{
	gsize width = section->header.sh_entsize, size = section->header.sh_size;
	gsize start = 0;

	for (gsize at = 0; section->bytes && at + width <= size; at += width) {
		gboolean ends = TRUE;

		for (gsize i = 0; i < width; i++)
			ends = ends && section->bytes[at + i] == 0;
		if (!ends)
			continue;
		add_atom(section, SUTURE_ATOM_STRING, start, at + width - start);
		start = at + width;
	}
	if (start < size)
		add_atom(section, SUTURE_ATOM_STRING, start, size - start);
}

static void divide_evenly(SutureSection *section, SutureAtomKind kind, guint64 each)
{
	for (guint64 at = 0; at < section->header.sh_size; at += MIN(each, section->header.sh_size - at))
		add_atom(section, kind, at, MIN(each, section->header.sh_size - at));
}

static void divide_table(SutureSection *section)
{
	g_autoptr(GArray) offsets = g_array_new(FALSE, FALSE, sizeof(guint64));
	gsize each;

	for (guint i = 0; i < section->links->len; i++)
		g_array_append_val(offsets, g_array_index(section->links, SutureLink, i).offset);
	each = suture_section_entry_size(section->rule, section->header.sh_size, offsets);
	if (each)
		divide_evenly(section, SUTURE_ATOM_ENTRY, each);
	else if (section->header.sh_size)
		add_atom(section, SUTURE_ATOM_DATA, 0, section->header.sh_size)->section->rule =
			suture_section_rule("", &section->header);
}

static void divide_section(Division *division, SutureSection *section)
{
	switch (section->rule->kind) {
	case SUTURE_SECTION_FILE:
	case SUTURE_SECTION_HARMLESS:
		return;
	case SUTURE_SECTION_STRINGS:
		return divide_strings(section);
	case SUTURE_SECTION_CONSTANTS:
		return divide_evenly(section, SUTURE_ATOM_CONSTANT, section->header.sh_entsize);
	case SUTURE_SECTION_TABLE:
		return divide_table(section);
	default:
		return divide_named(division, section, (section->header.sh_flags & SHF_EXECINSTR) != 0);
	}
}

/* Where in its section a link leads, for all that name a symbol of the object. */
static gint64 landing_of(const SutureLink *link)
{
	if (!link->symbol)
		return link->at;
	return (gint64)link->symbol->value + link->addend + link->behind;
}

static void note_landings(Division *division, SutureSection *section)
{
	for (guint i = 0; i < section->links->len; i++) {
		SutureLink *link = &g_array_index(section->links, SutureLink, i);
		SutureSection *target = link->symbol ? link->symbol->section : NULL;
		GArray *landings;
		guint64 at;

		if (!target || landing_of(link) < 0 || (guint64)landing_of(link) > target->header.sh_size)
			continue;
		at = (guint64)landing_of(link);
		landings = g_hash_table_lookup(division->landings, target);
		if (!landings) {
			landings = g_array_new(FALSE, FALSE, sizeof(guint64));
			g_hash_table_insert(division->landings, target, landings);
		}
		g_array_append_val(landings, at);
	}
}

/* The last atom that begins at or before the place: what an address behind the end of one was made from. */
static SutureAtom *atom_at(const SutureSection *section, gint64 at)
{
	guint low = 0, high = section->atoms->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if ((gint64)((SutureAtom *)section->atoms->pdata[middle])->start <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return section->atoms->len ? section->atoms->pdata[low ? low - 1 : 0] : NULL;
}

static void aim(SutureSection *section)
{
	for (guint i = 0; i < section->links->len; i++) {
		SutureLink *link = &g_array_index(section->links, SutureLink, i);
		SutureSection *target = link->symbol ? link->symbol->section : section;
		gint64 landing = landing_of(link);

		if (!target) {
			link->at = link->addend;
			continue;
		}
		/* A symbol of its own says which variable an address outside of it was made from. */
		link->target =
			link->symbol && link->symbol->atom ? link->symbol->atom : atom_at(target, landing);
		link->at = link->target ? landing - (gint64)link->target->start : landing;
	}
}

static void take_links(SutureAtom *atom)
{
	const SutureSection *section = atom->section;
	SutureLink *first = atom->size ? link_within(section, atom->start, atom->start + atom->size) : NULL;
	guint count = 0;

	if (!first)
		return;
	atom->first_link = (guint)(first - (SutureLink *)(gpointer)section->links->data);
	while (atom->first_link + count < section->links->len &&
	       suture_atom_link(atom, count)->offset < atom->start + atom->size)
		count++;
	atom->n_links = count;
}

static void own_entry(SutureAtom *entry)
{
	for (guint i = 0; i < entry->n_links; i++) {
		SutureLink *link = suture_atom_link(entry, i);

		if (link->offset != entry->start + entry->section->rule->owner || !link->target)
			continue;
		entry->owner = link->target;
		if (!link->target->entries)
			link->target->entries = g_ptr_array_new();
		g_ptr_array_add(link->target->entries, entry);
	}
}

/* A part belongs to the function that it is named for and, if others have that name, to none. */
static void find_parent(SutureAtom *atom, GHashTable *functions)
{
	g_autofree gchar *name = suture_name_parent(atom->symbol->name);

	if (!name)
		return;
	atom->parent = g_hash_table_lookup(functions, name);
	atom->cold = atom->parent && suture_name_is_cold(atom->symbol->name);
}

static void find_parents(SutureObject *object)
{
	g_autoptr(GHashTable) functions = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) named = g_ptr_array_new();

	for (guint i = 0; i < object->atoms->len; i++) {
		SutureAtom *atom = object->atoms->pdata[i];

		if (atom->kind != SUTURE_ATOM_FUNCTION || !atom->symbol)
			continue;
		g_hash_table_insert(functions, (gpointer)atom->symbol->name, atom);
		g_ptr_array_add(named, atom);
	}
	for (guint i = 0; i < named->len; i++)
		find_parent(named->pdata[i], functions);
}

static gint compare_atoms(gconstpointer left, gconstpointer right)
{
	const SutureAtom *a = *(SutureAtom *const *)left, *b = *(SutureAtom *const *)right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->size < b->size ? -1 : a->size > b->size;
}

/* From where links in text count can only be known once the functions are, or else the whole is read through.
 */
static void read_text(SutureSection *section)
{
	g_autoptr(GPtrArray) symbols = symbols_of(section, TRUE);
	g_autoptr(GArray) made = g_array_new(FALSE, TRUE, sizeof(SutureLink));
	guint64 at = 0;

	if (!(section->header.sh_flags & SHF_EXECINSTR) || !section->bytes)
		return;
	for (guint i = 0; i < section->links->len; i++) {
		SutureLink *link = &g_array_index(section->links, SutureLink, i);

		link->behind = counts_from_place(link->type) ? link->size : 0;
	}
	for (guint i = 0; i <= symbols->len; i++) {
		guint64 end = i < symbols->len ? ((SutureSymbol *)symbols->pdata[i])->value
					       : section->header.sh_size;

		read_instructions(section, at, end, made);
		at = end;
	}
	g_array_append_vals(section->links, made->data, made->len);
	g_array_sort(section->links, compare_links);
}

/* Within one function the assembler's own displacements stay right. */
static void forget_inner_links(SutureSection *section)
{
	for (guint i = section->links->len; i > 0; i--) {
		SutureLink *link = &g_array_index(section->links, SutureLink, i - 1);

		if (!link->symbol && atom_at(section, (gint64)link->offset) == atom_at(section, link->at))
			g_array_remove_index(section->links, i - 1);
	}
}

void suture_object_divide(SutureObject *object)
{
	g_autoptr(GHashTable) landings =
		g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
	Division division = {landings};
	GHashTableIter iter;
	gpointer offsets;

	for (guint i = 1; i < object->sections->len; i++)
		read_text(object->sections->pdata[i]);
	for (guint i = 1; i < object->sections->len; i++)
		note_landings(&division, object->sections->pdata[i]);
	g_hash_table_iter_init(&iter, landings);
	while (g_hash_table_iter_next(&iter, NULL, &offsets))
		g_array_sort(offsets, compare_offsets);
	for (guint i = 1; i < object->sections->len; i++) {
		divide_section(&division, object->sections->pdata[i]);
		g_ptr_array_sort(((SutureSection *)object->sections->pdata[i])->atoms, compare_atoms);
		forget_inner_links(object->sections->pdata[i]);
	}
	for (guint i = 1; i < object->sections->len; i++)
		aim(object->sections->pdata[i]);
	g_ptr_array_foreach(object->atoms, (GFunc)(gpointer)take_links, NULL);
	for (guint i = 0; i < object->atoms->len; i++)
		if (((SutureAtom *)object->atoms->pdata[i])->kind == SUTURE_ATOM_ENTRY)
			own_entry(object->atoms->pdata[i]);
	find_parents(object);
}
