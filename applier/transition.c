// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/transition.h"

#include "common/cancel.h"
#include "common/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#define POLL_FIRST_MS 5
#define POLL_LAST_MS 500
#define NAMED_TASKS_MAX 5 /* in an error line */
#define STACK_MAX 4096
#define STACK_FRAMES_MAX 8

/* Where a transition can be found when it is looked at. */
typedef enum { STILL_GOING, ON, GONE, FAILED } State;
typedef enum { REACHED, TIMED_OUT, CANCELLED, BROKEN } End;

typedef struct {
	const SutureLivepatch *livepatch;
	const gchar *name;
	GError **error;
} Watch;

static State look(const Watch *watch)
{
	g_autoptr(SutureSysfsPatch) patch = NULL;

	if (!suture_livepatch_poll(watch->livepatch, watch->name, &patch, watch->error))
		return FAILED;
	if (!patch)
		return GONE;
	return patch->enabled && !patch->transition ? ON : STILL_GOING;
}

/* Sleeps; FALSE as soon as a signal has come. */
static gboolean pause_unless_cancelled(guint milliseconds)
{
	GPollFD poll;

	if (!g_cancellable_make_pollfd(suture_cancellable(), &poll)) {
		g_usleep(milliseconds * 1000UL);
		return TRUE;
	}
	g_poll(&poll, 1, (gint)milliseconds);
	g_cancellable_release_fd(suture_cancellable());
	return !g_cancellable_is_cancelled(suture_cancellable());
}

/* Waits while @going says so; sleeps grow, so that a quick transition is seen quickly and a slow one costs
 * little. */
static End wait_until(gboolean (*going)(gpointer), gpointer data, guint timeout, gboolean cancellable)
{
	gint64 deadline = g_get_monotonic_time() + timeout * G_USEC_PER_SEC;
	guint sleep = POLL_FIRST_MS;

	while (going(data)) {
		gint64 left = (deadline - g_get_monotonic_time()) / 1000;
		guint milliseconds = (guint)CLAMP(left, 1, (gint64)sleep);

		if (left <= 0)
			return TIMED_OUT;
		if (!cancellable)
			g_usleep(milliseconds * 1000UL);
		else if (!pause_unless_cancelled(milliseconds))
			return CANCELLED;
		sleep = MIN(sleep * 3 / 2, POLL_LAST_MS);
	}
	return REACHED;
}

typedef struct {
	Watch watch;
	State last;
	gboolean to_on; /* ON ends the wait, not only GONE */
} Wait;

static gboolean still_going(gpointer data)
{
	Wait *wait = data;

	wait->last = look(&wait->watch);
	return wait->last == STILL_GOING || (wait->last == ON && !wait->to_on);
}

static End wait_for(Wait *wait, guint timeout, gboolean cancellable)
{
	End end = wait_until(still_going, wait, timeout, cancellable);

	return wait->last == FAILED ? BROKEN : end;
}

void suture_blocking_task_free(SutureBlockingTask *task)
{
	g_free(task->comm);
	g_free(task->function);
	g_free(task->stack);
	g_free(task);
}

/* "[<0>] stall_wait+0x6b/0xa0 [stall]" lines to one line, innermost first. */
static gchar *fold_stack(const gchar *text)
{
	g_autoptr(GString) folded = g_string_new(NULL);
	g_auto(GStrv) lines = g_strsplit(text, "\n", STACK_FRAMES_MAX + 1);

	for (guint i = 0; i < STACK_FRAMES_MAX && lines[i]; i++) {
		const gchar *frame = g_str_has_prefix(lines[i], "[<") ? strchr(lines[i], ']') : NULL;

		frame = frame ? frame + 1 : lines[i];
		frame += strspn(frame, " ");
		if (*frame)
			g_string_append_printf(folded, "%s%s", folded->len > 0 ? " < " : "", frame);
	}
	return g_string_free(g_steal_pointer(&folded), FALSE);
}

static gchar *read_stack(int tasks, const gchar *path)
{
	g_autofree gchar *stack = suture_sysfs_text(tasks, path, STACK_MAX);

	return fold_stack(stack ? stack : "");
}

static SutureBlockingTask *read_task(int tasks, guint pid, const gchar *tid, gboolean enabled)
{
	g_autofree gchar *state_path = g_build_filename(tid, "patch_state", NULL);
	g_autofree gchar *state = suture_sysfs_text(tasks, state_path, 16);
	g_autofree gchar *comm_path = g_build_filename(tid, "comm", NULL);
	g_autofree gchar *stack_path = g_build_filename(tid, "stack", NULL);
	SutureBlockingTask *task;

	/* 0 unpatched, 1 patched, -1 not in transition */
	if (!state || strcmp(state, enabled ? "0" : "1") != 0)
		return NULL;
	task = g_new0(SutureBlockingTask, 1);
	task->pid = pid;
	task->tid = (guint)g_ascii_strtoull(tid, NULL, 10);
	task->comm = suture_sysfs_text(tasks, comm_path, 64);
	if (!task->comm)
		task->comm = g_strdup("?");
	task->function = g_strdup("");
	task->stack = read_stack(tasks, stack_path);
	return task;
}

/* "<pid> <tid> <function or -> <comm>", where the last may have spaces; NULL for anything else. */
static SutureBlockingTask *parse_blocker(int root, const gchar *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 4);
	g_autofree gchar *stack_path = NULL;
	guint64 pid, tid;
	SutureBlockingTask *task;

	if (g_strv_length(words) < 4 || !*words[2] ||
	    !g_ascii_string_to_unsigned(words[0], 10, 0, G_MAXINT32, &pid, NULL) ||
	    !g_ascii_string_to_unsigned(words[1], 10, 0, G_MAXINT32, &tid, NULL))
		return NULL;
	stack_path = g_strdup_printf("proc/%s/task/%s/stack", words[0], words[1]);
	task = g_new0(SutureBlockingTask, 1);
	task->pid = (guint)pid;
	task->tid = (guint)tid;
	task->function = g_strdup(strcmp(words[2], "-") == 0 ? "" : words[2]);
	task->comm = g_strdup(words[3]);
	task->stack = read_stack(root, stack_path);
	return task;
}

static void parse_blockers(GPtrArray *blockers, int root, const gchar *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (gchar **line = lines; *line; line++) {
		SutureBlockingTask *task = parse_blocker(root, *line);

		if (task)
			g_ptr_array_add(blockers, task);
	}
}

static DIR *open_folder(int parent, const gchar *path)
{
	int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (!folder)
		suture_fd_clear(&fd);
	return folder;
}

static void read_process(GPtrArray *blockers, int proc, const gchar *pid, gboolean enabled)
{
	g_autofree gchar *path = g_build_filename(pid, "task", NULL);
	DIR *tasks = open_folder(proc, path);
	struct dirent *entry;

	if (!tasks)
		return;
	while ((entry = readdir(tasks))) {
		SutureBlockingTask *task = NULL;

		if (g_ascii_isdigit(entry->d_name[0]))
			task = read_task(dirfd(tasks), (guint)g_ascii_strtoull(pid, NULL, 10), entry->d_name,
					 enabled);
		if (task)
			g_ptr_array_add(blockers, task);
	}
	closedir(tasks);
}

static gint compare_tasks(gconstpointer left, gconstpointer right)
{
	const SutureBlockingTask *a = *(SutureBlockingTask *const *)left;
	const SutureBlockingTask *b = *(SutureBlockingTask *const *)right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return a->tid == b->tid ? 0 : a->tid < b->tid ? -1 : 1;
}

static void read_processes(GPtrArray *blockers, int root, gboolean enabled)
{
	DIR *proc = open_folder(root, "proc");
	struct dirent *entry;

	if (!proc)
		return;
	while ((entry = readdir(proc)))
		if (g_ascii_isdigit(entry->d_name[0]))
			read_process(blockers, dirfd(proc), entry->d_name, enabled);
	closedir(proc);
}

GPtrArray *suture_transition_blockers(const SutureLivepatch *livepatch, const gchar *name, gboolean enabled)
{
	GPtrArray *blockers = g_ptr_array_new_with_free_func((GDestroyNotify)suture_blocking_task_free);
	g_autofree gchar *told = suture_livepatch_blockers(livepatch, name);

	if (told)
		parse_blockers(blockers, suture_livepatch_root(livepatch), told);
	else
		read_processes(blockers, suture_livepatch_root(livepatch), enabled);
	g_ptr_array_sort(blockers, compare_tasks);
	return blockers;
}

gchar *suture_transition_describe(GPtrArray *blockers)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (blockers->len == 0)
		return g_strdup("no task that /proc shows (an idle task of a processor)");
	g_string_append_printf(text, "%u task%s: ", blockers->len, blockers->len == 1 ? "" : "s");
	for (guint i = 0; i < MIN(blockers->len, NAMED_TASKS_MAX); i++) {
		const SutureBlockingTask *task = blockers->pdata[i];

		g_string_append_printf(text, "%s%s[%u]", i > 0 ? ", " : "", task->comm, task->tid);
		if (*task->function)
			g_string_append_printf(text, " in %s", task->function);
		if (*task->stack)
			g_string_append_printf(text, *task->function ? " (%s)" : " in %s", task->stack);
	}
	if (blockers->len > NAMED_TASKS_MAX)
		g_string_append_printf(text, " and %u more", blockers->len - NAMED_TASKS_MAX);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Sends the transition back; the error then already says why, and gets what became of it. */
static void go_back(const Watch *watch, gboolean enabled, guint timeout, GError **error)
{
	g_autoptr(GError) trouble = NULL;
	Wait wait = {{watch->livepatch, watch->name, &trouble}, STILL_GOING, enabled};
	g_autofree gchar *blockers = NULL;
	gchar *message = (*error)->message;

	if (suture_livepatch_set_enabled(watch->livepatch, watch->name, enabled, &trouble)) {
		End end = wait_for(&wait, timeout, FALSE);

		if (end == REACHED)
			return;
		if (end == TIMED_OUT) {
			g_autoptr(GPtrArray) tasks =
				suture_transition_blockers(watch->livepatch, watch->name, enabled);

			blockers = suture_transition_describe(tasks);
		}
	}
	(*error)->message = g_strdup_printf("%s; taking it back hangs too (%s): it is left in transition",
					    message, trouble ? trouble->message : blockers);
	g_free(message);
}

static void set_stalled(const Watch *watch, gboolean enabled, guint timeout, GError **error)
{
	g_autoptr(GPtrArray) blockers = suture_transition_blockers(watch->livepatch, watch->name, enabled);
	g_autofree gchar *tasks = suture_transition_describe(blockers);

	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_STALLED,
		    "%s: the transition was not over after %u s, held up by %s; it was reversed: end or wake "
		    "what blocks and try again, or give a longer --timeout",
		    watch->name, timeout, tasks);
}

/* Ends a wait that did not reach its goal. */
static gboolean give_up(const Watch *watch, End end, gboolean enabled, guint timeout, GError **error)
{
	if (end == BROKEN)
		return FALSE;
	if (end == TIMED_OUT)
		set_stalled(watch, enabled, timeout, error);
	else
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CANCELLED,
			    "%s: interrupted during its transition, which was reversed; run it again",
			    watch->name);
	go_back(watch, !enabled, MAX(timeout, SUTURE_TRANSITION_TIMEOUT_DEFAULT / 2), error);
	return FALSE;
}

gboolean suture_transition_finish_enable(const SutureLivepatch *livepatch, const gchar *name, guint timeout,
					 GError **error)
{
	g_autoptr(GError) cause = NULL;
	Wait wait = {{livepatch, name, &cause}, STILL_GOING, TRUE};
	End end = wait_for(&wait, timeout, TRUE);

	if (end == REACHED && wait.last == ON)
		return TRUE;
	if (end == REACHED)
		g_set_error(
			&cause, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_LOST,
			"%s: somebody else reversed it during its transition; see who manages livepatches "
			"on this host",
			name);
	else
		give_up(&wait.watch, end, TRUE, timeout, &cause);
	g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}

gboolean suture_transition_disable(const SutureLivepatch *livepatch, const gchar *name, guint timeout,
				   GError **error)
{
	g_autoptr(GError) cause = NULL;
	Wait wait = {{livepatch, name, &cause}, STILL_GOING, FALSE};
	End end;

	if (!suture_livepatch_set_enabled(livepatch, name, FALSE, error))
		return FALSE;
	end = wait_for(&wait, timeout, TRUE);
	if (end == REACHED)
		return TRUE;
	give_up(&wait.watch, end, FALSE, timeout, &cause);
	/* It may have got through while it was being called back; @cause has its words already. */
	wait.watch.error = NULL;
	if (end == TIMED_OUT && look(&wait.watch) == GONE)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}

gboolean suture_transition_undo(const SutureLivepatch *livepatch, const gchar *name, guint timeout,
				GError **error)
{
	g_autoptr(GError) cause = NULL;
	Wait wait = {{livepatch, name, &cause}, STILL_GOING, FALSE};
	End end;

	if (!suture_livepatch_set_enabled(livepatch, name, FALSE, error))
		return FALSE;
	end = wait_for(&wait, timeout, FALSE);
	if (end == REACHED)
		return TRUE;
	if (end == TIMED_OUT) {
		g_autoptr(GPtrArray) blockers = suture_transition_blockers(livepatch, name, FALSE);
		g_autofree gchar *tasks = suture_transition_describe(blockers);

		g_set_error(&cause, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_STALLED,
			    "%s: taking it back was not over after %u s, held up by %s", name, timeout,
			    tasks);
	}
	g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}

typedef struct {
	const SutureLivepatch *livepatch;
	gchar *name; /* of the patch in transition */
	gboolean enabled;
	GError **error;
} Idle;

static gboolean some_transition(gpointer data)
{
	Idle *idle = data;
	g_autoptr(GPtrArray) patches = suture_livepatch_list(idle->livepatch, idle->error);

	g_clear_pointer(&idle->name, g_free);
	for (guint i = 0; patches && i < patches->len; i++) {
		const SutureSysfsPatch *patch = patches->pdata[i];

		if (!patch->transition)
			continue;
		idle->name = g_strdup(patch->name);
		idle->enabled = patch->enabled;
		return TRUE;
	}
	return FALSE;
}

gboolean suture_transition_wait_idle(const SutureLivepatch *livepatch, guint timeout, GError **error)
{
	g_autoptr(GError) cause = NULL;
	Idle idle = {livepatch, NULL, FALSE, &cause};
	End end = wait_until(some_transition, &idle, timeout, TRUE);
	g_autofree gchar *name = idle.name;

	if (end == REACHED && !cause)
		return TRUE;
	if (end == CANCELLED && !suture_cancel_check(error))
		return FALSE;
	if (end == TIMED_OUT) {
		g_autoptr(GPtrArray) blockers = suture_transition_blockers(livepatch, name, idle.enabled);
		g_autofree gchar *tasks = suture_transition_describe(blockers);

		g_set_error(&cause, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_BUSY,
			    "%s: still in transition after %u s, held up by %s; end or wake what blocks, or "
			    "'suture revert' it",
			    name, timeout, tasks);
	}
	g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}
