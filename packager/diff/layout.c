// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/layout.h"

#include "packager/diff/variables.h"

#include <dwarf.h>
#include <string.h>

#define NAMELESS "enum without a name"
#define DEPTH_MAX 64 /* of anonymous types within one another, and of scopes within a function */

/* Where a member lies. */
typedef struct {
	gchar *name;
	guint64 bit, bits; /* from the start of the type */
	gchar *type;       /* NULL: of an enumerator */
	gboolean inner; /* a struct, a union, or a pointer to a function: what is there means something by its
			   type */
} Member;

typedef struct {
	gint64 size;
	GArray *members; /* Member, in order */
} Type;

static void member_clear(gpointer data)
{
	Member *member = data;

	g_free(member->name);
	g_free(member->type);
}

static void type_free(Type *type)
{
	g_array_unref(type->members);
	g_free(type);
}

static guint64 number(Dwarf_Die *die, guint attribute, guint64 otherwise)
{
	Dwarf_Attribute found;
	Dwarf_Word value;

	return dwarf_attr_integrate(die, attribute, &found) && dwarf_formudata(&found, &value) == 0
		       ? value
		       : otherwise;
}

/* The type behind qualifiers and typedefs. */
static gboolean plain_type(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute found;
	Dwarf_Die type;

	return dwarf_attr_integrate(die, DW_AT_type, &found) && dwarf_formref_die(&found, &type) &&
	       dwarf_peel_type(&type, ret) == 0;
}

static guint64 bits_of(Dwarf_Die *member, Dwarf_Die *type)
{
	Dwarf_Word bytes;

	if (dwarf_hasattr(member, DW_AT_bit_size))
		return number(member, DW_AT_bit_size, 0);
	return dwarf_aggregate_size(type, &bytes) == 0 && bytes < G_MAXUINT32 ? bytes * 8 : 0;
}

static guint64 place_of(Dwarf_Die *member)
{
	guint64 bytes = number(member, DW_AT_data_member_location, 0);

	if (dwarf_hasattr(member, DW_AT_data_bit_offset))
		return number(member, DW_AT_data_bit_offset, 0);
	return (bytes & G_MAXUINT32) * 8;
}

static void set_type(Member *member, Dwarf_Die *die, Dwarf_Die *of)
{
	gint tag = dwarf_tag(of);
	Dwarf_Die behind;

	member->type = suture_variable_type_text(die, NULL);
	member->inner = tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
			(tag == DW_TAG_pointer_type && plain_type(of, &behind) &&
			 dwarf_tag(&behind) == DW_TAG_subroutine_type);
}

static void add_members(Type *type, Dwarf_Die *die, guint64 base, const gchar *prefix, guint depth);

static void add_member(Type *type, Dwarf_Die *die, guint64 base, const gchar *prefix, guint depth)
{
	const gchar *name = dwarf_diename(die);
	Member member = {.bit = base + place_of(die)};
	g_autofree gchar *path = NULL;
	Dwarf_Die of;

	if (!plain_type(die, &of))
		return;
	path = g_strconcat(prefix, name ? name : "", name ? "." : "", NULL);
	/* What has no name of its own is compared here, or nowhere. */
	if (!dwarf_diename(&of) &&
	    (dwarf_tag(&of) == DW_TAG_structure_type || dwarf_tag(&of) == DW_TAG_union_type))
		add_members(type, &of, member.bit, path, depth + 1);
	if (!name)
		return;
	member.name = g_strconcat(prefix, name, NULL);
	member.bits = bits_of(die, &of);
	set_type(&member, die, &of);
	g_array_append_val(type->members, member);
}

static void add_members(Type *type, Dwarf_Die *die, guint64 base, const gchar *prefix, guint depth)
{
	Dwarf_Die child;

	if (depth > DEPTH_MAX || dwarf_child(die, &child) != 0)
		return;
	do {
		if (dwarf_tag(&child) == DW_TAG_member) {
			add_member(type, &child, base, prefix, depth);
		} else if (dwarf_tag(&child) == DW_TAG_enumerator && dwarf_diename(&child)) {
			Member value = {.name = g_strdup(dwarf_diename(&child))};

			value.bit = number(&child, DW_AT_const_value, 0);
			g_array_append_val(type->members, value);
		}
	} while (dwarf_siblingof(&child, &child) == 0);
}

static const gchar *kind_of(Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_structure_type:
		return "struct";
	case DW_TAG_union_type:
		return "union";
	case DW_TAG_enumeration_type:
		return "enum";
	case DW_TAG_typedef:
		return "typedef";
	default:
		return NULL;
	}
}

static Type *type_new(gint64 size)
{
	Type *type = g_new0(Type, 1);

	type->size = size;
	type->members = g_array_new(FALSE, TRUE, sizeof(Member));
	g_array_set_clear_func(type->members, member_clear);
	return type;
}

/* Those of enumerations without a name are all one to the language. */
static void add_enumerators(GHashTable *types, Dwarf_Die *die)
{
	Type *type = g_hash_table_lookup(types, NAMELESS);

	if (!type) {
		type = type_new(0);
		g_hash_table_insert(types, g_strdup(NAMELESS), type);
	}
	add_members(type, die, 0, "", 0);
}

static void add_type(gpointer types, Dwarf_Die *die)
{
	const gchar *kind = kind_of(die), *name = kind ? dwarf_diename(die) : NULL;
	Dwarf_Die of = *die;
	g_autofree gchar *key = NULL;
	Type *type;

	if (kind && !name && dwarf_tag(die) == DW_TAG_enumeration_type) {
		add_enumerators(types, die);
		return;
	}
	if (!name || dwarf_hasattr(die, DW_AT_declaration))
		return;
	/* A typedef matters where it gives an anonymous type its only name. */
	if (dwarf_tag(die) == DW_TAG_typedef &&
	    (!plain_type(die, &of) || dwarf_diename(&of) || !kind_of(&of)))
		return;
	key = g_strdup_printf("%s %s", kind, name);
	if (g_hash_table_contains(types, key))
		return;
	type = type_new(dwarf_bytesize(&of));
	add_members(type, &of, 0, "", 0);
	g_hash_table_insert(types, g_steal_pointer(&key), type);
}

static const Member *find_member(const Type *type, const gchar *name)
{
	for (guint i = 0; i < type->members->len; i++)
		if (strcmp(g_array_index(type->members, Member, i).name, name) == 0)
			return &g_array_index(type->members, Member, i);
	return NULL;
}

static gboolean is_of_other_type(const Member *before, const Member *after)
{
	return (before->inner || after->inner) && g_strcmp0(before->type, after->type) != 0;
}

/* Whether what lies in that place of @type is merely called otherwise: its name is not in @other. */
static gboolean is_renamed(const Type *type, const Type *other, const Member *member)
{
	for (guint i = 0; i < type->members->len; i++) {
		const Member *same = &g_array_index(type->members, Member, i);

		if (same->bit == member->bit && same->bits == member->bits &&
		    !is_of_other_type(same, member) && !find_member(other, same->name))
			return TRUE;
	}
	return FALSE;
}

static gchar *place_text(const Member *member)
{
	if (member->bit % 8 == 0 && member->bits % 8 == 0)
		return g_strdup_printf("offset %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT " bytes",
				       member->bit / 8, member->bits / 8);
	return g_strdup_printf("bit %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT " bits", member->bit,
			       member->bits);
}

static gchar *compare_member(const Type *before, const Type *after, const Member *member)
{
	const Member *old = find_member(before, member->name);
	g_autofree gchar *was = NULL, *is = place_text(member);

	if (!old)
		return is_renamed(before, after, member) ? NULL
							 : g_strdup_printf("member %s is new", member->name);
	if (old->bit == member->bit && old->bits == member->bits)
		return is_of_other_type(old, member)
			       ? g_strdup_printf("member %s: %s -> %s", member->name, old->type, member->type)
			       : NULL;
	was = place_text(old);
	return g_strdup_printf("member %s: %s -> %s", member->name, was, is);
}

/* Lists are long, and most of them the same. */
static const Member *find_near(const Type *type, guint index, const gchar *name)
{
	if (index < type->members->len && strcmp(g_array_index(type->members, Member, index).name, name) == 0)
		return &g_array_index(type->members, Member, index);
	return find_member(type, name);
}

/* "FOO_MAX" and the like stand for the length of the list: no object has them as its value. */
static gboolean is_count(const gchar *name)
{
	return g_regex_match_simple("(?:^|_)(?:MAX|NUM|COUNT|NR)(?:_|$)", name, G_REGEX_CASELESS, 0);
}

/* Enumerators that are new or gone change nothing for others. */
static gchar *compare_enumerators(const Type *before, const Type *after)
{
	for (guint i = 0; i < after->members->len; i++) {
		const Member *member = &g_array_index(after->members, Member, i);
		const Member *old = find_near(before, i, member->name);

		if (old && old->bit != member->bit && !is_count(member->name))
			return g_strdup_printf("enumerator %s: %" G_GUINT64_FORMAT " -> %" G_GUINT64_FORMAT,
					       member->name, old->bit, member->bit);
	}
	return NULL;
}

/* What differs first; newly allocated; NULL: nothing. */
static gchar *compare_types(const gchar *name, const Type *before, const Type *after)
{
	if (before->size != after->size)
		return g_strdup_printf("size %" G_GINT64_FORMAT " -> %" G_GINT64_FORMAT, before->size,
				       after->size);
	if (g_str_has_prefix(name, "enum "))
		return compare_enumerators(before, after);
	for (guint i = 0; i < after->members->len; i++) {
		gchar *what = compare_member(before, after, &g_array_index(after->members, Member, i));

		if (what)
			return what;
	}
	for (guint i = 0; i < before->members->len; i++) {
		const Member *old = &g_array_index(before->members, Member, i);

		if (!find_member(after, old->name) && !is_renamed(after, before, old))
			return g_strdup_printf("member %s is gone", old->name);
	}
	return NULL;
}

static void layout_free(SutureDiffLayout *layout)
{
	g_free(layout->name);
	g_free(layout->what);
	g_free(layout);
}

static gint compare_layouts(gconstpointer left, gconstpointer right)
{
	const SutureDiffLayout *a = *(SutureDiffLayout *const *)left, *b = *(SutureDiffLayout *const *)right;

	return strcmp(a->name, b->name);
}

static GHashTable *read_types(SutureDebug *debug)
{
	GHashTable *types = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)type_free);

	suture_debug_each(debug, add_type, types);
	return types;
}

GPtrArray *suture_layout_compare(SutureDebug *before, SutureDebug *after)
{
	GPtrArray *layouts = g_ptr_array_new_with_free_func((GDestroyNotify)layout_free);
	g_autoptr(GHashTable) old = read_types(before);
	g_autoptr(GHashTable) new = read_types(after);
	GHashTableIter iter;
	gpointer name, type;

	g_hash_table_iter_init(&iter, new);
	while (g_hash_table_iter_next(&iter, &name, &type)) {
		const Type *other = g_hash_table_lookup(old, name);
		gchar *what = other ? compare_types(name, other, type) : NULL;
		SutureDiffLayout *layout;

		if (!what)
			continue;
		layout = g_new0(SutureDiffLayout, 1);
		layout->name = g_strdup(name);
		layout->what = what;
		g_ptr_array_add(layouts, layout);
	}
	g_ptr_array_sort(layouts, compare_layouts);
	return layouts;
}

static void add_inlined(GPtrArray *names, Dwarf_Die *die, guint depth)
{
	Dwarf_Die child;

	if (depth > DEPTH_MAX || dwarf_child(die, &child) != 0)
		return;
	do {
		gint tag = dwarf_tag(&child);
		const gchar *name = tag == DW_TAG_inlined_subroutine ? dwarf_diename(&child) : NULL;

		if (name && !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
			g_ptr_array_add(names, g_strdup(name));
		if (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block)
			add_inlined(names, &child, depth + 1);
	} while (dwarf_siblingof(&child, &child) == 0);
}

/* @inlined: all the names that are asked for, each with its list. */
static void visit_function(gpointer inlined, Dwarf_Die *die)
{
	const gchar *name = dwarf_tag(die) == DW_TAG_subprogram ? dwarf_diename(die) : NULL;
	GPtrArray *names = name ? g_hash_table_lookup(inlined, name) : NULL;

	if (names)
		add_inlined(names, die, 0);
}

GHashTable *suture_layout_inlined(SutureDebug *debug, GHashTable *functions)
{
	GHashTable *inlined =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, functions);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		g_hash_table_insert(inlined, g_strdup(name), g_ptr_array_new_with_free_func(g_free));
	suture_debug_each(debug, visit_function, inlined);
	return inlined;
}
