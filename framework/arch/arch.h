/* SPDX-License-Identifier: GPL-2.0-only */
/* All that the framework needs of an architecture; arch/<name>/ has it. */
#ifndef SUTURE_ARCH_H
#define SUTURE_ARCH_H

#include <linux/ftrace.h>
#include <linux/types.h>

#include "arch_call.h"

/*
 * arch_call.h (found through the include path, which names arch/<name>) has, inline, for the ftrace
 * handler:
 *
 * void suture_arch_redirect(struct ftrace_regs *fregs, unsigned long ip)
 *	the traced function's caller goes on at ip instead.
 *
 * SUTURE_ARCH_FTRACE_FLAGS
 *	flags of struct ftrace_ops that this needs beside IPMODIFY and PERMANENT.
 *
 * import.h has what include/suture/reloc.h makes imports of patch modules from;
 * include/suture/import.h names it.
 */

/**
 * suture_arch_fentry() - where ftrace traces a function
 * @function:	its address
 *
 * Return: the address for ftrace_set_filter_ip(), 0 when the function is not traceable.
 */
unsigned long suture_arch_fentry(unsigned long function);

/**
 * suture_arch_fentry_return() - the return address that a traced function leaves on the stack
 * @fentry:	as suture_arch_fentry() returned it
 *
 * A task whose stack has it is in the ftrace trampoline of the function, or in what that calls.
 */
unsigned long suture_arch_fentry_return(unsigned long fentry);

/**
 * suture_arch_syscall() - the system call whose entry a function is
 * @function:	name of a function of the kernel
 *
 * The entry unpacks registers and jumps to the body, __se_sys_<call>() or __do_sys_<call>(), unless
 * the compiler made one function of them.
 *
 * Return: the part of @function that is the system call's name, NULL when it is no such entry.
 */
const char *suture_arch_syscall(const char *function);

/**
 * suture_arch_kernel_init() - look up what the architecture's part needs of the kernel
 *
 * Return: 0, or a negative errno with the missing name in the log.
 */
int suture_arch_kernel_init(void);

/**
 * suture_arch_text_write() - write to memory of a module that may be code, or read-only
 * @place:	where to
 * @bytes:	what
 * @size:	how many, SUTURE_ARCH_RELOC_MAX at most
 *
 * The caller holds kernel_text_mutex, and calls suture_arch_text_sync() before the code may run.
 */
void suture_arch_text_write(void *place, const void *bytes, size_t size);

/* No processor goes on with code that it fetched before. Under kernel_text_mutex. */
void suture_arch_text_sync(void);

/* No relocation that is applied writes more bytes. */
#define SUTURE_ARCH_RELOC_MAX 8

/**
 * suture_arch_reloc_size() - bytes that a relocation of this type writes
 * @type:	of the ELF psABI
 *
 * Return: the size, 0 for a type that the framework does not apply.
 */
size_t suture_arch_reloc_size(u32 type);

/**
 * suture_arch_reloc_compute() - the bytes that a relocation writes
 * @type:	of the ELF psABI
 * @place:	address that they go to
 * @value:	symbol + addend
 * @bytes:	suture_arch_reloc_size() bytes, set on success
 *
 * Return: 0, -EOPNOTSUPP for an unknown type, -ERANGE when the value does not fit.
 */
int suture_arch_reloc_compute(u32 type, unsigned long place, unsigned long value, u8 *bytes);

/**
 * suture_arch_reloc_absent() - the bytes to write while the module that has the symbol is not there
 * @type:	of the ELF psABI
 * @place:	address that they go to
 * @bytes:	as above
 *
 * Pointers become NULL. A call is one of suture_klp_import_missing(); any other access that is
 * relative to its place is one to an address that is never mapped.
 *
 * Return: as suture_arch_reloc_compute().
 */
int suture_arch_reloc_absent(u32 type, unsigned long place, u8 *bytes);

#endif
