// SPDX-License-Identifier: GPL-2.0-only
/* Names to addresses, by kallsyms. */
#define pr_fmt(fmt) "livepatch: " fmt

#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/string.h>

#include "kernel.h"
#include "symbols.h"

/*
 * GCC numbers the parts of each function on its own, and hardly ever makes a second one; numbers
 * are missing where a part was inlined again. Each name is looked up by itself, since a walk
 * through all symbols of vmlinux takes far longer: until so many numbers in a row are no part's.
 */
#define PARTS_GAP 4

struct search {
	const char *name;
	unsigned long sympos;
	unsigned long count;
	unsigned long address;
};

struct part_search {
	const char *name;
	unsigned int found;
	int (*visit)(unsigned long address, unsigned long size, void *data);
	void *data;
};

struct prefix_search {
	const char *prefix;
	int (*visit)(unsigned long address, void *data);
	void *data;
};

/*
 * core_kallsyms, not kallsyms: until init is over the latter is a table that has init's symbols
 * too and then goes, so that positions would change. This one is complete before the COMING
 * notifiers and lives with the module.
 */
static int each_module_symbol(struct module *mod,
			      int (*visit)(void *data, const char *name, unsigned long address),
			      void *data)
{
	const struct mod_kallsyms *table = &mod->core_kallsyms;
	unsigned int i;
	int err;

	for (i = 1; i < table->num_symtab; i++) {
		unsigned int section = table->symtab[i].st_shndx;

		if (section == SHN_UNDEF || section >= SHN_LORESERVE)
			continue;
		err = visit(data, table->strtab + table->symtab[i].st_name,
			    kallsyms_symbol_value(&table->symtab[i]));
		if (err)
			return err;
	}
	return 0;
}

/* Ends the walk as soon as the outcome is known. */
static int search_step(void *data, unsigned long address)
{
	struct search *search = data;

	search->count++;
	search->address = address;
	return search->count > 1 && !search->sympos ? 1 : search->count == search->sympos;
}

static int search_module_step(void *data, const char *name, unsigned long address)
{
	struct search *search = data;

	return strcmp(name, search->name) ? 0 : search_step(search, address);
}

int suture_symbol_find(struct module *mod, const char *name, unsigned long sympos,
		       unsigned long *address)
{
	struct search search = { .name = name, .sympos = sympos };
	const char *object = mod ? mod->name : "vmlinux";

	if (mod)
		each_module_symbol(mod, search_module_step, &search);
	else
		kernel_kallsyms_on_each_match_symbol(search_step, name, &search);

	if (!search.count) {
		pr_err("symbol '%s' not found in symbol table\n", name);
		return -ENOENT;
	}
	if (!sympos && search.count > 1) {
		pr_err("unresolvable ambiguity for symbol '%s' in object '%s'\n", name, object);
		return -EINVAL;
	}
	if (sympos && search.count != sympos) {
		pr_err("symbol position %lu for symbol '%s' in object '%s' not found\n", sympos,
		       name, object);
		return -ENOENT;
	}
	*address = search.address;
	return 0;
}

int suture_symbol_size(unsigned long address, unsigned long *size)
{
	unsigned long found, offset;

	if (!kernel_kallsyms_lookup_size_offset(address, &found, &offset) || offset)
		return -ENOENT;
	*size = found;
	return 0;
}

static int part_step(void *data, unsigned long address)
{
	struct part_search *search = data;
	unsigned long size;
	int err;

	search->found++;
	err = suture_symbol_size(address, &size);
	if (err)
		return err;
	return search->visit(address, size, search->data);
}

static int part_module_step(void *data, const char *name, unsigned long address)
{
	struct part_search *search = data;
	size_t length = strlen(search->name);

	if (strncmp(name, search->name, length))
		return 0;
	name += length;
	if (strcmp(name, ".cold") && !strstarts(name, ".cold.") && !strstarts(name, ".part."))
		return 0;
	return part_step(data, address);
}

static int each_vmlinux_part(struct part_search *search)
{
	static const char * const suffixes[] = {
		"%s.cold.%u",
		"%s.part.%u", "%s.part.%u.cold",
		"%s.part.%u.isra.0", "%s.part.%u.isra.0.cold",
		"%s.part.%u.constprop.0", "%s.part.%u.constprop.0.cold",
	};
	char name[KSYM_NAME_LEN];
	unsigned int i, n, gap = 0;
	int err;

	snprintf(name, sizeof(name), "%s.cold", search->name);
	err = kernel_kallsyms_on_each_match_symbol(part_step, name, search);
	for (n = 0; !err && gap < PARTS_GAP; n++) {
		search->found = 0;
		for (i = 0; !err && i < ARRAY_SIZE(suffixes); i++) {
			snprintf(name, sizeof(name), suffixes[i], search->name, n);
			err = kernel_kallsyms_on_each_match_symbol(part_step, name, search);
		}
		gap = search->found ? 0 : gap + 1;
	}
	return err;
}

int suture_symbol_each_part(struct module *mod, const char *name,
			    int (*visit)(unsigned long address, unsigned long size, void *data),
			    void *data)
{
	struct part_search search = { .name = name, .visit = visit, .data = data };

	if (mod)
		return each_module_symbol(mod, part_module_step, &search);
	return each_vmlinux_part(&search);
}

int suture_symbol_each_named(const char *name,
			     int (*visit)(unsigned long address, unsigned long size, void *data),
			     void *data)
{
	struct part_search search = { .name = name, .visit = visit, .data = data };

	return kernel_kallsyms_on_each_match_symbol(part_step, name, &search);
}

static int prefix_step(void *data, const char *name, unsigned long address)
{
	const struct prefix_search *search = data;

	return strstarts(name, search->prefix) ? search->visit(address, search->data) : 0;
}

int suture_symbol_each_prefixed(struct module *mod, const char *prefix,
				int (*visit)(unsigned long address, void *data), void *data)
{
	struct prefix_search search = { .prefix = prefix, .visit = visit, .data = data };

	return each_module_symbol(mod, prefix_step, &search);
}
