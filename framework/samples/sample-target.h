/* SPDX-License-Identifier: GPL-2.0-only */
/* What sample-target.c and its patches share, as a subsystem's private header would be. */
#ifndef SAMPLE_TARGET_H
#define SAMPLE_TARGET_H

#include <linux/types.h>

/**
 * struct sample_visit - one opening of /proc/sample_target
 * @visitor:	process id of the one who opened it
 */
struct sample_visit {
	pid_t visitor;
};

#endif
