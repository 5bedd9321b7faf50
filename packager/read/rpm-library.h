/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <rpm/header.h>
#include <rpm/rpmkeyring.h>
#include <rpm/rpmpgp.h>
#include <rpm/rpmtd.h>
#include <rpm/rpmts.h>

/*
 * librpm's state is global, and it speaks through one log callback. _enter() takes the lock, initialises the
 * library once (without reading the host's rpm configuration) and keeps its words from standard error;
 * _leave() returns to silence of our own. Use SUTURE_RPM_SCOPE for the rest of a block.
 */
void suture_rpm_enter(void);
void suture_rpm_leave(void);
/* What librpm said since _enter() at warning level or above, on one line; "" for nothing. Within a scope
 * only. */
gchar *suture_rpm_said(void);

static inline void suture_rpm_scope_clear(const gboolean *inside)
{
	if (*inside)
		suture_rpm_leave();
}
#define SUTURE_RPM_SCOPE                                                                    \
	__attribute__((cleanup(suture_rpm_scope_clear), unused)) const gboolean rpm_scope = \
		(suture_rpm_enter(), TRUE)

static inline void suture_rpm_ts_clear(rpmts *ts)
{
	if (*ts)
		rpmtsFree(*ts);
}
#define SUTURE_AUTO_TS __attribute__((cleanup(suture_rpm_ts_clear))) rpmts

static inline void suture_rpm_params_clear(pgpDigParams *params)
{
	if (*params)
		pgpDigParamsFree(*params);
}
#define SUTURE_AUTO_PGP __attribute__((cleanup(suture_rpm_params_clear))) pgpDigParams

static inline void suture_rpm_td_clear(struct rpmtd_s *td)
{
	rpmtdFreeData(td);
}
#define SUTURE_AUTO_TD __attribute__((cleanup(suture_rpm_td_clear))) struct rpmtd_s
