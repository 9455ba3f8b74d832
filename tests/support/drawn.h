/* Pictures to train on, drawn in memory: the products of a small shop in some views each. Here in the header, since the
 * double library, which the other files of this folder are linked with too, draws none. */
#ifndef KIN_TESTS_SUPPORT_DRAWN_H
#define KIN_TESTS_SUPPORT_DRAWN_H

#include "data/pictures.h"
#include "data/shop/synth.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

enum { DRAWN_NAME = 24 };

/* Fills the pixels and items of `p`, which says how many: of each class, a product, as many views, one class after the
 * other. `name` is the room for the ids; all of it is the caller's. */
static inline void draw_pictures(const kin_pictures *p, int64_t seed, char (*name)[DRAWN_NAME])
{
    int64_t views = p->count / p->classes, bytes = (int64_t)p->size * p->size * 3;
    CHECK(p->channels == 3 && p->count % p->classes == 0);
    for (int64_t i = 0; i < p->count; i++) {
        kin_image image;
        kin_error err = {0};
        CHECK_MSG(kin_synth_image(&(kin_synth_opt){.seed = (uint64_t)seed, .size = p->size}, i / views,
                                  i % views, &image, &err),
                  "%s", err.message);
        memcpy(p->pixels + i * bytes, image.data, (size_t)bytes);
        kin_image_free(&image);
        snprintf(name[i], DRAWN_NAME, "picture-%d", (int)i);
        p->items[i] = (kin_sample){
            .id = name[i], .path = "", .label = (int)(i / views), .camera = -1, .index = i};
    }
}

#endif
