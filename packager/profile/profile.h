/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/progress.h"
#include "packager/profile/error.h"

#include <jansson.h>

/*
 * A kernel profile: all that is needed to compile single units of a kernel exactly as they were compiled for
 * it, and to look at what runs. Made once by suture_profile_import(), never changed afterwards, and shared.
 *
 * In the store it is the folder <store>/<id>/:
 *   profile.json   what it is made of
 *   tree/          the kernel's source, prepared by kbuild; .config and Module.symvers within; never to be
 *                  written to
 *   vmlinux        the kernel as an ELF file: with symbols where they were given, else what vmlinuz unpacks
 * to modules/       its modules as built: kernel/<path>.ko, or .ko.xz, .ko.zst, .ko.gz as they were given
 *   commands, includes   indexes (commands.h, includes.h)
 */
typedef struct {
	gchar *id;                   /* SHA-256 over the inputs' digests and the toolchain, 64 hex digits */
	gchar *name;                 /* given at import, or NULL */
	gchar *folder;               /* absolute, as are all paths here */
	gchar *tree;                 /* <folder>/tree; commands have it as working directory */
	gchar *vmlinux;              /* <folder>/vmlinux */
	gchar *symvers;              /* <folder>/tree/Module.symvers */
	gchar *config;               /* <folder>/tree/.config */
	gchar *release;              /* "6.1.0-47-cloud-amd64" */
	gchar *build_id;             /* GNU build-id of the kernel image, lower-case hex */
	gchar *arch;                 /* "x86_64" */
	gchar *compiler;             /* first line of the compiler's --version */
	gchar *kernel_compiler;      /* what the kernel says it was built with: CONFIG_CC_VERSION_TEXT */
	gboolean toolchain_mismatch; /* --allow-toolchain-mismatch was needed: belongs in the manifest */
	gchar *toolchain_root;       /* folder with another distribution's tools, or NULL: the host's */
	gboolean vmlinux_symbols;    /* vmlinux has a symbol table (and may have DWARF) */
	guint n_units, n_modules;
	guint64 size;                       /* bytes on disk, when it was imported */
	json_t *json;                       /* all of profile.json */
	struct _SutureProfilePrivate *priv; /* indexes; the lock */
} SutureProfile;

/*
 * --profiles, else $SUTURE_PROFILES, else suture/kernels in the user's data folder (g_get_user_data_dir()).
 * @option may be NULL.
 */
gchar *suture_profile_store(const gchar *option);

/*
 * Opens the profile that @name says: a release, the name given at import, or the start of an id (at least 6
 * digits, unique). Holds a shared lock on it until freed, so that it cannot be removed meanwhile. Any number
 * of processes and threads may use it at once; the functions below only read and are safe for threads.
 * UNKNOWN, AMBIGUOUS, DAMAGED.
 */
SutureProfile *suture_profile_open(const gchar *store, const gchar *name,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_profile_free(SutureProfile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureProfile, suture_profile_free)

/* Value of @symbol ("CONFIG_LIVEPATCH") in the kernel's configuration: "y", "m", a number, or a text without
 * its quotes. NULL when it is not set. */
const gchar *suture_profile_config(const SutureProfile *profile, const gchar *symbol);
gboolean suture_profile_livepatch(const SutureProfile *profile); /* CONFIG_LIVEPATCH */
gboolean suture_profile_ibt(const SutureProfile *profile);       /* CONFIG_X86_KERNEL_IBT */

/*
 * How one object file of the kernel is made. Words of a command are as the kernel's build has them, to be run
 * without a shell in the tree (or a shadow of it) by suture_profile_argv().
 */
typedef struct {
	gchar *unit;   /* "net/ipv4/tcp_input.o" */
	gchar *source; /* "net/ipv4/tcp_input.c"; a ".S" for assembler */
	gchar *object; /* "vmlinux", or a module's name with '_' ("nf_tables"); NULL: the unit becomes part of
			  neither as such (vDSO, real mode, purgatory, offsets that are read from assembler)
			*/
	gchar *module_path;   /* "net/netfilter/nf_tables"; NULL when object is not a module's name */
	gchar **module_paths; /* all modules that hold a copy of the unit, module_path being the first; empty
				 when that is NULL; never NULL */
	gchar **compile; /* has exactly one "-o" with the unit behind it and one word "-Wp,-MMD,<dep file>" */
	/*
	 * The words in front of the object's name; NULL: objtool does not look at it. Where the kernel delays
	 * objtool to the link (6.x with IBT or LTO), these are the flags of the link of vmlinux.o or of the
	 * unit's module, which objtool is then given for a whole object ("--link").
	 */
	gchar **objtool;
	gboolean objtool_delayed; /* objtool's words are those of the link */
} SutureCommandLine;
void suture_command_line_free(SutureCommandLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureCommandLine, suture_command_line_free)

/* The command of @unit, found in microseconds; NULL when the kernel's build has no such unit. New. */
SutureCommandLine *suture_profile_command(const SutureProfile *profile,
					  const gchar *unit) G_GNUC_WARN_UNUSED_RESULT;

/* Units compiled from @source itself, gchar*, sorted; empty when there are none. New. */
GPtrArray *suture_profile_units_of_source(const SutureProfile *profile,
					  const gchar *source) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Units that may include one of @files (paths within the tree, NULL-terminated): gchar*, sorted, each once. A
 * superset: textual #include lines, whatever #if stands around them. Files that no unit reaches add nothing.
 * New. DAMAGED.
 */
GPtrArray *suture_profile_dependents(const SutureProfile *profile, const gchar *const *files,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Path of the .ko of @object as built (compressed as it was given), or NULL: no such module. New. */
gchar *suture_profile_module(const SutureProfile *profile, const gchar *object) G_GNUC_WARN_UNUSED_RESULT;

/*
 * How kbuild makes an external module of one C file, recorded from a real one. Every word may hold the
 * placeholders, which suture_recipe_fill() replaces. To be run in order, in the tree (or a shadow of it).
 */
#define SUTURE_RECIPE_FOLDER "@SUTURE_FOLDER@"
#define SUTURE_RECIPE_NAME "@SUTURE_NAME@"
typedef struct {
	/* FOLDER/NAME.c to FOLDER/NAME.o; as SutureCommandLine.compile */
	gchar **compile;
	/* All words but the object's name, which goes behind them; NULL: none. Where objtool is delayed to
	 * the link, these are the flags for the object that the module's parts were linked to. */
	gchar **objtool;
	/* Of several objects to FOLDER/NAME.o: the words in front of the objects' names. */
	gchar **partial_link;
	/*
	 * Reads the names of objects from standard input, one a line (FOLDER/NAME.o); writes
	 * FOLDER/NAME.mod.c and FOLDER/Module.symvers. Beside them it wants FOLDER/NAME.mod with the names of
	 * the object's parts, one a line, and for each part a file .<part>.cmd (".NAME.o.cmd"), which may be
	 * empty.
	 */
	gchar **modpost;
	/* FOLDER/NAME.mod.c to FOLDER/NAME.mod.o */
	gchar **compile_mod;
	/* The tree's scripts/module-common.c to FOLDER/.module-common.o, from 6.12 on; else NULL. */
	gchar **compile_common;
	/* FOLDER/NAME.o, FOLDER/NAME.mod.o (and .module-common.o) to FOLDER/NAME.ko */
	gchar **link;
} SutureRecipe;

/* The recipe, owned by the profile. */
const SutureRecipe *suture_profile_recipe(const SutureProfile *profile);

/* Copy of @argv with the placeholders replaced; NULL for NULL. */
gchar **suture_recipe_fill(gchar *const *argv, const gchar *folder, const gchar *name);

/* TOOLCHAIN, or TOOLS, when the tools are no longer those that the profile was imported with: the host's may
 * have been updated since. Runs three programs. */
gboolean suture_profile_check_tools(const SutureProfile *profile, GError **error);

/*
 * What has to be started so that @argv runs with the tools of the profile: in an emptied environment (PATH,
 * LC_ALL=C, TMPDIR=@folder), and where the profile has a toolchain root inside of it (bwrap, no network).
 * @folder, absolute, is where it may write; it and the profile's own folder are seen at their own paths.
 * @cwd: working directory, within either. New.
 */
gchar **suture_profile_argv(const SutureProfile *profile, const gchar *const *argv, const gchar *folder,
			    const gchar *cwd) G_GNUC_WARN_UNUSED_RESULT;

/* What to make a profile of; NULL: not given. Either packages, or the single files. */
typedef struct {
	const gchar *store;
	const gchar *name;            /* under which it can be found besides its release */
	const gchar *const *packages; /* .deb and .rpm files, told apart by content */
	const gchar *source;          /* folder or tarball */
	const gchar *config;
	const gchar *symvers; /* Module.symvers; or else headers: a kernel build tree that has one */
	const gchar *headers;
	const gchar *image;   /* vmlinuz, or vmlinux */
	const gchar *vmlinux; /* with symbols; optional */
	const gchar *modules; /* folder with .ko files, at any depth */
	const gchar *toolchain_root;
	gboolean allow_toolchain_mismatch;
	guint jobs; /* 0: one for each processor */
	SutureProgress progress;
	gpointer progress_data;
} SutureImport;

/*
 * Makes the profile and opens it. One that is there already, made of the same inputs by the same tools, is
 * opened instead and *@ret_present (NULL allowed) set. On failure, also by a signal, nothing is left.
 * All codes of SUTURE_PROFILE_ERROR but UNKNOWN and AMBIGUOUS; kernel-image; io (a full disk).
 */
SutureProfile *suture_profile_import(const SutureImport *request, gboolean *ret_present,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* All profiles of the store that can be opened, SutureProfile*, by release and id; empty for a store that is
 * not there. */
GPtrArray *suture_profile_list(const gchar *store, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes the profile that @name says, also a damaged one by its id; *@ret_id (NULL allowed) gets the id.
 * UNKNOWN, AMBIGUOUS; BUSY when a build uses it. */
gboolean suture_profile_remove(const gchar *store, const gchar *name, gchar **ret_id,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;
