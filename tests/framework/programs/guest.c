// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What tests of the framework do in a machine and a shell cannot:
 *
 *	guest ACTION ARGUMENT...	do it once, print its outcome: 0 or the name of an error
 *	guest faults [-s PATH]... [-u COMMAND] ACTION ARGUMENT...
 *
 * do it again and again: the first time the first allocation in it fails, then the second, until none is left
 *that could. After each error the files below each PATH must be as they were at first, in name and content.
 *An action that succeeded in spite of a failed allocation is undone by COMMAND.
 *
 * Actions:
 *	load FILE [PARAMETER]...	a module
 *	unload NAME
 *	write PATH TEXT
 *	fork PATH			a child that reads PATH; the words that children read are counted
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ROUNDS 3000
#define MAX_PATHS 8
#define MAX_WORDS 8

struct text {
	char *data;
	size_t length;
};

struct job {
	const char *paths[MAX_PATHS];
	size_t path_count;
	const char *undo;
	const char *file;
	unsigned int enough;
	int (*action)(char **arguments);
	char **arguments;
};

/* Which allocation is to fail, 0 for none; met: it came to that. */
static struct {
	int file;
	unsigned int n;
	bool met;
} fault;

/* What children of the action fork read, and how many of them. */
static struct word {
	char text[64];
	unsigned int count;
} words[MAX_WORDS];

static void die(const char *what)
{
	fprintf(stderr, "guest: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void append(struct text *text, const char *format, ...)
{
	va_list arguments;
	char *piece;
	int length;

	va_start(arguments, format);
	length = vasprintf(&piece, format, arguments);
	va_end(arguments);
	if (length < 0)
		die("memory");
	text->data = realloc(text->data, text->length + (size_t)length + 1);
	if (!text->data)
		die("memory");
	memcpy(text->data + text->length, piece, (size_t)length + 1);
	text->length += (size_t)length;
	free(piece);
}

/* The content of a file, cut at the size of the buffer; a file that cannot be read has a content too. */
static const char *content(const char *path, char *buffer, size_t size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (file < 0)
		return strerrorname_np(errno);
	length = read(file, buffer, size - 1);
	if (length < 0)
		length = snprintf(buffer, size, "%s", strerrorname_np(errno));
	close(file);
	buffer[length] = '\0';
	return buffer;
}

/* Tasks come and go from that one. */
static int is_stable(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strcmp(entry->d_name, "blockers");
}

static void look(const char *path, struct text *text)
{
	struct dirent **entries;
	char buffer[4096];
	struct stat status;
	int count, i;

	if (lstat(path, &status)) {
		append(text, "%s: %s\n", path, strerrorname_np(errno));
		return;
	}
	if (!S_ISDIR(status.st_mode)) {
		append(text, "%s: %s\n", path, content(path, buffer, sizeof(buffer)));
		return;
	}
	append(text, "%s/\n", path);
	count = scandir(path, &entries, is_stable, alphasort);
	for (i = 0; i < count; i++) {
		char *name;

		if (asprintf(&name, "%s/%s", path, entries[i]->d_name) < 0)
			die("memory");
		look(name, text);
		free(name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

static char *look_at_all(const struct job *job)
{
	struct text text = {NULL, 0};
	size_t i;

	append(&text, "%s", "");
	for (i = 0; i < job->path_count; i++)
		look(job->paths[i], &text);
	return text.data;
}

static void set_fault(unsigned int n)
{
	char number[16];

	if (pwrite(fault.file, number, (size_t)snprintf(number, sizeof(number), "%u", n), 0) < 0)
		die("cannot let allocations fail");
}

/* Around the one system call that an action is about. */
static void begin_faults(void)
{
	if (fault.n)
		set_fault(fault.n);
}

static void end_faults(void)
{
	char number[16] = "";

	if (!fault.n)
		return;
	if (pread(fault.file, number, sizeof(number) - 1, 0) < 0)
		die("cannot let allocations fail");
	set_fault(0);
	fault.met = !atoi(number);
}

static int load(char **arguments)
{
	int file = open(arguments[0], O_RDONLY | O_CLOEXEC);
	char parameters[1024] = "";
	int error = 0;

	if (file < 0)
		die(arguments[0]);
	for (char **next = arguments + 1; *next; next++) {
		strcat(parameters, " ");
		strcat(parameters, *next);
	}
	begin_faults();
	if (syscall(SYS_finit_module, file, parameters, 0))
		error = errno;
	end_faults();
	close(file);
	return error;
}

static int unload(char **arguments)
{
	int error = 0;

	begin_faults();
	if (syscall(SYS_delete_module, arguments[0], O_NONBLOCK))
		error = errno;
	end_faults();
	return error;
}

static int write_text(char **arguments)
{
	int file = open(arguments[0], O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (file < 0)
		return errno;
	begin_faults();
	if (write(file, arguments[1], strlen(arguments[1])) < 0)
		error = errno;
	end_faults();
	close(file);
	return error;
}

static void count_word(const char *text)
{
	for (size_t i = 0; i < MAX_WORDS; i++) {
		if (words[i].count && strcmp(words[i].text, text))
			continue;
		snprintf(words[i].text, sizeof(words[i].text), "%s", text);
		words[i].count++;
		return;
	}
}

static int fork_reader(char **arguments)
{
	int ends[2];
	char buffer[64];
	ssize_t length;
	pid_t child;
	int error;

	if (pipe(ends))
		return errno;
	begin_faults();
	child = fork();
	error = errno;
	if (child)
		end_faults();
	if (!child) {
		content(arguments[0], buffer, sizeof(buffer));
		_exit(write(ends[1], buffer, strlen(buffer)) < 0);
	}
	close(ends[1]);
	if (child > 0) {
		length = read(ends[0], buffer, sizeof(buffer) - 1);
		buffer[length > 0 ? length : 0] = '\0';
		count_word(strtok(buffer, "\n") ?: "");
		waitpid(child, NULL, 0);
	}
	close(ends[0]);
	return child < 0 ? error : 0;
}

static void check_same(const struct job *job, const char *before, const char *when)
{
	char *now = look_at_all(job);

	if (strcmp(before, now)) {
		printf("allocation %u: %s, not as before:\n%s--- now:\n%s", fault.n, when, before, now);
		exit(1);
	}
	free(now);
}

static void undo(const struct job *job)
{
	if (job->undo && system(job->undo)) {
		printf("%s failed\n", job->undo);
		exit(1);
	}
}

static int report_end(unsigned int refused, unsigned int endured, int error)
{
	printf("%u refused, %u endured, then %s\n", refused, endured, error ? strerrorname_np(error) : "0");
	for (size_t i = 0; i < MAX_WORDS && words[i].count; i++)
		printf("%u read %s\n", words[i].count, words[i].text);
	return error ? 1 : 0;
}

static int faults(const struct job *job)
{
	unsigned int refused = 0, endured = 0, in_a_row = 0;
	char *before = look_at_all(job);

	fault.file = open(job->file, O_RDWR | O_CLOEXEC);
	if (fault.file < 0)
		die(job->file);
	for (fault.n = 1; fault.n < MAX_ROUNDS && in_a_row < job->enough; fault.n++) {
		int error = job->action(job->arguments);

		if (!fault.met)
			return report_end(refused, endured, error);
		if (error && error != ENOMEM)
			printf("allocation %u: %s\n", fault.n, strerrorname_np(error));
		in_a_row = error ? 0 : in_a_row + 1;
		if (error) {
			refused++;
			check_same(job, before, "refused");
		} else {
			endured++;
			undo(job);
			check_same(job, before, "undone");
		}
	}
	if (in_a_row < job->enough) {
		printf("no end after %u allocations\n", fault.n);
		return 1;
	}
	fault.n = 0;
	return report_end(refused, endured, job->action(job->arguments));
}

static void choose(struct job *job, char **arguments)
{
	static const struct {
		const char *name;
		int (*action)(char **arguments);
		int count;
	} actions[] = {
		{"load", load, 1},
		{"unload", unload, 1},
		{"write", write_text, 2},
		{"fork", fork_reader, 1},
	};
	int count = 0;

	while (arguments[count])
		count++;
	for (size_t i = 0; count && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(arguments[0], actions[i].name) || count <= actions[i].count)
			continue;
		job->action = actions[i].action;
		job->arguments = arguments + 1;
		return;
	}
	fprintf(stderr, "guest: unknown action, or too few arguments\n");
	exit(2);
}

int main(int argc, char **argv)
{
	struct job job = {.file = "/proc/thread-self/fail-nth", .enough = MAX_ROUNDS};
	int option, error;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2 || strcmp(argv[1], "faults")) {
		choose(&job, argv + 1);
		error = job.action(job.arguments);
		puts(error ? strerrorname_np(error) : "0");
		return 0;
	}
	optind = 2;
	while ((option = getopt(argc, argv, "+e:f:s:u:")) != -1) {
		if (option == 'e')
			job.enough = (unsigned int)atoi(optarg);
		else if (option == 'f')
			job.file = optarg;
		else if (option == 's' && job.path_count < MAX_PATHS)
			job.paths[job.path_count++] = optarg;
		else if (option == 'u')
			job.undo = optarg;
		else
			return 2;
	}
	choose(&job, argv + optind);
	return faults(&job);
}
