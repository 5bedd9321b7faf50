// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/error.h"

#include <gio/gio.h>

typedef struct {
	const SutureErrorEntry *entries;
	gsize n_entries;
} Domain;

static GMutex domains_lock;
static GHashTable *domains; /* GQuark -> Domain, for the life of the process */

GQuark suture_error_domain_register(const gchar *name, const SutureErrorEntry *entries, gsize n_entries)
{
	GQuark quark = g_quark_from_static_string(name);
	Domain *domain = g_new(Domain, 1);

	*domain = (Domain){entries, n_entries};
	g_mutex_lock(&domains_lock);
	if (!domains)
		domains = g_hash_table_new(NULL, NULL);
	g_hash_table_insert(domains, GUINT_TO_POINTER(quark), domain);
	g_mutex_unlock(&domains_lock);
	return quark;
}

static const SutureErrorEntry *entry_of(const GError *error)
{
	const Domain *domain;

	g_mutex_lock(&domains_lock);
	domain = domains ? g_hash_table_lookup(domains, GUINT_TO_POINTER(error->domain)) : NULL;
	g_mutex_unlock(&domains_lock);
	for (gsize i = 0; domain && i < domain->n_entries; i++)
		if (domain->entries[i].code == error->code)
			return &domain->entries[i];
	return NULL;
}

const gchar *suture_error_reason(const GError *error)
{
	const SutureErrorEntry *entry = entry_of(error);

	if (entry)
		return entry->reason;
	if (error->domain == G_FILE_ERROR || error->domain == G_IO_ERROR)
		return "io";
	if (error->domain == G_OPTION_ERROR)
		return "usage";
	if (error->domain == G_KEY_FILE_ERROR)
		return "config";
	return "internal";
}

SutureExit suture_error_exit(const GError *error)
{
	const SutureErrorEntry *entry = entry_of(error);

	if (entry)
		return entry->exit;
	if (error->domain == G_OPTION_ERROR)
		return SUTURE_EXIT_USAGE;
	if (error->domain == G_KEY_FILE_ERROR)
		return SUTURE_EXIT_INPUT;
	return SUTURE_EXIT_FAILURE;
}

static const SutureErrorEntry common_errors[] = {
	{SUTURE_COMMON_ERROR_IO, SUTURE_EXIT_FAILURE, "io"},
	{SUTURE_COMMON_ERROR_TOO_LARGE, SUTURE_EXIT_INPUT, "too-large"},
	{SUTURE_COMMON_ERROR_PATH, SUTURE_EXIT_INPUT, "unsafe-path"},
	{SUTURE_COMMON_ERROR_PROCESS, SUTURE_EXIT_FAILURE, "process"},
	{SUTURE_COMMON_ERROR_BUSY, SUTURE_EXIT_BUSY, "busy"},
	{SUTURE_COMMON_ERROR_CANCELLED, SUTURE_EXIT_FAILURE, "cancelled"},
	{SUTURE_COMMON_ERROR_CONFIG, SUTURE_EXIT_INPUT, "config"},
};
SUTURE_DEFINE_ERROR_DOMAIN(suture_common_error, common_errors)

gboolean suture_error_set_errno(GError **error, int saved_errno, const gchar *format, ...)
{
	g_autofree gchar *what = NULL;
	va_list args;

	va_start(args, format);
	what = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_IO, "%s: %s", what,
		    g_strerror(saved_errno));
	return FALSE;
}
