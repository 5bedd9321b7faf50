/* SPDX-License-Identifier: GPL-2.0-only */
/* The redirection: one ftrace_ops for each patched function, with a stack of replacements. */
#ifndef SUTURE_PATCH_H
#define SUTURE_PATCH_H

#include <linux/ftrace.h>
#include <linux/list.h>

struct klp_object;
struct klp_patch;

/**
 * struct suture_site - a patched function
 * @fops:	the one registration with ftrace
 * @stack:	klp_func.stack_node, the newest first; read by the handler without a lock, changed
 *		under suture_mutex
 * @node:	in the list of all sites
 * @function:	address of the original
 * @fentry:	where ftrace calls
 */
struct suture_site {
	struct ftrace_ops fops;
	struct list_head stack;
	struct list_head node;
	unsigned long function;
	unsigned long fentry;
};

/**
 * suture_site_find() - the site of a function
 * @function:	address of the original
 *
 * Return: the site, NULL when nobody patches the function.
 */
struct suture_site *suture_site_find(unsigned long function);

/**
 * suture_object_patch() - put the functions of an object on top of their sites' stacks
 * @obj:	loaded, resolved, not patched
 *
 * Return: 0 or a negative errno, with the function in the log and none patched: -EBUSY when
 * somebody else redirects it.
 */
int suture_object_patch(struct klp_object *obj);

/**
 * suture_object_unpatch() - take the functions of an object off
 * @obj:	an object, patched or not
 * @nops_only:	leave the author's functions
 *
 * A handler that began earlier may still choose one of them: suture_wait_for_handlers() waits for
 * that.
 */
void suture_object_unpatch(struct klp_object *obj, bool nops_only);

/**
 * suture_patch_unpatch() - the same for all objects of a patch
 * @patch:	the patch
 * @nops_only:	as above
 */
void suture_patch_unpatch(struct klp_patch *patch, bool nops_only);

/**
 * suture_patch_keep_remains() - remember the functions of a patch whose module stays for ever
 * @patch:	unpatched, forced; no handler has it any more
 */
void suture_patch_keep_remains(struct klp_patch *patch);

/**
 * suture_remains_each() - replacements of a function that nobody calls, but tasks may be in
 * @function:	address of the original
 * @visit:	called with each function whose replacement that is; an error ends the walk
 * @data:	for @visit
 *
 * Return: 0, or the first error of @visit.
 */
int suture_remains_each(unsigned long function,
			int (*visit)(struct klp_func *func, void *data), void *data);

/**
 * suture_wait_for_handlers() - wait until every handler that began before is over
 *
 * Also one where RCU does not watch; and every other section with preemption off. Sleeps, cannot
 * fail.
 */
void suture_wait_for_handlers(void);

#endif
