/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the author of a fix can say to the patch that `suture build --kernel` makes of it. A diff includes
 * this as the last header of a source that it changes; each macro stands once, outside of functions.
 *
 *	static int fix_pre_patch(struct klp_object *object)
 *	{
 *		return limit_is_sane() ? 0 : -EINVAL;
 *	}
 *	KLP_PRE_PATCH_CALLBACK(fix_pre_patch);
 *
 * Shadow variables (klp_shadow_alloc() and the others) and states (klp_get_state(), klp_get_prev_state())
 * are those of <linux/livepatch.h>, or of the framework where the patch is for that: one source serves
 * both.
 */
#ifndef SUTURE_FIX_H
#define SUTURE_FIX_H

#include <linux/build_bug.h>
#include <linux/compiler.h>

#ifdef SUTURE_FIX_FRAMEWORK
#ifdef _LINUX_LIVEPATCH_H_
#error "this file has the kernel's <linux/livepatch.h>, which the framework's own declarations contradict: " \
	"put what needs <suture/fix.h> into another file of the fix"
#endif
#include <compat/linux/livepatch.h>
#else
#include <linux/livepatch.h>
#endif

typedef int (*suture_fix_pre_patch_t)(struct klp_object *object);
typedef void (*suture_fix_callback_t)(struct klp_object *object);

#define __suture_fix_callback(type, moment, function)                       \
	static const type __used __section(".suture.callback." #moment)     \
		__suture_fix_##moment = (function)

/*
 * KLP_..._CALLBACK(function): what to call around the patching of the object (vmlinux or a module) that
 * the source is part of; one of each for an object in the whole fix. The function is one that the fix
 * adds. An error of the first refuses the patch, or the module that is being loaded.
 *
 * before the object's functions are replaced
 */
#define KLP_PRE_PATCH_CALLBACK(function) \
	__suture_fix_callback(suture_fix_pre_patch_t, pre_patch, function)
/* after that, with all tasks in the new world */
#define KLP_POST_PATCH_CALLBACK(function) \
	__suture_fix_callback(suture_fix_callback_t, post_patch, function)
/* before they are what they were again */
#define KLP_PRE_UNPATCH_CALLBACK(function) \
	__suture_fix_callback(suture_fix_callback_t, pre_unpatch, function)
/* after that, or after a failed patching */
#define KLP_POST_UNPATCH_CALLBACK(function) \
	__suture_fix_callback(suture_fix_callback_t, post_unpatch, function)

struct suture_fix_state {
	unsigned long id;
	unsigned long version;
};

/* Something that the patch changes beyond code, by a number (not 0) and a version: struct klp_state. */
#define KLP_STATE(number, its_version)                                                                \
	static_assert((number) != 0 && (its_version) <= ~0U);                                          \
	static const struct suture_fix_state __used __section(".suture.state") __aligned(8)            \
		__UNIQUE_ID(suture_fix_state) = { (number), (its_version) }

/*
 * A system call without a new entry among the kernel's descriptions of system calls, which are read at
 * boot alone. SYSCALL_DEFINEn() does as well where the arguments stay what they are.
 */
#define KLP_SYSCALL_DEFINE0(name)                                             \
	static long __do_sys_##name(const struct pt_regs *__unused);          \
	__X64_SYS_STUB0(name)                                                 \
	__IA32_SYS_STUB0(name)                                                \
	static long __do_sys_##name(const struct pt_regs *__unused)
#define KLP_SYSCALL_DEFINE1(name, ...) __SYSCALL_DEFINEx(1, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE2(name, ...) __SYSCALL_DEFINEx(2, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE3(name, ...) __SYSCALL_DEFINEx(3, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE4(name, ...) __SYSCALL_DEFINEx(4, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE5(name, ...) __SYSCALL_DEFINEx(5, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE6(name, ...) __SYSCALL_DEFINEx(6, _##name, __VA_ARGS__)

#endif
