// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/http-gunzip.h"

#include <gio/gio.h>

#define PIECE (16 * 1024)

struct _SutureGunzip {
	GConverter *converter;
	gboolean ended;
	guint8 piece[PIECE];
};

SutureGunzip *suture_gunzip_new(void)
{
	SutureGunzip *gunzip = g_new(SutureGunzip, 1);

	gunzip->converter = G_CONVERTER(g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP));
	gunzip->ended = FALSE;
	return gunzip;
}

void suture_gunzip_free(SutureGunzip *gunzip)
{
	g_object_unref(gunzip->converter);
	g_free(gunzip);
}

static gboolean broken(GError **error, const gchar *why)
{
	g_set_error(error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_ENCODING, "broken gzip encoding: %s", why);
	return FALSE;
}

/* One piece. *@ret_written 0: there is no more until more is fed. */
static gboolean convert(SutureGunzip *gunzip, const guint8 **data, gsize *size, gsize *ret_written,
			GError **error)
{
	g_autoptr(GError) cause = NULL;
	gsize taken = 0, written = 0;
	GConverterResult result = g_converter_convert(gunzip->converter, *data, *size, gunzip->piece, PIECE,
						      G_CONVERTER_NO_FLAGS, &taken, &written, &cause);

	*ret_written = 0;
	if (result == G_CONVERTER_ERROR && !g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT))
		return broken(error, cause->message);
	if (result == G_CONVERTER_ERROR)
		return *size == 0 || broken(error, "it makes no progress");
	gunzip->ended = result == G_CONVERTER_FINISHED;
	*data += taken;
	*size -= taken;
	*ret_written = written;
	return TRUE;
}

gboolean suture_gunzip_feed(SutureGunzip *gunzip, gconstpointer data, gsize size, SutureGunzipSink sink,
			    gpointer user, GError **error)
{
	const guint8 *rest = data;
	gsize written = PIECE;

	/* A full piece may have more behind it, though all that was fed is taken. */
	while (!gunzip->ended && (size > 0 || written == PIECE)) {
		if (!convert(gunzip, &rest, &size, &written, error))
			return FALSE;
		if (written > 0 && !sink(gunzip->piece, written, user, error))
			return FALSE;
	}
	return size == 0 || broken(error, "something follows its end");
}

gboolean suture_gunzip_finish(const SutureGunzip *gunzip, GError **error)
{
	return gunzip->ended || broken(error, "it is cut off");
}
