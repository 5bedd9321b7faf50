/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a patch module and the framework share. Source-compatible with <linux/livepatch.h>: patch
 * modules include that name and get this file through include/compat, which maps the names that a
 * kernel with CONFIG_LIVEPATCH exports itself.
 */
#ifndef SUTURE_LIVEPATCH_H
#define SUTURE_LIVEPATCH_H

#include <linux/completion.h>
#include <linux/ftrace.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/stringify.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/*
 * Grows with every change of the structures below. klp_enable_patch() passes the one that the
 * patch module was built with; the framework refuses any other.
 */
#define SUTURE_KLP_ABI 1

/**
 * enum klp_consistency - what a task leaves before it gets the new code, what gets it at once
 * @KLP_PER_TASK:	a task leaves the whole set of patched functions, then this task switches
 * @KLP_STOP_MACHINE:	all tasks have left the set at one moment, then the whole kernel switches
 * @KLP_IMMEDIATE:	nothing is left: the next call of each function is a call of the new one.
 *			Old and new code run side by side: for functions that do not depend on each
 *			other. The module stays loaded for ever.
 */
enum klp_consistency {
	KLP_PER_TASK = 0,
	KLP_STOP_MACHINE,
	KLP_IMMEDIATE,
};

struct suture_site;

/**
 * struct klp_func - one function and its replacement
 * @old_name:		name of the function
 * @new_func:		the replacement, in the patch module
 * @old_sympos:		which of several symbols with this name in the object, from 1, in the order
 *			of kallsyms: of addresses in vmlinux, of the symbol table in a module;
 *			0: there is only one
 * @owner:		internal: the patch module
 * @old_func:		internal: address of the function
 * @kobj:		internal: <object>/<function,sympos> in sysfs
 * @node:		internal: in klp_object.func_list
 * @stack_node:		internal: in suture_site.stack
 * @site:		internal: the ftrace site that this is registered at, NULL when it is not
 *		patched
 * @old_size:		internal: bytes of the function
 * @new_size:		internal: bytes of the replacement
 * @nop:		the original again, on top of patches that are replaced; allocated by the
 *		framework
 * @patched:		internal: on the site's stack
 * @transition:		internal: the patch is in transition, so each task's own state decides
 */
struct klp_func {
	/* by the author */
	const char *old_name;
	void *new_func;
	unsigned long old_sympos;

	/* internal */
	struct module *owner;
	void *old_func;
	struct kobject kobj;
	struct list_head node;
	struct list_head stack_node;
	struct suture_site *site;
	unsigned long old_size, new_size;
	bool nop;
	bool patched;
	bool transition;
};

struct klp_object;

/**
 * struct klp_callbacks - what to call around patching an object; each may be NULL
 * @pre_patch:		before the object is patched; an error keeps it from being patched
 * @post_patch:		after the transition is over
 * @pre_unpatch:	before the transition back begins
 * @post_unpatch:	after the transition back is over
 * @post_unpatch_enabled: internal: pre_patch ran, so that post_unpatch is owed
 */
struct klp_callbacks {
	int (*pre_patch)(struct klp_object *obj);
	void (*post_patch)(struct klp_object *obj);
	void (*pre_unpatch)(struct klp_object *obj);
	void (*post_unpatch)(struct klp_object *obj);
	bool post_unpatch_enabled;
};

/**
 * struct klp_object - vmlinux or a module, and the functions to patch there
 * @name:		name of the module, NULL for vmlinux
 * @funcs:		functions, ended by an empty one
 * @callbacks:		called around patching this object
 * @kobj:		internal: <object> in sysfs
 * @func_list:		internal: all klp_func, nops too
 * @node:		internal: in klp_patch.obj_list
 * @mod:		the module while it is loaded, NULL for vmlinux
 * @dynamic:		internal: allocated by the framework, for nops
 * @patched:		internal: its functions are on their sites' stacks
 */
struct klp_object {
	/* by the author */
	const char *name;
	struct klp_func *funcs;
	struct klp_callbacks callbacks;

	/* internal */
	struct kobject kobj;
	struct list_head func_list;
	struct list_head node;
	struct module *mod;
	bool dynamic;
	bool patched;
};

/**
 * struct klp_state - something in the system that the patch changes and later patches may have to
 * take over
 * @id:		which state, not 0
 * @version:	of the change; a cumulative patch must know at least the version that is there
 * @data:	the author's own
 */
struct klp_state {
	unsigned long id;
	unsigned int version;
	void *data;
};

/**
 * struct klp_patch - a live patch
 * @mod:		THIS_MODULE
 * @objs:		objects, ended by an empty one
 * @states:		states, ended by one with id 0; may be NULL
 * @replace:		take over from all patches below
 * @consistency:	internal: set by KLP_SET_CONSISTENCY(), which tells tools as well
 * @list:		internal: in the stack of patches
 * @kobj:		internal: <patch> in sysfs
 * @obj_list:		internal: all klp_object, dynamic ones too
 * @enabled:		internal: enabled, or on its way there
 * @forced:		internal: old code may still run somewhere: the module stays for ever
 * @free_work:		internal: the end of a patch, out of the context that ended it
 * @finish:		internal: completed when sysfs has let go of the patch
 */
struct klp_patch {
	/* by the author */
	struct module *mod;
	struct klp_object *objs;
	struct klp_state *states;
	bool replace;

	/* internal */
	enum klp_consistency consistency;
	struct list_head list;
	struct kobject kobj;
	struct list_head obj_list;
	bool enabled;
	bool forced;
	struct work_struct free_work;
	struct completion finish;
};

#define klp_for_each_object_static(patch, obj) \
	for (obj = (patch)->objs; obj->funcs || obj->name; obj++)

#define klp_for_each_object_safe(patch, obj, tmp_obj) \
	list_for_each_entry_safe(obj, tmp_obj, &(patch)->obj_list, node)

#define klp_for_each_object(patch, obj) \
	list_for_each_entry(obj, &(patch)->obj_list, node)

#define klp_for_each_func_static(obj, func) \
	for (func = (obj)->funcs; func->old_name || func->new_func || func->old_sympos; func++)

#define klp_for_each_func_safe(obj, func, tmp_func) \
	list_for_each_entry_safe(func, tmp_func, &(obj)->func_list, node)

#define klp_for_each_func(obj, func) \
	list_for_each_entry(func, &(obj)->func_list, node)

/**
 * KLP_SET_CONSISTENCY() - choose the consistency model of a patch, before klp_enable_patch()
 * @patch:	pointer to the patch
 * @model:	name of an enum klp_consistency; also recorded in the module's modinfo, for tools
 *
 * A patch that says nothing is KLP_PER_TASK.
 */
#define KLP_SET_CONSISTENCY(patch, model)						\
	do {										\
		static const char __suture_model[] __used __section(".modinfo")	\
			__aligned(1) = "suture_consistency=" __stringify(model);	\
		(patch)->consistency = (model);						\
	} while (0)

/**
 * suture_klp_enable_patch() - enable a patch; call it as klp_enable_patch(patch) from the module's
 * init
 * @patch:	stays the framework's until the module is unloaded
 * @abi:	SUTURE_KLP_ABI
 *
 * Return: 0, also while the transition is still under way; -EINVAL for a malformed patch or
 * another ABI, -ENOENT for a function that is not there, -EBUSY while another transition runs,
 * when a function is claimed by another IPMODIFY user, or when KLP_STOP_MACHINE found tasks in the
 * old functions for too long; -ENOMEM. Nothing stays enabled after an error. It has to be the last
 * thing in init that can fail: the loader frees a module whose init fails, enabled patch or not.
 */
int suture_klp_enable_patch(struct klp_patch *patch, unsigned int abi);

typedef int (*klp_shadow_ctor_t)(void *obj, void *shadow_data, void *ctor_data);
typedef void (*klp_shadow_dtor_t)(void *obj, void *shadow_data);

void *suture_klp_shadow_get(void *obj, unsigned long id);
void *suture_klp_shadow_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
			      klp_shadow_ctor_t ctor, void *ctor_data);
void *suture_klp_shadow_get_or_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
				     klp_shadow_ctor_t ctor, void *ctor_data);
void suture_klp_shadow_free(void *obj, unsigned long id, klp_shadow_dtor_t dtor);
void suture_klp_shadow_free_all(unsigned long id, klp_shadow_dtor_t dtor);

struct klp_state *suture_klp_get_state(struct klp_patch *patch, unsigned long id);
struct klp_state *suture_klp_get_prev_state(unsigned long id);

#endif
