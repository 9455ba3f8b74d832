#define _DEFAULT_SOURCE /* TIOCGWINSZ */
#define _DARWIN_C_SOURCE
#include "cli/terminal/terminal.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

kin_terminal_size kin_terminal_measure(int descriptor)
{
    kin_terminal_size size = {0};
#ifdef TIOCGWINSZ
    struct winsize w;
    if (ioctl(descriptor, TIOCGWINSZ, &w) == 0) {
        size.columns = w.ws_col, size.rows = w.ws_row;
        if (w.ws_col && w.ws_row)
            size.cell_width = w.ws_xpixel / w.ws_col, size.cell_height = w.ws_ypixel / w.ws_row;
    }
#else
    (void)descriptor;
#endif
    const char *columns = getenv("COLUMNS");
    long told = columns ? strtol(columns, NULL, 10) : 0;
    if (!size.columns && told > 0 && told < INT_MAX) size.columns = (int)told;
    return size;
}

bool kin_terminal_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *locale = NULL;
    for (size_t i = 0; i < 3 && !(locale && *locale); i++) locale = getenv(names[i]);
    return locale && (strstr(locale, "UTF-8") || strstr(locale, "utf-8") || strstr(locale, "UTF8") ||
                      strstr(locale, "utf8"));
}

static bool is_able(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(term && strcmp(term, "dumb") == 0);
}

bool kin_terminal_colours(void)
{
    const char *colours = getenv("COLORTERM");
    return is_able() && colours && (strcmp(colours, "truecolor") == 0 || strcmp(colours, "24bit") == 0);
}

bool kin_terminal_tells_sixel(const char *answer, size_t size)
{
    enum { SIXEL = 4 };
    for (size_t i = 0; i + 3 <= size; i++) {
        if (memcmp(answer + i, "\x1b[?", 3) != 0) continue;
        bool sixel = false;
        int number = 0;
        for (size_t k = i + 3; k < size; k++) {
            char c = answer[k];
            if (c >= '0' && c <= '9') {
                number = number < 1000 ? 10 * number + (c - '0') : number;
                continue;
            }
            sixel |= number == SIXEL, number = 0;
            if (c == 'c') return sixel;
            if (c != ';') break;
        }
    }
    return false;
}

/* Reads up to the `c` that ends the answer. */
static size_t read_answer(char *answer, size_t room)
{
    enum { MILLISECONDS = 250 };
    size_t size = 0;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (size < room && poll(&input, 1, MILLISECONDS) == 1) {
        ssize_t got = read(STDIN_FILENO, answer + size, 1);
        if (got != 1) break;
        if (answer[size++] == 'c') break;
    }
    return size;
}

bool kin_terminal_sixel(void)
{
    static const char question[] = "\x1b[c";
    char answer[256];
    struct termios before, quiet;
    /* In the background a change of the terminal stops the program. */
    if (!is_able() || !isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp() ||
        tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    quiet.c_cc[VMIN] = 1, quiet.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &quiet) != 0) return false;
    size_t size = 0;
    if (write(STDOUT_FILENO, question, sizeof question - 1) == (ssize_t)(sizeof question - 1))
        size = read_answer(answer, sizeof answer);
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    return kin_terminal_tells_sixel(answer, size);
}
