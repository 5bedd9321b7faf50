/* SPDX-License-Identifier: GPL-2.0-only */
/* What a patch module hands in, before anything is done with it. */
#ifndef SUTURE_VALIDATE_H
#define SUTURE_VALIDATE_H

struct klp_patch;

/**
 * suture_patch_validate() - whether a patch is well formed, by its author's fields alone
 * @patch:	anything, NULL too
 * @abi:	SUTURE_KLP_ABI of the patch module; with any other only @patch->mod is looked at
 *
 * Return: 0, or -EINVAL with a line in the log that names what is wrong.
 */
int suture_patch_validate(const struct klp_patch *patch, unsigned int abi);

#endif
