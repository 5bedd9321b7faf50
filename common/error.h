/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Exit codes of every Suture program (spec/abi/testing/exit-codes). An exit code is a class of failure; the
 * reason code of the error ("rpm-unsigned") says which one, in the error line, in --json output and in the
 * ledger.
 */
typedef enum {
	SUTURE_EXIT_OK = 0,
	SUTURE_EXIT_FAILURE = 1, /* the machine failed: I/O, memory, a program we called */
	SUTURE_EXIT_USAGE = 2,   /* the command line */
	SUTURE_EXIT_INPUT =
		3, /* malformed input of the user's own: sources, configuration, module, manifest */
	SUTURE_EXIT_UNTRUSTED = 4, /* a signature, digest or metadata check refused something */
	SUTURE_EXIT_MISMATCH = 5,  /* authentic, but for another kernel, or another build of a module */
	SUTURE_EXIT_POLICY = 6,    /* this host's policy or the stacking order forbids it */
	SUTURE_EXIT_NETWORK = 7,   /* a server did not give what was asked for */
	SUTURE_EXIT_KERNEL = 8,    /* the kernel refused a module, or a transition stalled */
	SUTURE_EXIT_BUSY = 9,      /* another Suture process holds the lock */
	SUTURE_EXIT_CONFIRM = 10,  /* needs --yes */
	SUTURE_EXIT_LEDGER = 11,   /* the ledger does not verify */
	SUTURE_EXIT_NOTHING = 12,  /* there is nothing to do: the fix changes nothing of the kernel */
	SUTURE_EXIT_EXPIRING = 13, /* all is well, but something expires soon: renew it */
} SutureExit;

/* One code of an error domain. @reason is stable, lower case with hyphens, and unique in the project. */
typedef struct {
	gint code;
	SutureExit exit;
	const gchar *reason;
} SutureErrorEntry;

/* Registers a domain's codes; called through SUTURE_DEFINE_ERROR_DOMAIN only. @entries must live for ever. */
GQuark suture_error_domain_register(const gchar *name, const SutureErrorEntry *entries, gsize n_entries);

/* Defines GQuark NAME_quark(void) for an error domain whose codes stand in the array ENTRIES. */
#define SUTURE_DEFINE_ERROR_DOMAIN(NAME, ENTRIES)                                                            \
	GQuark NAME##_quark(void)                                                                            \
	{                                                                                                    \
		static gsize once;                                                                           \
		if (g_once_init_enter(&once))                                                                \
			g_once_init_leave(                                                                   \
				&once, suture_error_domain_register(#NAME, ENTRIES, G_N_ELEMENTS(ENTRIES))); \
		return (GQuark)once;                                                                         \
	}

/*
 * The stable reason code of @error ("manifest-duplicate-key"), whatever component it came from. Errors of
 * GLib's own domains give "io" (GFileError, GIOError), "usage" (GOptionError) or "internal". Never NULL;
 * static.
 */
const gchar *suture_error_reason(const GError *error);

/* The exit code that @error stands for. */
SutureExit suture_error_exit(const GError *error);

/* Errors of common/ itself. */
#define SUTURE_COMMON_ERROR suture_common_error_quark()
GQuark suture_common_error_quark(void);
typedef enum {
	SUTURE_COMMON_ERROR_IO,        /* "io": a system call failed; the message has errno's words */
	SUTURE_COMMON_ERROR_TOO_LARGE, /* "too-large": over the caller's limit */
	SUTURE_COMMON_ERROR_PATH, /* "unsafe-path": symlink, device, "..", absolute, or leaves its folder */
	SUTURE_COMMON_ERROR_PROCESS,   /* "process": a program could not be run or exited non-zero */
	SUTURE_COMMON_ERROR_BUSY,      /* "busy": locked by another process */
	SUTURE_COMMON_ERROR_CANCELLED, /* "cancelled": SIGINT or SIGTERM */
	SUTURE_COMMON_ERROR_CONFIG, /* "config": a configuration file or trust anchor is missing or malformed
				     */
} SutureCommonError;

/* Sets @error to SUTURE_COMMON_ERROR_IO with "<formatted>: <strerror(saved_errno)>"; returns FALSE for the
 * caller to return. */
gboolean suture_error_set_errno(GError **error, int saved_errno, const gchar *format, ...)
	G_GNUC_PRINTF(3, 4);
