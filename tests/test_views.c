/* Descriptors of several views: the plain average of what the network says of each, and what is kept of it. */
#include "base/file.h"
#include "base/memory.h"
#include "retrieval/lists/selves.h"
#include "tests/support/check.h"
#include "tests/support/drawn.h"
#include "train/encoder.h"

#include <math.h>
#include <string.h>

enum { COUNT = 5, SIZE = 24, DIM = 16 };

static uint8_t pixels[2][COUNT * SIZE * SIZE * 3]; /* as they are, and mirrored */
static kin_sample items[COUNT];
static char drawn_names[COUNT][DRAWN_NAME];

static kin_pictures pictures_of(int mirrored)
{
    return (kin_pictures){.count = COUNT,
                          .size = SIZE,
                          .channels = 3,
                          .classes = COUNT,
                          .pixels = pixels[mirrored],
                          .items = items};
}

static void draw(void)
{
    kin_pictures p = pictures_of(0);
    draw_pictures(&p, 3, drawn_names);
    for (int k = 0; k < COUNT * SIZE * SIZE * 3; k++) {
        int row = k / 3 / SIZE, column = k / 3 % SIZE;
        pixels[1][(row * SIZE + SIZE - 1 - column) * 3 + k % 3] = pixels[0][k];
    }
}

static kin_dataset set_of(int mirrored)
{
    kin_pictures p = pictures_of(mirrored);
    return kin_pictures_set(&p);
}

typedef struct trial {
    kin_ctx *ctx;
    kin_network *network;
    kin_module *module;
} trial;

static trial open_trial(const char *pooling)
{
    trial t = {kin_ctx_new(), kin_alloc_zero(1, sizeof *t.network), NULL};
    kin_config c;
    kin_error err = {0};
    kin_config_defaults(&c);
    c.size = SIZE, c.channels = 3, c.width = 8, c.embedding = DIM;
    snprintf(c.pooling, sizeof c.pooling, "%s", pooling);
    CHECK_MSG(kin_config_check(&c, &err) && kin_network_describe(t.network, &c, &err), "%s", err.message);
    t.module = kin_network_module(t.network, t.ctx);
    CHECK(t.module);
    return t;
}

static void close_trial(trial *t)
{
    kin_module_free(t->module);
    kin_ctx_free(t->ctx);
    kin_free(t->network);
}

/* Unit descriptors of one view by the plain way: a network of that size, pictures that are mirrored beforehand. */
static void add_plain(trial *t, int64_t size, int mirrored, double *sum)
{
    kin_dataset set = set_of(mirrored);
    kin_encoded e = {0};
    kin_error err = {0};
    int64_t was = t->network->config.size;
    t->network->config.size = size;
    CHECK_MSG(kin_encode(t->module, t->network, &set, NULL, &e, &err), "%s", err.message);
    t->network->config.size = was;
    for (int64_t i = 0; e.rows && i < COUNT * DIM; i++) sum[i] += (double)e.rows[i];
    kin_encoded_free(&e);
}

static void averages(void)
{
    static const struct {
        kin_encode_opt opt;
        const char *name;
    } rows[] = {{{.flip = true}, "mirrored"},
                {{.n_scales = 3, .scales = {1, .7, 1.4}}, "three scales"},
                {{.flip = true, .n_scales = 2, .scales = {.5, 1.5}}, "two scales, each mirrored too"}};
    trial t = open_trial("gap");
    kin_dataset set = set_of(0);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        check_begin("views, %s: the plain average, at unit length", rows[r].name);
        double sum[COUNT * DIM] = {0}, worst = 0;
        kin_encoded e = {0};
        kin_error err = {0};
        int scales = rows[r].opt.n_scales ? rows[r].opt.n_scales : 1;
        for (int s = 0; s < scales; s++)
            for (int mirrored = 0; mirrored <= rows[r].opt.flip; mirrored++) {
                double scale = rows[r].opt.n_scales ? rows[r].opt.scales[s] : 1;
                add_plain(&t, (int64_t)floor(SIZE * scale + .5), mirrored, sum);
            }
        CHECK_MSG(kin_encode(t.module, t.network, &set, &rows[r].opt, &e, &err), "%s", err.message);
        CHECK(e.count == COUNT && e.dim == DIM);
        for (int i = 0; e.rows && i < COUNT; i++) {
            double length = 0;
            for (int d = 0; d < DIM; d++) length += sum[i * DIM + d] * sum[i * DIM + d];
            for (int d = 0; d < DIM; d++)
                worst = fmax(worst, fabs((double)e.rows[i * DIM + d] - sum[i * DIM + d] / sqrt(length)));
        }
        CHECK_MSG(worst < 1e-6, "apart by %g", worst);
        kin_encoded_free(&e);
        check_end();
    }
    check_begin("views: one at the network's own size has the bits of none");
    kin_encoded a = {0}, b = {0};
    kin_error err = {0};
    kin_encode_opt once = {.n_scales = 1, .scales = {1}};
    CHECK(kin_encode(t.module, t.network, &set, NULL, &a, &err) &&
          kin_encode(t.module, t.network, &set, &once, &b, &err));
    double worst = 0;
    for (int i = 0; i < COUNT * DIM; i++) worst = fmax(worst, fabs((double)a.rows[i] - (double)b.rows[i]));
    CHECK_MSG(worst < 1e-7, "apart by %g", worst);
    CHECK(kin_encode_views(&once) == 0);
    kin_encoded_free(&a), kin_encoded_free(&b);
    check_end();
    close_trial(&t);
}

static void of_one_size(void)
{
    check_begin("views: a network of one size says which scale does not fit");
    trial t = open_trial("flatten");
    kin_dataset set = set_of(0);
    kin_encoded e = {0};
    kin_error err = {0};
    CHECK(!kin_encode(t.module, t.network, &set, &(kin_encode_opt){.n_scales = 2, .scales = {1, 1.5}}, &e,
                      &err));
    CHECK_TEXT(err.message, "scale 1.5: pictures of 36 pixels");
    kin_encoded_free(&e);
    close_trial(&t);
    check_end();
}

static void written(const char *name, uint32_t made)
{
    static const char *const ids[] = {"a", "b"};
    float rows[] = {1, 0, 0, (float)made};
    kin_error err = {0};
    CHECK_MSG(kin_embeddings_write_texts(check_path(name), (kin_vectors){rows, 2, 2},
                                         &(kin_item_texts){.id = ids, .made = made}, &err),
              "%s", err.message);
}

static void kept(void)
{
    check_begin("views: kept with the descriptors, and not to be mixed");
    static const kin_encode_opt views[] = {{0},
                                           {.flip = true},
                                           {.n_scales = 2, .scales = {1, .5}},
                                           {.n_scales = 2, .scales = {.5, 1}},
                                           {.flip = true, .n_scales = 2, .scales = {1, .5}}};
    static const char *const names[] = {"0", "1", "2", "3", "4"};
    for (int i = 0; i < 5; i++) {
        uint32_t made = kin_encode_views(&views[i]);
        CHECK(made < (uint32_t)1 << KIN_NPY_MADE_BITS && (made == 0) == (i == 0));
        written(names[i], made);
    }
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) {
            kin_embeddings a, b;
            kin_selves selves = {0};
            kin_error err = {0};
            CHECK(kin_embeddings_read(check_path(names[i]), &a, &err) &&
                  kin_embeddings_read(check_path(names[j]), &b, &err));
            CHECK(a.file.made == kin_encode_views(&views[i]));
            bool ok = kin_selves_find(&a, &b, &selves, &err);
            CHECK_MSG(ok == (i == j), "%d and %d: %s", i, j, ok ? "taken together" : err.message);
            if (!ok) CHECK_TEXT(err.message, "of other views");
            kin_selves_free(&selves);
            kin_embeddings_free(&a), kin_embeddings_free(&b);
        }
    check_end();
}

int main(void)
{
    draw();
    averages();
    of_one_size();
    kept();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
