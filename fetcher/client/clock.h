/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/*
 * The moment before which it cannot be: the latest one at which timestamp metadata that was accepted says to
 * have been signed ("x-suture-issued"), and the time that this host has been up since (CLOCK_BOOTTIME).
 * Nothing that the local clock says raises it. Kept as SUTURE_CLOCK_FILE in the metadata folder
 * (spec/refresh.md).
 */
#define SUTURE_CLOCK_FILE "clock.state"

typedef struct {
	gint64 floor;      /* seconds since the epoch; 0: nothing is known */
	gint64 boottime;   /* seconds of CLOCK_BOOTTIME at that floor */
	gchar boot_id[37]; /* of the boot that @boottime is of; "" when it is not known */
} SutureClock;

/*
 * Reads @folder's clock as it stands now. One that cannot be read is told (g_message()) and counts as absent;
 * what stored timestamp metadata says is then all that is known.
 */
void suture_clock_load(SutureClock *clock, int folder);

/* The later one of the floor and @local, what the local clock says. */
gint64 suture_clock_now(const SutureClock *clock, gint64 local);

/* It is @moment or later. */
void suture_clock_raise(SutureClock *clock, gint64 moment);

/* Stores it as it stands now, so that the time of this boot is not lost with it. Nothing when nothing is
 * known. */
gboolean suture_clock_save(SutureClock *clock, int folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Forgets it, here and in @folder. */
gboolean suture_clock_drop(SutureClock *clock, int folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;
