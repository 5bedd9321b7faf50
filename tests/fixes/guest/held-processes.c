// SPDX-License-Identifier: LGPL-2.1-or-later
/* Processes in each state that they stay in: in name spaces, stopped, traced, filtered, ended. */
#include "exercise.h"
#include "held.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t inside, stopped, traced, ended, filtered;
static int stay[2], handle;

/* Until the holder closes its end. */
static void wait_for_end(void)
{
	char byte;

	close(stay[1]);
	while (read(stay[0], &byte, 1) < 0 && errno == EINTR)
		;
}

static void live_inside(void)
{
	const int spaces = CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
			   CLONE_NEWPID | CLONE_NEWCGROUP;
	pid_t child;

	if (unshare(spaces))
		unshare(CLONE_NEWNET | CLONE_NEWNS);
	TRIED(sethostname("held", 4));
	child = fork();
	wait_for_end();
	if (child > 0)
		waitpid(child, NULL, 0);
	_exit(0);
}

static void live_filtered(void)
{
	struct sock_filter code[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
				     {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_getppid},
				     {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
				     {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
	struct sock_fprog program = {4, code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	TRIED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
	wait_for_end();
	TRIED(syscall(SYS_getppid));
	_exit(0);
}

static bool make_processes(void)
{
	siginfo_t state;

	NEEDED(pipe(stay) == 0);
	if ((inside = held_fork()) == 0)
		live_inside();
	if ((filtered = held_fork()) == 0)
		live_filtered();
	if ((ended = fork()) == 0)
		_exit(3);
	if ((stopped = held_fork()) == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	if ((traced = held_fork()) == 0) {
		setpgid(0, 0);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	NEEDED(inside > 0 && filtered > 0 && ended > 0 && stopped > 0 && traced > 0);
	NEEDED(waitid(P_PID, (id_t)ended, &state, WEXITED | WNOWAIT) == 0);
	NEEDED(waitid(P_PID, (id_t)stopped, &state, WSTOPPED | WNOWAIT) == 0);
	NEEDED(waitpid(traced, NULL, 0) == traced);
	handle = (int)syscall(SYS_pidfd_open, inside, 0);
	return true;
}

static void use_processes_held(void)
{
	struct pollfd ready = {handle, POLLIN, 0};
	int status;

	NEEDED(poll(&ready, 1, 0) == 0 && kill(inside, 0) == 0);
	NEEDED(ptrace(PTRACE_SINGLESTEP, traced, NULL, NULL) == 0);
	NEEDED(waitpid(traced, &status, 0) == traced && WIFSTOPPED(status));
	TRIED(syscall(SYS_process_madvise, handle, NULL, 0, 20, 0));
	NEEDED(setpriority(PRIO_PROCESS, (id_t)inside, 3) == 0);
}

static void drop_processes(void)
{
	int status;

	close(stay[1]);
	close(stay[0]);
	NEEDED(waitpid(ended, &status, 0) == ended && WEXITSTATUS(status) == 3);
	NEEDED(kill(stopped, SIGCONT) == 0 && ptrace(PTRACE_DETACH, traced, NULL, NULL) == 0);
	NEEDED(waitpid(stopped, NULL, 0) == stopped && waitpid(traced, NULL, 0) == traced);
	NEEDED(waitpid(inside, NULL, 0) == inside && waitpid(filtered, NULL, 0) == filtered);
	close(handle);
}

const struct held held_processes[] = {{"processes", make_processes, use_processes_held, drop_processes}, {0}};
