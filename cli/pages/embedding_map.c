#include "cli/pages/embedding_map.h"

#include "base/memory.h"
#include "cli/pages/markup.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 1000, EDGE = 34, PIXELS = 36, COLOURS = 8, SHAPES = 5, LEGEND_MAX = COLOURS * SHAPES };

/* Eight colours that differ for most eyes (after Okabe and Ito) times five shapes: forty classes can be
 * told apart. */
const char *const kin_map_style =
    ".kin-map{display:block;width:100%;height:auto}.kin-map .paper{fill:#fff;stroke:#dde1e8}"
    ".kin-k0{color:#0072b2}.kin-k1{color:#d55e00}.kin-k2{color:#009e73}.kin-k3{color:#b5478b}"
    ".kin-k4{color:#a67c00}.kin-k5{color:#2aa0d8}.kin-k6{color:#5b4bb7}.kin-k7{color:#6b7280}"
    ".kin-map path,.kin-key path{fill:currentColor}.kin-map "
    "rect.frame{fill:none;stroke:currentColor;stroke-width:3}"
    ".kin-map g{transition:opacity .15s}.kin-map:has(g:hover) g:not(:hover){opacity:.15}"
    ".kin-key{display:flex;flex-wrap:wrap;gap:.2rem 1rem;padding:0;margin:.8rem 0 "
    "0;list-style:none;font-size:.85rem}"
    ".kin-key svg{width:13px;height:13px;margin-right:.35em}"
    "@media(prefers-color-scheme:dark){.kin-map "
    ".paper{fill:#12151b;stroke:#2b313c}.kin-k0{color:#4ba3e3}.kin-k1{color:#f58a3c}"
    ".kin-k2{color:#34c79a}.kin-k3{color:#e07fbb}.kin-k4{color:#e3b93a}.kin-k5{color:#7ad0f7}"
    ".kin-k6{color:#a99bff}.kin-k7{color:#a3abb8}}";

/* Around (0, 0): circle, square, triangle, diamond, cross. */
static const char *const shapes[SHAPES] = {
    "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z",
    "M-5.5-5.5h11v11h-11z",
    "M0-7L6.5 5h-13z",
    "M0-7.5L6.5 0L0 7.5L-6.5 0z",
    "M-2-6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
};

const char *kin_class_name(const char *const *names, int64_t label, char buffer[32])
{
    if (label >= 0 && names && names[label]) return names[label];
    if (label >= 0) snprintf(buffer, 32, "class %" PRId64, label);
    else snprintf(buffer, 32, "no class");
    return buffer;
}

bool kin_picture_failed_alone(kin_error *err)
{
    if (err && (err->code == KIN_ERR_MEMORY || err->code == KIN_ERR_INTERRUPTED)) return false;
    kin_error_clear(err);
    return true;
}

typedef struct place {
    int64_t label, item;
    double x, y;
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
                              half + reach * fmin(fmax(y, -1), 1)};
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

static void draw_mark(kin_text *out, const place *p, int shape)
{
    kin_text_format(out, "<path transform=\"translate(%.1f %.1f)\" d=\"%s\"/>", p->x, p->y, shapes[shape]);
}

/* Pictures cover a quarter of the map between them, within sizes at which they can be seen and do not hide
 * each other. */
static double picture_side(const kin_embedding_map *map)
{
    return fmin(fmax(SIZE * sqrt(0.25 / (double)map->count), 22), 40);
}

/* The picture in its class's colour. What it could not read it leaves to the mark. */
static bool draw_picture(kin_text *out, const kin_embedding_map *map, const place *p, int shape,
                         kin_error *err)
{
    kin_image image = {0};
    kin_text uri = {0};
    bool ok = map->image(map->image_arg, p->item, &image, err) &&
              kin_thumbnail_add(&uri, &image, PIXELS, err);
    if (ok) {
        double side = picture_side(map), left = p->x - side / 2, top = p->y - side / 2;
        kin_text_format(out, "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" href=\"", left, top,
                        side, side);
        kin_text_add(out, uri.failed ? "" : uri.data);
        kin_text_format(
            out, "\"/><rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"4\"/>",
            left, top, side, side);
        out->failed |= uri.failed;
    } else if (kin_picture_failed_alone(err)) {
        draw_mark(out, p, shape);
        ok = true;
    }
    kin_text_free(&uri);
    kin_image_free(&image);
    return ok;
}

static bool draw_class(kin_text *out, const kin_embedding_map *map, const place *places, int64_t n, int which,
                       kin_error *err)
{
    char buffer[32];
    bool pictures = map->image && map->count <= KIN_MAP_PICTURES, ok = true;
    kin_text_format(out, "<g class=\"kin-k%d\"><title>", which % COLOURS);
    kin_markup_add(out, kin_class_name(map->class_names, places->label, buffer));
    kin_text_add(out, "</title>");
    for (int64_t i = 0; i < n && ok; i++) {
        if (pictures) ok = draw_picture(out, map, &places[i], which / COLOURS % SHAPES, err);
        else draw_mark(out, &places[i], which / COLOURS % SHAPES);
    }
    kin_text_add(out, "</g>");
    return ok;
}

static int64_t run_length(const place *places, int64_t n, int64_t from)
{
    int64_t to = from;
    while (to < n && places[to].label == places[from].label) to++;
    return to - from;
}

static void draw_key(kin_text *out, const kin_embedding_map *map, const place *places, int64_t n)
{
    char buffer[32];
    int which = 0;
    kin_text_add(out, "<ul class=\"kin-key\">");
    for (int64_t i = 0; i < n; i += run_length(places, n, i), which++) {
        kin_text_format(
            out,
            "<li><svg class=\"kin-k%d\" viewBox=\"-8 -8 16 16\" aria-hidden=\"true\"><path d=\"%s\"/></svg>",
            which % COLOURS, shapes[which / COLOURS % SHAPES]);
        kin_markup_add(out, kin_class_name(map->class_names, places[i].label, buffer));
        kin_text_add(out, "</li>");
    }
    kin_text_add(out, "</ul>");
}

bool kin_map_add(kin_text *out, const kin_embedding_map *map, kin_error *err)
{
    place *places = kin_alloc_array((size_t)map->count, sizeof *places);
    if (!places) return kin_fail_memory(err, "the map", (unsigned long long)map->count * sizeof *places);
    int64_t n = find_places(map, places);
    int classes = 0, height = crop(places, n);
    bool ok = true;
    kin_text_format(out,
                    "<svg class=\"kin-map\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Map of %" PRId64
                    " descriptors\">"
                    "<rect class=\"paper\" x=\".5\" y=\".5\" width=\"%d\" height=\"%d\" rx=\"10\"/>",
                    SIZE, height, n, SIZE - 1, height - 1);
    for (int64_t i = 0; i < n && ok; i += run_length(places, n, i))
        ok = draw_class(out, map, places + i, run_length(places, n, i), classes++, err);
    kin_text_add(out, "</svg>");
    if (classes <= LEGEND_MAX && classes > 1 && !(map->image && map->count <= KIN_MAP_PICTURES))
        draw_key(out, map, places, n);
    kin_free(places);
    return ok;
}
