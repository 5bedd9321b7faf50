/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec/patch.h"

/*
 * manifest.json, formats 1 and 2 (spec/manifest.md, spec/manifest.schema.json): what a bundle is, signed at
 * rest by CMS. Codes beyond those of spec/json.h:
 */
#define SUTURE_MANIFEST_ERROR suture_manifest_error_quark()
GQuark suture_manifest_error_quark(void);
typedef enum {
	SUTURE_MANIFEST_ERROR_FORMAT, /* "manifest-format": a format number that this version does not know */
	SUTURE_MANIFEST_ERROR_PATH,   /* "manifest-path": a file name with '/', "..", a leading '.' or not
					 ending in .ko */
	SUTURE_MANIFEST_ERROR_LIMIT,  /* "manifest-limit": more or larger parts than SUTURE_MANIFEST_MAX_*
					 allow */
	SUTURE_MANIFEST_ERROR_VALUE,  /* "manifest-value": right type, impossible value (bad hex, name, date,
					 unknown word) */
} SutureManifestError;

#define SUTURE_MANIFEST_FORMAT 1
#define SUTURE_MANIFEST_FORMAT_PATCHES 2 /* the same with modules[].patches */
#define SUTURE_MANIFEST_MAX_BYTES (1024 * 1024)
#define SUTURE_MANIFEST_MAX_MODULES 16
#define SUTURE_MANIFEST_MAX_MODULE_BYTES (64LL * 1024 * 1024)
#define SUTURE_MANIFEST_MAX_FUNCTIONS 4096
#define SUTURE_MANIFEST_MAX_PATCHES 256
#define SUTURE_MANIFEST_MAX_VULNERABILITIES 256
#define SUTURE_MANIFEST_MAX_STACK 64
#define SUTURE_MANIFEST_MAX_SOURCES 256

#define SUTURE_MANIFEST_FILE "manifest.json"
#define SUTURE_MANIFEST_SIGNATURE_FILE "manifest.json.p7s"

typedef struct {
	gchar *object;  /* "vmlinux" or a module's name */
	gchar *name;    /* the function that is replaced */
	guint64 sympos; /* 0: the name must be unique; N: the Nth in kallsyms order */
} SutureFunction;

/* The one build of a kernel module that a patch module was made for. At least one of the two is not empty. */
typedef struct {
	gchar *object;     /* the module's name */
	gchar *build_id;   /* its GNU build-id, hex; "" when it has none */
	gchar *srcversion; /* its modinfo srcversion; "" when it has none */
} SuturePatchedBuild;

typedef struct {
	gchar *file;     /* "meminfo.ko": the kernel module's name with .ko; sysfs shows it with '-' as '_' */
	guint64 size;    /* bytes, with its signature */
	gchar *sha256;   /* hex, of the signed file */
	gchar *build_id; /* GNU build-id of the module, hex; "" when it has none */
	gchar *srcversion;    /* modinfo srcversion; "" when it has none */
	GPtrArray *functions; /* SutureFunction*, at least one */
	GPtrArray *patches;   /* SuturePatchedBuild*, by object: of the modules whose build is known; empty in
				 format 1 */
} SutureModule;

typedef struct {
	gchar *name;   /* file name as given by the author; no '/' */
	gchar *sha256; /* hex */
} SutureSource;

typedef struct {
	gint64 format; /* 1; 2 with patches: suture_manifest_settle_patches() */
	SuturePatch patch;
	gchar *summary;
	GPtrArray *modules; /* SutureModule*, at least one, in loading order */
	gchar *toolchain;   /* first line of the compiler's --version; "" for a ready .ko */
	GPtrArray *sources; /* SutureSource* */
} SutureManifest;

SutureManifest *suture_manifest_new(void);
void suture_manifest_free(SutureManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureManifest, suture_manifest_free)
SutureModule *suture_module_new(void);
void suture_module_free(SutureModule *module);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureModule, suture_module_free)
SutureFunction *suture_function_new(const gchar *object, const gchar *name, guint64 sympos);
void suture_function_free(SutureFunction *function);
SuturePatchedBuild *suture_patched_build_new(const gchar *object, const gchar *build_id,
					     const gchar *srcversion);
void suture_patched_build_free(SuturePatchedBuild *build);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SuturePatchedBuild, suture_patched_build_free)
SutureSource *suture_source_new(const gchar *name, const gchar *sha256);
void suture_source_free(SutureSource *source);

/* Parses and validates everything; nothing partial is returned. Codes of SUTURE_JSON_ERROR and
 * SUTURE_MANIFEST_ERROR. */
SutureManifest *suture_manifest_parse(GBytes *bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The one byte form of @manifest: pretty JSON with members in the order of the format's text, lists as given.
 * Validates first (same codes): what this writes, suture_manifest_parse() reads back equal.
 */
GBytes *suture_manifest_write(const SutureManifest *manifest, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Brings the modules' @patches into the order of the format, and the format to that which has them. Without
 * any the format stays, so that readers of the older one take all that they can judge.
 */
void suture_manifest_settle_patches(SutureManifest *manifest);

/* Name of the patch's folder in sysfs: the module's file name without ".ko", '-' as '_'. */
gchar *suture_module_kernel_name(const SutureModule *module);
