/* Rounding in the gradients of whole networks, beside PyTorch's own float32 (both against PyTorch's float64).
 *
 * A network this deep is a rough function: wherever rounding moves a number over a ReLU's kink, the gradients of the layers around it
 * jump, so that PyTorch's float32 is off by 1e-7 for one input and by 1e-3 for the next. Compared are medians over nine inputs: of each
 * tensor's error, and of the whole network's. Where about half of the inputs jump, a median too is a matter of chance: some tensors in
 * fifty may be beyond the bound. */
#include "base/file.h"
#include "base/npy.h"
#include "tests/support/check.h"
#include "tests/support/zoo_gradients.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 9, PROJECTIONS = 5, COLUMNS = 2 + PROJECTIONS, TENSORS = 400 };

typedef struct tensors {
    int count;
    char name[TENSORS][128];
    long long numbers[TENSORS];
    double ours[TENSORS][INPUTS], theirs[TENSORS][INPUTS]; /* relative errors */
    double all_ours[INPUTS], all_theirs[INPUTS];
} tensors;

/* Names and sizes of the next network's tensors, in the text's order. */
static bool read_names(FILE *file, tensors *t, char *network)
{
    char input[32], rest[512];
    double loss, norm;
    t->count = 0;
    if (fscanf(file, " = %31s %31s %lf", network, input, &loss) != 3) return false;
    while (t->count < TENSORS && fscanf(file, " %127[^= ] %lld %lf%511[^\n]", t->name[t->count], &t->numbers[t->count], &norm, rest) == 4) t->count++;
    return true;
}

/* The numbers of the file, rows × COLUMNS of float64; NULL when they are not. */
static const double *read_rows(kin_bytes *bytes, int64_t *rows)
{
    kin_npy_layout layout;
    kin_error err = {0};
    if (!kin_read_file("tests/golden/zoo_gradients_float.npy", 0, bytes, &err) || !kin_npy_describe(bytes->data, bytes->size, "the golden file", &layout, &err)) return NULL;
    *rows = layout.dims == 2 && layout.shape[1] == COLUMNS && layout.kind == 'f' && layout.item == sizeof(double) ? layout.shape[0] : 0;
    bool whole = *rows > 0 && bytes->size - layout.offset == (size_t)*rows * COLUMNS * sizeof(double);
    return whole ? (const double *)(const void *)(bytes->data + layout.offset) : NULL;
}

static void one_input(zoo_network *z, tensors *t, int input, const double *rows)
{
    char name[32];
    double ours = 0, theirs = 0;
    snprintf(name, sizeof name, "input%d", input);
    CHECK_CLOSE(zoo_backward(z, name), rows[0], 1e-2 * (1 + fabs(rows[0])));
    for (int i = 0; i < t->count; i++) {
        const double *row = rows + (i + 1) * COLUMNS;
        t->ours[i][input] = zoo_error(z, t->name[i], t->numbers[i], row + 2, PROJECTIONS) / row[0];
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
    for (int i = 0; i < t->count; i++) {
        double ratio = median(t->ours[i]) / median(t->theirs[i]);
        beyond += !(ratio <= 3);
        if (ratio > worst) worst = ratio, which = i;
    }
    CHECK_MSG(whole <= 3, "float32 is off by %.3g, PyTorch's by %.3g", median(t->all_ours), median(t->all_theirs));
    CHECK_MSG(beyond <= t->count / 50, "%d of %d tensors are off by more than 3 times PyTorch's error, %s by %.3g times", beyond, t->count, t->name[which], worst);
}

int main(void)
{
    static tensors t;
    FILE *names = fopen("tests/golden/zoo_gradients.txt", "r");
    kin_bytes bytes = {0};
    int64_t rows = 0, at = 0;
    const double *data = read_rows(&bytes, &rows);
    char network[32];
    while (names && data && read_names(names, &t, network) && at + INPUTS * (t.count + 1) <= rows) {
        zoo_network z;
        check_begin("%s: gradients in float32 are as near to the exact ones as PyTorch's", network);
        zoo_open(&z, network, 4, 96);
        for (int i = 0; i < INPUTS && z.module; i++, at += t.count + 1) one_input(&z, &t, i, data + at * COLUMNS);
        if (z.module) judge(&t);
        zoo_close(&z);
        check_end();
    }
    check_begin("the golden file of rounding in gradients is whole");
    CHECK(rows > 0 && at == rows);
    check_end();
    if (names) fclose(names);
    kin_bytes_free(&bytes);
    return check_result();
}
