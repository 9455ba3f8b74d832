/* A page for people: figures, tables, curves and rows of pictures, in one HTML file.
 *
 * What every page of kin has in common stands here alone, so that they look and behave alike:
 * self-contained (nothing is loaded, no script runs, a policy in the page forbids both), from a phone's
 * width up, light or dark as the reader's system is, all of it reachable by keyboard (Tab goes from
 * picture to picture, Enter opens the file), readable on paper. Whatever a file or a class is called, it
 * is text on the page: all strings are escaped here, callers pass them as they are.
 *
 * A page is written from top to bottom. Calls never fail by themselves: the first failure is kept, further
 * calls do nothing, and kin_page_write tells it; loops over many pictures ask kin_page_ok.
 *
 *     kin_page page;
 *     kin_page_begin(&page, "twins.html", "Twins", "Pictures that show the same thing.");
 *     kin_page_section(&page, "Same bytes", "The first of each row is the one to keep.");
 *     for (...) {
 *         kin_page_row_begin(&page, &(kin_page_row){.title = "3 files", .note = "12 MB could go"});
 *         kin_page_tile(&page, &(kin_tile){.file = "a/1.jpg", .name = "1.jpg", .badge = "keep"});
 *         kin_page_tile(&page, &(kin_tile){.file = "b/1.jpg", .name = "1.jpg", .note = "4000 × 3000"});
 *         kin_page_row_end(&page);
 *     }
 *     bool ok = kin_page_write(&page, err);
 *     kin_page_free(&page); */
#ifndef KIN_CLI_PAGES_PAGE_H
#define KIN_CLI_PAGES_PAGE_H

#include "cli/pages/scatter.h"
#include "cli/pages/svg.h"
#include "data/images/image.h"

typedef struct kin_page {
    kin_text html;                /* so far */
    kin_error err;                /* the first failure */
    const char *path;             /* of the file, borrowed: links are counted from it */
    kin_image_limits limits;      /* for pictures that the page reads; may be set after kin_page_begin */
    int64_t pictures, unreadable; /* shown so far; how many others could not be read */
    int place;                    /* of the last tile of the row */
    bool section, row, numbered;  /* what is open */
} kin_page;

/* `path` is where kin_page_write puts it. `lead`: a sentence or two under the title; NULL: none. */
void kin_page_begin(kin_page *page, const char *path, const char *title, const char *lead);
/* One that the browser loads again every so many seconds, of something that is going on; 0: as above. */
void kin_page_begin_live(kin_page *page, const char *path, const char *title, const char *lead, int seconds);
/* One that is read, not looked through: its column is as wide as its lines. */
void kin_page_begin_reading(kin_page *page, const char *path, const char *title);

/* A part of the page under a heading; it ends where the next one begins. `note` explains it to a newcomer;
 * NULL: none. */
void kin_page_section(kin_page *page, const char *title, const char *note);
/* A smaller heading inside a section. */
void kin_page_heading(kin_page *page, const char *title, const char *note);
/* A paragraph; and one that is less important, as the notes of headings are. */
void kin_page_text(kin_page *page, const char *text);
void kin_page_note(kin_page *page, const char *text);

/* Whatever else of the caller's own: `markup` is not escaped. */
void kin_page_markup(kin_page *page, const char *markup);
/* Lines of a terminal or of a source, as they are; wide ones scroll. `typed`: by a person. `source`: where they are from; NULL:
 * nothing is said. */
void kin_page_code(kin_page *page, const char *source, bool typed, const char *text, size_t size);
/* A picture as it lies in a file, an SVG, a JPEG or a PNG: the whole of it is inside the page, and a click opens the file. On a
 * phone a drawing scrolls, since its text must not shrink. `about` is for who cannot see it; `caption` is markup, and may be
 * NULL. */
void kin_page_picture(kin_page *page, const char *file, const char *about, const char *caption);

/* Names and values beside each other: "pictures" "1,200". One without a value (NULL) is left out. */
typedef struct kin_page_fact {
    const char *name, *value;
} kin_page_fact;
void kin_page_facts(kin_page *page, const kin_page_fact *facts, int count);

/* A table; one that is wider than the screen scrolls by itself. Columns of numbers stand at the right. */
typedef struct kin_page_table {
    const char *summary;        /* the table is folded away under this line; NULL: it is open */
    const char *const *columns; /* [n_columns] headings */
    int n_columns, n_rows;
    const char *const *cells; /* [n_rows, n_columns]; NULL: nothing in this one */
} kin_page_table;
void kin_page_table_add(kin_page *page, const kin_page_table *table);

/* Charts beside each other where there is room (cli/pages/svg.h). Their sizes are chosen here; the title
 * stands above each. */
void kin_page_curves(kin_page *page, const kin_curves *charts, int count);
/* Small ones beside each other (cli/pages/scatter.h), below what the colours mean, from `weak` to `strong`. */
void kin_page_scatters(kin_page *page, const kin_scatter *charts, int count, const char *weak,
                       const char *strong);
/* A drawing of the caller's own, an <svg>: `markup` is not escaped. Its lines and circles have colours in
 * the class "drawn". */
void kin_page_figure(kin_page *page, const char *markup, const char *caption);
/* Horizontal bars, two for each name (kin_svg_bars), and the same as a table that is folded away. */
void kin_page_bars(kin_page *page, const char *first, const char *const value_names[2], const kin_bar *bars,
                   int count);

/* ---- pictures ---- */

/* What the border says. Right and wrong differ by sign and line, too, for who does not tell green from
 * red. */
typedef enum {
    KIN_TILE_PLAIN,
    KIN_TILE_ASKED, /* what was looked for */
    KIN_TILE_RIGHT, /* ✓ */
    KIN_TILE_WRONG, /* ✗ */
    KIN_TILE_REST,  /* paler: what does not count, such as places behind all that could be found */
} kin_tile_kind;

/* One picture and its caption; with neither image, file nor what is missing, a caption alone. */
typedef struct kin_tile {
    kin_tile_kind kind;
    /* borrowed for the call; NULL: the page reads `file`, turned as EXIF says, and tells in its place where
     * that fails */
    const kin_image *image;
    const char
        *missing;      /* why there is no picture: shown in its place, and nothing is read; NULL: there is */
    const char *file;  /* a click opens it: a path as this process would open it; NULL: nothing to open */
    const char *name;  /* the caption's first line; NULL: none */
    const char *note;  /* below, paler: "0.913"; "\n" begins a new line; NULL: none */
    const char *badge; /* a word or two on the picture's corner: "keep"; NULL: none */
    const char *about; /* under the pointer, and for who cannot see it; NULL: the name */
} kin_tile;

/* A row: what it is about at the left (above the tiles, on a phone), then tiles. What is NULL is left out;
 * tiles alone fill the width. */
typedef struct kin_page_row {
    const kin_tile *asked; /* a picture at the left */
    const char *title, *note;
    bool numbered; /* the order of the tiles means something: each says its place, from 1 */
    bool large;    /* tiles twice as wide: where details are to be seen */
} kin_page_row;
void kin_page_row_begin(kin_page *page, const kin_page_row *row);
void kin_page_tile(kin_page *page, const kin_tile *tile);
void kin_page_row_end(kin_page *page);

/* ---- the end ---- */

/* Whether nothing has failed so far. */
bool kin_page_ok(const kin_page *page);
/* The page fails with this error, as if a call of it had: for what reads pictures for it. */
void kin_page_fail(kin_page *page, const kin_error *err);
/* Ends the page; false with the first failure. Then page->html is the whole. */
bool kin_page_end(kin_page *page, kin_error *err);
/* Ends it and writes it to its path, aside and renamed. */
bool kin_page_write(kin_page *page, kin_error *err);
void kin_page_free(kin_page *page);

/* ---- parts ---- */

/* Appends the address of a file, for an href="" of the page at `page`: counted from the page's folder
 * where both lie below a common one, so that they can move together, else in full; percent-encoded. */
void kin_page_link(kin_text *text, const char *page, const char *file);

enum {
    KIN_PAGE_THUMBNAIL = 256, /* the longer side of a picture in a page, which shows it at 160 and more */
};

/* Of the page, and of the maps of descriptors in it (cli/pages/embedding_map.h). */
extern const char *const kin_page_style, *const kin_map_style;

#endif
