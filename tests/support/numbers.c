#include "tests/support/numbers.h"

#include "base/memory.h"
#include "kernels/isa.h"
#include "tests/support/check.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t numbers_size(int64_t rows, int64_t cols, int64_t ld)
{
    return rows > 0 && cols > 0 ? (size_t)((rows - 1) * ld + cols) : 0;
}

/* The block's end, not its beginning, is where an overrun must hit the sanitizer's guard. */
static kin_real *make(int64_t rows, int64_t cols, int64_t ld)
{
    size_t size = numbers_size(rows, cols, ld);
    kin_real *a = kin_alloc_array(size ? size : 1, sizeof *a);
    for (size_t i = 0; i < size; i++) a[i] = (kin_real)NAN;
    return a;
}

kin_real *numbers_random(kin_stream *s, int64_t rows, int64_t cols, int64_t ld)
{
    kin_real *a = make(rows, cols, ld);
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < cols; j++) a[i * ld + j] = (kin_real)kin_stream_range(s, -1, 1);
    }
    return a;
}

kin_real *numbers_copy(const kin_real *from, int64_t rows, int64_t cols, int64_t ld)
{
    kin_real *a = make(rows, cols, ld);
    for (int64_t i = 0; i < rows && cols > 0; i++)
        memcpy(a + i * ld, from + i * ld, (size_t)cols * sizeof *a);
    return a;
}

kin_real *numbers_packed(const kin_real *from, int64_t rows, int64_t cols, int64_t ld)
{
    kin_real *a = make(rows, cols, cols);
    for (int64_t i = 0; i < rows && cols > 0; i++)
        memcpy(a + i * cols, from + i * ld, (size_t)cols * sizeof *a);
    return a;
}

kin_real *numbers_absolute(const kin_real *from, int64_t count)
{
    kin_real *a = make(1, count, count);
    for (int64_t i = 0; i < count; i++) a[i] = (kin_real)fabs((double)from[i]);
    return a;
}

bool numbers_gaps_kept(const kin_real *a, int64_t rows, int64_t cols, int64_t ld)
{
    for (int64_t i = 0; i + 1 < rows && cols > 0; i++) {
        for (int64_t j = cols; j < ld; j++) {
            if (!isnan(a[i * ld + j])) return false;
        }
    }
    return true;
}

bool numbers_same(const kin_real *a, const kin_real *b, int64_t rows, int64_t cols, int64_t ld)
{
    for (int64_t i = 0; i < rows && cols > 0; i++) {
        if (memcmp(a + i * ld, b + i * ld, (size_t)cols * sizeof *a) != 0) return false;
    }
    return true;
}

int64_t numbers_pick(kin_stream *s, int64_t low, int64_t high)
{
    return low + (int64_t)kin_stream_below(s, (uint64_t)(high - low + 1));
}

double numbers_tolerance(double magnitude)
{
    double step = sizeof(kin_real) == 4 ? FLT_EPSILON : DBL_EPSILON;
    return step * (4 + 4 * magnitude);
}

enum { GUARD = 256 };

void *numbers_workspace(size_t bytes)
{
    unsigned char *workspace = kin_alloc(bytes + GUARD);
    memset(workspace, 0xff, bytes); /* NaNs */
    memset(workspace + bytes, 0x5a, GUARD);
    return workspace;
}

bool numbers_workspace_free(void *workspace, size_t bytes)
{
    bool kept = true;
    for (int i = 0; i < GUARD; i++) kept = kept && ((unsigned char *)workspace)[bytes + (size_t)i] == 0x5a;
    kin_free(workspace);
    return kept;
}

static uint64_t from_environment(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : fallback;
}

numbers_seeds numbers_seeds_of(uint64_t some)
{
#ifdef NDEBUG
    uint64_t times = 8;
#else
    uint64_t times = 1;
#endif
    uint64_t first = from_environment("KIN_SEED", 0);
    return (numbers_seeds){first, first + some * from_environment("KIN_SHAPES", times)};
}

const char *numbers_seeds_shown(numbers_seeds s)
{
    static char text[64];
    snprintf(text, sizeof text, "seeds %llu to %llu", (unsigned long long)s.first,
             (unsigned long long)s.behind - 1);
    return text;
}

bool numbers_has_shapes(const char *isa)
{
    char lowered[32];
    snprintf(lowered, sizeof lowered, "%s-lowered", isa);
    return kin_isa_has(isa) || kin_isa_has(lowered);
}

void numbers_each_isa(const char *what, void (*fn)(const char *isa))
{
    for (int i = 0; kin_isa_list(i); i++) {
        const char *isa = kin_isa_list(i);
        if (kin_isa_set(isa)) {
            fn(isa);
            continue;
        }
        if (i >= KIN_ISA_REAL || numbers_has_shapes(isa)) continue;
        check_begin("%s on %s", what, isa);
        check_skip("this machine has no %s, and the tests were built without its shapes lowered", isa);
    }
    kin_isa_set(NULL);
}
