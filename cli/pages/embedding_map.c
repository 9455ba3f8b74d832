#include "cli/pages/embedding_map.h"

#include "base/memory.h"
#include "cli/pages/finds.h"
#include "cli/pages/markup.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1000, EDGE = 34, PIXELS = 64, COLOURS = 8, SHAPES = 5, MARKS = KIN_MAP_MARKS, OTHER = -1 };

/* Around (0, 0): circle, square, triangle, diamond, cross. */
static const char *const shapes[SHAPES] = {
    "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z",
    "M-5.5-5.5h11v11h-11z",
    "M0-7L6.5 5h-13z",
    "M0-7.5L6.5 0L0 7.5L-6.5 0z",
    "M-2-6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
};

const char *kin_map_shape(int64_t mark) { return shapes[mark % MARKS / COLOURS]; }

void kin_map_colour(kin_text *out, int64_t mark) { kin_text_format(out, "kin-k%d", (int)(mark % COLOURS)); }

typedef struct place {
    int64_t label, item;
    double x, y;
    int mark; /* which colour and shape; OTHER: the one that stands for all without a mark of their own */
} place;

static int by_label(const void *a, const void *b)
{
    const place *p = a, *q = b;
    if (p->label != q->label) return p->label < q->label ? -1 : 1;
    return p->item < q->item ? -1 : p->item > q->item;
}

static int64_t find_places(const kin_embedding_map *map, place *places)
{
    int64_t n = 0;
    for (int64_t i = 0; i < map->count; i++) {
        double x = map->positions[2 * i], y = map->positions[2 * i + 1], half = SIZE / 2.0,
               reach = half - EDGE;
        if (!isfinite(x) || !isfinite(y)) continue;
        int64_t item = map->items ? map->items[i] : i;
        places[n++] = (place){map->labels[item], item, half + reach * fmin(fmax(x, -1), 1),
                              half + reach * fmin(fmax(y, -1), 1), OTHER};
    }
    qsort(places, (size_t)n, sizeof *places, by_label);
    return n;
}

/* Moves the map up to where it begins and returns the height that it needs. */
static int crop(place *places, int64_t n)
{
    double top = SIZE, bottom = 0;
    for (int64_t i = 0; i < n; i++) top = fmin(top, places[i].y), bottom = fmax(bottom, places[i].y);
    for (int64_t i = 0; i < n; i++) places[i].y += EDGE - top;
    return 2 * EDGE + (int)fmax(bottom - top, 0);
}

/* ---- pictures beside each other ---- */

/* Each picture gets the free cell nearest to its point, in the order of the classes, so that none covers
 * another and neighbours stay neighbours. */
typedef struct grid {
    int columns, rows;
    double side;
    bool *taken;
} grid;

/* Somewhat over half of the cells stay free: where the map is empty it shows. */
static bool grid_new(grid *g, int64_t n, double height, kin_error *err)
{
    const double free_per_picture = 2.3, smallest = 22, largest = 72;
    g->side = fmin(fmax(sqrt(SIZE * height / (free_per_picture * (double)n)), smallest), largest);
    g->columns = (int)(SIZE / g->side), g->rows = (int)ceil(height / g->side);
    while ((int64_t)g->columns * g->rows < n) g->rows++;
    g->taken = kin_alloc_zero((size_t)g->columns * (size_t)g->rows, sizeof *g->taken);
    return g->taken || kin_fail_memory(err, "the map", (unsigned long long)g->columns * (unsigned)g->rows);
}

static void grid_put(grid *g, place *p)
{
    double least = INFINITY;
    int best = 0;
    for (int i = 0; i < g->columns * g->rows; i++) {
        double dx = (i % g->columns + .5) * g->side - p->x, dy = (i / g->columns + .5) * g->side - p->y;
        double far = dx * dx + dy * dy;
        if (!g->taken[i] && far < least) least = far, best = i;
    }
    g->taken[best] = true;
    p->x = (best % g->columns + .5) * g->side, p->y = (best / g->columns + .5) * g->side;
}

/* ---- drawing ---- */

typedef struct drawing {
    kin_text *out;
    const kin_embedding_map *map;
    double side; /* of a picture; 0: marks are drawn */
} drawing;

static bool in_pictures(const kin_embedding_map *map) { return map->image && map->count <= KIN_MAP_PICTURES; }

static void draw_mark(const drawing *d, const place *p)
{
    kin_text_format(d->out, "<path transform=\"translate(%.1f %.1f)\" d=\"%s\"/>", p->x, p->y,
                    p->mark < 0 ? shapes[0] : kin_map_shape(p->mark));
}

static void draw_uri(const drawing *d, const place *p, const kin_text *uri)
{
    double side = d->side, left = p->x - side / 2, top = p->y - side / 2;
    kin_text_format(d->out, "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" href=\"", left, top,
                    side, side);
    kin_text_add(d->out, uri->failed ? "" : uri->data);
    kin_text_add(d->out, "\"/>");
    kin_text_format(d->out,
                    "<rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\"/>",
                    left, top, side, side);
    d->out->failed |= uri->failed;
}

/* What cannot be read is a mark. */
static bool draw_picture(const drawing *d, const place *p, kin_error *err)
{
    kin_image image = {0};
    kin_text uri = {0};
    kin_error why = {0};
    bool read = d->map->image(d->map->image_arg, p->item, &image, &why),
         ok = read ? kin_thumbnail_add(&uri, &image, PIXELS, err)
                   : kin_error_is_of_file(&why) || kin_fail(err, why.code, "%s", why.message);
    if (ok && read) draw_uri(d, p, &uri);
    else if (ok) draw_mark(d, p);
    kin_text_free(&uri);
    kin_image_free(&image);
    return ok;
}

static void add_colour(kin_text *out, int mark)
{
    if (mark < 0) kin_text_add(out, "kin-kn");
    else kin_map_colour(out, mark);
}

static bool draw_class(const drawing *d, const place *places, int64_t n, kin_error *err)
{
    char buffer[32];
    bool ok = true;
    kin_text_add(d->out, "<g class=\"");
    add_colour(d->out, places->mark);
    kin_text_add(d->out, "\"><title>");
    kin_markup_add(d->out, kin_class_name(d->map->class_names, places->label, buffer));
    kin_text_add(d->out, "</title>");
    for (int64_t i = 0; i < n && ok; i++) {
        if (d->side > 0) ok = draw_picture(d, &places[i], err);
        else draw_mark(d, &places[i]);
    }
    kin_text_add(d->out, "</g>");
    return ok;
}

/* ---- classes ---- */

static int64_t run_length(const place *places, int64_t n, int64_t from)
{
    int64_t to = from;
    while (to < n && places[to].label == places[from].label) to++;
    return to - from;
}

static int64_t count_classes(const place *places, int64_t n)
{
    int64_t classes = 0;
    for (int64_t i = 0; i < n; i += run_length(places, n, i)) classes++;
    return classes;
}

/* The class without a mark yet that has the most pictures; n where there is none. */
static int64_t largest_class(const place *places, int64_t n)
{
    int64_t best = n, most = 0;
    for (int64_t i = 0; i < n; i += run_length(places, n, i)) {
        int64_t length = run_length(places, n, i);
        if (places[i].mark == OTHER && places[i].label >= 0 && length > most) most = length, best = i;
    }
    return best;
}

static void mark_class(place *places, int64_t n, int64_t from, int mark)
{
    int64_t length = run_length(places, n, from);
    for (int64_t i = 0; i < length; i++) places[from + i].mark = mark;
}

/* No two classes look alike: where there are more than marks, the largest get them. Pictures have frames,
 * whose colours alone tell classes, so that with more classes than colours none has one. */
static void choose_marks(const kin_embedding_map *map, place *places, int64_t n)
{
    int64_t classes = count_classes(places, n), most = in_pictures(map) ? COLOURS : MARKS;
    if (classes <= most) {
        int mark = 0;
        for (int64_t i = 0; i < n; i += run_length(places, n, i)) mark_class(places, n, i, mark++);
    } else if (!in_pictures(map)) {
        for (int mark = 0; mark < MARKS; mark++) {
            int64_t from = largest_class(places, n);
            if (from < n) mark_class(places, n, from, mark);
        }
    }
}

static void draw_key_line(kin_text *out, const char *name, int mark)
{
    kin_text_add(out, "<li><svg class=\"");
    add_colour(out, mark);
    kin_text_format(out, "\" viewBox=\"-8 -8 16 16\" aria-hidden=\"true\"><path d=\"%s\"/></svg>",
                    mark < 0 ? shapes[0] : kin_map_shape(mark));
    kin_markup_add(out, name);
    kin_text_add(out, "</li>");
}

static void draw_key(kin_text *out, const kin_embedding_map *map, const place *places, int64_t n)
{
    char buffer[32];
    int64_t others = 0;
    kin_text_add(out, "<ul class=\"kin-key\">");
    for (int64_t i = 0; i < n; i += run_length(places, n, i)) {
        if (places[i].mark == OTHER) others++;
        else draw_key_line(out, kin_class_name(map->class_names, places[i].label, buffer), places[i].mark);
    }
    if (others) {
        kin_text name = {0};
        kin_text_format(&name, "the %" PRId64 " other classes", others);
        draw_key_line(out, name.data, OTHER);
        kin_text_free(&name);
    }
    kin_text_add(out, "</ul>");
}

static bool draw_all(drawing *d, place *places, int64_t n, kin_error *err)
{
    int height = crop(places, n);
    grid g = {0};
    bool ok = true;
    if (in_pictures(d->map)) {
        if (!grid_new(&g, n, height, err)) return false;
        for (int64_t i = 0; i < n; i++) grid_put(&g, &places[i]);
        height = (int)ceil(g.rows * g.side), d->side = g.side - 4;
        kin_free(g.taken);
    }
    kin_text_format(
        d->out,
        "<div class=\"map\" tabindex=\"0\"><svg class=\"kin-map\" viewBox=\"0 0 %d %d\" role=\"img\" "
        "aria-label=\"Map of %" PRId64 " descriptors\">"
        "<rect class=\"paper\" x=\".5\" y=\".5\" width=\"%d\" height=\"%d\" rx=\"10\"/>",
        SIZE, height, n, SIZE - 1, height - 1);
    for (int64_t i = 0; i < n && ok; i += run_length(places, n, i))
        ok = draw_class(d, places + i, run_length(places, n, i), err);
    kin_text_add(d->out, "</svg></div>");
    return ok;
}

/* What the drawing does not say itself. */
static void explain(kin_page *page, const kin_embedding_map *map, int64_t n, int64_t classes)
{
    kin_text text = {0};
    kin_text_format(
        &text,
        "%" PRId64
        " pictures where t-SNE puts their descriptors: near each other means alike to the network. ",
        n);
    if (in_pictures(map))
        kin_text_add(&text, "Each was moved to a free place near its own, so that none covers another. ");
    if (in_pictures(map) && classes <= COLOURS) kin_text_add(&text, "The frame's colour is the class's. ");
    else if (!in_pictures(map) && classes <= MARKS) kin_text_add(&text, "Each class has a mark of its own. ");
    else if (!in_pictures(map))
        kin_text_format(&text, "The %d largest of %" PRId64 " classes have a mark of their own. ", MARKS,
                        classes);
    kin_text_add(&text, "Point at one to see its class alone.");
    if (text.failed) kin_fail_memory(&page->err, "the map", text.capacity);
    else kin_page_note(page, text.data);
    kin_text_free(&text);
}

void kin_page_map(kin_page *page, const kin_embedding_map *map)
{
    if (!kin_page_ok(page) || map->count < 1) return;
    for (int64_t i = 0; i < map->count; i++) {
        int64_t item = map->items ? map->items[i] : i;
        if (item >= 0 && item < map->n_labels) continue;
        kin_fail(&page->err, KIN_ERR_ARGUMENT,
                 "the map's position %" PRId64 " is item %" PRId64 " of %" PRId64, i, item, map->n_labels);
        return;
    }
    place *places = kin_alloc_array((size_t)map->count, sizeof *places);
    if (!places) {
        kin_fail_memory(&page->err, "the map", (unsigned long long)map->count * sizeof *places);
        return;
    }
    drawing d = {.out = &page->html, .map = map};
    int64_t n = find_places(map, places), classes = count_classes(places, n);
    choose_marks(map, places, n);
    explain(page, map, n, classes);
    if (n > 0 && draw_all(&d, places, n, &page->err) && classes > 1 &&
        (!in_pictures(map) || classes <= COLOURS))
        draw_key(&page->html, map, places, n);
    kin_free(places);
}
