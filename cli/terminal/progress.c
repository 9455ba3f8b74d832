#include "cli/terminal/progress.h"

#include "base/text.h"
#include "cli/terminal/deadline.h"
#include "cli/terminal/say.h"
#include "cli/terminal/terminal.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether a redrawn line stands on the terminal, without its newline. */
static bool line_open;

static bool is_terminal(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
}

void kin_meter_start(kin_meter *p, const char *label, const char *unit, int64_t first, int64_t total,
                     bool quiet)
{
    const char *no_color = getenv("NO_COLOR"); /* no-color.org: set and not empty */
    *p = (kin_meter){
        .label = label, .unit = unit, .first = first, .total = total, .done = first, .silent = quiet};
    p->terminal = is_terminal();
    p->coloured = p->terminal && !(no_color && *no_color);
    p->started = kin_clock();
    p->shown = p->terminal ? 0 : p->started;
}

bool kin_meter_due(const kin_meter *p)
{
    return !p->silent && kin_clock() - p->shown >= (p->terminal ? 0.1 : 10.0);
}

const char *kin_meter_clock(double seconds, char *text)
{
    enum { ROOM = 24 };
    if (!(seconds >= 0) || seconds > 1e9) {
        snprintf(text, ROOM, "?");
        return text;
    }
    long long s = (long long)(seconds + 0.5);
    if (s < 3600) snprintf(text, ROOM, "%lld:%02lld", s / 60, s % 60);
    else snprintf(text, ROOM, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return text;
}

/* Small rates need decimals, large ones do not. */
static void rate_text(double rate, char *text, size_t room)
{
    snprintf(text, room, rate < 10 ? "%.2f" : rate < 100 ? "%.1f" : "%.0f", rate);
}

/* A part of a line, filled to an eighth of a character. */
static void add_bar(kin_text *line, double part, int columns)
{
    static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int filled = (int)(part * columns * 8), whole = filled / 8;
    bool fine = kin_terminal_utf8();
    kin_text_add(line, fine ? "▕" : "[");
    for (int i = 0; i < whole; i++) kin_text_add(line, fine ? "█" : "#");
    for (int i = whole; i < columns; i++) kin_text_add(line, fine && i == whole ? eighths[filled % 8] : " ");
    kin_text_add(line, fine ? "▏ " : "] ");
}

/* Behind the label; as wide as the terminal leaves room for. */
static void add_bar_that_fits(const kin_meter *p, kin_text *line, int columns, int text)
{
    enum { FRAME = 3, LEAST = 8, MOST = 40 };
    int room = columns - 1 - text - FRAME;
    double part = p->total > 0 ? (double)p->done / (double)p->total : 0;
    if (p->total > 0 && room >= LEAST)
        add_bar(line, part < 0 ? 0 : part > 1 ? 1 : part, room < MOST ? room : MOST);
}

/* Prints no more than so many columns: a line that is broken by the terminal cannot be drawn over. */
static void put_columns(const char *text, int columns)
{
    int shown = 0;
    const char *at = text;
    for (; *at; at++) {
        bool begins = ((unsigned char)*at & 0xC0) != 0x80;
        if (begins && shown++ == columns) break;
    }
    fwrite(text, 1, (size_t)(at - text), stderr);
}

static int columns_of(const char *text)
{
    int n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static void draw(kin_meter *p, const char *extra)
{
    char counts[64], rate_shown[32], left[24];
    double elapsed = kin_clock() - p->started;
    double rate = elapsed > 0 ? (double)(p->done - p->first) / elapsed : 0;
    rate_text(rate, rate_shown, sizeof rate_shown);
    if (p->total > 0) snprintf(counts, sizeof counts, "%" PRId64 "/%" PRId64, p->done, p->total);
    else snprintf(counts, sizeof counts, "%" PRId64, p->done);
    kin_meter_clock(p->total > 0 && rate > 0 ? (double)(p->total - p->done) / rate : -1, left);
    kin_text told = {0}, line = {0};
    kin_text_format(&told, "%s %s, %s/s", counts, p->unit, rate_shown);
    if (p->total > 0) kin_text_format(&told, ", %s left", left);
    if (extra && *extra) kin_text_format(&told, ", %s", extra);
    const char *text = told.data && !told.failed ? told.data : counts;
    if (!p->terminal) fprintf(stderr, "%s %s\n", p->label, text);
    else {
        int columns = kin_terminal_measure(STDERR_FILENO).columns, label = columns_of(p->label) + 1;
        if (columns_of(text) > p->widest) p->widest = columns_of(text);
        add_bar_that_fits(p, &line, columns, label + p->widest);
        kin_text_add(&line, text);
        fprintf(stderr, "\r%s%s%s ", p->coloured ? "\033[1m" : "", p->label, p->coloured ? "\033[0m" : "");
        put_columns(line.data && !line.failed ? line.data : text,
                    columns > label ? columns - 1 - label : INT_MAX);
        fputs("\033[K", stderr); /* what a longer line before this one left behind */
    }
    fflush(stderr);
    line_open = p->terminal;
    kin_text_free(&told), kin_text_free(&line);
}

void kin_meter_update(kin_meter *p, int64_t done, const char *extra)
{
    p->done = done;
    if (!kin_meter_due(p)) return;
    p->shown = kin_clock();
    draw(p, extra);
}

void kin_meter_say(kin_meter *p, const char *format, ...)
{
    if (p->silent) return;
    va_list args;
    va_start(args, format);
    if (line_open) fputs("\r\033[K", stderr);
    line_open = false;
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    kin_say(stderr, text);
    fputc('\n', stderr);
    va_end(args);
    if (p->terminal) p->shown = 0; /* the line comes back at the next update */
}

void kin_meter_end(kin_meter *p)
{
    if (p->silent) return;
    char took[24], rate_shown[32];
    double elapsed = kin_clock() - p->started;
    rate_text(elapsed > 0 ? (double)(p->done - p->first) / elapsed : 0, rate_shown, sizeof rate_shown);
    kin_meter_clock(elapsed, took);
    fprintf(stderr, "%s%s: %" PRId64 " %s in %s, %s/s\n", line_open ? "\r\033[K" : "", p->label,
            p->done - p->first, p->unit, took, rate_shown);
    line_open = false;
}

void kin_meter_break(void)
{
    if (line_open) fputc('\n', stderr);
    line_open = false;
}
