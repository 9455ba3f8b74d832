/* Rows of numbers moved from one tensor's memory to another's, for autograd/ alone. */
#ifndef KIN_AUTOGRAD_ROWS_H
#define KIN_AUTOGRAD_ROWS_H

#include "base/real.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct kin_rows_move {
    const kin_real *from;
    kin_real *to;
    /* numbers from row to row of each; numbers of a row that are moved */
    int64_t from_ld, to_ld, rows, channels;
    bool add; /* to what is there */
} kin_rows_move;

/* On all threads. */
void kin_move_rows(const kin_rows_move *move);

#endif
