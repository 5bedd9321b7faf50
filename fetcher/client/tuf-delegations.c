// SPDX-License-Identifier: LGPL-2.1-or-later
/* Targets that other roles than the top-level one list: section 5.6.7 of the specification. */
#include "fetcher/client/tuf-client-private.h"

#include "common/cancel.h"
#include "common/file.h"
#include "common/mutation.h"
#include "fetcher/client/tuf-path.h"
#include "fetcher/client/tuf-signatures.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* A delegation, and the trusted metadata that it is in. */
typedef struct {
	const SutureTufMetadata *by;
	const SutureTufDelegation *delegation;
} Step;

static gboolean vouches(const Step *step, const SutureTufMetadata *metadata, GError **error)
{
	return suture_check_skipped("tuf-delegated-signature") ||
	       suture_tuf_signatures_verify(metadata, step->delegation->role, step->by->keys,
					    SUTURE_TUF_ERROR_DELEGATED_SIGNATURE, error);
}

/* What was stored, if it is what snapshot lists today and today's delegator vouches for it. */
static SutureTufMetadata *read_stored(const SutureTufClient *client, const Step *step,
				      const SutureTufFile *listed)
{
	g_autofree gchar *file = suture_tuf_role_local_file(step->delegation->role->name);
	g_autoptr(SutureTufMetadata) stored = NULL;
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(GError) error = NULL;

	if (faccessat(client->folder, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return NULL;
	bytes = suture_file_read_at(client->folder, file, SUTURE_TUF_MAX_TARGETS_BYTES, &error);
	stored = bytes ? suture_tuf_metadata_parse(bytes, SUTURE_TUF_TARGETS, file, &error) : NULL;
	if (stored && suture_tuf_client_is_listed(stored, listed) && vouches(step, stored, &error))
		return g_steal_pointer(&stored);
	g_info("stored %s is not used: %s", file, error ? error->message : "snapshot.json lists another");
	return NULL;
}

static gboolean is_current(const SutureTufClient *client, const SutureTufMetadata *metadata,
			   const gchar *file, GError **error)
{
	return client->take_expired || suture_check_skipped("tuf-delegated-expired") ||
	       suture_tuf_client_check_expiry(client, metadata, file, SUTURE_TUF_ERROR_DELEGATED_EXPIRED,
					      error);
}

/* 5.6.1 to 5.6.6 */
static SutureTufMetadata *fetch(SutureTufClient *client, const Step *step, const gchar *file,
				const SutureTufFile *listed, GError **error)
{
	const SutureTufListed what = {
		.file = file,
		.type = SUTURE_TUF_TARGETS,
		.limit = SUTURE_TUF_MAX_TARGETS_BYTES,
		.length = SUTURE_TUF_ERROR_DELEGATED_LENGTH,
		.hash = SUTURE_TUF_ERROR_DELEGATED_HASH,
		.version = SUTURE_TUF_ERROR_DELEGATED_VERSION,
	};
	g_autofree gchar *local = suture_tuf_role_local_file(step->delegation->role->name);
	g_autoptr(SutureTufMetadata) new = suture_tuf_client_get_listed(client, &what, listed, error);

	if (!new || !vouches(step, new, error) || !suture_tuf_client_check_version(&what, listed, new, error))
		return NULL;
	if (!is_current(client, new, file, error) ||
	    !suture_file_write_atomic(client->folder, local, new->bytes, 0644, error))
		return NULL;
	return g_steal_pointer(&new);
}

/* The role that @step delegates to, trusted by that delegation; the caller's. */
static SutureTufMetadata *load(SutureTufClient *client, const Step *step, GError **error)
{
	const gchar *name = step->delegation->role->name;
	g_autofree gchar *path = g_strconcat(name, ".json", NULL);
	g_autofree gchar *file = suture_tuf_role_file(name);
	const SutureTufFile *listed = suture_tuf_metadata_file(client->trusted[SUTURE_TUF_SNAPSHOT], path);
	g_autoptr(SutureTufMetadata) stored = NULL;

	if (!listed) {
		suture_tuf_client_refuse(error, SUTURE_TUF_ERROR_DELEGATED_UNLISTED,
					 "snapshot.json does not list %s, to which targets are delegated",
					 file);
		return NULL;
	}
	stored = read_stored(client, step, listed);
	if (!stored)
		return fetch(client, step, file, listed, error);
	return is_current(client, stored, file, error) ? g_steal_pointer(&stored) : NULL;
}

void suture_tuf_client_forget_delegated(SutureTufClient *client)
{
	g_clear_pointer(&client->vouched, g_hash_table_unref);
	g_clear_pointer(&client->by_role, g_hash_table_unref);
	g_clear_pointer(&client->delegated, g_ptr_array_unref);
}

/* Whether @file is a top-level role's, or one of a role that snapshot lists. */
static gboolean has_use(const SutureTufClient *client, const gchar *file)
{
	static const gchar *const top_level[] = {"root.json", "timestamp.json", "snapshot.json",
						 "targets.json", NULL};
	g_autofree gchar *path = g_uri_unescape_string(file, NULL);

	return g_strv_contains(top_level, file) ||
	       (path && suture_tuf_metadata_file(client->trusted[SUTURE_TUF_SNAPSHOT], path));
}

/*
 * A role that is delegated to no more may be so again, at the version that snapshot goes on listing; its file
 * is harmless until then. One that snapshot does not list can never be used.
 */
void suture_tuf_client_sweep(const SutureTufClient *client)
{
	g_autofree gchar *path = g_strdup_printf("/proc/self/fd/%d", client->folder);
	g_autoptr(GDir) listing = g_dir_open(path, 0, NULL);
	const gchar *name;

	while (listing && (name = g_dir_read_name(listing)))
		if (name[0] != '.' && g_str_has_suffix(name, ".json") && !has_use(client, name) &&
		    unlinkat(client->folder, name, 0) < 0)
			g_info("stored %s stays: %s", name, g_strerror(errno));
}

static void metadata_free(gpointer metadata)
{
	suture_tuf_metadata_free(metadata);
}

static const SutureTufMetadata *remember(SutureTufClient *client, const Step *step,
					 SutureTufMetadata *metadata)
{
	g_ptr_array_add(client->delegated, metadata);
	if (!g_hash_table_contains(client->by_role, step->delegation->role->name))
		g_hash_table_insert(client->by_role, step->delegation->role->name, metadata);
	return metadata;
}

/* load(), once for each delegation; borrowed. One that vouches for what is there already shares it. */
static const SutureTufMetadata *delegated(SutureTufClient *client, const Step *step, GError **error)
{
	const SutureTufMetadata *found;
	SutureTufMetadata *loaded;

	if (!client->delegated) {
		client->delegated = g_ptr_array_new_with_free_func(metadata_free);
		client->vouched = g_hash_table_new(NULL, NULL);
		client->by_role = g_hash_table_new(g_str_hash, g_str_equal);
	}
	found = g_hash_table_lookup(client->vouched, step->delegation);
	if (found)
		return found;
	found = g_hash_table_lookup(client->by_role, step->delegation->role->name);
	if (!found || !vouches(step, found, NULL)) {
		loaded = load(client, step, error);
		found = loaded ? remember(client, step, loaded) : NULL;
	}
	if (found)
		g_hash_table_insert(client->vouched, (gpointer)step->delegation, (gpointer)found);
	return found;
}

/* One search: what is still to be looked into, the next one last, and the names of what has been. */
typedef struct {
	SutureTufClient *client;
	GArray *steps;
	GHashTable *visited;
	guint limit;
} Search;

static void search_clear(Search *search)
{
	g_array_unref(search->steps);
	g_hash_table_unref(search->visited);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Search, search_clear)

static Search search_new(SutureTufClient *client, guint limit)
{
	return (Search){
		.client = client,
		.steps = g_array_new(FALSE, FALSE, sizeof(Step)),
		.visited = g_hash_table_new(g_str_hash, g_str_equal),
		.limit = limit,
	};
}

/* The first of @fitting is to be looked into first. */
static void push(Search *search, const GArray *fitting)
{
	for (guint i = fitting->len; i > 0; i--)
		g_array_append_val(search->steps, g_array_index(fitting, Step, i - 1));
}

/* Those of @by's delegations that are for the target @name. A terminating one is the last of the search. */
static void push_matching(Search *search, const SutureTufMetadata *by, const gchar *name)
{
	g_autoptr(GArray) fitting = g_array_new(FALSE, FALSE, sizeof(Step));

	for (guint i = 0; i < by->delegations->len; i++) {
		const Step step = {by, by->delegations->pdata[i]};

		if (!suture_check_skipped("tuf-delegated-path") &&
		    !suture_tuf_delegation_matches(step.delegation, name))
			continue;
		g_array_append_val(fitting, step);
		if (!suture_check_skipped("tuf-terminating") && step.delegation->terminating) {
			g_array_set_size(search->steps, 0);
			break;
		}
	}
	push(search, fitting);
}

static void push_reaching(Search *search, const SutureTufMetadata *by, const gchar *folder)
{
	g_autoptr(GArray) fitting = g_array_new(FALSE, FALSE, sizeof(Step));

	for (guint i = 0; i < by->delegations->len; i++) {
		const Step step = {by, by->delegations->pdata[i]};

		if (suture_tuf_delegation_reaches(step.delegation, folder))
			g_array_append_val(fitting, step);
	}
	push(search, fitting);
}

static gboolean too_many(GError **error, guint limit)
{
	return suture_tuf_client_refuse(error, SUTURE_TUF_ERROR_TOO_MANY_ROLES,
					"more than %u roles are delegated to, one by the other", limit);
}

/* The next role that was not looked into yet. NULL without an error: there is none. */
static const SutureTufMetadata *next_role(Search *search, GError **error)
{
	while (search->steps->len > 0) {
		Step step = g_array_index(search->steps, Step, search->steps->len - 1);

		g_array_set_size(search->steps, search->steps->len - 1);
		if (!g_hash_table_add(search->visited, step.delegation->role->name))
			continue;
		if (!suture_check_skipped("tuf-too-many-roles") &&
		    g_hash_table_size(search->visited) > search->limit) {
			too_many(error, search->limit);
			return NULL;
		}
		return delegated(search->client, &step, error);
	}
	return NULL;
}

/* NULL without an error: nobody who may lists @name. */
static const SutureTufTarget *find(SutureTufClient *client, const gchar *name, GError **error)
{
	g_auto(Search) search = search_new(client, SUTURE_TUF_MAX_DELEGATIONS);
	const SutureTufMetadata *role = client->trusted[SUTURE_TUF_TARGETS];

	for (; role; role = next_role(&search, error)) {
		const SutureTufTarget *target = suture_tuf_metadata_target(role, name);

		if (target)
			return target;
		push_matching(&search, role, name);
	}
	return NULL;
}

const SutureTufTarget *suture_tuf_client_find(SutureTufClient *client, const gchar *name, GError **error)
{
	g_autoptr(GError) cause = NULL;
	const SutureTufTarget *target = find(client, name, &cause);

	if (cause)
		g_propagate_error(error, g_steal_pointer(&cause));
	else if (!target)
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_TARGET_UNKNOWN,
			    "%s: the repository has no such target; check the name", name);
	return target;
}

/* The names of @role's targets below "@folder/". */
static void collect(const SutureTufMetadata *role, const gchar *folder, GHashTable *names)
{
	gsize length = strlen(folder);

	for (guint i = 0; i < role->targets->len; i++) {
		const SutureTufTarget *target = role->targets->pdata[i];

		if (strncmp(target->name, folder, length) == 0 && target->name[length] == '/')
			g_hash_table_add(names, target->name);
	}
}

static gboolean collect_all(SutureTufClient *client, const gchar *folder, GHashTable *names, GError **error)
{
	g_auto(Search) search = search_new(client, SUTURE_TUF_MAX_LISTED_ROLES);
	const SutureTufMetadata *role = client->trusted[SUTURE_TUF_TARGETS];
	GError *cause = NULL;

	for (; role; role = next_role(&search, &cause)) {
		collect(role, folder, names);
		push_reaching(&search, role, folder);
	}
	if (cause)
		g_propagate_error(error, cause);
	return cause == NULL;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	const SutureTufTarget *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

GPtrArray *suture_tuf_client_list(SutureTufClient *client, const gchar *folder, GError **error)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) targets = g_ptr_array_new();
	g_autoptr(GError) cause = NULL;
	GHashTableIter iter;
	gpointer name;

	if (!collect_all(client, folder, names, &cause)) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return NULL;
	}
	/* A role lists what it likes: what counts is whom a search for that name ends at. */
	g_hash_table_iter_init(&iter, names);
	while (g_hash_table_iter_next(&iter, &name, NULL)) {
		const SutureTufTarget *target = find(client, name, &cause);

		if (cause) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return NULL;
		}
		if (target)
			g_ptr_array_add(targets, (gpointer)target);
	}
	g_ptr_array_sort(targets, compare_names);
	return g_steal_pointer(&targets);
}

const SutureTufMetadata *suture_tuf_client_role(SutureTufClient *client, const gchar *name, GError **error)
{
	const SutureTufMetadata *targets = client->trusted[SUTURE_TUF_TARGETS];

	for (guint i = 0; i < targets->delegations->len; i++) {
		const Step step = {targets, targets->delegations->pdata[i]};

		if (strcmp(step.delegation->role->name, name) == 0)
			return delegated(client, &step, error);
	}
	return NULL;
}

static gint compare_strings(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

void suture_tuf_client_foreach_loaded(const SutureTufClient *client, SutureTufLoaded call, gpointer data)
{
	g_autoptr(GList) names = client->by_role ? g_hash_table_get_keys(client->by_role) : NULL;

	names = g_list_sort(names, compare_strings);
	for (GList *name = names; name; name = name->next)
		call(name->data, g_hash_table_lookup(client->by_role, name->data), data);
}

/* One walk through all. */
typedef struct {
	SutureTufClient *client;
	SutureTufWanted wanted;
	SutureTufVisit visit;
	gpointer data;
	GHashTable *visited; /* names */
} Walk;

static gboolean walk_below(const Walk *walk, const SutureTufMetadata *by, const SutureTufWalked *delegator,
			   guint depth, GError **error);

/* @metadata or @refusal is what loading the role by @step gave. */
static gboolean visit(const Walk *walk, const Step *step, const SutureTufWalked *delegator,
		      const SutureTufMetadata *metadata, const GError *refusal, guint depth, GError **error)
{
	const gchar *name = step->delegation->role->name;
	g_autofree gchar *path = g_strconcat(name, ".json", NULL);
	g_autofree gchar *file = suture_tuf_role_file(name);
	g_autofree gchar *stored = suture_tuf_role_local_file(name);
	const SutureTufFile *listed =
		suture_tuf_metadata_file(walk->client->trusted[SUTURE_TUF_SNAPSHOT], path);
	g_autofree gchar *served =
		listed ? suture_tuf_client_served_name(walk->client, file, listed->version) : g_strdup(file);
	const SutureTufWalked walked = {
		.name = name,
		.delegator = delegator,
		.delegation = step->delegation,
		.served = served,
		.stored = stored,
		.metadata = metadata,
		.refusal = refusal,
	};

	return walk->visit(&walked, walk->data, error) &&
	       (!metadata || walk_below(walk, metadata, &walked, depth + 1, error));
}

static gboolean walk_step(const Walk *walk, const Step *step, const SutureTufWalked *delegator, guint depth,
			  GError **error)
{
	const gchar *name = step->delegation->role->name;
	g_autoptr(GError) refusal = NULL;
	g_autoptr(SutureTufMetadata) metadata = NULL;
	gboolean again = g_hash_table_contains(walk->visited, name);

	if (!suture_cancel_check(error))
		return FALSE;
	if (depth > SUTURE_TUF_MAX_DELEGATIONS ||
	    g_hash_table_size(walk->visited) >= SUTURE_TUF_MAX_WALKED_ROLES)
		return too_many(error, depth > SUTURE_TUF_MAX_DELEGATIONS ? SUTURE_TUF_MAX_DELEGATIONS
									  : SUTURE_TUF_MAX_WALKED_ROLES);
	metadata = load(walk->client, step, &refusal);
	if (again && metadata)
		return TRUE;
	g_hash_table_add(walk->visited, g_strdup(name));
	return visit(walk, step, delegator, metadata, refusal, depth, error);
}

static gboolean walk_below(const Walk *walk, const SutureTufMetadata *by, const SutureTufWalked *delegator,
			   guint depth, GError **error)
{
	for (guint i = 0; i < by->delegations->len; i++) {
		const Step step = {by, by->delegations->pdata[i]};

		if ((!walk->wanted || walk->wanted(step.delegation->role->name, walk->data)) &&
		    !walk_step(walk, &step, delegator, depth, error))
			return FALSE;
	}
	return TRUE;
}

gboolean suture_tuf_client_walk(SutureTufClient *client, SutureTufWanted wanted, SutureTufVisit visit_role,
				gpointer data, GError **error)
{
	g_autoptr(GHashTable) visited = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	const Walk walk = {client, wanted, visit_role, data, visited};

	return walk_below(&walk, client->trusted[SUTURE_TUF_TARGETS], NULL, 1, error);
}

gboolean suture_tuf_walked_allows(const SutureTufWalked *role, const gchar *name)
{
	for (; role; role = role->delegator)
		if (!suture_tuf_delegation_matches(role->delegation, name))
			return FALSE;
	return TRUE;
}
