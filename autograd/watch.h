/* Watching a network at work: how long each op takes, and what the layer is called that it belongs to.
 * Costs one test of a pointer an op when nobody watches. */
#ifndef KIN_AUTOGRAD_WATCH_H
#define KIN_AUTOGRAD_WATCH_H

#include "autograd/op.h"

typedef struct kin_watch {
    /* After an op's forward (again where a block is recomputed) or backward. Views take no time and are
     * not told. The call lives until the step ends. */
    void (*call)(void *arg, const kin_call *call, bool backward, double seconds);
    /* A tensor left a scope, by whose path it is known: after the call that made it. Inner scopes come
     * first. May be NULL. */
    void (*named)(void *arg, const kin_tensor *tensor, const char *path);
    void *arg;
} kin_watch;

/* From now on `watch`, which is borrowed, is told; NULL: nobody is. */
void kin_ctx_watch(kin_ctx *ctx, const kin_watch *watch);

/* ---- for the tape and nn/ ---- */
void kin_watched_run(kin_call *c, bool backward); /* runs the op's forward or backward, and tells */
void kin_watched_name(const kin_tensor *t, const char *path);

#endif
