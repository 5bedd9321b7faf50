// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/error.h"

static const SutureErrorEntry repo_errors[] = {
	{SUTURE_REPO_ERROR_NOT_INITIALISED, SUTURE_EXIT_INPUT, "repo-not-initialised"},
	{SUTURE_REPO_ERROR_INITIALISED, SUTURE_EXIT_INPUT, "repo-initialised"},
	{SUTURE_REPO_ERROR_EXISTS, SUTURE_EXIT_INPUT, "repo-exists"},
	{SUTURE_REPO_ERROR_UNKNOWN, SUTURE_EXIT_INPUT, "repo-unknown"},
	{SUTURE_REPO_ERROR_KEY, SUTURE_EXIT_INPUT, "repo-key"},
	{SUTURE_REPO_ERROR_THRESHOLD, SUTURE_EXIT_INPUT, "repo-threshold"},
	{SUTURE_REPO_ERROR_EXPIRY, SUTURE_EXIT_INPUT, "repo-expiry"},
	{SUTURE_REPO_ERROR_UNPUBLISHED, SUTURE_EXIT_INPUT, "repo-unpublished"},
	{SUTURE_REPO_ERROR_RPM_MD, SUTURE_EXIT_FAILURE, "repo-rpm-md"},
	{SUTURE_REPO_ERROR_DAMAGED, SUTURE_EXIT_INPUT, "repo-damaged"},
};
SUTURE_DEFINE_ERROR_DOMAIN(suture_repo_error, repo_errors)
