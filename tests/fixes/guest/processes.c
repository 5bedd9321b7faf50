// SPDX-License-Identifier: LGPL-2.1-or-later
/* Processes and threads, and what they wait for each other with. */
#include "exercise.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 2000

static volatile sig_atomic_t caught;
static pthread_mutex_t lock;
static int shared_count;

static void on_signal(int number)
{
	(void)number;
	caught++;
}

static void children(void)
{
	int status;

	for (int i = 0; i < 20; i++) {
		pid_t child = i & 1 ? fork() : vfork();

		NEEDED(child >= 0);
		if (child == 0) {
			execl("/bin/busybox", "true", (char *)NULL);
			_exit(9);
		}
		NEEDED(waitpid(child, &status, 0) == child && status == 0);
	}
}

static void spaces(void)
{
	const int flags[] = {CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWNS,     CLONE_NEWIPC,
			     CLONE_NEWUTS,  CLONE_NEWPID, CLONE_NEWCGROUP, CLONE_NEWTIME};
	int status;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		pid_t child = fork();

		if (child == 0) {
			int failure = unshare(flags[i]);

			if (!failure && fork() == 0)
				_exit(0);
			wait(NULL);
			_exit(failure ? 1 : 0);
		}
		NEEDED(waitpid(child, &status, 0) == child && status == 0);
	}
}

static void timers(void)
{
	struct itimerspec soon = {.it_value.tv_nsec = 1000000};
	struct itimerval interval = {.it_value.tv_usec = 1000};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct timex clock = {0};
	struct timespec time_;
	uint64_t expired;
	timer_t timer;
	int descriptor = timerfd_create(CLOCK_MONOTONIC, 0);

	signal(SIGUSR1, on_signal);
	signal(SIGPROF, on_signal);
	NEEDED(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	NEEDED(timer_settime(timer, 0, &soon, NULL) == 0);
	NEEDED(timerfd_settime(descriptor, 0, &soon, NULL) == 0);
	NEEDED(read(descriptor, &expired, sizeof(expired)) == sizeof(expired));
	for (int left = 500; !caught && left; left--)
		usleep(10000);
	NEEDED(caught);
	NEEDED(timer_delete(timer) == 0);
	NEEDED(setitimer(ITIMER_PROF, &interval, NULL) == 0);
	memset(&interval, 0, sizeof(interval));
	NEEDED(setitimer(ITIMER_PROF, &interval, NULL) == 0);
	for (int id = 0; id < 12; id++)
		TRIED(clock_gettime(id, &time_));
	NEEDED(adjtimex(&clock) >= 0);
	close(descriptor);
}

static void *count(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		shared_count++;
		if (i % 64 == 0)
			sched_yield();
		pthread_mutex_unlock(&lock);
	}
	return unused;
}

static void locks(int protocol, int robust)
{
	pthread_mutexattr_t attributes;
	pthread_t threads[4];

	shared_count = 0;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, protocol);
	pthread_mutexattr_setrobust(&attributes, robust);
	NEEDED(pthread_mutex_init(&lock, &attributes) == 0);
	for (int i = 0; i < 4; i++)
		NEEDED(pthread_create(&threads[i], NULL, count, NULL) == 0);
	for (int i = 0; i < 4; i++)
		NEEDED(pthread_join(threads[i], NULL) == 0);
	NEEDED(shared_count == 4 * ROUNDS);
}

static void *wait_to_be_moved(void *words)
{
	struct timespec limit = {.tv_sec = 5};

	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += 5;
	TRIED(syscall(SYS_futex, words, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, &limit, (uint32_t *)words + 1, 0));
	TRIED(syscall(SYS_futex, (uint32_t *)words + 1, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	return NULL;
}

static void requeues(void)
{
	static uint32_t words[2];
	pthread_t waiter;

	NEEDED(syscall(SYS_futex, &words[1], FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0);
	NEEDED(pthread_create(&waiter, NULL, wait_to_be_moved, words) == 0);
	for (int left = 100; left; left--) {
		if (syscall(SYS_futex, &words[0], FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 1UL, &words[1], 0) > 0)
			break;
		usleep(10000);
	}
	NEEDED(syscall(SYS_futex, &words[1], FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0);
	NEEDED(pthread_join(waiter, NULL) == 0);
}

static void events(void)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	int poller = epoll_create1(0), inner = epoll_create1(0), counter = eventfd(0, 0), pipes[2];
	uint64_t one = 1;
	char byte;

	NEEDED(pipe(pipes) == 0);
	NEEDED(epoll_ctl(inner, EPOLL_CTL_ADD, counter, &event) == 0);
	NEEDED(epoll_ctl(poller, EPOLL_CTL_ADD, inner, &event) == 0);
	NEEDED(epoll_ctl(poller, EPOLL_CTL_ADD, pipes[0], &event) == 0);
	NEEDED(write(counter, &one, sizeof(one)) == sizeof(one));
	NEEDED(epoll_wait(poller, &event, 1, 1000) == 1);
	NEEDED(write(pipes[1], "x", 1) == 1 && read(pipes[0], &byte, 1) == 1);
	NEEDED(fcntl(pipes[0], F_SETPIPE_SZ, 65536) > 0);
	TRIED(fcntl(pipes[0], F_SETOWN, getpid()));
	TRIED(fcntl(pipes[0], F_SETSIG, SIGUSR1));
	TRIED(fcntl(pipes[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	NEEDED(write(pipes[1], "x", 1) == 1);
	NEEDED(epoll_ctl(poller, EPOLL_CTL_DEL, inner, &event) == 0);
	close(inner);
	close(poller);
	close(counter);
	close(pipes[0]);
	close(pipes[1]);
}

static void traced(void)
{
	struct user_regs_struct registers;
	struct iovec area = {&registers, sizeof(registers)};
	char state[4096];
	int status;
	pid_t child = fork();

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	NEEDED(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
	NEEDED(ptrace(PTRACE_GETREGSET, child, (void *)1 /* NT_PRSTATUS */, &area) == 0);
	area = (struct iovec){state, sizeof(state)};
	TRIED(ptrace(PTRACE_GETREGSET, child, (void *)0x202 /* NT_X86_XSTATE */, &area));
	NEEDED(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0);
	NEEDED(waitpid(child, &status, 0) == child);
	NEEDED(ptrace(PTRACE_CONT, child, NULL, NULL) == 0);
	NEEDED(waitpid(child, &status, 0) == child && WIFEXITED(status));
}

/* A core file goes nowhere, but is written. */
static void crashes(void)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	int status;
	pid_t child = fork();

	if (child == 0) {
		TRIED(chdir("/tmp"));
		setrlimit(RLIMIT_CORE, &all);
		abort();
	}
	NEEDED(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGABRT);
}

static void system_v(void)
{
	struct {
		long type;
		char text[100];
	} message = {1, "text"};
	struct sembuf up = {.sem_op = 1, .sem_flg = SEM_UNDO};
	int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600), set = semget(IPC_PRIVATE, 4, IPC_CREAT | 0600);

	NEEDED(queue >= 0 && set >= 0);
	NEEDED(msgsnd(queue, &message, sizeof(message.text), 0) == 0);
	NEEDED(msgrcv(queue, &message, sizeof(message.text), 0, 0) == sizeof(message.text));
	NEEDED(semop(set, &up, 1) == 0);
	NEEDED(msgctl(queue, IPC_RMID, NULL) == 0 && semctl(set, 0, IPC_RMID) == 0);
}

static void scheduling(void)
{
	struct sched_param priority = {.sched_priority = 5};
	cpu_set_t set;

	NEEDED(sched_getaffinity(0, sizeof(set), &set) == 0 && sched_setaffinity(0, sizeof(set), &set) == 0);
	for (int policy = SCHED_FIFO; policy >= SCHED_OTHER; policy--) {
		priority.sched_priority = policy == SCHED_OTHER ? 0 : 5;
		if (policy != 1 + SCHED_RR)
			TRIED(sched_setscheduler(0, policy, &priority));
	}
	NEEDED(setpriority(PRIO_PROCESS, 0, 1) == 0);
	for (int i = 0; i < 10; i++)
		sched_yield();
}

static void keys(void)
{
	long ring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "exercise"), key;
	char value[100];

	if (ring < 0 && errno == ENOSYS)
		return;
	key = syscall(SYS_add_key, "user", "one", "value", 5UL, KEY_SPEC_SESSION_KEYRING);
	NEEDED(key > 0);
	NEEDED(syscall(SYS_keyctl, KEYCTL_READ, key, value, sizeof(value)) == 5);
	for (int i = 0; i < 40; i++) {
		snprintf(value, sizeof(value), "many %d", i);
		NEEDED(syscall(SYS_add_key, "user", value, "value", 5UL, KEY_SPEC_SESSION_KEYRING) > 0);
	}
	NEEDED(syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "one", 0) == key);
	TRIED(syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, value, sizeof(value)));
	NEEDED(syscall(SYS_keyctl, KEYCTL_REVOKE, key) == 0);
	NEEDED(syscall(SYS_keyctl, KEYCTL_CLEAR, KEY_SPEC_SESSION_KEYRING) == 0);
}

static void audited(void)
{
	struct {
		struct nlmsghdr header;
		struct audit_status status;
	} get = {.header = {.nlmsg_len = NLMSG_LENGTH(0),
			    .nlmsg_type = AUDIT_GET,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK}};
	char answer[4096];
	int audit = socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);

	if (audit < 0)
		return;
	NEEDED(send(audit, &get, get.header.nlmsg_len, 0) > 0);
	NEEDED(recv(audit, answer, sizeof(answer), 0) > 0);
	get.header.nlmsg_type = AUDIT_SET;
	get.header.nlmsg_len = sizeof(get);
	get.status.mask = AUDIT_STATUS_ENABLED;
	get.status.enabled = 1;
	TRIED(send(audit, &get, sizeof(get), 0));
	children();
	get.status.enabled = 0;
	TRIED(send(audit, &get, sizeof(get), 0));
	close(audit);
}

void use_processes(char **arguments)
{
	(void)arguments;
	children();
	timers();
	locks(PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
	locks(PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_ROBUST);
	requeues();
	events();
	traced();
	crashes();
	system_v();
	scheduling();
	spaces();
	keys();
	audited();
}
