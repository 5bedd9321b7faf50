// SPDX-License-Identifier: LGPL-2.1-or-later
/* What processes wait with: events, timers, futexes, messages, keys; threads that are in the middle of it. */
#include "exercise.h"
#include "held.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000L

enum { COUNTER, PERIODIC, ALARM, SIGNALS, READER, WRITER, POLLED };

static int polled[POLLED], poller, outer;
static pthread_t polling, hearing;
static bool polling_ends, hearing_ends;
static timer_t timers[3];
static uint32_t words[3];
static pthread_t sleepers[2];
static long ring_;
static int queue, set, segment;
static char *shared;
static mqd_t messages;
static char messages_name[30];
static pthread_t receiver;
static aio_context_t aio;

static void *poll_until_told(void *unused)
{
	struct epoll_event event;

	while (!__atomic_load_n(&polling_ends, __ATOMIC_ACQUIRE))
		TRIED(epoll_wait(outer, &event, 1, 20000));
	return unused;
}

static bool make_events(void)
{
	struct itimerspec often = {{0, SECOND / 50}, {0, SECOND / 50}},
			  late = {.it_value.tv_sec = time(NULL) + 1000};
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR2);
	polled[COUNTER] = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
	polled[PERIODIC] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	polled[ALARM] = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	polled[SIGNALS] = signalfd(-1, &signals, SFD_NONBLOCK);
	NEEDED(pipe(&polled[READER]) == 0);
	poller = epoll_create1(0);
	outer = epoll_create1(0);
	for (int i = 0; i < WRITER; i++)
		NEEDED(polled[i] >= 0 && epoll_ctl(poller, EPOLL_CTL_ADD, polled[i], &event) == 0);
	NEEDED(epoll_ctl(outer, EPOLL_CTL_ADD, poller, &event) == 0);
	NEEDED(timerfd_settime(polled[PERIODIC], 0, &often, NULL) == 0);
	TRIED(timerfd_settime(polled[ALARM], TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &late, NULL));
	NEEDED(pthread_create(&polling, NULL, poll_until_told, NULL) == 0);
	NEEDED(kill(getpid(), SIGUSR2) == 0);
	return true;
}

static void use_events(void)
{
	struct epoll_event events[POLLED];
	struct signalfd_siginfo signal_;
	struct timespec now;
	uint64_t one = 3, expired;

	NEEDED(write(polled[COUNTER], &one, sizeof(one)) == sizeof(one) &&
	       write(polled[WRITER], "x", 1) == 1);
	NEEDED(epoll_wait(poller, events, POLLED, 1000) > 0);
	NEEDED(read(polled[COUNTER], &one, sizeof(one)) == sizeof(one) && one == 1);
	NEEDED(read(polled[PERIODIC], &expired, sizeof(expired)) > 0 || errno == EAGAIN);
	NEEDED(clock_gettime(CLOCK_REALTIME, &now) == 0 && clock_settime(CLOCK_REALTIME, &now) == 0);
	TRIED(read(polled[ALARM], &expired, sizeof(expired)));
	NEEDED(read(polled[SIGNALS], &signal_, sizeof(signal_)) > 0 && kill(getpid(), SIGUSR2) == 0);
}

static void drop_events(void)
{
	struct epoll_event event = {.events = EPOLLIN};

	NEEDED(epoll_ctl(poller, EPOLL_CTL_DEL, polled[PERIODIC], &event) == 0);
	NEEDED(epoll_ctl(poller, EPOLL_CTL_MOD, polled[READER], &event) == 0);
	__atomic_store_n(&polling_ends, true, __ATOMIC_RELEASE);
	NEEDED(write(polled[WRITER], "x", 1) == 1 && pthread_join(polling, NULL) == 0);
	for (int i = 0; i < POLLED; i++)
		close(polled[i]);
	close(poller);
	close(outer);
}

static void on_timer(int number)
{
	(void)number;
}

static void *hear(void *unused)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGPROF);
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	while (!__atomic_load_n(&hearing_ends, __ATOMIC_ACQUIRE))
		usleep(20000);
	return unused;
}

static bool make_timers(void)
{
	static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_PROCESS_CPUTIME_ID};
	struct itimerspec often = {{0, SECOND / 20}, {0, SECOND / 20}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerval profile = {{0, 50000}, {0, 50000}};

	signal(SIGUSR1, on_timer);
	signal(SIGPROF, on_timer);
	NEEDED(pthread_create(&hearing, NULL, hear, NULL) == 0);
	for (int i = 0; i < 3; i++) {
		NEEDED(timer_create(clocks[i], &event, &timers[i]) == 0);
		NEEDED(timer_settime(timers[i], 0, &often, NULL) == 0);
	}
	NEEDED(setitimer(ITIMER_PROF, &profile, NULL) == 0);
	return true;
}

static void use_timers(void)
{
	struct itimerspec left;

	for (int i = 0; i < 3; i++) {
		NEEDED(timer_gettime(timers[i], &left) == 0 && left.it_interval.tv_nsec > 0);
		TRIED(timer_getoverrun(timers[i]));
		NEEDED(timer_settime(timers[i], 0, &left, NULL) == 0);
	}
}

static void drop_timers(void)
{
	struct itimerval never = {0};

	NEEDED(setitimer(ITIMER_PROF, &never, NULL) == 0);
	for (int i = 0; i < 3; i++)
		NEEDED(timer_delete(timers[i]) == 0);
	__atomic_store_n(&hearing_ends, true, __ATOMIC_RELEASE);
	NEEDED(pthread_join(hearing, NULL) == 0);
}

static void *wait_for_word(void *unused)
{
	while (__atomic_load_n(&words[0], __ATOMIC_ACQUIRE) == 0)
		TRIED(syscall(SYS_futex, &words[0], FUTEX_WAIT, 0, NULL, NULL, 0));
	return unused;
}

static void *wait_for_owner(void *unused)
{
	while (syscall(SYS_futex, &words[1], FUTEX_LOCK_PI, 0, NULL, NULL, 0))
		NEEDED(errno == EINTR || errno == EAGAIN);
	NEEDED(syscall(SYS_futex, &words[1], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
	return unused;
}

static bool make_futexes(void)
{
	NEEDED(syscall(SYS_futex, &words[1], FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
	NEEDED(pthread_create(&sleepers[0], NULL, wait_for_word, NULL) == 0);
	NEEDED(pthread_create(&sleepers[1], NULL, wait_for_owner, NULL) == 0);
	usleep(10000);
	return true;
}

static void use_futexes(void)
{
	TRIED(syscall(SYS_futex, &words[0], FUTEX_WAKE, 1, NULL, NULL, 0));
	TRIED(syscall(SYS_futex, &words[0], FUTEX_CMP_REQUEUE, 0, 1UL, &words[2], 0));
	TRIED(syscall(SYS_futex, &words[2], FUTEX_WAKE, 1, NULL, NULL, 0));
}

static void drop_futexes(void)
{
	__atomic_store_n(&words[0], 1, __ATOMIC_RELEASE);
	TRIED(syscall(SYS_futex, &words[0], FUTEX_WAKE, 9, NULL, NULL, 0));
	TRIED(syscall(SYS_futex, &words[2], FUTEX_WAKE, 9, NULL, NULL, 0));
	NEEDED(pthread_join(sleepers[0], NULL) == 0);
	NEEDED(syscall(SYS_futex, &words[1], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
	NEEDED(pthread_join(sleepers[1], NULL) == 0);
}

static bool make_keys(void)
{
	char name[30];
	long key;

	ring_ = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "held");
	if (ring_ < 0)
		return false;
	key = syscall(SYS_add_key, "keyring", "inner", NULL, 0UL, ring_);
	NEEDED(key > 0);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "held %d", i);
		NEEDED(syscall(SYS_add_key, i % 2 ? "user" : "logon", i % 2 ? name : strcat(name, ":x"),
			       "value", 5UL, key) > 0);
	}
	NEEDED(syscall(SYS_add_key, "user", "one", "value", 5UL, ring_) > 0);
	return true;
}

static void use_keys(void)
{
	long key = syscall(SYS_keyctl, KEYCTL_SEARCH, ring_, "user", "held 7", 0);
	char value[200];

	NEEDED(key > 0 && syscall(SYS_keyctl, KEYCTL_READ, key, value, sizeof(value)) == 5);
	NEEDED(syscall(SYS_keyctl, KEYCTL_UPDATE, key, "other", 5UL) == 0);
	NEEDED(syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, value, sizeof(value)) > 0);
	NEEDED(syscall(SYS_keyctl, KEYCTL_SET_TIMEOUT, key, 100) == 0);
	TRIED(syscall(SYS_keyctl, KEYCTL_READ, ring_, value, sizeof(value)));
}

static void drop_keys(void)
{
	long key = syscall(SYS_keyctl, KEYCTL_SEARCH, ring_, "user", "one", 0);

	NEEDED(key > 0 && syscall(SYS_keyctl, KEYCTL_REVOKE, key) == 0);
	NEEDED(syscall(SYS_keyctl, KEYCTL_CLEAR, ring_) == 0);
}

struct message {
	long type;
	char text[100];
};

static void *receive(void *unused)
{
	struct message message;

	while (msgrcv(queue, &message, sizeof(message.text), 7, 0) < 0)
		if (errno != EINTR)
			break;
	return unused;
}

static bool make_system_v(void)
{
	struct message message = {1, "text"};
	struct sembuf up = {.sem_op = 1, .sem_flg = SEM_UNDO};

	queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	set = semget(IPC_PRIVATE, 4, IPC_CREAT | 0600);
	segment = shmget(IPC_PRIVATE, 16 * 4096, IPC_CREAT | 0600);
	NEEDED(queue >= 0 && set >= 0 && segment >= 0);
	shared = shmat(segment, NULL, 0);
	NEEDED(shared != (char *)-1);
	shared[0] = 's';
	NEEDED(msgsnd(queue, &message, sizeof(message.text), 0) == 0 && semop(set, &up, 1) == 0);
	NEEDED(pthread_create(&receiver, NULL, receive, NULL) == 0);
	return true;
}

static void use_system_v(void)
{
	struct message message = {2, "more"};
	struct sembuf steps[] = {{.sem_op = 1, .sem_flg = SEM_UNDO}, {.sem_op = -1, .sem_flg = SEM_UNDO}};
	struct shmid_ds status;

	NEEDED(msgsnd(queue, &message, sizeof(message.text), 0) == 0);
	NEEDED(msgrcv(queue, &message, sizeof(message.text), -3, 0) == sizeof(message.text));
	NEEDED(semop(set, steps, 2) == 0 && shmctl(segment, IPC_STAT, &status) == 0);
	NEEDED(shared[0] == 's' && status.shm_nattch > 0);
}

static void drop_system_v(void)
{
	struct message message = {7, "last"};

	NEEDED(msgsnd(queue, &message, sizeof(message.text), 0) == 0 && pthread_join(receiver, NULL) == 0);
	NEEDED(msgctl(queue, IPC_RMID, NULL) == 0 && semctl(set, 0, IPC_RMID) == 0);
	NEEDED(shmctl(segment, IPC_RMID, NULL) == 0 && shmdt(shared) == 0);
}

static bool make_messages(void)
{
	struct mq_attr shape = {.mq_maxmsg = 8, .mq_msgsize = 100};
	struct sigevent told = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};

	snprintf(messages_name, sizeof(messages_name), "/held %d", getpid());
	messages = mq_open(messages_name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &shape);
	if (messages < 0)
		return false;
	NEEDED(mq_send(messages, "one", 3, 1) == 0 && mq_send(messages, "two", 3, 2) == 0);
	TRIED(mq_notify(messages, &told));
	return true;
}

static void use_messages(void)
{
	char text[100];

	NEEDED(mq_receive(messages, text, sizeof(text), NULL) == 3 && mq_send(messages, "new", 3, 9) == 0);
}

static void drop_messages(void)
{
	NEEDED(mq_unlink(messages_name) == 0 && mq_close(messages) == 0);
}

static int aio_pipe[2];

static bool make_aio(void)
{
	static struct iocb poll_ = {.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN};
	struct iocb *list[] = {&poll_};

	if (syscall(SYS_io_setup, 8, &aio))
		return false;
	NEEDED(pipe(aio_pipe) == 0);
	poll_.aio_fildes = (uint32_t)aio_pipe[0];
	NEEDED(syscall(SYS_io_submit, aio, 1, list) == 1);
	return true;
}

static void use_aio(void)
{
	static char block[512];
	struct iocb request = {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (uintptr_t)block, .aio_nbytes = sizeof(block)};
	struct iocb *list[] = {&request};
	struct io_event event;
	struct timespec limit = {.tv_sec = 5};

	request.aio_fildes = (uint32_t)open("/usr/bin/exercise", O_RDONLY);
	NEEDED(syscall(SYS_io_submit, aio, 1, list) == 1);
	NEEDED(syscall(SYS_io_getevents, aio, 1, 1, &event, &limit) == 1);
	close((int)request.aio_fildes);
}

static void drop_aio(void)
{
	struct io_event event;
	struct timespec limit = {.tv_sec = 5};

	NEEDED(write(aio_pipe[1], "x", 1) == 1);
	NEEDED(syscall(SYS_io_getevents, aio, 1, 1, &event, &limit) == 1);
	NEEDED(syscall(SYS_io_destroy, aio) == 0);
	close(aio_pipe[0]);
	close(aio_pipe[1]);
}

const struct held held_waits[] = {{"events", make_events, use_events, drop_events},
				  {"timers", make_timers, use_timers, drop_timers},
				  {"futexes", make_futexes, use_futexes, drop_futexes},
				  {"keys", make_keys, use_keys, drop_keys},
				  {"System V objects", make_system_v, use_system_v, drop_system_v},
				  {"message queue", make_messages, use_messages, drop_messages},
				  {"asynchronous requests", make_aio, use_aio, drop_aio},
				  {0}};
