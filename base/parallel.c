#include "base/parallel.h"

#include "base/thread.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_int wanted_threads;
static _Thread_local bool serial_thread;

void kin_thread_is_serial(void) { serial_thread = true; }

static int threads_from(const char *variable)
{
    const char *text = getenv(variable);
    long n = text ? strtol(text, NULL, 10) : 0;
    return n < 1 ? 0 : n > KIN_MAX_THREADS ? KIN_MAX_THREADS : (int)n;
}

static int default_threads(void)
{
    int n = threads_from("KIN_THREADS");
    if (!n) n = threads_from("OMP_NUM_THREADS");
    if (!n) n = (int)sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > KIN_MAX_THREADS ? KIN_MAX_THREADS : n;
}

int kin_threads(void)
{
    int n = atomic_load(&wanted_threads);
    if (n > 0) return n;
    n = default_threads();
    atomic_store(&wanted_threads, n);
    return n;
}

void kin_set_threads(int n)
{
    atomic_store(&wanted_threads, n < 1 ? default_threads() : n > KIN_MAX_THREADS ? KIN_MAX_THREADS : n);
}

static void run_serially(int64_t blocks, kin_task fn, void *arg)
{
    for (int64_t block = 0; block < blocks; block++) fn(arg, block, 0);
}

#ifdef _OPENMP
#include <omp.h>

const char *kin_parallel_backend(void) { return "openmp"; }

void kin_parallel_for(int64_t blocks, kin_task fn, void *arg)
{
    int threads = kin_threads();
    if (blocks < threads) threads = (int)blocks;
    if (threads <= 1 || serial_thread || omp_in_parallel()) {
        run_serially(blocks, fn, arg);
        return;
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int64_t block = 0; block < blocks; block++) fn(arg, block, omp_get_thread_num());
}

#else

const char *kin_parallel_backend(void) { return "pthread"; }

/* A pool of workers. One loop at a time owns it; a second caller that finds it taken runs its own loop
 * serially, which gives the same bits.
 *
 * A network is thousands of short loops one after another, and to wake a sleeping thread takes as long as
 * the shortest of them. So who waits looks out for a millisecond before it goes to sleep (not where there
 * are more threads than processors): the first of it closely, then with a processor that anybody else may
 * have between two looks. Nobody waits for a worker that has not come yet: a loop whose blocks are all
 * taken is closed, and who wakes then goes on waiting. */
static struct {
    pthread_mutex_t owner, lock;
    pthread_cond_t work, done;
    kin_task fn;
    void *arg;
    int64_t blocks;
    atomic_llong next;
    atomic_ulong generation; /* counts loops */
    int started, processors;
    int active;       /* workers below it may join; 0: the loop is closed */
    atomic_int busy;  /* workers that have joined and not yet left */
    atomic_int looks; /* of who waits, before it sleeps */
} pool = {.owner = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .work = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

enum { CLOSE_LOOKS = 1500 /* some 30 to 60 microseconds */, LOOKS = 3500 /* about a millisecond in all */ };

static _Thread_local bool inside_loop;

/* Leaves the core's other hardware thread its share while this one only looks. */
static void breathe(void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

static void between_looks(int made)
{
    if (made < CLOSE_LOOKS) breathe();
    else sched_yield();
}

static void run_blocks(int worker)
{
    inside_loop = true;
    for (int64_t block; (block = atomic_fetch_add(&pool.next, 1)) < pool.blocks;)
        pool.fn(pool.arg, block, worker);
    inside_loop = false;
}

/* Waits for a loop after `seen` that takes this worker, and joins it. */
static unsigned long join_loop(int worker, unsigned long seen)
{
    for (int i = 0; i < atomic_load(&pool.looks) && atomic_load(&pool.generation) == seen; i++)
        between_looks(i);
    pthread_mutex_lock(&pool.lock);
    while (atomic_load(&pool.generation) == seen || worker >= pool.active) {
        seen = atomic_load(&pool.generation);
        pthread_cond_wait(&pool.work, &pool.lock);
    }
    atomic_fetch_add(&pool.busy, 1);
    seen = atomic_load(&pool.generation);
    pthread_mutex_unlock(&pool.lock);
    return seen;
}

static void *worker_main(void *index)
{
    int worker = (int)(intptr_t)index;
    for (unsigned long seen = 0;;) {
        seen = join_loop(worker, seen);
        run_blocks(worker);
        if (atomic_fetch_sub(&pool.busy, 1) > 1) continue;
        pthread_mutex_lock(&pool.lock); /* whoever waits is asleep by now, or has not looked yet */
        pthread_cond_signal(&pool.done);
        pthread_mutex_unlock(&pool.lock);
    }
    return NULL;
}

/* Starts workers up to `threads`; a thread that cannot be made only means fewer workers. The new
 * worker starts having "seen" no generation, so it must be made before the loop is announced. */
static int workers_ready(int threads)
{
    while (pool.started < threads - 1) {
        pthread_t thread;
        if (!kin_thread_start(&thread, worker_main, (void *)(intptr_t)(pool.started + 1))) break;
        pthread_detach(thread);
        pool.started++;
    }
    return pool.started + 1 < threads ? pool.started + 1 : threads;
}

static void announce(int threads, int64_t blocks, kin_task fn, void *arg)
{
    if (!pool.processors) pool.processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
    pthread_mutex_lock(&pool.lock);
    pool.active = workers_ready(threads);
    pool.fn = fn;
    pool.arg = arg;
    pool.blocks = blocks;
    atomic_store(&pool.next, 0);
    atomic_store(&pool.looks, threads <= pool.processors ? LOOKS : 0);
    atomic_fetch_add(&pool.generation, 1);
    pthread_cond_broadcast(&pool.work);
    pthread_mutex_unlock(&pool.lock);
}

/* All blocks are taken: closes the loop, and waits for the workers that are at their last. */
static void wait_for_all(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.active = 0;
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < atomic_load(&pool.looks) && atomic_load(&pool.busy) > 0; i++) between_looks(i);
    if (atomic_load(&pool.busy) == 0) return;
    pthread_mutex_lock(&pool.lock);
    while (atomic_load(&pool.busy) > 0) pthread_cond_wait(&pool.done, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

void kin_parallel_for(int64_t blocks, kin_task fn, void *arg)
{
    int threads = kin_threads();
    if (blocks < threads) threads = (int)blocks;
    if (threads <= 1 || serial_thread || inside_loop || pthread_mutex_trylock(&pool.owner) != 0) {
        run_serially(blocks, fn, arg);
        return;
    }
    announce(threads, blocks, fn, arg);
    run_blocks(0);
    wait_for_all();
    pthread_mutex_unlock(&pool.owner);
}

#endif
