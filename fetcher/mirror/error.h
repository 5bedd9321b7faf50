/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Refusals of mirrors and of media. Exit code UNTRUSTED unless said. */
#define SUTURE_MIRROR_ERROR suture_mirror_error_quark()
GQuark suture_mirror_error_quark(void);
typedef enum {
	SUTURE_MIRROR_ERROR_NAME, /* "mirror-name": a role or target that cannot be a file below the mirror */
	SUTURE_MIRROR_ERROR_CONSISTENT, /* "mirror-consistent": a repository without consistent snapshots */
	SUTURE_MIRROR_ERROR_RPM_MD, /* "mirror-rpm-md": rpm-md that is malformed or belies its checksums */
	SUTURE_MIRROR_ERROR_RPM_MD_SIGNATURE, /* "mirror-rpm-md-signature": not by the RPM keyring in the
						 targets */
	SUTURE_MIRROR_ERROR_RPM_MD_PACKAGE, /* "mirror-rpm-md-package": it lists what TUF metadata does not */
	SUTURE_MIRROR_ERROR_DAMAGED,    /* "mirror-damaged": files differ from what was signed, or are gone */
	SUTURE_MIRROR_ERROR_INCOMPLETE, /* "mirror-incomplete": a sync or import has to end first (exit INPUT)
					 */
	SUTURE_MIRROR_ERROR_KERNEL, /* "mirror-kernel": no kernel of the repository is asked for (exit INPUT)
				     */
	SUTURE_MIRROR_ERROR_STATE,  /* "mirror-state": not what `mirror state` prints (exit INPUT) */
	SUTURE_MIRROR_ERROR_STATE_NEWER, /* "mirror-state-newer": the other side has more than we (exit INPUT)
					  */

	SUTURE_MIRROR_ERROR_MEDIA_FORMAT,     /* "media-format": no such archive, or damaged */
	SUTURE_MIRROR_ERROR_MEDIA_LIST,       /* "media-list": its list of contents is malformed */
	SUTURE_MIRROR_ERROR_MEDIA_TYPE,       /* "media-type": an entry that is no regular file */
	SUTURE_MIRROR_ERROR_MEDIA_PATH,       /* "media-path": a name that could not be ours */
	SUTURE_MIRROR_ERROR_MEDIA_ORDER,      /* "media-order": another entry than the list says, or twice */
	SUTURE_MIRROR_ERROR_MEDIA_SIZE,       /* "media-size": other than the list says, or over a limit */
	SUTURE_MIRROR_ERROR_MEDIA_DIGEST,     /* "media-digest": other bytes than the list says */
	SUTURE_MIRROR_ERROR_MEDIA_TRUNCATED,  /* "media-truncated": it ends before its list does */
	SUTURE_MIRROR_ERROR_MEDIA_UNSIGNED,   /* "media-unsigned": nothing signed leads to an entry */
	SUTURE_MIRROR_ERROR_MEDIA_INCOMPLETE, /* "media-incomplete": neither here nor on the media (exit
						 INPUT) */
	SUTURE_MIRROR_ERROR_MEDIA_KERNELS,    /* "media-kernels": made for others than the mirror has (exit
						 INPUT) */
} SutureMirrorError;

/* Sets @error; always FALSE. */
gboolean suture_mirror_refuse(GError **error, SutureMirrorError code, const gchar *format, ...)
	G_GNUC_PRINTF(3, 4);
