/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects of patches, and modules that come and go. */
#ifndef SUTURE_OBJECTS_H
#define SUTURE_OBJECTS_H

struct klp_func;
struct klp_object;
struct klp_patch;

/**
 * suture_objects_init() - watch modules come and go from now on
 *
 * Return: 0 or a negative errno.
 */
int suture_objects_init(void);

/* When no patch is left. */
void suture_objects_exit(void);

/**
 * suture_object_init() - set the internal fields of an object, put it on its patch's list
 * @patch:	the patch, its list initialised
 * @obj:	one of its objects, functions not listed yet
 */
void suture_object_init(struct klp_patch *patch, struct klp_object *obj);

/**
 * suture_func_init() - the same for a function
 * @patch:	the patch
 * @obj:	initialised
 * @func:	one of its functions
 */
void suture_func_init(struct klp_patch *patch, struct klp_object *obj, struct klp_func *func);

/**
 * suture_func_measure() - the size of a replacement, which has to be the start of a function
 * @patch:	the patch, whose module has it
 * @func:	a function of a patch, its object loaded or not; nops are left alone
 *
 * Return: 0; -EINVAL for code that is not the module's or goes after its init, -ENOENT for what is
 * no function; with the name in the log.
 */
int suture_func_measure(struct klp_patch *patch, struct klp_func *func);

/**
 * suture_object_find_module() - set obj->mod when its module is there, NULL otherwise
 * @obj:	an object of a module, or vmlinux (which is left alone)
 *
 * The module stays valid while suture_mutex is held, and after that until the GOING notifier has
 * cleared obj->mod, provided that the patch is on the stack by then. A module whose COMING
 * notifier has not reached us yet is not there. Called with suture_mutex held.
 */
void suture_object_find_module(struct klp_object *obj);

/**
 * suture_object_resolve() - relocations, addresses and sizes of the functions of an object
 * @patch:	the patch
 * @obj:	one of its objects, loaded
 *
 * Return: 0 or a negative errno, with the name in the log and the object as if it were not
 * loaded. Called with suture_mutex held.
 */
int suture_object_resolve(struct klp_patch *patch, struct klp_object *obj);

/**
 * suture_objects_forget() - undo suture_object_resolve() for all objects of a patch
 * @patch:	was not enabled after all: nothing of it patched, none of its code run
 *
 * Called with suture_mutex held.
 */
void suture_objects_forget(struct klp_patch *patch);

#endif
