/* SPDX-License-Identifier: GPL-2.0-only */
/* In the place of the framework's interface, in tests of the harness. */
#ifndef STANDIN_LIVEPATCH_H
#define STANDIN_LIVEPATCH_H

int standin_answer(void);

#endif
