/* A crash inside libhdf5 stops its thread for ever, instead of the process, and
   leaves a mark that another thread sees. To go on within the thread is no
   choice: Go's frames can not be jumped over, and the lock of the heap may be
   held. */
#define _GNU_SOURCE
#include "crash.h"

#include <hdf5.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
static struct sigaction before[NSIG]; /* Go's own */
static atomic_int crashed;
static _Atomic clockid_t worker; /* clock of the thread in the section; 0: none yet */

/* Of each thread: whether it is in a section of library.go, and its C stack. */
static _Thread_local volatile sig_atomic_t inside;
static _Thread_local uintptr_t low, high;

static uintptr_t stack_pointer(void *context) {
	const ucontext_t *c = context;
#if defined(__x86_64__)
	return (uintptr_t)c->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	return (uintptr_t)c->uc_mcontext.sp;
#else
	(void)c;
	return 0; /* crashes remain Go's */
#endif
}

/* A section also runs Go code, whose faults are Go's: that has stacks of its
   own, far from the thread's, which C runs on. Below the stack lies what a
   recursion without end touches. */
static int in_c(void *context) {
	const uintptr_t overflow = 1 << 20;
	uintptr_t sp = stack_pointer(context);
	return inside && sp < high && sp >= low - overflow;
}

/* Raised by the thread itself, not sent by somebody. */
static int own(int sig, const siginfo_t *info) {
	return info->si_code > 0 || (sig == SIGABRT && info->si_code == SI_TKILL && info->si_pid == getpid());
}

static void on_crash(int sig, siginfo_t *info, void *context) {
	if (in_c(context) && own(sig, info)) {
		atomic_store(&crashed, 1);
		for (;;) pause(); /* with all signals blocked */
	}
	const struct sigaction *go = &before[sig];
	if (go->sa_flags & SA_SIGINFO) {
		go->sa_sigaction(sig, info, context);
	} else if (go->sa_handler == SIG_DFL) {
		sigaction(sig, go, NULL); /* the instruction is tried again, and ends the process */
	} else if (go->sa_handler != SIG_IGN) {
		go->sa_handler(sig);
	}
}

/* Puts itself in front of Go's handlers, as the documentation of os/signal
   allows: on the alternate stack, and handing on what is not ours. */
int nx_crash_install(void) {
	struct sigaction a;
	memset(&a, 0, sizeof a);
	a.sa_sigaction = on_crash;
	a.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
	sigfillset(&a.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (sigaction(signals[i], &a, &before[signals[i]]) != 0) return -1;
	return 0;
}

void nx_crash_enter(void) {
	if (!high) {
		pthread_attr_t a;
		void *at;
		size_t size;
		if (pthread_getattr_np(pthread_self(), &a) == 0) {
			if (pthread_attr_getstack(&a, &at, &size) == 0) {
				low = (uintptr_t)at;
				high = low + size;
			}
			pthread_attr_destroy(&a);
		}
	}
	clockid_t clock;
	atomic_store(&worker, pthread_getcpuclockid(pthread_self(), &clock) == 0 ? clock : 0);
	inside = 1;
}

void nx_crash_leave(void) { inside = 0; }

/* A call that loops works, one whose storage hangs does not. */
long long nx_worked(void) {
	struct timespec t;
	clockid_t clock = atomic_load(&worker);
	if (clock == 0 || clock_gettime(clock, &t) != 0) return -1;
	return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Whether libhdf5 has crashed. */
int nx_crashed(void) { return atomic_load(&crashed); }

/* Reading a damaged file leaves objects of libhdf5 that can not be closed. Go ends a
   process without libhdf5's own closing; a build with the race detector does not,
   and there it prints "infinite loop closing library". It is told before anything
   else calls it, which is the only time that it listens. */
__attribute__((constructor)) static void no_closing_at_exit(void) { H5dont_atexit(); }
