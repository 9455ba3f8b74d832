/* Query expansion and database augmentation against the sums written out. */
#include "base/memory.h"
#include "base/parallel.h"
#include "reference/search.h"
#include "retrieval/describe/expand.h"
#include "tests/support/brute.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { Q = 23, G = 140, D = 18 };

/* norm(x_i + Σ of the n nearest of the gallery), in double on unit rows; `itself`: row i of the gallery
 * takes part as x_i alone. */
static void expand_plainly(double *from, int64_t rows, const double *gallery, int64_t n, double alpha,
                           bool itself, double *out)
{
    double s[G];
    int64_t order[G];
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t g = 0; g < G; g++) {
            s[g] = 0;
            for (int64_t d = 0; d < D; d++) s[g] -= from[i * D + d] * gallery[g * D + d];
        }
        kin_reference_order(s, G, itself ? i : -1, order);
        double norm = 0, row[D];
        for (int64_t d = 0; d < D; d++) row[d] = from[i * D + d];
        for (int64_t a = 0; a < (itself ? n - 1 : n); a++)
            for (int64_t d = 0; d < D; d++)
                row[d] += (alpha > 0 ? pow(fmax(0, -s[order[a]]), alpha) : 1) * gallery[order[a] * D + d];
        for (int64_t d = 0; d < D; d++) norm += row[d] * row[d];
        for (int64_t d = 0; d < D; d++) out[i * D + d] = row[d] / sqrt(norm);
    }
}

static void unit(const float *from, int64_t rows, double *out)
{
    for (int64_t i = 0; i < rows; i++) {
        double norm = 0;
        for (int64_t d = 0; d < D; d++) norm += (double)from[i * D + d] * (double)from[i * D + d];
        for (int64_t d = 0; d < D; d++) out[i * D + d] = (double)from[i * D + d] / sqrt(norm);
    }
}

int main(void)
{
    static const kin_expand_opt rows[] = {
        {.n = 5}, {.n = 10, .alpha = 3}, {.n = G, .alpha = 1}, {.n = 4, .alpha = 3, .repeats = 3}, {.n = 1}};
    static float data[(Q + G) * D], out[G * D], again[G * D];
    static double gallery[G * D], from[G * D], want[G * D];
    brute_clusters(data, Q + G, D, 11, 0.7, 2);
    kin_vectors q = {data, Q, D}, g = {data + Q * D, G, D};
    for (size_t r = 0; r < 2 * sizeof rows / sizeof *rows; r++) {
        const kin_expand_opt *opt = &rows[r / 2];
        bool itself = r % 2;
        int64_t count = itself ? G : Q;
        check_begin("expand: %s, n %lld, alpha %g, %d times", itself ? "database" : "queries",
                    (long long)opt->n, opt->alpha, opt->repeats ? opt->repeats : 1);
        kin_error err = {0};
        unit(g.data, G, gallery);
        unit(itself ? g.data : q.data, count, from);
        for (int round = 0; round < (opt->repeats ? opt->repeats : 1); round++) {
            expand_plainly(from, count, gallery, opt->n, opt->alpha, itself, want);
            memcpy(from, want, (size_t)(count * D) * sizeof *from);
            if (itself) memcpy(gallery, want, sizeof gallery);
        }
        bool ok = itself ? kin_expand_database(g, opt, out, &err) : kin_expand_queries(q, g, opt, out, &err);
        CHECK_MSG(ok, "%s", err.message);
        for (int64_t i = 0; i < count * D; i++) CHECK_CLOSE(out[i], want[i], 1e-5);
        kin_set_threads(3);
        ok = itself ? kin_expand_database(g, opt, again, &err) : kin_expand_queries(q, g, opt, again, &err);
        kin_set_threads(1);
        ok = ok &&
             (itself ? kin_expand_database(g, opt, out, &err) : kin_expand_queries(q, g, opt, out, &err));
        CHECK(ok && memcmp(out, again, (size_t)(count * D) * sizeof *out) == 0);
        kin_set_threads(0);
        check_end();
    }
    check_begin("expand: refuses what makes no sense, and leaks nothing");
    kin_error err = {0};
    CHECK(!kin_expand_queries(q, g, &(kin_expand_opt){.n = G + 1}, out, &err));
    CHECK_TEXT(err.message, "1 to 140");
    kin_error_clear(&err);
    CHECK(!kin_expand_database(g, &(kin_expand_opt){.n = 3, .alpha = NAN}, out, &err));
    CHECK_TEXT(err.message, "alpha is nan");
    kin_error_clear(&err);
    memset(data + (Q + 7) * D, 0, D * sizeof *data);
    CHECK(!kin_expand_queries(q, g, &(kin_expand_opt){.n = 3}, out, &err) && err.code == KIN_ERR_NUMERIC);
    CHECK_TEXT(err.message, "the gallery: row 7");
    brute_clusters(data, Q + G, D, 11, 0.7, 2);
    bool ok = false;
    for (long n = 1; !ok && n < 100; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        ok = kin_expand_queries(q, g, &(kin_expand_opt){.n = 3}, out, &err);
        kin_alloc_fail_at(0);
        CHECK((ok || err.code == KIN_ERR_MEMORY) && kin_alloc_live() == 0);
    }
    CHECK(ok);
    check_end();
    return check_result();
}
