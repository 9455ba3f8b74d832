/* One parallel loop, with an OpenMP and a pthread back end. Work is cut into blocks by its shape, never
 * by the number of threads, and a block's result must not depend on which worker runs it: that is
 * what makes every result bit-identical for any number of threads. */
#ifndef KIN_BASE_PARALLEL_H
#define KIN_BASE_PARALLEL_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_MAX_THREADS = 64 };

/* Runs block `block` of the task; `worker` is in 0 .. kin_threads()-1 and names scratch space only. */
typedef void (*kin_task)(void *arg, int64_t block, int worker);

/* Runs fn for every block in 0 .. blocks-1 and returns when all are done. Nested calls, and calls from
 * threads that declared themselves serial, run in the calling thread as worker 0. */
void kin_parallel_for(int64_t blocks, kin_task fn, void *arg);

/* The number of workers: set by kin_set_threads, else KIN_THREADS, else OMP_NUM_THREADS, else all cores. */
int kin_threads(void);
void kin_set_threads(int n); /* n < 1 goes back to the default */

/* A thread that feeds others (an image loader) calls this once: its parallel loops then run serially. */
void kin_thread_is_serial(void);

/* "openmp" or "pthread". */
const char *kin_parallel_backend(void);

static inline int64_t kin_blocks(int64_t n, int64_t per_block) { return (n + per_block - 1) / per_block; }

#ifdef __cplusplus
}
#endif

#endif
