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
 * MODULE_INFO(livepatch, "Y") becomes MODULE_INFO(suture_livepatch, "Y"), by which tools know a
 * patch for the framework: a kernel without CONFIG_LIVEPATCH refuses a module that carries the
 * former. For one with it the module has both (.modinfo is a list of strings, and one literal may
 * hold two), since who asks there whether a module is a live patch, the loader to begin with, looks
 * for the kernel's own mark. Every other tag passes unchanged: only the tag livepatch makes
 * __suture_tag_<tag> a macro, whose comma makes __suture_info_livepatch the second argument.
 */
#ifdef CONFIG_LIVEPATCH
#define __suture_info_livepatch(tag, info) \
	__MODULE_INFO(livepatch, suture_livepatch, info "\0suture_livepatch=Y")
#else
#define __suture_info_livepatch(tag, info) \
	__MODULE_INFO(suture_livepatch, suture_livepatch, info)
#endif
#define __suture_info_other(tag, info) __MODULE_INFO(tag, suture_info, info)
#define __suture_tag_livepatch 0,
#define __suture_second(first, second, ...) second
#define __suture_choose(junk_or_comma) \
	__suture_second(junk_or_comma __suture_info_livepatch, __suture_info_other, 0)
#undef MODULE_INFO
#define MODULE_INFO(tag, info) __suture_choose(__suture_tag_##tag)(tag, info)

#endif
