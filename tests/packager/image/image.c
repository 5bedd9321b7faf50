// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image.h"

#include "common/process.h"

#include <string.h>

#define TOKENS 256
#define MARKER_STEP 256

const Layout layouts[] = {
	{"6.1", FALSE, FALSE, LAYOUT_PERCPU},
	{"6.1-numbers", FALSE, TRUE, LAYOUT_PERCPU},
	{"6.12", TRUE, TRUE, LAYOUT_PERCPU},
	{"5.14-relative", FALSE, FALSE, LAYOUT_RELATIVE},
	{"6.12-relative", TRUE, TRUE, LAYOUT_RELATIVE},
	{"5.14-absolute", FALSE, FALSE, LAYOUT_ABSOLUTE},
	{"6.12-absolute", TRUE, TRUE, LAYOUT_ABSOLUTE},
};
const gsize n_layouts = G_N_ELEMENTS(layouts);
const Layout no_table = {"none", FALSE, FALSE, LAYOUT_NONE};

static const gchar script[] =
	"SECTIONS {\n"
	" . = 0xffffffff81000000;\n"
	" .text : { *(.text) *(.text.*) }\n"
	" . = ALIGN(4096); .rodata : { *(.rodata .rodata.*) }\n"
	" .ibt_endbr_seal : { *(.ibt_endbr_seal) }\n"
	" . = ALIGN(4096); .data : { *(.data .data.*) }\n"
	" .init.text : { *(.init.text) }\n"
	" .init.data : { __start_mcount_loc = .; KEEP(*(__mcount_loc)) __stop_mcount_loc = .; }\n"
	" .bss : { *(.bss) }\n"
	" . = ALIGN(4096); .kallsyms : { *(.kallsyms) }\n"
	" /DISCARD/ : { *(.discard) *(.note*) *(.comment) }\n"
	"}\n";

static SutureScratch *scratch_new(void)
{
	g_autoptr(GError) error = NULL;
	SutureScratch *scratch = suture_scratch_new(&error);

	g_assert_no_error(error);
	return scratch;
}

static gchar *run(const SutureScratch *scratch, const gchar *const *argv, const gchar *input)
{
	g_autoptr(GBytes) bytes = input ? g_bytes_new(input, strlen(input)) : NULL;
	g_autoptr(GError) error = NULL;
	gchar *output = NULL;

	if (!suture_process_run(argv, NULL, suture_scratch_path(scratch), bytes, &output, &error))
		g_error("%s\n%s", error->message, input ? input : "");
	return output;
}

static GBytes *load(const SutureScratch *scratch, const gchar *name)
{
	g_autofree gchar *path = g_build_filename(suture_scratch_path(scratch), name, NULL);
	g_autoptr(GError) error = NULL;
	gchar *data;
	gsize size;

	g_file_get_contents(path, &data, &size, &error);
	g_assert_no_error(error);
	return g_bytes_new_take(data, size);
}

gchar *image_save(const SutureScratch *scratch, const gchar *name, GBytes *image)
{
	gchar *path = g_build_filename(suture_scratch_path(scratch), name, NULL);
	g_autoptr(GError) error = NULL;
	gsize size;
	const gchar *data = g_bytes_get_data(image, &size);

	g_file_set_contents(path, data, (gssize)size, &error);
	g_assert_no_error(error);
	return path;
}

static void assemble(const SutureScratch *scratch, const gchar *source, const gchar *object)
{
	const gchar *const argv[] = {"as", "--64", "-o", object, "-", NULL};

	g_free(run(scratch, argv, source));
}

GBytes *image_assemble(const gchar *source)
{
	g_autoptr(SutureScratch) scratch = scratch_new();

	assemble(scratch, source, "unit.o");
	return load(scratch, "unit.o");
}

static void put(GByteArray *out, guint64 value, gsize size)
{
	value = GUINT64_TO_LE(value);
	g_byte_array_append(out, (const guint8 *)&value, (guint)size);
}

static void align(GByteArray *out)
{
	while (out->len % 8)
		put(out, 0, 1);
}

/* One character for each token, but that the first stands for a common beginning of names. */
static const gchar *token(guint index)
{
	static gchar text[TOKENS][4];

	if (index == 0)
		return "Tke";
	text[index][0] = (gchar)(g_ascii_isgraph(index) ? index : '?');
	return text[index];
}

static void put_name(GByteArray *out, gchar type, const gchar *name)
{
	g_autofree gchar *text = g_strdup_printf("%c%s", type, name);
	gboolean common = g_str_has_prefix(text, token(0));
	gsize length = strlen(text) - (common ? strlen(token(0)) - 1 : 0);

	if (length > 127) {
		put(out, (length & 0x7f) | 0x80, 1);
		put(out, length >> 7, 1);
	} else {
		put(out, length, 1);
	}
	if (common)
		put(out, 0, 1);
	g_byte_array_append(out, (const guint8 *)text + (common ? strlen(token(0)) : 0),
			    (guint)(length - (common ? 1 : 0)));
}

typedef struct {
	guint64 address;
	gchar type;
	const gchar *name;
} Line;

static void put_addresses(GByteArray *out, const GArray *lines, const Layout *layout)
{
	const guint64 base = G_GUINT64_CONSTANT(0xffffffff81000000);

	for (guint i = 0; i < lines->len; i++) {
		guint64 address = g_array_index(lines, Line, i).address;

		if (layout->addresses == LAYOUT_ABSOLUTE)
			put(out, address, 8);
		else if (layout->addresses == LAYOUT_RELATIVE)
			put(out, address - base, 4);
		else
			put(out, address < base ? address : base - 1 - address, 4);
	}
	align(out);
	if (layout->addresses != LAYOUT_ABSOLUTE)
		put(out, base, 8);
}

static void put_names(GByteArray *out, const GArray *lines, const Layout *layout)
{
	g_autoptr(GArray) markers = g_array_new(FALSE, FALSE, sizeof(guint32));
	guint start;

	put(out, lines->len, 4);
	align(out);
	start = out->len;
	for (guint i = 0; i < lines->len; i++) {
		const Line *line = &g_array_index(lines, Line, i);
		guint32 offset = out->len - start;

		if (i % MARKER_STEP == 0)
			g_array_append_val(markers, offset);
		put_name(out, line->type, line->name);
	}
	align(out);
	for (guint i = 0; i < markers->len; i++)
		put(out, g_array_index(markers, guint32, i), 4);
	align(out);
	for (guint i = 0; layout->numbers_by_name && !layout->number_first && i < lines->len; i++)
		put(out, i, 3);
	align(out);
}

static void put_tokens(GByteArray *out)
{
	guint start = out->len, offsets[TOKENS];

	for (guint i = 0; i < TOKENS; i++) {
		offsets[i] = out->len - start;
		g_byte_array_append(out, (const guint8 *)token(i), (guint)strlen(token(i)) + 1);
	}
	align(out);
	for (guint i = 0; i < TOKENS; i++)
		put(out, offsets[i], 2);
}

static GBytes *table_of(const GArray *lines, const Layout *layout)
{
	GByteArray *out = g_byte_array_new();

	/* What comes before must not matter. */
	put(out, G_GUINT64_CONSTANT(0x0000000400000004), 8);
	if (!layout->number_first)
		put_addresses(out, lines, layout);
	put_names(out, lines, layout);
	put_tokens(out);
	if (layout->number_first)
		put_addresses(out, lines, layout);
	for (guint i = 0; layout->numbers_by_name && layout->number_first && i < lines->len; i++)
		put(out, i, 3);
	return g_byte_array_free_to_bytes(out);
}

/* The lines of nm that the layout can say; the text is cut up into them. */
static GArray *lines_of(gchar *text, const Layout *layout)
{
	GArray *lines = g_array_new(FALSE, FALSE, sizeof(Line));

	for (gchar *at = text, *next; *at; at = next) {
		Line line = {.address = g_ascii_strtoull(at, NULL, 16), .type = at[17], .name = at + 19};

		next = strchr(at, '\n') + 1;
		next[-1] = '\0';
		if (*line.name != '.' && (layout->addresses != LAYOUT_RELATIVE || line.address >> 63))
			g_array_append_val(lines, line);
	}
	return lines;
}

static void link_objects(const SutureScratch *scratch, gsize count, gboolean table)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	static const gchar *const start[] = {"ld",
					     "-m",
					     "elf_x86_64",
					     "-z",
					     "max-page-size=4096",
					     "--no-warn-mismatch",
					     "--no-warn-rwx-segments",
					     "-e",
					     "0",
					     "-T",
					     "script",
					     "-o",
					     "vmlinux"};

	for (gsize i = 0; i < G_N_ELEMENTS(start); i++)
		g_ptr_array_add(argv, g_strdup(start[i]));
	for (gsize i = 0; i < count; i++)
		g_ptr_array_add(argv, g_strdup_printf("%" G_GSIZE_FORMAT ".o", i));
	if (table)
		g_ptr_array_add(argv, g_strdup("table.o"));
	g_ptr_array_add(argv, NULL);
	g_free(run(scratch, (const gchar *const *)argv->pdata, NULL));
}

static gsize assemble_all(const SutureScratch *scratch, const gchar *const *sources)
{
	gsize count = 0;

	for (; sources[count]; count++) {
		g_autofree gchar *object = g_strdup_printf("%" G_GSIZE_FORMAT ".o", count);

		assemble(scratch, sources[count], object);
	}
	return count;
}

GBytes *image_link(const gchar *const *sources, const Layout *layout, gchar **ret_symbols)
{
	static const gchar *const nm[] = {"nm", "-n", "vmlinux", NULL}, *const strip[] = {"strip", "vmlinux",
											  NULL};
	g_autoptr(SutureScratch) scratch = scratch_new();
	g_autoptr(GBytes) script_bytes = g_bytes_new_static(script, strlen(script)), table = NULL;
	g_autofree gchar *script_path = image_save(scratch, "script", script_bytes), *text = NULL,
			 *path = NULL;
	g_autoptr(GArray) lines = NULL;
	gsize count = assemble_all(scratch, sources);

	/* The table is behind all that it speaks of, so that it moves nothing. */
	link_objects(scratch, count, FALSE);
	text = run(scratch, nm, NULL);
	lines = lines_of(text, layout);
	if (layout->addresses != LAYOUT_NONE) {
		table = table_of(lines, layout);
		path = image_save(scratch, "table", table);
		assemble(scratch, ".section .kallsyms,\"a\"\n.balign 8\n.incbin \"table\"\n", "table.o");
		link_objects(scratch, count, TRUE);
	}
	g_free(run(scratch, strip, NULL));
	if (ret_symbols) {
		GString *symbols = g_string_new(NULL);

		for (guint i = 0; i < lines->len; i++) {
			const Line *line = &g_array_index(lines, Line, i);

			g_string_append_printf(symbols, "%016" G_GINT64_MODIFIER "x %c %s\n", line->address,
					       line->type, line->name);
		}
		*ret_symbols = g_string_free(symbols, FALSE);
	}
	return load(scratch, "vmlinux");
}

GBytes *image_module(const gchar *const *sources)
{
	g_autoptr(SutureScratch) scratch = scratch_new();
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	static const gchar *const start[] = {"ld", "-r", "-m", "elf_x86_64", "-o", "test.ko"};
	gsize count = assemble_all(scratch, sources);

	assemble(scratch, ".section .gnu.linkonce.this_module,\"aw\"\n.skip 64\n", "this.o");
	for (gsize i = 0; i < G_N_ELEMENTS(start); i++)
		g_ptr_array_add(argv, g_strdup(start[i]));
	for (gsize i = 0; i < count; i++)
		g_ptr_array_add(argv, g_strdup_printf("%" G_GSIZE_FORMAT ".o", i));
	g_ptr_array_add(argv, g_strdup("this.o"));
	g_ptr_array_add(argv, NULL);
	g_free(run(scratch, (const gchar *const *)argv->pdata, NULL));
	return load(scratch, "test.ko");
}

GBytes *image_flip(GBytes *image, gsize offset, guint8 mask)
{
	gsize size;
	gconstpointer data = g_bytes_get_data(image, &size);
	guint8 *copy = g_memdup2(data, size);

	g_assert_cmpuint(offset, <, size);
	copy[offset] ^= mask;
	return g_bytes_new_take(copy, size);
}
