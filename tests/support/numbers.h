/* For the tests of kernels/: arrays of random numbers in blocks of exactly their size, every instruction set
 * and several numbers of threads in turn. */
#ifndef KIN_TESTS_SUPPORT_NUMBERS_H
#define KIN_TESTS_SUPPORT_NUMBERS_H

#include "base/random.h"
#include "base/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `rows` rows of `cols` numbers in [-1, 1), `ld` apart; between the rows stand NaNs, which must be neither
 * read nor written. The block ends with the last row's last number. Free with kin_free. */
kin_real *numbers_random(kin_stream *s, int64_t rows, int64_t cols, int64_t ld);
kin_real *numbers_copy(const kin_real *from, int64_t rows, int64_t cols, int64_t ld);
/* The same rows without gaps between them, as reference/ takes them; and every number without its sign. */
kin_real *numbers_packed(const kin_real *from, int64_t rows, int64_t cols, int64_t ld);
kin_real *numbers_absolute(const kin_real *from, int64_t count);
size_t numbers_size(int64_t rows, int64_t cols, int64_t ld);
/* Are the gaps still NaNs? Are the rows the same, bit for bit? */
bool numbers_gaps_kept(const kin_real *a, int64_t rows, int64_t cols, int64_t ld);
bool numbers_same(const kin_real *a, const kin_real *b, int64_t rows, int64_t cols, int64_t ld);

/* A number in low .. high. */
int64_t numbers_pick(kin_stream *s, int64_t low, int64_t high);
/* The distance from rounding that a sum of terms with absolute values adding up to `magnitude` may have. */
double numbers_tolerance(double magnitude);

/* Filled with NaNs, with a guard behind it that numbers_workspace_free checks; false when it was overrun. */
void *numbers_workspace(size_t bytes);
bool numbers_workspace_free(void *workspace, size_t bytes);

/* The seeds of a test of random shapes: `some` times KIN_SHAPES of them (by default 8, in debug builds 1),
 * from KIN_SEED (0) on, so that other shapes can be tried for as long as one likes. The test's name tells
 * them: numbers_seeds_shown. */
typedef struct numbers_seeds {
    uint64_t first, behind;
} numbers_seeds;
numbers_seeds numbers_seeds_of(uint64_t some);
const char *numbers_seeds_shown(numbers_seeds s);

/* Runs fn(isa) for every instruction set, natively where this machine has it and lowered where the tests were
 * built so (kernels/isa.h); one that can be run in neither way is skipped aloud. */
void numbers_each_isa(const char *what, void (*fn)(const char *isa));

/* Whether it can be run in one of these ways. */
bool numbers_has_shapes(const char *isa);

#endif
