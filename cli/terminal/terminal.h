/* What the terminal is, and what it can show. */
#ifndef KIN_CLI_TERMINAL_TERMINAL_H
#define KIN_CLI_TERMINAL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

typedef struct kin_terminal_size {
    int columns, rows;           /* 0: not known */
    int cell_width, cell_height; /* pixels of a character; 0: not known */
} kin_terminal_size;

/* Of what this descriptor writes to; the columns by COLUMNS where the terminal does not tell. */
kin_terminal_size kin_terminal_measure(int descriptor);

/* Whether text is UTF-8 here, as LC_ALL, LC_CTYPE or LANG say. */
bool kin_terminal_utf8(void);

/* Whether standard output is a terminal, no dumb one, that says it has 24-bit colours (COLORTERM: truecolor, 24bit). */
bool kin_terminal_colours(void);

/* Whether standard output is a terminal that shows sixel pictures: it is asked for its attributes (DA1, of which 4 is
 * sixel), where standard input can answer; what answers nothing within a quarter of a second does not. */
bool kin_terminal_sixel(void);

/* A terminal's answer to DA1, such as "\x1b[?62;4;22c": whether 4 is among its attributes. */
bool kin_terminal_tells_sixel(const char *answer, size_t size);

#endif
