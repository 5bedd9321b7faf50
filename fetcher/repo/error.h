/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Refusals of the repository's publishing end. Exit code INPUT unless said otherwise. */
#define SUTURE_REPO_ERROR suture_repo_error_quark()
GQuark suture_repo_error_quark(void);
typedef enum {
	SUTURE_REPO_ERROR_NOT_INITIALISED, /* "repo-not-initialised": no repository in the folder */
	SUTURE_REPO_ERROR_INITIALISED,     /* "repo-initialised": init where a repository already is */
	SUTURE_REPO_ERROR_EXISTS,  /* "repo-exists": another file for the same name-version-release and kernel
				    */
	SUTURE_REPO_ERROR_UNKNOWN, /* "repo-unknown": no such bundle in the repository */
	SUTURE_REPO_ERROR_KEY,     /* "repo-key": a key that root metadata does not give the role */
	SUTURE_REPO_ERROR_THRESHOLD, /* "repo-threshold": fewer keys than the role's threshold */
	SUTURE_REPO_ERROR_EXPIRY,    /* "repo-expiry": root metadata has expired, so nothing below it would be
					accepted */
	SUTURE_REPO_ERROR_UNPUBLISHED, /* "repo-unpublished": prune while something waits to be published */
	SUTURE_REPO_ERROR_KERNEL,      /* "repo-kernel": a kernel release that cannot name a role */
	SUTURE_REPO_ERROR_WITHDRAWN,   /* "repo-withdrawn": a bundle that was recalled */
	SUTURE_REPO_ERROR_STAGED, /* "repo-staged": documents that are not those which wait for signatures */
	SUTURE_REPO_ERROR_EXPIRING, /* "repo-expiring": a role has less than a third of its life left (exit
				       EXPIRING) */
	SUTURE_REPO_ERROR_RPM_MD,   /* "repo-rpm-md": libcreaterepo_c could not write rpm-md (exit FAILURE) */
	SUTURE_REPO_ERROR_DAMAGED,  /* "repo-damaged": the repository's own state contradicts itself */
} SutureRepoError;
