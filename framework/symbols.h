/* SPDX-License-Identifier: GPL-2.0-only */
/* Names to addresses, by kallsyms. All of these may sleep. */
#ifndef SUTURE_SYMBOLS_H
#define SUTURE_SYMBOLS_H

#include <linux/types.h>

struct module;

/**
 * suture_symbol_find() - the address of a symbol
 * @mod:	the module that holds it, which must not go away meanwhile; NULL for vmlinux
 * @name:	of the symbol
 * @sympos:	which one in the order of kallsyms, from 1; 0: the only one
 * @address:	set on success
 *
 * The order of kallsyms is that of addresses in vmlinux, and that of the symbol table in a module,
 * which is what patches are written to and what the kernel's own livepatch counts by. The addresses
 * of a module's sections follow no order (from 6.4 on each kind of memory is allocated apart), and
 * the symbols of what is freed after init are not counted, whether it has been freed yet or not.
 *
 * Return: 0; -ENOENT when it is not there (or not so many of them), -EINVAL when sympos is 0 and
 * there are several. Failures are logged with the name.
 */
int suture_symbol_find(struct module *mod, const char *name, unsigned long sympos,
		       unsigned long *address);

/**
 * suture_symbol_size() - bytes from an address, which must be the start of a symbol, to the next
 * @address:	start of a function
 * @size:	set on success
 *
 * Return: 0 or -ENOENT.
 */
int suture_symbol_size(unsigned long address, unsigned long *size);

/**
 * suture_symbol_each_part() - the pieces that the compiler split off a function
 * @mod:	as above
 * @name:	of the function: <name>.cold, <name>.part.<n>, <name>.part.<n>.cold and the like are
 *		visited, all of each name
 * @visit:	called with address and size in bytes; an error ends the walk
 * @data:	for @visit
 *
 * Return: 0, or the first error of @visit.
 */
int suture_symbol_each_part(struct module *mod, const char *name,
			    int (*visit)(unsigned long address, unsigned long size, void *data),
			    void *data);

/**
 * suture_symbol_each_named() - all functions of vmlinux with a name
 * @name:	of the functions; there may be none
 * @visit:	as above
 * @data:	for @visit
 *
 * Return: 0, or the first error of @visit.
 */
int suture_symbol_each_named(const char *name,
			     int (*visit)(unsigned long address, unsigned long size, void *data),
			     void *data);

/**
 * suture_symbol_each_prefixed() - all symbols of a module whose names begin with a prefix
 * @mod:	may be one that is just coming
 * @prefix:	of the names
 * @visit:	called with each address; an error ends the walk
 * @data:	for @visit
 *
 * Return: 0, or the first error of @visit.
 */
int suture_symbol_each_prefixed(struct module *mod, const char *prefix,
				int (*visit)(unsigned long address, void *data), void *data);

#endif
