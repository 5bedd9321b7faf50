// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/error.h"

static const SutureErrorEntry mirror_errors[] = {
	{SUTURE_MIRROR_ERROR_NAME, SUTURE_EXIT_UNTRUSTED, "mirror-name"},
	{SUTURE_MIRROR_ERROR_CONSISTENT, SUTURE_EXIT_UNTRUSTED, "mirror-consistent"},
	{SUTURE_MIRROR_ERROR_RPM_MD, SUTURE_EXIT_UNTRUSTED, "mirror-rpm-md"},
	{SUTURE_MIRROR_ERROR_RPM_MD_SIGNATURE, SUTURE_EXIT_UNTRUSTED, "mirror-rpm-md-signature"},
	{SUTURE_MIRROR_ERROR_RPM_MD_PACKAGE, SUTURE_EXIT_UNTRUSTED, "mirror-rpm-md-package"},
	{SUTURE_MIRROR_ERROR_DAMAGED, SUTURE_EXIT_UNTRUSTED, "mirror-damaged"},
	{SUTURE_MIRROR_ERROR_INCOMPLETE, SUTURE_EXIT_INPUT, "mirror-incomplete"},
	{SUTURE_MIRROR_ERROR_KERNEL, SUTURE_EXIT_INPUT, "mirror-kernel"},
	{SUTURE_MIRROR_ERROR_STATE, SUTURE_EXIT_INPUT, "mirror-state"},
	{SUTURE_MIRROR_ERROR_STATE_NEWER, SUTURE_EXIT_INPUT, "mirror-state-newer"},
	{SUTURE_MIRROR_ERROR_MEDIA_FORMAT, SUTURE_EXIT_UNTRUSTED, "media-format"},
	{SUTURE_MIRROR_ERROR_MEDIA_LIST, SUTURE_EXIT_UNTRUSTED, "media-list"},
	{SUTURE_MIRROR_ERROR_MEDIA_TYPE, SUTURE_EXIT_UNTRUSTED, "media-type"},
	{SUTURE_MIRROR_ERROR_MEDIA_PATH, SUTURE_EXIT_UNTRUSTED, "media-path"},
	{SUTURE_MIRROR_ERROR_MEDIA_ORDER, SUTURE_EXIT_UNTRUSTED, "media-order"},
	{SUTURE_MIRROR_ERROR_MEDIA_SIZE, SUTURE_EXIT_UNTRUSTED, "media-size"},
	{SUTURE_MIRROR_ERROR_MEDIA_DIGEST, SUTURE_EXIT_UNTRUSTED, "media-digest"},
	{SUTURE_MIRROR_ERROR_MEDIA_TRUNCATED, SUTURE_EXIT_UNTRUSTED, "media-truncated"},
	{SUTURE_MIRROR_ERROR_MEDIA_UNSIGNED, SUTURE_EXIT_UNTRUSTED, "media-unsigned"},
	{SUTURE_MIRROR_ERROR_MEDIA_INCOMPLETE, SUTURE_EXIT_INPUT, "media-incomplete"},
	{SUTURE_MIRROR_ERROR_MEDIA_KERNELS, SUTURE_EXIT_INPUT, "media-kernels"},
};
SUTURE_DEFINE_ERROR_DOMAIN(suture_mirror_error, mirror_errors)

gboolean suture_mirror_refuse(GError **error, SutureMirrorError code, const gchar *format, ...)
{
	va_list args;

	va_start(args, format);
	g_propagate_error(error, g_error_new_valist(SUTURE_MIRROR_ERROR, (gint)code, format, args));
	va_end(args);
	return FALSE;
}
