/* In double the gradients of all parameters of whole networks are PyTorch's in float64, tensor by tensor;
 * and recomputing blocks changes no bit of them. */
#include "base/memory.h"
#include "tests/support/check.h"
#include "tests/support/zoo_gradients.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PROJECTIONS = 6 };

typedef struct line {
    char name[128];
    long long count;
    double norm, projections[PROJECTIONS];
} line;

static bool next(FILE *file, line *l)
{
    int got = fscanf(file, " %127[^= ] %lld %lf", l->name, &l->count, &l->norm);
    for (int i = 0; got >= 3 && i < PROJECTIONS; i++) got += fscanf(file, "%lf", &l->projections[i]);
    return got == 3 + PROJECTIONS;
}

/* The same numbers, whatever is recomputed. */
static void recompute(zoo_network *z, const char *input, double loss)
{
    size_t bytes = (size_t)kin_module_slab_count(z->module) * sizeof(kin_real);
    kin_real *before = kin_alloc(bytes);
    CHECK(before);
    if (!before) return;
    memcpy(before, kin_module_grads(z->module), bytes);
    kin_module_recompute(z->module, true);
    CHECK(zoo_backward(z, input) == loss);
    CHECK_MSG(memcmp(before, kin_module_grads(z->module), bytes) == 0,
              "recomputed blocks give other gradients");
    kin_free(before);
}

static void network(FILE *file, const char *name, const char *input, double loss)
{
    zoo_network z;
    line l;
    int tensors = 0;
    check_begin("%s: gradients of all parameters are PyTorch's in float64", name);
    zoo_open(&z, name, 2, 64);
    double value = z.module ? zoo_backward(&z, input) : NAN;
    CHECK_CLOSE(value, loss, 1e-9 * (1 + fabs(loss)));
    for (; next(file, &l); tensors++) {
        double error = z.module ? zoo_error(&z, l.name, l.count, l.projections, PROJECTIONS) / l.norm : NAN;
        CHECK_MSG(error <= 1e-8, "%s is off by %.3g of its norm", l.name, error);
    }
    CHECK_MSG(tensors > 60, "%d tensors were compared", tensors);
    check_end();
    check_begin("%s: recomputed blocks give the same gradients, bit for bit", name);
    if (z.module) recompute(&z, input, value);
    check_end();
    zoo_close(&z);
}

int main(void)
{
    FILE *file = fopen("tests/golden/zoo_gradients.txt", "r");
    char name[32], input[32];
    double loss;
    int networks = 0;
    for (; file && fscanf(file, " = %31s %31s %lf", name, input, &loss) == 3; networks++)
        network(file, name, input, loss);
    if (file) fclose(file);
    check_begin("the gradients' golden file is whole");
    CHECK(networks == 3);
    check_end();
    return check_result();
}
