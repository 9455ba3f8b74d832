/* Threads of kin's own: the workers of parallel loops, and the loader's. */
#ifndef KIN_BASE_THREAD_H
#define KIN_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* As pthread_create, with a stack of one size everywhere: glibc would give 8 MB, musl 128 KB, of which one
 * frame takes 30 today. Only what is touched takes memory. False when no thread could be made. */
bool kin_thread_start(pthread_t *thread, void *(*run)(void *), void *arg);

#endif
