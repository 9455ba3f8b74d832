/* Small texts, NAME(option=value,...), read from left to right. Blanks between words do not count; what does not
 * read leaves the reader where it was, behind the blanks, so that a message can show what stands there. */
#ifndef KIN_BASE_READER_H
#define KIN_BASE_READER_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_WORD = 64 };

typedef struct kin_reader {
    const char *at;
} kin_reader;

/* Whether nothing but blanks is left. */
bool kin_read_end(kin_reader *r);
bool kin_read_sign(kin_reader *r, char sign);
/* Letters, digits, '-' and '_'; not one that is longer than KIN_WORD - 1. */
bool kin_read_word(kin_reader *r, char word[KIN_WORD]);
/* [-]digits[.digits][e[+-]digits], finite: read apart from what follows, so that 1e+3 is a number and .5+softmax is
 * one and a sum; no hexadecimal, no words. */
bool kin_read_number(kin_reader *r, double *out);

#ifdef __cplusplus
}
#endif

#endif
