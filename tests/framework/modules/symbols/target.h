/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SYM_TARGET_H
#define SYM_TARGET_H

int sym_left(void);
int sym_right(void);

#endif
