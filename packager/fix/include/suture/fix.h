/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the author of a fix can say to the patch that `suture build --kernel` makes of it. A source
 * that the diff changes includes this as its last header; each macro stands there once, outside of
 * functions:
 *
 *	static int fix_pre_patch(struct klp_object *object)
 *	{
 *		return limit_is_sane() ? 0 : -EINVAL;
 *	}
 *	KLP_PRE_PATCH_CALLBACK(fix_pre_patch);
 *
 * Shadow variables (klp_shadow_alloc() and the others) and states (klp_get_state(),
 * klp_get_prev_state()) are those of <linux/livepatch.h>, or of the framework where the patch is
 * for that: one source serves both.
 */
#ifndef SUTURE_FIX_H
#define SUTURE_FIX_H

#include <linux/compiler.h>
#include <linux/kernel.h>

#ifdef SUTURE_FIX_FRAMEWORK
#ifdef _LINUX_LIVEPATCH_H_
#error "has the kernel's <linux/livepatch.h>: use <suture/fix.h> in another file of the fix"
#endif
#include <compat/linux/livepatch.h>
#else
#include <linux/livepatch.h>
#endif

typedef int (*suture_fix_pre_patch_t)(struct klp_object *object);
typedef void (*suture_fix_callback_t)(struct klp_object *object);

/*
 * KLP_..._CALLBACK(function): what to call around the patching of the object (vmlinux or a module)
 * that the source is part of; one of each for an object in the whole fix. The function is one that
 * the fix adds.
 */

/* Before the object's functions are replaced; an error refuses the patch, or the loading module. */
#define KLP_PRE_PATCH_CALLBACK(function)						\
	static const suture_fix_pre_patch_t __used					\
	__section(".suture.callback.pre_patch") __suture_fix_pre_patch = (function)

/* After that, with all tasks in the new world. */
#define KLP_POST_PATCH_CALLBACK(function)						\
	static const suture_fix_callback_t __used					\
	__section(".suture.callback.post_patch") __suture_fix_post_patch = (function)

/* Before they become again what they were. */
#define KLP_PRE_UNPATCH_CALLBACK(function)						\
	static const suture_fix_callback_t __used					\
	__section(".suture.callback.pre_unpatch") __suture_fix_pre_unpatch = (function)

/* After that, or after a patching that failed. */
#define KLP_POST_UNPATCH_CALLBACK(function)						\
	static const suture_fix_callback_t __used					\
	__section(".suture.callback.post_unpatch") __suture_fix_post_unpatch = (function)

/* The patch that @object, in a callback, is part of: for klp_get_state(), klp_get_prev_state(). */
static inline struct klp_patch *suture_fix_patch(struct klp_object *object)
{
	return container_of(object->kobj.parent, struct klp_patch, kobj);
}

struct suture_fix_state {
	unsigned long id;
	unsigned long version;
};

/*
 * Something that the patch changes beyond code, as struct klp_state has it: by a number (not 0)
 * and the version of the change (32 bits).
 */
#define KLP_STATE(number, its_version)							\
	static const struct suture_fix_state __used __aligned(8)			\
	__section(".suture.state") __UNIQUE_ID(suture_fix_state) = { (number), (its_version) }

/*
 * System calls without a new entry among the kernel's descriptions of system calls, which are read
 * at boot alone. SYSCALL_DEFINEn() does as well where the arguments stay what they are.
 */
#define KLP_SYSCALL_DEFINE0(name)							\
	static long __do_sys_##name(const struct pt_regs *__unused);			\
	__X64_SYS_STUB0(name)								\
	__IA32_SYS_STUB0(name)								\
	static long __do_sys_##name(const struct pt_regs *__unused)
#define KLP_SYSCALL_DEFINE1(name, ...) __SYSCALL_DEFINEx(1, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE2(name, ...) __SYSCALL_DEFINEx(2, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE3(name, ...) __SYSCALL_DEFINEx(3, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE4(name, ...) __SYSCALL_DEFINEx(4, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE5(name, ...) __SYSCALL_DEFINEx(5, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE6(name, ...) __SYSCALL_DEFINEx(6, _##name, __VA_ARGS__)

#endif
