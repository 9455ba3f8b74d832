#include "cli/terminal/verbose.h"

#include "base/random.h"
#include "cli/terminal/progress.h"
#include "kernels/isa.h"
#include "kernels/trace.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN = 4096 }; /* a network has some dozens of shapes */

static struct {
    pthread_mutex_t lock;
    uint64_t seen[SEEN]; /* open addressing by the line's hash; 0: free */
    int count;
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* False when it was there, or the table is nearly full: then lines are not told any more. */
static bool first_time(uint64_t hash)
{
    size_t at = hash % SEEN;
    if (!hash) hash = 1;
    while (told.seen[at] && told.seen[at] != hash) at = (at + 1) % SEEN;
    if (told.seen[at] == hash || told.count > SEEN / 2) return false;
    told.seen[at] = hash;
    told.count++;
    return true;
}

static void tell(void *arg, const char *work, const char *shape, const char *kernel)
{
    (void)arg;
    pthread_mutex_lock(&told.lock);
    if (first_time(kin_key_text(kin_key_text(kin_key_text(0, work), shape), kernel))) {
        kin_meter_break();
        fprintf(stderr, "kin: %s %s: %s, %s\n", work, shape, kernel, kin_isa_name());
    }
    pthread_mutex_unlock(&told.lock);
}

void kin_verbose_start(void)
{
    const char *wanted = getenv("KIN_VERBOSE");
    if (wanted && strcmp(wanted, "1") == 0) kin_trace_kernels(tell, NULL);
}
