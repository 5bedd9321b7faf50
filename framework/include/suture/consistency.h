/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For a patch that builds for the framework and for the kernel's own livepatch: there
 * KLP_SET_CONSISTENCY() says nothing, since that has one model, KLP_PER_TASK.
 */
#ifndef SUTURE_CONSISTENCY_H
#define SUTURE_CONSISTENCY_H

#include <linux/livepatch.h>

#ifndef KLP_SET_CONSISTENCY
#define KLP_SET_CONSISTENCY(patch, model)	do { } while (0)
#endif

#endif
