/* Rounding in the gradients of whole networks, beside PyTorch's own float32 (both against PyTorch's
 * float64).
 *
 * A network this deep is a rough function: wherever rounding moves a number over a ReLU's kink, the
 * gradients of the layers around it jump, and PyTorch's float32 is off by 1e-7 for one input and by 1e-3
 * for the next. So there are two comparisons.
 *
 * Where the function is smooth: biases of the norms are such that no unit of any ReLU lies near its kink
 * (tests/golden/zoo.py finds them, in float64, by the largest gap between a channel's units). What is left
 * is rounding, and every tensor has to be within three times PyTorch's error.
 *
 * Anywhere: medians over nine inputs, of each tensor's error and of the whole network's. Where about half
 * of the inputs jump, a median too is a matter of chance: some tensors in fifty may be beyond the bound.
 *
 * Lines that begin with # tell how near each is. */
#include "base/file.h"
#include "tests/support/check.h"
#include "tests/support/hashed.h"
#include "tests/support/zoo_gradients.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INPUTS = 9,
    PROJECTIONS = 5,
    COLUMNS = 2 + PROJECTIONS,
    SMOOTH_INPUTS = 2,
    SMOOTH_PROJECTIONS = 8,
    SMOOTH_COLUMNS = 2 + SMOOTH_PROJECTIONS
};

typedef struct tensors {
    zoo_names of;
    double ours[ZOO_TENSORS][INPUTS], theirs[ZOO_TENSORS][INPUTS]; /* relative errors */
    double all_ours[INPUTS], all_theirs[INPUTS];
} tensors;

static void one_input(zoo_network *z, tensors *t, int input, const double *rows)
{
    char name[32];
    double ours = 0, theirs = 0;
    snprintf(name, sizeof name, "input%d", input);
    CHECK_CLOSE(zoo_backward(z, name), rows[0], 1e-2 * (1 + fabs(rows[0])));
    for (int i = 0; i < t->of.count; i++) {
        const double *row = rows + (i + 1) * COLUMNS;
        t->ours[i][input] = zoo_error(z, t->of.name[i], t->of.numbers[i], row + 2, PROJECTIONS) / row[0];
        t->theirs[i][input] = row[1] / row[0];
        ours += t->ours[i][input] * t->ours[i][input];
        theirs += t->theirs[i][input] * t->theirs[i][input];
    }
    t->all_ours[input] = sqrt(ours);
    t->all_theirs[input] = sqrt(theirs);
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(const double *errors)
{
    double sorted[INPUTS];
    memcpy(sorted, errors, sizeof sorted);
    qsort(sorted, INPUTS, sizeof *sorted, ascending);
    return sorted[INPUTS / 2];
}

static void judge(const tensors *t)
{
    double worst = 0, whole = median(t->all_ours) / median(t->all_theirs);
    int beyond = 0, which = 0;
    for (int i = 0; i < t->of.count; i++) {
        double ratio = median(t->ours[i]) / median(t->theirs[i]);
        beyond += !(ratio <= 3);
        if (ratio > worst) worst = ratio, which = i;
    }
    printf("# %s, medians over %d inputs: all tensors' relative errors are %.2f times PyTorch's; beyond 3 "
           "times are %d of %d, the worst %s with %.2f times\n",
           t->of.network, INPUTS, whole, beyond, t->of.count, t->of.name[which], worst);
    CHECK_MSG(whole <= 3, "float32 is off by %.3g, PyTorch's by %.3g", median(t->all_ours),
              median(t->all_theirs));
    CHECK_MSG(beyond <= t->of.count / 50,
              "%d of %d tensors are off by more than 3 times PyTorch's error, %s by %.3g times", beyond,
              t->of.count, t->of.name[which], worst);
}

/* ---- where no unit is near a kink ---- */

/* The norms that a ReLU follows: all but those of shortcuts, whose names are downsample.1. */
static bool is_shifted(const char *name)
{
    size_t length = strlen(name);
    return length > 5 && strcmp(name + length - 5, ".bias") == 0 &&
           (strstr(name, "bn") || strstr(name, "norm"));
}

/* Moves the biases, by steps of 1/256; returns where the next input's steps begin, NULL when the file ends
 * before. */
static const int8_t *shift(zoo_network *z, const zoo_names *names, const int8_t *steps, const int8_t *end)
{
    hashed_fill(z->module);
    for (int i = 0; i < names->count; i++) {
        kin_entry *e = is_shifted(names->name[i]) ? kin_module_find(z->module, names->name[i]) : NULL;
        if (!e) continue;
        kin_real *bias = kin_entry_data(e);
        if (end - steps < kin_count(e->tensor)) return NULL;
        for (int64_t k = 0; k < kin_count(e->tensor); k++) bias[k] += (kin_real)*steps++ / 256;
    }
    return steps;
}

static void judge_smooth(zoo_network *z, const zoo_names *names, const double *rows)
{
    char input[32];
    double ours = 0, theirs = 0, worst = 0;
    int which = 0;
    snprintf(input, sizeof input, "smooth%d", (int)rows[1]);
    CHECK_CLOSE(zoo_backward(z, input), rows[0], 1e-3 * (1 + fabs(rows[0])));
    for (int i = 0; i < names->count; i++) {
        const double *row = rows + (i + 1) * SMOOTH_COLUMNS;
        double error = zoo_error(z, names->name[i], names->numbers[i], row + 2, SMOOTH_PROJECTIONS),
               ratio = error / row[1];
        if (!(ratio <= worst)) worst = ratio, which = i;
        ours += error * error / (row[0] * row[0]);
        theirs += row[1] * row[1] / (row[0] * row[0]);
    }
    printf("# %s, %s: all tensors' relative errors are %.2f times PyTorch's (%.2g, %.2g), the worst is %s "
           "with %.2f times\n",
           names->network, input, sqrt(ours / theirs), sqrt(ours / names->count), sqrt(theirs / names->count),
           names->name[which], worst);
    CHECK_MSG(worst <= 3, "for %s %s is off by %.3g times PyTorch's error", input, names->name[which], worst);
}

static void smooth(void)
{
    static zoo_names names;
    FILE *file = fopen("tests/golden/zoo_gradients.txt", "r");
    kin_bytes bytes = {0}, shifts = {0};
    kin_npy_layout layout = {0};
    kin_error err = {0};
    int64_t rows = 0, at = 0;
    const double *data = zoo_read_rows("tests/golden/zoo_smooth.npy", SMOOTH_COLUMNS, &bytes, &rows);
    bool found = kin_read_file("tests/golden/zoo_shifts.npy", 0, &shifts, &err) &&
                 kin_npy_describe(shifts.data, shifts.size, "the shifts", &layout, &err);
    const int8_t *steps = found ? (const int8_t *)shifts.data + layout.offset : NULL,
                 *end = found ? (const int8_t *)shifts.data + shifts.size : NULL;
    while (file && data && steps && zoo_read_names(file, &names) &&
           at + SMOOTH_INPUTS * (names.count + 1) <= rows) {
        zoo_network z;
        check_begin(
            "%s: where no unit is near its kink, each tensor's gradient in float32 is as near as PyTorch's",
            names.network);
        zoo_open(&z, names.network, 4, 96);
        for (int i = 0; i < SMOOTH_INPUTS && z.module && steps; i++, at += names.count + 1) {
            steps = shift(&z, &names, steps, end);
            if (steps) judge_smooth(&z, &names, data + at * SMOOTH_COLUMNS);
        }
        zoo_close(&z);
        check_end();
    }
    check_begin("the golden files of smooth gradients are whole");
    CHECK(rows > 0 && at == rows && steps && steps == end);
    check_end();
    if (file) fclose(file);
    kin_bytes_free(&bytes);
    kin_bytes_free(&shifts);
}

/* ---- anywhere ---- */

static void anywhere(void)
{
    static tensors t;
    FILE *names = fopen("tests/golden/zoo_gradients.txt", "r");
    kin_bytes bytes = {0};
    int64_t rows = 0, at = 0;
    const double *data = zoo_read_rows("tests/golden/zoo_gradients_float.npy", COLUMNS, &bytes, &rows);
    while (names && data && zoo_read_names(names, &t.of) && at + INPUTS * (t.of.count + 1) <= rows) {
        zoo_network z;
        check_begin("%s: gradients in float32 are as near to the exact ones as PyTorch's", t.of.network);
        zoo_open(&z, t.of.network, 4, 96);
        for (int i = 0; i < INPUTS && z.module; i++, at += t.of.count + 1)
            one_input(&z, &t, i, data + at * COLUMNS);
        if (z.module) judge(&t);
        zoo_close(&z);
        check_end();
    }
    check_begin("the golden file of rounding in gradients is whole");
    CHECK(rows > 0 && at == rows);
    check_end();
    if (names) fclose(names);
    kin_bytes_free(&bytes);
}

int main(void)
{
    smooth();
    anywhere();
    return check_result();
}
