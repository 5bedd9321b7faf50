/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In the place of the kernel's <linux/livepatch.h>: an unmodified patch module builds against the
 * framework. The names are mapped because a kernel with CONFIG_LIVEPATCH exports its own functions
 * under them.
 */
#ifndef SUTURE_COMPAT_LINUX_LIVEPATCH_H
#define SUTURE_COMPAT_LINUX_LIVEPATCH_H

#include "../../suture/livepatch.h"

#define klp_enable_patch(patch)	suture_klp_enable_patch(patch, SUTURE_KLP_ABI)
#define klp_shadow_get		suture_klp_shadow_get
#define klp_shadow_alloc	suture_klp_shadow_alloc
#define klp_shadow_get_or_alloc	suture_klp_shadow_get_or_alloc
#define klp_shadow_free		suture_klp_shadow_free
#define klp_shadow_free_all	suture_klp_shadow_free_all
#define klp_get_state		suture_klp_get_state
#define klp_get_prev_state	suture_klp_get_prev_state

/*
 * MODULE_INFO(livepatch, ...) becomes MODULE_INFO(suture_livepatch, ...): a kernel without
 * CONFIG_LIVEPATCH refuses a module that carries the former, and tools tell the two kinds apart by
 * it. Every other tag passes unchanged: only the tag livepatch makes __suture_tag_<tag> a macro
 * with two fields, and the second field is taken.
 */
#define __suture_tag_livepatch	0, suture_livepatch
#define __suture_second(first, second, ...) second
#define __suture_tag(fields, tag) __suture_second(fields, tag, 0)
#define __suture_module_info(tag, info) __MODULE_INFO(tag, tag, info)
#undef MODULE_INFO
#define MODULE_INFO(tag, info) __suture_module_info(__suture_tag(__suture_tag_##tag, tag), info)

#endif
