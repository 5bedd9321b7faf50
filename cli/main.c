// SPDX-License-Identifier: LGPL-2.1-or-later
/* suture: what a host needs. No private-key and no building code is linked here; suture-vendor has that. */
#include "cli/command.h"
#include "fetcher/client/http-worker.h"

#include <string.h>

static const SutureCommand commands[] = {
	{"check", cmd_check, "ask the repository what there is for this host's kernels"},
	{"update", cmd_update, "fetch, and make live what is to be live"},
	{"fetch", cmd_fetch, "get verified bundles for this kernel from the repository"},
	{"verify", cmd_verify, "check a bundle file and print each check's result"},
	{"policy", cmd_policy, "explain what policy decides, and by which rule"},
	{"apply", cmd_apply, "make patches live, in stacking order"},
	{"revert", cmd_revert, "take live patches back, top down"},
	{"list", cmd_list, "the stack in the kernel and what is installed"},
	{"status", cmd_status, "the state of this host: kernel, patches, CVEs, faults"},
	{"prune", cmd_prune, "remove fetched bundles that are of no use any more"},
	{"audit", cmd_audit, "show and verify the ledger"},
	{"subscribe", cmd_subscribe, "install the entitlement that the vendor issued"},
	{"mirror", cmd_mirror, "copy a repository, over the network or on media"},
	{"repo-config", cmd_repo_config, "write a .repo section for each installed kernel"},
	{NULL},
};

int main(int argc, char **argv)
{
	/* Not for people: the process that downloads, started by this program itself. */
	if (argc == 2 && strcmp(argv[1], SUTURE_HTTP_WORKER_COMMAND) == 0)
		return suture_http_worker_serve(SUTURE_HTTP_WORKER_FD, NULL) ? 0 : 1;
	return suture_main(argc, argv, "suture", commands);
}
