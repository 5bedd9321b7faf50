// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/rpm-library.h"

#include <rpm/rpmcrypto.h>
#include <rpm/rpmlog.h>

#define SAID_MAX 2000

static GMutex lock;
static GString *said; /* while inside */
static rpmlogCallback outer_callback;

static int listen(rpmlogRec record, rpmlogCallbackData data)
{
	(void)data;
	if (rpmlogRecPriority(record) <= RPMLOG_WARNING && said->len < SAID_MAX)
		g_string_append(said, rpmlogRecMessage(record));
	return 0;
}

void suture_rpm_enter(void)
{
	static gboolean initialised;

	g_mutex_lock(&lock);
	if (!initialised)
		rpmInitCrypto();
	initialised = TRUE;
	said = g_string_new(NULL);
	outer_callback = rpmlogSetCallback(listen, NULL);
}

void suture_rpm_leave(void)
{
	rpmlogSetCallback(outer_callback, NULL);
	g_string_free(g_steal_pointer(&said), TRUE);
	g_mutex_unlock(&lock);
}

gchar *suture_rpm_said(void)
{
	gchar *text = g_utf8_make_valid(said->str, (gssize)said->len);

	return g_strstrip(g_strdelimit(text, "\r\n\t", ' '));
}
