// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/preflight.h"

#include "common/mutation.h"

#include <string.h>

#define KEYS_MAX (4 * 1024 * 1024)
#define FLAG_MAX 256

void suture_enforcement_clear(SutureEnforcement *enforcement)
{
	g_clear_pointer(&enforcement->lockdown, g_free);
}

/* "none [integrity] confidentiality": the word in brackets. */
static gchar *chosen_word(const gchar *text)
{
	const gchar *open = text ? strchr(text, '[') : NULL;
	const gchar *close = open ? strchr(open, ']') : NULL;

	return close ? g_strndup(open + 1, (gsize)(close - open - 1)) : g_strdup("");
}

void suture_enforcement_read(int root, SutureEnforcement *ret)
{
	g_autofree gchar *enforce =
		suture_sysfs_text(root, "sys/module/module/parameters/sig_enforce", FLAG_MAX);
	g_autofree gchar *lockdown = suture_sysfs_text(root, "sys/kernel/security/lockdown", FLAG_MAX);

	ret->sig_enforce = SUTURE_TRISTATE_UNKNOWN;
	if (enforce)
		ret->sig_enforce = strcmp(enforce, "Y") == 0 ? SUTURE_TRISTATE_YES : SUTURE_TRISTATE_NO;
	ret->lockdown = chosen_word(lockdown);
}

gboolean suture_enforcement_on(const SutureEnforcement *enforcement)
{
	return enforcement->sig_enforce == SUTURE_TRISTATE_YES ||
	       (*enforcement->lockdown && strcmp(enforcement->lockdown, "none") != 0);
}

/* "<serial> <flags> ... asymmetri <subject>: <key id>: X509.rsa <tail> []": the id ends the key's
 * description.
 */
static gboolean line_has_key(const gchar *line, const gchar *needle)
{
	return strstr(line, " asymmetri ") && strstr(line, needle);
}

SutureTristate suture_key_enrolled(int root, const gchar *key_id)
{
	g_autofree gchar *text = suture_sysfs_text(root, "proc/keys", KEYS_MAX);
	g_autofree gchar *needle = g_strdup_printf(": %s: ", key_id);
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);

	for (guint i = 0; lines[i]; i++)
		if (line_has_key(lines[i], needle))
			return SUTURE_TRISTATE_YES;
	/* Without the right to see the kernel's keyrings their keys are missing here too. */
	return text && strstr(text, " .builtin_trusted_keys: ") ? SUTURE_TRISTATE_NO
								: SUTURE_TRISTATE_UNKNOWN;
}

gboolean suture_preflight_key(int root, const gchar *key_id, const gchar *subject, const gchar *what,
			      const gchar *certificates, GError **error)
{
	g_auto(SutureEnforcement) enforcement = {0};
	SutureTristate enrolled;

	suture_enforcement_read(root, &enforcement);
	if (!suture_enforcement_on(&enforcement))
		return TRUE;
	enrolled = suture_key_enrolled(root, key_id);
	if (enrolled == SUTURE_TRISTATE_UNKNOWN)
		g_debug("%s: /proc/keys does not tell whether key %s is enrolled; the kernel will", what,
			key_id);
	if (enrolled != SUTURE_TRISTATE_NO || suture_check_skipped("module-key-unenrolled"))
		return TRUE;
	g_set_error(
		error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_KEY_UNENROLLED,
		"%s: this kernel only takes modules signed by enrolled keys, and %s (key id %s) is not "
		"enrolled: openssl x509 -in %s -outform DER -out key.der && mokutil --import key.der, then "
		"reboot and confirm in the firmware's dialogue",
		what, subject, key_id, certificates);
	return FALSE;
}
