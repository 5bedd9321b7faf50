// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/emit.h"

#include "packager/diff/author.h"
#include "packager/diff/noreturn.h"

#include <string.h>

#if G_BYTE_ORDER != G_LITTLE_ENDIAN
#error "objects for x86-64 are written in the byte order of the machine"
#endif

typedef struct {
	const SutureSection *from; /* NULL: of the file itself */
	const gchar *name;
	Elf64_Shdr header;
	GByteArray *bytes; /* NULL: SHT_NOBITS */
	GByteArray *relocations;
} Out;

typedef struct {
	SutureSpread *spread;
	GArray *sections;  /* Out; [0] is the null section */
	GByteArray *names; /* .shstrtab */
	GByteArray *strings;
	GByteArray *symbols;
	guint dead_ends; /* section that says where calls do not return; 0: none */
	guint off;       /* section of the key that is always off; 0: none needed */
	guint locals;    /* symbols that come first */
	guint n_relocations;
} Emission;

static void out_clear(gpointer data)
{
	Out *out = data;

	g_clear_pointer(&out->bytes, g_byte_array_unref);
	g_clear_pointer(&out->relocations, g_byte_array_unref);
}

static Out *out_at(Emission *emission, guint index)
{
	return &g_array_index(emission->sections, Out, index);
}

static guint32 add_text(GByteArray *table, const gchar *text)
{
	guint32 offset = table->len;

	g_byte_array_append(table, (const guint8 *)text, (guint)strlen(text) + 1);
	return offset;
}

static guint add_section(Emission *emission, const gchar *name, const Elf64_Shdr *header, GByteArray *bytes)
{
	Out out = {.name = g_intern_string(name), .header = *header, .bytes = bytes};

	out.header.sh_name = add_text(emission->names, name);
	g_array_append_val(emission->sections, out);
	return emission->sections->len - 1;
}

/* Modules have one section for per-processor variables, the kernel several. */
static const gchar *name_of(const SutureSection *section)
{
	return g_str_has_prefix(section->name, ".data..percpu") ? ".data..percpu" : section->name;
}

static guint64 alignment_of(const SutureAtom *atom)
{
	guint64 most = MAX(atom->section->header.sh_addralign, 1);
	guint64 lowest = atom->start & (~atom->start + 1);

	return lowest ? MIN(lowest, most) : most;
}

static void fill(GByteArray *bytes, guint64 size, guint8 with)
{
	guint old = bytes->len;

	if (size <= old)
		return;
	g_byte_array_set_size(bytes, (guint)size);
	memset(bytes->data + old, with, (gsize)(size - old));
}

/* The linker writes there, and the loader wants nothing else to be there. */
static void clear_links(const SutureAtom *atom, guint8 *bytes)
{
	for (guint i = 0; i < atom->n_links; i++) {
		const SutureLink *link = suture_atom_link(atom, i);

		memset(bytes + (link->offset - atom->start), 0, link->size);
	}
}

static void place_atom(Emission *emission, guint index, SutureAtom *atom)
{
	Out *out = out_at(emission, index);
	guint64 at = out->bytes ? out->bytes->len : out->header.sh_size, alignment = alignment_of(atom);

	at = (at + alignment - 1) / alignment * alignment;
	atom->out_section = index;
	atom->out_offset = at;
	out->header.sh_size = at + atom->size;
	if (!out->bytes)
		return;
	fill(out->bytes, at, out->header.sh_flags & SHF_EXECINSTR ? 0x90 : 0);
	if (!atom->size)
		return;
	g_byte_array_append(out->bytes, suture_atom_bytes(atom), (guint)atom->size);
	clear_links(atom, out->bytes->data + at);
}

static void place_section(Emission *emission, SutureSection *section)
{
	Elf64_Shdr header = {.sh_type = section->header.sh_type,
			     .sh_flags = section->header.sh_flags &
					 ~(guint64)(SHF_MERGE | SHF_STRINGS | SHF_GROUP | SHF_LINK_ORDER),
			     .sh_addralign = section->header.sh_addralign};
	guint index = 0;

	for (guint i = 0; i < section->atoms->len; i++) {
		SutureAtom *atom = section->atoms->pdata[i];

		if (!atom->included)
			continue;
		if (!index) {
			index = add_section(emission, name_of(section), &header,
					    header.sh_type == SHT_NOBITS ? NULL : g_byte_array_new());
			out_at(emission, index)->from = section;
		}
		place_atom(emission, index, atom);
	}
}

/* Where section @wanted of the object after is in the extracted one; or else the first with code: the
 * compiler links its one table for all functions to the first of their sections, and the linker takes tables
 * with and without a link for two kinds. */
static guint find_linked(Emission *emission, gsize wanted)
{
	guint first = 0;

	for (guint i = 1; i < emission->sections->len; i++) {
		const Out *out = out_at(emission, i);

		if (out->from && out->from->index == wanted)
			return i;
		if (!first && (out->header.sh_flags & SHF_EXECINSTR))
			first = i;
	}
	return first;
}

static void link_orders(Emission *emission)
{
	for (guint i = 1; i < emission->sections->len; i++) {
		Out *out = out_at(emission, i);
		guint linked =
			out->from && out->from->linked_to ? find_linked(emission, out->from->linked_to) : 0;

		if (!linked)
			continue;
		out->header.sh_link = linked;
		out->header.sh_flags |= SHF_LINK_ORDER;
	}
}

static gboolean is_dead_end(const SutureAtom *atom, const SutureLink *link)
{
	return !suture_link_is_direct(atom, link) && suture_link_never_returns(atom, link);
}

static gboolean has_dead_end(const SutureAtom *atom)
{
	for (guint i = 0; atom->included && i < atom->n_links; i++)
		if (is_dead_end(atom, suture_atom_link(atom, i)))
			return TRUE;
	return FALSE;
}

static void add_dead_ends(Emission *emission)
{
	const SutureObject *after = emission->spread->after;
	const Elf64_Shdr header = {.sh_type = SHT_PROGBITS, .sh_addralign = 1};

	for (guint i = 0; !emission->dead_ends && i < after->atoms->len; i++)
		if (has_dead_end(after->atoms->pdata[i]))
			emission->dead_ends =
				add_section(emission, ".discard.unreachable", &header, g_byte_array_new());
}

static void add_off_key(Emission *emission)
{
	const SutureObject *after = emission->spread->after;
	const Elf64_Shdr header = {.sh_type = SHT_NOBITS,
				   .sh_flags = SHF_ALLOC | SHF_WRITE,
				   .sh_addralign = 8,
				   .sh_size = SUTURE_KEY_SIZE};

	for (guint i = 0; !emission->off && i < after->atoms->len; i++) {
		const SutureAtom *atom = after->atoms->pdata[i];

		if (atom->included && atom->keyless)
			emission->off = add_section(emission, ".bss.suture_off", &header, NULL);
	}
}

static guint add_symbol(Emission *emission, const gchar *name, guint8 bind, guint8 type, guint section,
			guint64 value, guint64 size)
{
	const Elf64_Sym symbol = {
		.st_name = *name ? add_text(emission->strings, name) : 0,
		.st_info = ELF64_ST_INFO(bind, type),
		.st_shndx = (Elf64_Half)section,
		.st_value = value,
		.st_size = size,
	};

	g_byte_array_append(emission->symbols, (const guint8 *)&symbol, sizeof(symbol));
	return emission->symbols->len / sizeof(Elf64_Sym) - 1;
}

static gboolean is_global(const SutureSymbol *symbol)
{
	return symbol->atom->state == SUTURE_ATOM_NEW && symbol->bind != STB_LOCAL;
}

static gboolean is_emitted(const SutureSymbol *symbol)
{
	return symbol->atom && symbol->atom->included && *symbol->name && symbol->type != STT_SECTION &&
	       symbol->atom->kind != SUTURE_ATOM_STRING && symbol->atom->kind != SUTURE_ATOM_CONSTANT;
}

static void add_own_symbols(Emission *emission, gboolean global)
{
	const SutureObject *after = emission->spread->after;

	for (guint i = 1; i < after->symbols->len; i++) {
		const SutureSymbol *symbol = after->symbols->pdata[i];
		const SutureAtom *atom = symbol->atom;

		if (is_emitted(symbol) && is_global(symbol) == global)
			add_symbol(emission, symbol->name, global ? symbol->bind : STB_LOCAL, symbol->type,
				   atom->out_section, atom->out_offset + symbol->value - atom->start,
				   symbol->size);
	}
}

gchar *suture_emit_alias(const SutureDiffRequest *request, guint index)
{
	return g_strdup_printf("__suture_new.%u.%u", request->number, index);
}

/* Takes @alias over. */
static void add_alias(Emission *emission, const SutureAtom *function, gchar *alias)
{
	add_symbol(emission, alias, STB_GLOBAL, STT_FUNC, function->out_section,
		   function->out_offset + function->entry - function->start,
		   function->size - (function->entry - function->start));
	g_free(alias);
}

static void add_aliases(Emission *emission)
{
	const SutureObject *after = emission->spread->after;
	const SutureDiffRequest *request = emission->spread->request;
	guint index = 0;

	for (guint i = 0; i < after->atoms->len; i++) {
		const SutureAtom *atom = after->atoms->pdata[i];

		if (!atom->included || atom->kind != SUTURE_ATOM_FUNCTION)
			continue;
		if (atom->twin && !atom->cold && !atom->carried)
			add_alias(emission, atom, suture_emit_alias(request, index++));
		for (guint moment = 0; moment < SUTURE_DIFF_N_MOMENTS; moment++)
			if (atom->callbacks & 1U << moment)
				add_alias(emission, atom, suture_author_alias(request, moment));
	}
}

/* A static call whose key the loader finds: with the key among the symbols, objtool makes a site of it. */
static void use_key(SutureSpread *spread, const SutureReference *trampoline)
{
	g_autofree gchar *key = NULL;
	SutureReference *reference;

	if (!g_str_has_prefix(trampoline->name, "__SCT__") || !trampoline->target.exported)
		return;
	key = g_strconcat("__SCK__", trampoline->name + strlen("__SCT__"), NULL);
	reference = suture_references_name(spread->references, key, FALSE);
	reference->used |= reference->target.exported;
}

static void use_references(SutureSpread *spread)
{
	for (guint i = 0; i < spread->after->atoms->len; i++) {
		const SutureAtom *atom = spread->after->atoms->pdata[i];

		for (guint k = 0; atom->included && k < atom->n_links; k++) {
			const SutureLink *link = suture_atom_link(atom, k);
			SutureReference *reference;

			if (suture_link_is_direct(atom, link) || suture_link_is_replaced(atom, link))
				continue;
			reference = suture_references_find(spread->references, link);
			if (!reference)
				continue;
			reference->used = TRUE;
			use_key(spread, reference);
		}
	}
}

static GPtrArray *settle_references(Emission *emission)
{
	g_autoptr(GHashTable) defined = g_hash_table_new(g_str_hash, g_str_equal);
	const SutureObject *after = emission->spread->after;

	for (guint i = 1; i < after->symbols->len; i++) {
		const SutureSymbol *symbol = after->symbols->pdata[i];

		if (is_emitted(symbol))
			g_hash_table_add(defined, (gpointer)symbol->name);
	}
	return suture_references_settle(emission->spread->references, defined);
}

static void add_symbols(Emission *emission, GPtrArray *used)
{
	add_symbol(emission, "", STB_LOCAL, STT_NOTYPE, 0, 0, 0);
	for (guint i = 1; i < emission->sections->len; i++)
		add_symbol(emission, "", STB_LOCAL, STT_SECTION, i, 0, 0);
	add_own_symbols(emission, FALSE);
	emission->locals = emission->symbols->len / sizeof(Elf64_Sym);
	add_own_symbols(emission, TRUE);
	add_aliases(emission);
	for (guint i = 0; i < used->len; i++) {
		SutureReference *reference = used->pdata[i];
		const SutureReference *last = i ? used->pdata[i - 1] : NULL;

		/* Two names before may be one after. */
		if (last && strcmp(last->elf_name, reference->elf_name) == 0)
			reference->symbol = last->symbol;
		else
			reference->symbol =
				add_symbol(emission, reference->elf_name, STB_GLOBAL, STT_NOTYPE, 0, 0, 0);
	}
}

static void add_rela(Out *out, const Elf64_Rela *rela)
{
	if (!out->relocations)
		out->relocations = g_byte_array_new();
	g_byte_array_append(out->relocations, (const guint8 *)rela, sizeof(*rela));
}

/* objtool's annotation, as the kernel's unreachable() makes it: the address behind the call. */
static void add_dead_end(Emission *emission, const SutureAtom *atom, const SutureLink *link)
{
	Out *out = out_at(emission, emission->dead_ends);
	const Elf64_Rela rela = {
		.r_offset = out->bytes->len,
		.r_info = ELF64_R_INFO((guint64)atom->out_section, R_X86_64_PC32),
		.r_addend = (gint64)(atom->out_offset + link->offset + link->size - atom->start),
	};

	fill(out->bytes, out->bytes->len + sizeof(guint32), 0);
	add_rela(out, &rela);
}

static void add_relocation(Emission *emission, const SutureAtom *atom, const SutureLink *link)
{
	Out *out = out_at(emission, atom->out_section);
	const SutureAtom *target = link->target;
	Elf64_Rela rela = {.r_offset = atom->out_offset + link->offset - atom->start,
			   .r_addend = link->addend};
	guint symbol = 0;

	if (suture_link_is_direct(atom, link)) {
		symbol = target->out_section; /* the symbols of sections come first, in their order */
		rela.r_addend = (gint64)target->out_offset + link->at - link->behind;
	} else if (suture_link_is_replaced(atom, link)) {
		symbol = emission->off;
		rela.r_addend = link->at & SUTURE_KEY_FLAGS;
	} else {
		const SutureReference *reference = suture_references_find(emission->spread->references, link);

		symbol = reference ? reference->symbol : 0;
		if (target && target->symbol)
			rela.r_addend =
				link->at - (gint64)(target->symbol->value - target->start) - link->behind;
	}
	rela.r_info = ELF64_R_INFO((guint64)symbol, link->type);
	add_rela(out, &rela);
	emission->n_relocations++;
	if (is_dead_end(atom, link))
		add_dead_end(emission, atom, link);
}

static void add_relocations(Emission *emission)
{
	const SutureObject *after = emission->spread->after;

	for (guint i = 0; i < after->sections->len; i++) {
		const SutureSection *section = after->sections->pdata[i];

		for (guint k = 0; section && k < section->atoms->len; k++) {
			const SutureAtom *atom = section->atoms->pdata[k];

			for (guint n = 0; atom->included && n < atom->n_links; n++)
				add_relocation(emission, atom, suture_atom_link(atom, n));
		}
	}
}

static void add_file_sections(Emission *emission)
{
	guint n_own = emission->sections->len, symtab = n_own;
	Elf64_Shdr header = {.sh_type = SHT_PROGBITS, .sh_addralign = 1};

	for (guint i = 1; i < n_own; i++)
		symtab += out_at(emission, i)->relocations != NULL;
	for (guint i = 1; i < n_own; i++) {
		const Out *out = out_at(emission, i);
		const Elf64_Shdr relocations = {.sh_type = SHT_RELA,
						.sh_flags = SHF_INFO_LINK,
						.sh_link = symtab,
						.sh_info = i,
						.sh_addralign = 8,
						.sh_entsize = sizeof(Elf64_Rela)};
		g_autofree gchar *name = out->relocations ? g_strconcat(".rela", out->name, NULL) : NULL;

		if (name)
			add_section(emission, name, &relocations, g_byte_array_ref(out->relocations));
	}
	header = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
			      .sh_link = symtab + 1,
			      .sh_info = emission->locals,
			      .sh_addralign = 8,
			      .sh_entsize = sizeof(Elf64_Sym)};
	add_section(emission, ".symtab", &header, g_byte_array_ref(emission->symbols));
	header = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_addralign = 1};
	add_section(emission, ".strtab", &header, g_byte_array_ref(emission->strings));
	header.sh_type = SHT_PROGBITS;
	add_section(emission, ".note.GNU-stack", &header, g_byte_array_new());
	header.sh_type = SHT_STRTAB;
	add_section(emission, ".shstrtab", &header, g_byte_array_ref(emission->names));
}

static GBytes *write_file(Emission *emission)
{
	GByteArray *file = g_byte_array_new();
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_REL,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = (Elf64_Half)emission->sections->len,
		.e_shstrndx = (Elf64_Half)(emission->sections->len - 1),
	};

	g_byte_array_append(file, (const guint8 *)&header, sizeof(header));
	for (guint i = 1; i < emission->sections->len; i++) {
		Out *out = out_at(emission, i);
		guint64 alignment = MAX(out->header.sh_addralign, 1);

		if (out->bytes)
			fill(file, (file->len + alignment - 1) / alignment * alignment, 0);
		out->header.sh_offset = file->len;
		if (!out->bytes)
			continue;
		out->header.sh_size = out->bytes->len;
		g_byte_array_append(file, out->bytes->data, out->bytes->len);
	}
	fill(file, (file->len + 7) / 8 * 8, 0);
	header.e_shoff = file->len;
	memcpy(file->data, &header, sizeof(header));
	for (guint i = 0; i < emission->sections->len; i++)
		g_byte_array_append(file, (const guint8 *)&out_at(emission, i)->header, sizeof(Elf64_Shdr));
	return g_byte_array_free_to_bytes(file);
}

static void emission_clear(Emission *emission)
{
	g_array_unref(emission->sections);
	g_byte_array_unref(emission->names);
	g_byte_array_unref(emission->strings);
	g_byte_array_unref(emission->symbols);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Emission, emission_clear)

static void emission_init(Emission *emission, SutureSpread *spread)
{
	const Out null = {0};

	emission->spread = spread;
	emission->sections = g_array_new(FALSE, TRUE, sizeof(Out));
	g_array_set_clear_func(emission->sections, out_clear);
	g_array_append_val(emission->sections, null);
	emission->names = g_byte_array_new();
	emission->strings = g_byte_array_new();
	emission->symbols = g_byte_array_new();
	add_text(emission->names, "");
	add_text(emission->strings, "");
}

GBytes *suture_emit(SutureSpread *spread, GPtrArray **ret_used, guint *ret_relocations)
{
	g_auto(Emission) emission = {0};
	g_autoptr(GPtrArray) used = NULL;
	GBytes *file;

	emission_init(&emission, spread);
	for (guint i = 1; i < spread->after->sections->len; i++)
		place_section(&emission, spread->after->sections->pdata[i]);
	if (emission.sections->len == 1)
		return NULL;
	link_orders(&emission);
	add_dead_ends(&emission);
	add_off_key(&emission);
	use_references(spread);
	used = settle_references(&emission);
	add_symbols(&emission, used);
	add_relocations(&emission);
	add_file_sections(&emission);
	file = write_file(&emission);
	*ret_used = g_steal_pointer(&used);
	*ret_relocations = emission.n_relocations;
	return file;
}
