#include "autograd/rows.h"

#include "base/parallel.h"

#include <string.h>

enum { ROWS = 64 }; /* of a block of work */

static void move_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const kin_rows_move *m = arg;
    int64_t end = block * ROWS + ROWS < m->rows ? block * ROWS + ROWS : m->rows;
    for (int64_t row = block * ROWS; row < end; row++) {
        kin_real *restrict to = m->to + row * m->to_ld;
        const kin_real *restrict from = m->from + row * m->from_ld;
        if (m->add)
            for (int64_t c = 0; c < m->channels; c++) to[c] += from[c];
        else memcpy(to, from, (size_t)m->channels * sizeof *to);
    }
}

void kin_move_rows(const kin_rows_move *move)
{
    kin_rows_move m = *move;
    kin_parallel_for(kin_blocks(m.rows, ROWS), move_block, &m);
}
