#include "data/look/look.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <string.h>

enum { SIDE = KIN_LOOK_SIDE, CELL = SIDE / KIN_LOOK_CELLS };

static const double pi = 3.14159265358979323846, sigma = .6, gradients_weigh = .5;

/* Square roots, brought to this length. A sum of zero (a picture of one colour has no gradients) stays
 * zero. */
static void finish(float *part, int count, double length)
{
    double sum = 0;
    for (int i = 0; i < count; i++) sum += (double)part[i];
    double scale = sum > 0 ? length / sqrt(sum) : 0;
    for (int i = 0; i < count; i++) part[i] = (float)(sqrt((double)part[i]) * scale);
}

static void count_colours(const uint8_t *rgb, float *bin)
{
    double weight[SIDE]; /* the Gaussian is a product of one along each axis */
    for (int i = 0; i < SIDE; i++) {
        double from_middle = (i - (SIDE - 1) / 2.) / (SIDE / 2.);
        weight[i] = exp(-from_middle * from_middle / (2 * sigma * sigma));
    }
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++, rgb += 3)
            bin[(rgb[0] >> 5) << 6 | (rgb[1] >> 5) << 3 | rgb[2] >> 5] += (float)(weight[y] * weight[x]);
}

static int grey(const uint8_t *rgb) { return 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2]; }

/* Central differences; a picture's edge has none across it. */
static void count_gradients(const uint8_t *rgb, float *bin)
{
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const uint8_t *at = rgb + 3 * (y * SIDE + x);
            int dx = x > 0 && x < SIDE - 1 ? grey(at + 3) - grey(at - 3) : 0,
                dy = y > 0 && y < SIDE - 1 ? grey(at + 3 * SIDE) - grey(at - 3 * SIDE) : 0;
            if (!dx && !dy) continue;
            double turn = atan2(dy, dx) / pi; /* -1 .. 1; without direction one half of it is the other */
            double angle = (turn - floor(turn)) * KIN_LOOK_ANGLES, low = floor(angle), part = angle - low;
            double length = hypot(dx, dy) / 1000;
            float *cell = bin + (y / CELL * KIN_LOOK_CELLS + x / CELL) * KIN_LOOK_ANGLES;
            cell[(int)low % KIN_LOOK_ANGLES] += (float)(length * (1 - part));
            cell[((int)low + 1) % KIN_LOOK_ANGLES] += (float)(length * part);
        }
}

void kin_look(const uint8_t *rgb, float *out)
{
    double joint = 0;
    memset(out, 0, KIN_LOOK_DIM * sizeof *out);
    count_colours(rgb, out);
    count_gradients(rgb, out + KIN_LOOK_COLOURS);
    finish(out, KIN_LOOK_COLOURS, 1);
    finish(out + KIN_LOOK_COLOURS, KIN_LOOK_GRADIENTS, gradients_weigh);
    for (int i = 0; i < KIN_LOOK_DIM; i++) joint += (double)out[i] * (double)out[i];
    for (int i = 0; i < KIN_LOOK_DIM; i++) out[i] = (float)((double)out[i] / sqrt(joint));
}

bool kin_look_grey(float *row)
{
    double grey = 0, all = 0, gradients = 0;
    for (int i = 0; i < KIN_LOOK_COLOURS; i++) {
        double share = (double)row[i] * (double)row[i];
        all += share;
        if (i % (64 + 8 + 1) == 0) grey += share; /* the same bin of all three */
    }
    for (int i = KIN_LOOK_COLOURS; i < KIN_LOOK_DIM; i++) gradients += (double)row[i] * (double)row[i];
    if (grey < .99 * all || !(gradients > 0)) return false;
    /* all others' gradients have the length that this one's have */
    for (int i = 0; i < KIN_LOOK_DIM; i++)
        row[i] = i < KIN_LOOK_COLOURS ? 0 : (float)((double)row[i] / gradients);
    return true;
}

bool kin_look_image(kin_image *image, float *out, kin_error *err)
{
    if (!kin_picture_prepare(image, 0, SIDE, 3, KIN_FILTER_BILINEAR, err)) return false;
    kin_look(image->data, out);
    return true;
}

typedef struct looking {
    const kin_pictures *p;
    float *rows;
} looking;

static void look_at(void *arg, int64_t i, int worker)
{
    (void)worker;
    const looking *l = arg;
    kin_look(l->p->pixels + (size_t)i * SIDE * SIDE * 3, l->rows + i * KIN_LOOK_DIM);
}

float *kin_look_pictures(const kin_pictures *p, kin_error *err)
{
    looking l = {p, NULL};
    if (p->size != SIDE || p->channels != 3)
        return kin_fail(err, KIN_ERR_ARGUMENT, "pictures of %d x %d x 3 were expected", SIDE, SIDE), NULL;
    l.rows = kin_alloc_array((size_t)p->count, KIN_LOOK_DIM * sizeof *l.rows);
    if (l.rows) kin_parallel_for(p->count, look_at, &l);
    else kin_fail_memory(err, "the descriptors", (size_t)p->count * KIN_LOOK_DIM * sizeof *l.rows);
    return l.rows;
}
