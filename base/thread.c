#include "base/thread.h"

enum { STACK_BYTES = 2 << 20 };

bool kin_thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return false;
    bool ok = pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
              pthread_create(thread, &attributes, run, arg) == 0;
    pthread_attr_destroy(&attributes);
    return ok;
}
