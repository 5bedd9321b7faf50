/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The relocation table of patch modules (struct suture_reloc has its format): references to symbols
 * that are not exported, and to symbols of modules that may come later. All of these may sleep, and
 * take text_mutex.
 */
#ifndef SUTURE_RELOC_H
#define SUTURE_RELOC_H

struct klp_object;
struct klp_patch;
struct module;

/**
 * suture_reloc_module_coming() - apply the entries against vmlinux, before the module's init runs
 * @mod:	any module that is loading; one without a table is left alone
 *
 * Entries against other modules get what suture_reloc_clear() leaves.
 *
 * Return: 0, or an error that is to refuse the module's load, with its reason in the log: -EINVAL
 * for a malformed entry, -EOPNOTSUPP for a type that is not applied, -ERANGE when a value does not
 * fit, or as suture_symbol_find(). Nothing is applied then.
 */
int suture_reloc_module_coming(struct module *mod);

/**
 * suture_reloc_check() - every entry must belong to vmlinux or to an object of the patch
 * @patch:	the patch, its obj_list not yet made
 *
 * Return: 0 or -EINVAL, with the entry's object and symbol in the log.
 */
int suture_reloc_check(struct klp_patch *patch);

/**
 * suture_reloc_apply() - apply the entries of a patch against one loaded module
 * @patch:	the patch
 * @obj:	one of its objects, with obj->mod set; for vmlinux there is nothing left to do
 *
 * Return: 0 or an error as above, with the reason in the log and nothing applied.
 */
int suture_reloc_apply(struct klp_patch *patch, struct klp_object *obj);

/**
 * suture_reloc_clear() - take the addresses of a module that goes away out of the patch
 * @patch:	the patch
 * @obj:	one of its objects
 *
 * Pointers become NULL, calls trap.
 */
void suture_reloc_clear(struct klp_patch *patch, struct klp_object *obj);

/*
 * Where calls of imported functions end as long as they have no other target. For the assembler:
 * the relocations of patch modules name it, nothing in C calls it.
 */
void suture_klp_import_missing(void);

#endif
