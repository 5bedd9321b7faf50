// SPDX-License-Identifier: GPL-2.0-only
/* The relocation table of patch modules. */
#define pr_fmt(fmt) "livepatch: " fmt

#include <linux/memory.h>
#include <linux/module.h>
#include <linux/string.h>

#include "arch/arch.h"
#include "compat.h"
#include "include/suture/livepatch.h"
#include "include/suture/reloc.h"
#include "kernel.h"
#include "reloc.h"
#include "symbols.h"

/**
 * struct pass - a walk through the table of a module
 * @mod:	the module
 * @object:	entries of this module only; NULL: all
 * @source:	@object while it is loaded, NULL otherwise
 * @write:	write the bytes, which an earlier pass found to be right
 * @count:	entries that bytes were made for
 */
struct pass {
	struct module *mod;
	const char *object;
	struct module *source;
	bool write;
	unsigned int count;
};

void suture_klp_import_missing(void)
{
	__builtin_trap();
}
EXPORT_SYMBOL_GPL(suture_klp_import_missing);

static bool is_for_vmlinux(const struct suture_reloc *entry)
{
	return !entry->object || !strcmp(entry->object, "vmlinux");
}

/* Whether an address is that of an entry whose texts can be read. */
static bool is_entry(const struct module *mod, unsigned long address)
{
	const struct suture_reloc *entry = (void *)address;

	return IS_ALIGNED(address, __alignof__(*entry)) &&
	       suture_module_contains(mod, address, sizeof(*entry)) &&
	       suture_module_contains(mod, (unsigned long)entry->symbol, 1) &&
	       (!entry->object || suture_module_contains(mod, (unsigned long)entry->object, 1));
}

static int make_bytes(const struct suture_reloc *entry, struct module *source, u8 *bytes)
{
	unsigned long place = (unsigned long)entry->place;
	unsigned long address;
	int err;

	if (!is_for_vmlinux(entry) && !source)
		return suture_arch_reloc_absent(entry->type, place, bytes);

	err = suture_symbol_find(is_for_vmlinux(entry) ? NULL : source, entry->symbol,
				 entry->sympos, &address);
	if (err)
		return err;
	return suture_arch_reloc_compute(entry->type, place, address + entry->addend, bytes);
}

static int complain(const struct pass *pass, const struct suture_reloc *entry, const char *what,
		    int err)
{
	pr_err("module '%s': relocation of type %llu for symbol '%s' in object '%s' %s\n",
	       pass->mod->name, entry->type, entry->symbol,
	       is_for_vmlinux(entry) ? "vmlinux" : entry->object, what);
	return err;
}

static int visit_entry(unsigned long address, void *data)
{
	const struct suture_reloc *entry = (void *)address;
	u8 bytes[SUTURE_ARCH_RELOC_MAX];
	struct pass *pass = data;
	size_t size;
	int err;

	if (!is_entry(pass->mod, address)) {
		pr_err("module '%s': relocation %ps is malformed\n", pass->mod->name,
		       (void *)address);
		return -EINVAL;
	}
	if (!entry->type || (pass->object && (is_for_vmlinux(entry) ||
					      strcmp(entry->object, pass->object))))
		return 0;

	size = entry->type > U32_MAX ? 0 : suture_arch_reloc_size(entry->type);
	if (!size)
		return complain(pass, entry, "is not supported", -EOPNOTSUPP);
	if (!suture_module_contains(pass->mod, (unsigned long)entry->place, size))
		return complain(pass, entry, "writes outside the module", -EINVAL);
	err = make_bytes(entry, pass->source, bytes);
	if (err == -ERANGE)
		return complain(pass, entry, "is out of range", err);
	if (err)
		return err;

	pass->count++;
	if (pass->write)
		suture_arch_text_write(entry->place, bytes, size);
	return 0;
}

static int walk(struct pass *pass)
{
	return suture_symbol_each_prefixed(pass->mod, SUTURE_RELOC_PREFIX, visit_entry, pass);
}

/*
 * Twice, so that an error comes before the first write. The second time has the same outcome: the
 * symbols of vmlinux do not change, and the object cannot go away meanwhile.
 */
static int run(struct pass *pass)
{
	int err;

	err = walk(pass);
	if (err || !pass->count)
		return err;

	/* The places are read-only, and may be code. The mutex is the one of all who patch code. */
	mutex_lock(kernel_text_mutex);
	pass->write = true;
	err = walk(pass);
	suture_arch_text_sync();
	mutex_unlock(kernel_text_mutex);
	return err;
}

int suture_reloc_module_coming(struct module *mod)
{
	struct pass pass = { .mod = mod };

	return run(&pass);
}

int suture_reloc_apply(struct klp_patch *patch, struct klp_object *obj)
{
	struct pass pass = { .mod = patch->mod, .object = obj->name, .source = obj->mod };

	return obj->name ? run(&pass) : 0;
}

void suture_reloc_clear(struct klp_patch *patch, struct klp_object *obj)
{
	struct pass pass = { .mod = patch->mod, .object = obj->name };

	if (obj->name)
		run(&pass);
}

static bool has_object(struct klp_patch *patch, const char *name)
{
	struct klp_object *obj;

	klp_for_each_object_static(patch, obj)
		if (obj->name && !strcmp(obj->name, name))
			return true;
	return false;
}

static int check_entry(unsigned long address, void *data)
{
	const struct suture_reloc *entry = (void *)address;
	struct klp_patch *patch = data;
	struct pass pass = { .mod = patch->mod };

	if (is_for_vmlinux(entry) || has_object(patch, entry->object))
		return 0;
	return complain(&pass, entry, "is for no object of the patch", -EINVAL);
}

int suture_reloc_check(struct klp_patch *patch)
{
	return suture_symbol_each_prefixed(patch->mod, SUTURE_RELOC_PREFIX, check_entry, patch);
}
