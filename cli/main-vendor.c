// SPDX-License-Identifier: LGPL-2.1-or-later
/* suture-vendor: what turns a fix into a published bundle. `suture build` and the like start it. */
#include "cli/command.h"
#include "cli/pin-prompt.h"
#include "signer/sign/key.h"

static const SutureCommand commands[] = {
	{"key", cmd_key, "make and show keys and certificates"},
	{"kernel", cmd_kernel, "profiles of the kernels that patches are built for"},
	{"build", cmd_build, "patch source or module to bundle"},
	{"sign", cmd_sign, "sign modules, manifests and packages"},
	{"repo", cmd_repo, "keep a repository: init, add, remove, publish"},
	{"entitle", cmd_entitle, "let customers in: entitlement certificates, CRL, nginx's map"},
	{NULL},
};

int main(int argc, char **argv)
{
	suture_private_key_set_prompt(suture_pin_prompt);
	return suture_main(argc, argv, "suture-vendor", commands);
}
