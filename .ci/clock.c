/* Another date for a process and all that it starts: the calendar's clock is CLOCK_OFFSET seconds ahead. The monotonic clock and file
   times stay as they are, so time-outs last what they last. Preloaded by .ci/dates. Safe in a handler of signals, for PostgreSQL. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t offset;
static int (*wait_until)(sem_t *, const struct timespec *);

__attribute__((constructor)) static void start(void)
{
    const char *given = getenv("CLOCK_OFFSET");
    offset = given ? atol(given) : 0;
    wait_until = dlsym(RTLD_NEXT, "sem_timedwait");
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += offset;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME_COARSE, &exact);
    if (now)
        *now = exact.tv_sec;
    return exact.tv_sec;
}

int timespec_get(struct timespec *now, int base)
{
    return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, now) ? base : 0;
}

/* The kernel waits until a moment of its own clock. */
int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until)
{
    struct timespec moment = {until->tv_sec - offset, until->tv_nsec};
    return wait_until(semaphore, &moment);
}
