// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pair.h"

#include "common/process.h"
#include "common/staging.h"

#include <string.h>

/* The kernel's options, as far as they shape objects. */
static const gchar *const options[] = {
	"-std=gnu11",
	"-O2",
	"-g",
	"-ffreestanding",
	"-fno-PIE",
	"-mcmodel=kernel",
	"-mno-red-zone",
	"-mno-sse",
	"-fno-asynchronous-unwind-tables",
	"-fno-common",
	"-fcf-protection=none",
	"-ffunction-sections",
	"-fdata-sections",
	"-fno-strict-aliasing",
	"-fno-stack-protector",
	"-fno-jump-tables",
};
static const gchar *const tracing[] = {"-pg", "-mrecord-mcount", "-mfentry"};

static const gchar *const prelude =
	"#ifdef AFTER\n#define NOW(after, before) after\n#else\n#define NOW(after, before) before\n#endif\n"
	"#define noinline __attribute__((noinline, noipa))\n#define used __attribute__((used))\n"
	"#define section(name) __attribute__((section(name)))\n#define unlikely(x) __builtin_expect(!!(x), "
	"0)\n"
	"extern int printk(const char *format, ...);\nextern int other(int);\nextern int shared;\n#line 1\n";

static GPtrArray *command(const gchar *output, const gchar *input, gboolean after, const gchar *const *flags)
{
	GPtrArray *argv = g_ptr_array_new();

	g_ptr_array_add(argv, (gpointer) "gcc");
	for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
		g_ptr_array_add(argv, (gpointer)options[i]);
	for (gsize i = 0; !flags && i < G_N_ELEMENTS(tracing); i++)
		g_ptr_array_add(argv, (gpointer)tracing[i]);
	for (; flags && *flags; flags++)
		g_ptr_array_add(argv, (gpointer)*flags);
	if (after)
		g_ptr_array_add(argv, (gpointer) "-DAFTER");
	g_ptr_array_add(argv, (gpointer) "-c");
	g_ptr_array_add(argv, (gpointer) "-o");
	g_ptr_array_add(argv, (gpointer)output);
	g_ptr_array_add(argv, (gpointer)input);
	g_ptr_array_add(argv, NULL);
	return argv;
}

GBytes *pair_compile(const gchar *source, gboolean after, const gchar *const *flags)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureScratch) scratch = suture_scratch_new(&error);
	g_autofree gchar *input = g_build_filename(suture_scratch_path(scratch), "unit.c", NULL);
	g_autofree gchar *output = g_build_filename(suture_scratch_path(scratch), "unit.o", NULL);
	g_autofree gchar *text = g_strconcat(prelude, source, NULL);
	g_autoptr(GPtrArray) argv = command(output, "unit.c", after, flags);
	gchar *data = NULL;
	gsize size = 0;

	g_assert_no_error(error);
	g_file_set_contents(input, text, -1, &error);
	g_assert_no_error(error);
	if (!suture_process_run((const gchar *const *)argv->pdata, NULL, suture_scratch_path(scratch), NULL,
				NULL, &error))
		g_error("%s\n%s", error->message, source);
	g_file_get_contents(output, &data, &size, &error);
	g_assert_no_error(error);
	return g_bytes_new_take(data, size);
}

static gboolean names(const gchar *list, const gchar *name)
{
	g_autofree gchar *wanted = g_strconcat(" ", name, " ", NULL);

	return list && strstr(list, wanted);
}

static gboolean resolve(gpointer data, const gchar *symbol, gboolean local, SutureDiffTarget *ret,
			GError **error)
{
	const Means *means = data;

	if (names(means->unknown, symbol)) {
		g_set_error(error, SUTURE_DIFF_ERROR, SUTURE_DIFF_ERROR_UNRESOLVED, "there is no %s", symbol);
		return FALSE;
	}
	ret->object = g_strdup(names(means->foreign, symbol) ? "other"
			       : means->object               ? means->object
							     : "vmlinux");
	ret->symbol = g_strdup(symbol);
	ret->sympos = local ? 1 : 0;
	ret->exported = names(means->exported, symbol);
	return TRUE;
}

static gboolean is_sealed(gpointer data, const gchar *function, gboolean local)
{
	(void)local;
	return names(((const Means *)data)->sealed, function);
}

static gboolean is_traced(gpointer data, const gchar *function, gboolean local)
{
	(void)local;
	return !names(((const Means *)data)->untraced, function);
}

static gboolean is_taken(gpointer data, const gchar *name, gboolean local)
{
	(void)local;
	return names(((const Means *)data)->taken, name);
}

static gboolean is_frozen(gpointer data, const gchar *key, gboolean local)
{
	(void)local;
	return names(((const Means *)data)->frozen, key);
}

static gboolean is_touched(gpointer data, const gchar *file, guint first, guint last)
{
	const Means *means = data;

	for (const guint *line = means->touched; g_str_has_suffix(file, "unit.c") && *line; line++)
		if (*line >= first && *line <= last)
			return TRUE;
	return FALSE;
}

SutureDiff *pair_diff(const gchar *source, const Means *means)
{
	Means none = {0}, own = means ? *means : none;
	g_autoptr(GBytes) before = pair_compile(source, FALSE, own.flags);
	g_autoptr(GBytes) after = pair_compile(source, TRUE, own.flags);
	g_autoptr(GError) error = NULL;
	const SutureDiffRequest request = {
		.unit = "unit.o",
		.object = own.object ? own.object : "vmlinux",
		.number = 3,
		.before = before,
		.after = after,
		.resolve = resolve,
		.traceable = own.untraced ? is_traced : NULL,
		.sealed = own.sealed ? is_sealed : NULL,
		.taken = own.taken ? is_taken : NULL,
		.frozen = own.frozen ? is_frozen : NULL,
		.touched = own.touched ? is_touched : NULL,
		.data = &own,
		.late = own.late,
	};
	SutureDiff *diff = suture_diff_run(&request, &error);
	g_autoptr(SutureDiff) again = NULL;

	g_assert_no_error(error);
	again = suture_diff_run(&request, &error);
	g_assert_no_error(error);
	g_assert_cmpint(diff->extracted != NULL, ==, again->extracted != NULL);
	if (diff->extracted)
		g_assert_true(g_bytes_equal(diff->extracted, again->extracted));
	return diff;
}

static void print_refusals(const SutureDiff *diff)
{
	for (guint i = 0; i < diff->refusals->len; i++) {
		const SutureDiffRefusal *refusal = diff->refusals->pdata[i];

		g_printerr("%s (%d)\n", refusal->sentence, refusal->code);
	}
}

/* The linker must take what was extracted. */
static void check_links(GBytes *extracted)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureScratch) scratch = suture_scratch_new(&error);
	g_autofree gchar *input = g_build_filename(suture_scratch_path(scratch), "extracted.o", NULL);
	g_autofree gchar *output = g_build_filename(suture_scratch_path(scratch), "linked.o", NULL);
	const gchar *const argv[] = {"ld", "--fatal-warnings", "-r", "-o", output, input, NULL};
	gsize size;
	gconstpointer data = g_bytes_get_data(extracted, &size);

	g_assert_no_error(error);
	g_file_set_contents(input, data, (gssize)size, &error);
	g_assert_no_error(error);
	if (!suture_process_run(argv, NULL, NULL, NULL, NULL, &error))
		g_error("%s", error->message);
}

SutureDiff *pair_accept(const gchar *source, const Means *means)
{
	SutureDiff *diff = pair_diff(source, means);

	print_refusals(diff);
	g_assert_cmpuint(diff->refusals->len, ==, 0);
	if (diff->extracted)
		check_links(diff->extracted);
	for (guint i = 0; i < diff->sections->len; i++) {
		const SutureDiffSection *section = diff->sections->pdata[i];

		g_assert_cmpint(section->disposition, !=, SUTURE_DIFF_REFUSED);
		g_assert_nonnull(section->sentence);
	}
	return diff;
}

void pair_refuse(const gchar *source, const Means *means, SutureDiffError code, const gchar *name)
{
	g_autoptr(SutureDiff) diff = pair_diff(source, means);
	const SutureDiffRefusal *refusal;

	if (diff->refusals->len != 1)
		print_refusals(diff);
	g_assert_cmpuint(diff->refusals->len, ==, 1);
	refusal = diff->refusals->pdata[0];
	g_assert_cmpstr(refusal->name, ==, name);
	if ((gint)refusal->code != (gint)code)
		g_error("%s (%d)", refusal->sentence, refusal->code);
	g_assert_nonnull(strstr(refusal->sentence, ": "));
}

const SutureDiffFunction *pair_function(const SutureDiff *diff, const gchar *name)
{
	for (guint i = 0; i < diff->functions->len; i++) {
		const SutureDiffFunction *function = diff->functions->pdata[i];

		if (strcmp(function->name, name) == 0)
			return function;
	}
	return NULL;
}

static gint compare_names(gconstpointer left, gconstpointer right)
{
	return strcmp(*(gchar *const *)left, *(gchar *const *)right);
}

void pair_functions(const SutureDiff *diff, const gchar *expected)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
	g_autofree gchar *found = NULL;

	for (guint i = 0; i < diff->functions->len; i++) {
		const SutureDiffFunction *function = diff->functions->pdata[i];

		g_ptr_array_add(list, g_strconcat(function->kind == SUTURE_DIFF_NEW ? "+" : "",
						  function->name, NULL));
		g_assert_cmpint(function->before == NULL, ==, function->kind == SUTURE_DIFF_NEW);
		g_assert_cmpint(function->alias == NULL, ==, function->kind == SUTURE_DIFF_NEW);
		g_assert_cmpuint(g_strv_length(function->reasons), >, 0);
	}
	g_ptr_array_sort(list, compare_names);
	g_ptr_array_add(list, NULL);
	found = g_strjoinv(" ", (gchar **)list->pdata);
	g_assert_cmpstr(found, ==, expected);
}

gboolean pair_reason(const SutureDiff *diff, const gchar *name, const gchar *text)
{
	const SutureDiffFunction *function = pair_function(diff, name);

	for (guint i = 0; function && function->reasons[i]; i++)
		if (strstr(function->reasons[i], text))
			return TRUE;
	return FALSE;
}

gboolean pair_references(const SutureDiff *diff, const gchar *elf_name)
{
	for (guint i = 0; i < diff->references->len; i++)
		if (strcmp(((SutureDiffReference *)diff->references->pdata[i])->name, elf_name) == 0)
			return TRUE;
	return FALSE;
}

const SutureDiffSection *pair_section(const SutureDiff *diff, const gchar *name)
{
	for (guint i = 0; i < diff->sections->len; i++) {
		const SutureDiffSection *section = diff->sections->pdata[i];

		if (strcmp(section->name, name) == 0)
			return section;
	}
	return NULL;
}

gboolean pair_notes(const SutureDiff *diff, const gchar *text)
{
	for (guint i = 0; i < diff->notes->len; i++)
		if (strstr(diff->notes->pdata[i], text))
			return TRUE;
	return FALSE;
}

static const gchar *name_of(Elf *elf, const GElf_Shdr *header)
{
	gsize names_index = 0;

	elf_getshdrstrndx(elf, &names_index);
	return elf_strptr(elf, names_index, header->sh_name);
}

/* The first section of that name and type; 0: none. */
static gsize find(Elf *elf, const gchar *name, guint type, GElf_Shdr *header, Elf_Data **data)
{
	gsize count = 0;

	elf_getshdrnum(elf, &count);
	for (gsize i = 1; i < count; i++)
		if (suture_elf_section(elf, i, header, data) && (!type || header->sh_type == type) &&
		    strcmp(name_of(elf, header), name) == 0)
			return i;
	return 0;
}

gint64 pair_size(const SutureDiff *diff, const gchar *name)
{
	SUTURE_AUTO_ELF *elf = diff->extracted ? suture_elf_from_memory(diff->extracted) : NULL;
	GElf_Shdr header;
	Elf_Data *data;

	return elf && find(elf, name, 0, &header, &data) ? (gint64)header.sh_size : -1;
}

gconstpointer pair_bytes(const SutureDiff *diff, const gchar *name, gsize offset)
{
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(diff->extracted);
	GElf_Shdr header;
	Elf_Data *data;

	g_assert_cmpuint(find(elf, name, 0, &header, &data), >, 0);
	g_assert_cmpuint(offset, <, header.sh_size);
	return (const gchar *)g_bytes_get_data(diff->extracted, NULL) + header.sh_offset + offset;
}

static const gchar *symbol_name(Elf *elf, gsize strings, const GElf_Sym *symbol)
{
	GElf_Shdr header;

	if (GELF_ST_TYPE(symbol->st_info) != STT_SECTION)
		return elf_strptr(elf, strings, symbol->st_name);
	g_assert_nonnull(gelf_getshdr(elf_getscn(elf, symbol->st_shndx), &header));
	return name_of(elf, &header);
}

gchar *pair_link(const SutureDiff *diff, const gchar *section, guint index, guint *ret_type)
{
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(diff->extracted);
	g_autofree gchar *name = g_strconcat(".rela", section, NULL);
	GElf_Shdr header, table;
	Elf_Data *data, *symbols;
	GElf_Rela rela;
	GElf_Sym symbol;

	if (!find(elf, name, SHT_RELA, &header, &data) || index >= data->d_size / sizeof(Elf64_Rela))
		return NULL;
	g_assert_true(suture_elf_section(elf, header.sh_link, &table, &symbols));
	g_assert_nonnull(gelf_getrela(data, (int)index, &rela));
	g_assert_nonnull(gelf_getsym(symbols, (int)GELF_R_SYM(rela.r_info), &symbol));
	if (ret_type)
		*ret_type = (guint)GELF_R_TYPE(rela.r_info);
	return g_strdup_printf("%s%+" G_GINT64_FORMAT, symbol_name(elf, table.sh_link, &symbol),
			       rela.r_addend);
}

gboolean pair_links_to(const SutureDiff *diff, const gchar *section, const gchar *target)
{
	for (guint i = 0;; i++) {
		g_autofree gchar *link = pair_link(diff, section, i, NULL);

		if (!link)
			return FALSE;
		if (g_str_has_prefix(link, target) && strchr("+-", link[strlen(target)]))
			return TRUE;
	}
}

gboolean pair_symbol(const SutureDiff *diff, const gchar *name, GElf_Sym *ret)
{
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(diff->extracted);
	GElf_Shdr header;
	Elf_Data *data;

	g_assert_cmpuint(find(elf, ".symtab", SHT_SYMTAB, &header, &data), >, 0);
	for (gsize i = 0; i < data->d_size / sizeof(Elf64_Sym); i++) {
		g_assert_nonnull(gelf_getsym(data, (int)i, ret));
		if (g_strcmp0(elf_strptr(elf, header.sh_link, ret->st_name), name) == 0)
			return TRUE;
	}
	return FALSE;
}
