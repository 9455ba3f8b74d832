/* Matrix products of random shapes against three loops in double, on every instruction set and number of
 * threads. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/gemm.h"
#include "kernels/isa.h"
#include "tests/support/check.h"
#include "tests/support/numbers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct operands {
    int64_t rows[2], cols[2], ld[2]; /* of A and B as they lie in memory */
    kin_real *data[2], *c, *bias;
    kin_gemm_args args;
} operands;

/* By rows, by columns, or (every other number of a row) neither. */
static kin_matrix random_matrix(kin_stream *s, operands *o, int which, int64_t rows, int64_t cols)
{
    int64_t kind = numbers_pick(s, 0, 2), step = kind == 2 ? 2 : 1;
    bool across = numbers_pick(s, 0, 1);
    o->rows[which] = across ? cols : rows;
    o->cols[which] = (across ? rows : cols) * step;
    o->ld[which] = o->cols[which] + numbers_pick(s, 0, 2) * numbers_pick(s, 0, 9);
    o->data[which] = numbers_random(s, o->rows[which], o->cols[which], o->ld[which]);
    return (kin_matrix){o->data[which], across ? step : o->ld[which], across ? o->ld[which] : step};
}

static operands random_operands(kin_stream *s, int64_t m, int64_t n, int64_t k)
{
    operands o = {.args = {.m = m, .n = n, .k = k}};
    o.args.a = random_matrix(s, &o, 0, m, k);
    o.args.b = random_matrix(s, &o, 1, k, n);
    o.args.ldc = n + numbers_pick(s, 0, 1) * numbers_pick(s, 1, 40);
    o.c = numbers_random(s, m, n, o.args.ldc);
    o.bias = numbers_pick(s, 0, 1) ? numbers_random(s, 1, n, n) : NULL;
    o.args.bias = o.bias;
    o.args.accumulate = numbers_pick(s, 0, 1);
    return o;
}

static void free_operands(operands *o)
{
    kin_free(o->data[0]), kin_free(o->data[1]), kin_free(o->c), kin_free(o->bias);
}

static void check_values(const operands *o, const kin_real *c, unsigned long long seed)
{
    const kin_gemm_args *p = &o->args;
    for (int64_t i = 0; i < p->m; i++) {
        for (int64_t j = 0; j < p->n; j++) {
            double sum = (p->bias ? (double)p->bias[j] : 0) +
                         (p->accumulate ? (double)o->c[i * p->ldc + j] : 0),
                   magnitude = 0;
            for (int64_t k = 0; k < p->k; k++) {
                double term = (double)p->a.data[i * p->a.row_stride + k * p->a.col_stride] *
                              (double)p->b.data[k * p->b.row_stride + j * p->b.col_stride];
                sum += term;
                magnitude += fabs(term);
            }
            double got = (double)c[i * p->ldc + j];
            CHECK_MSG(fabs(got - sum) <= numbers_tolerance(magnitude),
                      "seed %llu: C[%lld][%lld] of %lld x %lld x %lld is %.9g, expected %.9g", seed,
                      (long long)i, (long long)j, (long long)p->m, (long long)p->n, (long long)p->k, got,
                      sum);
        }
    }
}

static kin_real *run(const operands *o, int threads)
{
    kin_gemm_args args = o->args;
    args.c = numbers_copy(o->c, args.m, args.n, args.ldc);
    if (!args.accumulate)
        for (int64_t i = 0; i < args.m; i++)
            for (int64_t j = 0; j < args.n; j++) args.c[i * args.ldc + j] = (kin_real)NAN;
    kin_set_threads(threads);
    size_t bytes = kin_gemm_workspace(&args);
    void *workspace = numbers_workspace(bytes);
    kin_gemm(&args, workspace);
    CHECK_MSG(numbers_workspace_free(workspace, bytes), "the workspace was overrun");
    return args.c;
}

static void check_shape(kin_stream *s, int64_t m, int64_t n, int64_t k, unsigned long long seed)
{
    static const int threads[] = {1, 2, 3, 7};
    operands o = random_operands(s, m, n, k);
    kin_real *first = run(&o, 1);
    check_values(&o, first, seed);
    CHECK_MSG(numbers_gaps_kept(first, m, n, o.args.ldc), "seed %llu: wrote between the rows of C", seed);
    for (int i = 1; i < 4; i++) {
        kin_real *again = run(&o, threads[i]);
        CHECK_MSG(numbers_same(first, again, m, n, o.args.ldc), "seed %llu: %d threads give other bits", seed,
                  threads[i]);
        kin_free(again);
    }
    kin_free(first);
    free_operands(&o);
    kin_set_threads(0);
}

static void products(const char *isa)
{
    numbers_seeds seeds = numbers_seeds_of(120);
    check_begin("gemm: random shapes against plain loops, 1, 2, 3 and 7 threads, %s (%s)",
                numbers_seeds_shown(seeds), isa);
    for (uint64_t seed = seeds.first; seed < seeds.behind; seed++) {
        kin_stream s = kin_stream_new(kin_key(seed, 1, 0));
        int64_t m = numbers_pick(&s, 1, 140), n = numbers_pick(&s, 1, 90), k = numbers_pick(&s, 1, 90);
        check_shape(&s, m, n, k, seed);
    }
    check_end();
    check_begin("gemm: several blocks of rows, columns and k (%s)", isa);
    static const int64_t shapes[][3] = {{300, 33, 500}, {1, 1, 10000},   {65, 70, 5000},
                                        {3, 1100, 400}, {200, 130, 385}, {1, 64, 1000},
                                        {500, 1, 9},    {16, 16, 8192},  {20, 130, 1300}};
    for (uint64_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        kin_stream s = kin_stream_new(kin_key(i, 2, 0));
        check_shape(&s, shapes[i][0], shapes[i][1], shapes[i][2], i);
    }
    check_end();
    check_begin("gemm: empty matrices (%s)", isa);
    static const int64_t empty[][3] = {{0, 5, 7}, {5, 0, 7}, {5, 37, 0}, {0, 0, 0}};
    for (uint64_t seed = 0; seed < 16; seed++) {
        kin_stream s = kin_stream_new(kin_key(seed, 3, 0));
        check_shape(&s, empty[seed % 4][0], empty[seed % 4][1], empty[seed % 4][2], seed);
    }
    check_end();
}

static void choice(void)
{
    check_begin("isa: unknown sets are refused, the default comes back");
    const char *before = kin_isa_name();
    CHECK(!kin_isa_set("sse9") && kin_isa_name() == before);
    CHECK(kin_isa_set("generic") && strcmp(kin_isa_name(), "generic") == 0);
    CHECK(kin_isa_set(NULL) && kin_isa_name() == before);
    CHECK(!kin_isa_list(-1) && !kin_isa_list(99));
    check_end();
    check_begin("isa: a wrong KIN_ISA falls back and says so");
    const char *wish = getenv("KIN_ISA");
    char kept[64] = "";
    if (wish) snprintf(kept, sizeof kept, "%s", wish);
    setenv("KIN_ISA", "avx9000", 1);
    CHECK_TEXT(kin_isa_complaint(), "KIN_ISA is none of");
    setenv("KIN_ISA", "generic", 1);
    CHECK(!kin_isa_complaint() && kin_isa_set(NULL) && strcmp(kin_isa_name(), "generic") == 0);
    if (wish) setenv("KIN_ISA", kept, 1);
    else unsetenv("KIN_ISA");
    kin_isa_set(NULL);
    check_end();
}

/* -std=c11 alone lets no compiler fuse a * b + c; that the Makefile's flags do is seen in the object file
 * only. */
static void fused(void)
{
    check_begin("gemm: the AVX2 tiles use fused multiply-add");
#if defined(__x86_64__)
    const char *build = getenv("BUILD");
    char command[1024], line[64];
    snprintf(command, sizeof command,
             "objdump -d '%s/%s/kernels/tile.avx2.o' 2>/dev/null | grep -c 'vfmadd[0-9]*p'",
             build ? build : "build/cc", sizeof(kin_real) == 4 ? "float" : "double");
    if (system("objdump --version >/dev/null 2>&1") != 0) {
        check_skip("no objdump here");
        return;
    }
    FILE *pipe = popen(command, "r");
    CHECK(pipe && fgets(line, sizeof line, pipe));
    CHECK_MSG(strtol(line, NULL, 10) >= 12, "%s: %s", command, line);
    if (pipe) pclose(pipe);
    check_end();
#else
    check_skip("not an x86-64 machine");
#endif
}

int main(void)
{
    choice();
    numbers_each_isa("gemm", products);
    fused();
    return check_result();
}
