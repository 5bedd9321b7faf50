// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/special.h"

#include <string.h>

#define TABLE(name, ...)                                                   \
	{                                                                  \
		.pattern = name, .kind = SUTURE_SECTION_TABLE, __VA_ARGS__ \
	}
#define ENTRIES(...) .sizes = {__VA_ARGS__}
#define HARMLESS(name, words)                                                       \
	{                                                                           \
		.pattern = name, .kind = SUTURE_SECTION_HARMLESS, .sentence = words \
	}
#define REGISTRY(name, number, words)                                                                 \
	{                                                                                             \
		.pattern = name, .kind = SUTURE_SECTION_REGISTRY, .code = SUTURE_DIFF_ERROR_##number, \
		.sentence = words                                                                     \
	}
#define BOOT(name, words)                                                                     \
	{                                                                                     \
		.pattern = name, .kind = SUTURE_SECTION_BOOT, .code = SUTURE_DIFF_ERROR_INIT, \
		.sentence = words                                                             \
	}
#define DATA(name)                                           \
	{                                                    \
		.pattern = name, .kind = SUTURE_SECTION_DATA \
	}

#define EXPORT                                                                                               \
	"a patch cannot change what the kernel exports; reach the function from the patch alone, or export " \
	"it "                                                                                                \
	"from a module of its own"
#define PARAMETER                                                                                            \
	"parameters are registered when the kernel or the module starts; use a constant, or a parameter of " \
	"the "                                                                                               \
	"patch module"
#define INITCALL                                                                                             \
	"initcalls have been called already; do the same in a callback of the patch that runs before it is " \
	"enabled"
#define SYSCALL "the tracing of system calls has read it at boot; leave the arguments of the call as they are"
#define TRACE                                                                                                \
	"the kernel has read its trace events already; leave the definition of the event as it is, and use " \
	"another way to report"
#define OTHER "the kernel has read that table already; register the entry in a callback of the patch"
#define DEBUG "debug information: the running kernel does not use it"
#define GONE                                                                                               \
	"it ran, or was read, once, and is gone or will not run again; do what it does now in a callback " \
	"of the "                                                                                          \
	"patch"

/*
 * Facts of the kernel's <asm/bug.h>, <asm/alternative.h>, <asm/jump_label.h>, <asm/extable.h>,
 * <linux/objtool.h>, <linux/dynamic_debug.h>, <linux/static_call_types.h>, up to 6.12. The first that matches
 * counts.
 */
static const SutureSectionRule rules[] = {
	/* address, file (with CONFIG_DEBUG_BUGVERBOSE), line, flags */
	TABLE("__bug_table", ENTRIES(12, 8, 16, 6), .mask = 0xffff, .mask_at = 8),
	TABLE("__ex_table", ENTRIES(12, 8)),
	TABLE(".altinstructions", ENTRIES(12, 14, 13)),
	TABLE(".parainstructions", ENTRIES(16)),
	TABLE(".smp_locks", ENTRIES(4)),
	TABLE("__jump_table", ENTRIES(16, 24)),
	TABLE(".static_call_sites", ENTRIES(8)),
	TABLE(".retpoline_sites", ENTRIES(4)),
	TABLE(".return_sites", ENTRIES(4)),
	TABLE(".call_sites", ENTRIES(4)),
	TABLE(".cfi_sites", ENTRIES(4)),
	TABLE(".ibt_endbr_seal", ENTRIES(4)),
	TABLE(".kcfi_traps", ENTRIES(4)),
	TABLE("__mcount_loc", ENTRIES(8)),
	TABLE("__patchable_function_entries", ENTRIES(8)),
	TABLE("_kprobe_blacklist", ENTRIES(8)),
	HARMLESS(".orc_*", "objtool makes the unwinder's tables anew for the patch"),
	HARMLESS(".discard.addressable", "only keeps symbols alive until the link"),
	TABLE(".discard.*", ENTRIES(4, 8, 12, 16)),
	/* struct _ddebug: its line is in 18 bits behind four pointers. Variables, not entries: code refers to
	   them. */
	{.pattern = "__dyndbg", .kind = SUTURE_SECTION_DATA, .mask = 0x3ffff, .mask_at = 32},
	DATA("__dyndbg_classes"),
	DATA(".printk_index"),

	{.pattern = SUTURE_CALLBACK_SECTIONS "*", .kind = SUTURE_SECTION_AUTHOR},
	{.pattern = SUTURE_STATE_SECTION, .kind = SUTURE_SECTION_AUTHOR},

	REGISTRY("___ksymtab*", EXPORT, EXPORT),
	REGISTRY("__ksymtab*", EXPORT, EXPORT),
	REGISTRY("__kcrctab*", EXPORT, EXPORT),
	REGISTRY("___kcrctab*", EXPORT, EXPORT),
	REGISTRY(".export_symbol", EXPORT, EXPORT),
	REGISTRY("__param", PARAMETER, PARAMETER),
	REGISTRY(".init.setup", PARAMETER, PARAMETER),
	REGISTRY(".initcall*", INITCALL, INITCALL),
	REGISTRY(".con_initcall*", INITCALL, INITCALL),
	REGISTRY(".exitcall*", INITCALL, INITCALL),
	REGISTRY("__syscalls_metadata", SYSCALL, SYSCALL),
	REGISTRY("_ftrace_events", TRACE_EVENT, TRACE),
	REGISTRY("_ftrace_eval_map", TRACE_EVENT, TRACE),
	REGISTRY("__tracepoint*", TRACE_EVENT, TRACE),
	REGISTRY("__bpf_raw_tp_map", TRACE_EVENT, TRACE),
	REGISTRY("__trace_printk_fmt", TRACE_EVENT, TRACE),
	REGISTRY("_error_injection_whitelist", REGISTRATION, OTHER),
	REGISTRY(".static_call_tramp_key", REGISTRATION, OTHER),
	REGISTRY(".BTF_ids", REGISTRATION, OTHER),
	REGISTRY("__*_of_table", REGISTRATION, OTHER),
	REGISTRY(".pci_fixup*", REGISTRATION, OTHER),
	HARMLESS(".modinfo", "says what the module is; the loader has read it already"),

	BOOT(".init.*", GONE),
	BOOT(".exit.*", GONE),
	BOOT(".head.*", GONE),
	BOOT(".devinit*", GONE),

	HARMLESS(".comment", "names the compiler"),
	HARMLESS(".note*", "a note: code does not use it"),
	HARMLESS(".debug*", DEBUG),
	HARMLESS(".zdebug*", DEBUG),
	HARMLESS(".gnu.*", DEBUG),
	HARMLESS(".eh_frame*", DEBUG),
	HARMLESS(".llvm_addrsig", DEBUG),

	DATA(".data*"),
	DATA(".bss*"),
	DATA(".rodata*"),
	DATA(".ref.data*"),
	DATA(".ref.rodata*"),
	DATA(".ldata*"),
};

static const SutureSectionRule text = {.kind = SUTURE_SECTION_TEXT};
static const SutureSectionRule data = {.kind = SUTURE_SECTION_DATA};
static const SutureSectionRule strings = {.kind = SUTURE_SECTION_STRINGS};
static const SutureSectionRule constants = {.kind = SUTURE_SECTION_CONSTANTS};
static const SutureSectionRule file = {.kind = SUTURE_SECTION_FILE};
static const SutureSectionRule unknown = {
	.kind = SUTURE_SECTION_UNKNOWN,
	.code = SUTURE_DIFF_ERROR_UNKNOWN_SECTION,
	.sentence = "nobody knows what the kernel does with that section; leave the inline assembly or the "
		    "attribute that makes it as it is",
};

/* Those of the file itself, and what no running kernel has. */
static const SutureSectionRule *rule_by_type(const GElf_Shdr *header)
{
	switch (header->sh_type) {
	case SHT_SYMTAB:
	case SHT_STRTAB:
	case SHT_RELA:
	case SHT_REL:
	case SHT_GROUP:
	case SHT_NULL:
	case SHT_SYMTAB_SHNDX:
		return &file;
	default:
		return NULL;
	}
}

static const SutureSectionRule *rule_by_flags(const GElf_Shdr *header)
{
	if (header->sh_flags & SHF_EXECINSTR)
		return &text;
	if (header->sh_type == SHT_NOBITS && (header->sh_flags & SHF_ALLOC))
		return &data;
	return &unknown;
}

const SutureSectionRule *suture_section_rule(const gchar *name, const GElf_Shdr *header)
{
	const SutureSectionRule *rule = rule_by_type(header);
	gboolean merged = (header->sh_flags & SHF_MERGE) && header->sh_entsize > 0;

	for (gsize i = 0; !rule && i < G_N_ELEMENTS(rules); i++)
		if (g_pattern_match_simple(rules[i].pattern, name))
			rule = &rules[i];
	if (!rule)
		return rule_by_flags(header);
	if (rule->kind == SUTURE_SECTION_DATA && (header->sh_flags & SHF_EXECINSTR))
		return &unknown;
	if (rule->kind == SUTURE_SECTION_DATA && merged && !rule->mask)
		return header->sh_flags & SHF_STRINGS ? &strings : &constants;
	return rule;
}

static gboolean fits(gsize entry, guint8 owner, guint64 size, const GArray *offsets)
{
	guint64 wanted = owner;

	if (entry == 0 || size % entry != 0)
		return FALSE;
	for (guint i = 0; i < offsets->len && wanted < size; i++) {
		guint64 offset = g_array_index(offsets, guint64, i);

		if (offset > wanted)
			return FALSE;
		if (offset == wanted)
			wanted += entry;
	}
	return wanted >= size && offsets->len % (size / entry) == 0;
}

gsize suture_section_entry_size(const SutureSectionRule *rule, guint64 size, const GArray *offsets)
{
	for (gsize i = 0; i < G_N_ELEMENTS(rule->sizes) && rule->sizes[i]; i++)
		if (size > 0 && fits(rule->sizes[i], rule->owner, size, offsets))
			return rule->sizes[i];
	return 0;
}
