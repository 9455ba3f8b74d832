/* Local features as they lie on the pictures, and those that two pictures have in common. */
#include "cli/pages/explain_page.h"

#include "base/memory.h"
#include "cli/pages/markup.h"
#include "cli/pages/thumbnail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 640 /* the longer one of a picture inside a drawing */, MOST_POINTS = 60, MOST_LINES = 80 };

/* One picture in a drawing: `scale` brings its own pixels to the drawing's, `left` is where it begins. */
typedef struct panel {
    double width, height, left, scale;
} panel;

static bool draw_picture(kin_page *page, kin_text *svg, const char *path, double left, panel *out)
{
    kin_image image;
    kin_text uri = {0};
    if (!kin_image_read(path, &page->limits, &image, &page->err)) return false;
    int longer = image.width > image.height ? image.width : image.height;
    double scale = (double)SIDE / longer; /* of small pictures, too: circles and lines have one size */
    *out = (panel){image.width * scale, image.height * scale, left, scale};
    bool ok = kin_thumbnail_add(&uri, &image, SIDE, &page->err);
    if (ok) {
        kin_text_format(svg, "<image x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"%.1f\" href=\"", left,
                        out->width, out->height);
        kin_text_add(svg, uri.failed ? "" : uri.data);
        kin_text_add(svg, "\"/>");
        svg->failed |= uri.failed;
    }
    kin_text_free(&uri);
    kin_image_free(&image);
    return ok;
}

static void point(kin_text *svg, const panel *p, const kin_local_place *at, double radius)
{
    kin_text_format(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>", p->left + at->x * p->scale,
                    at->y * p->scale, radius);
}

static void put_drawing(kin_page *page, kin_text *svg, double width, double height, const char *caption)
{
    kin_text whole = {0};
    kin_text_format(&whole, "<svg class=\"drawn\" viewBox=\"0 0 %.1f %.1f\" role=\"img\" aria-label=\"",
                    width, height);
    kin_markup_add(&whole, caption);
    kin_text_add(&whole, "\">");
    kin_text_add(&whole, svg->failed || !svg->data ? "" : svg->data);
    kin_text_add(&whole, "</svg>");
    if (whole.failed || svg->failed) kin_fail_memory(&page->err, "a drawing", whole.capacity);
    else kin_page_figure(page, whole.data, caption);
    kin_text_free(&whole);
}

/* ---- points ---- */

/* The best, each where no better one lies close by. */
static void add_points(kin_page *page, const kin_explain_page *p, int i)
{
    const kin_local_set *s = &p->points->set;
    int64_t from = s->first[i], n = s->first[i + 1] - from,
            *chosen = kin_alloc_array((size_t)n + 1, sizeof *chosen);
    kin_text svg = {0}, caption = {0};
    panel at;
    if (!chosen) kin_fail_memory(&page->err, "key points", (unsigned long long)n * sizeof *chosen);
    if (chosen && draw_picture(page, &svg, p->explained->seen[i].path, 0, &at)) {
        double apart = SIDE / at.scale / 32, best = n ? s->place[from].score : 1;
        int64_t shown = kin_local_select(s->place + from, n, 0, apart, MOST_POINTS, chosen);
        for (int64_t k = 0; k < shown; k++) {
            const kin_local_place *place = &s->place[from + chosen[k]];
            point(&svg, &at, place, 3 + 9 * fmax(0, best > 0 ? place->score / best : 0));
        }
        kin_text_format(&caption,
                        "%s: %lld of %lld key points, the best by score that do not crowd each other",
                        kin_explain_name(p->explained->seen[i].path), (long long)shown, (long long)n);
        put_drawing(page, &svg, at.width, at.height, caption.data ? caption.data : "");
    }
    kin_free(chosen);
    kin_text_free(&svg), kin_text_free(&caption);
}

/* ---- lines ---- */

typedef struct matches {
    kin_local_pair *pair;
    uint8_t *agrees;
    int64_t count, agreeing;
} matches;

static bool match(const kin_local_set *s, int a, int b, matches *out, kin_error *err)
{
    const double farthest = 0.8; /* as kin verify has it */
    int64_t na = s->first[a + 1] - s->first[a], nb = s->first[b + 1] - s->first[b];
    size_t least = (size_t)(na < nb ? na : nb), bytes = kin_local_match_workspace(na, nb, s->dim);
    kin_arena room = {0};
    void *workspace = bytes == SIZE_MAX ? NULL : kin_arena_alloc(&room, bytes);
    *out = (matches){.pair = kin_alloc_array(least + 1, sizeof *out->pair),
                     .agrees = kin_alloc_zero(least + 1, 1)};
    bool ok = (workspace && out->pair && out->agrees) || kin_fail_memory(err, "matches", bytes);
    if (ok && na && nb) {
        out->count = kin_local_match((kin_vectors){s->descriptor + s->first[a] * s->dim, na, s->dim},
                                     (kin_vectors){s->descriptor + s->first[b] * s->dim, nb, s->dim},
                                     farthest, out->pair, workspace);
        out->agreeing = kin_affine_ransac(s->place + s->first[a], s->place + s->first[b], out->pair,
                                          out->count, &(kin_ransac_opt){.key = 1}, NULL, out->agrees);
    }
    kin_arena_free(&room);
    return ok;
}

static void add_lines(kin_page *page, const kin_explain_page *p, int a, int b)
{
    const kin_local_set *s = &p->points->set;
    const kin_seen *seen = p->explained->seen;
    matches m;
    kin_text svg = {0}, caption = {0};
    panel left, right;
    bool ok = match(s, a, b, &m, &page->err) && draw_picture(page, &svg, seen[a].path, 0, &left) &&
              draw_picture(page, &svg, seen[b].path, left.width + 12, &right);
    int shown = 0;
    for (int64_t k = 0; ok && k < m.count && shown < MOST_LINES; k++) {
        const kin_local_place *x = &s->place[s->first[a] + m.pair[k].a],
                              *y = &s->place[s->first[b] + m.pair[k].b];
        if (!m.agrees[k]) continue;
        point(&svg, &left, x, 4), point(&svg, &right, y, 4);
        kin_text_format(&svg, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", x->x * left.scale,
                        x->y * left.scale, right.left + y->x * right.scale, y->y * right.scale);
        shown++;
    }
    if (ok) {
        kin_text_format(
            &caption, "%s and %s: of %lld points that are each other's nearest, %lld agree on one affine map",
            kin_explain_name(seen[a].path), kin_explain_name(seen[b].path), (long long)m.count,
            (long long)m.agreeing);
        put_drawing(page, &svg, right.left + right.width, fmax(left.height, right.height),
                    caption.data ? caption.data : "");
    }
    kin_free(m.pair), kin_free(m.agrees);
    kin_text_free(&svg), kin_text_free(&caption);
}

void kin_explain_points(kin_page *page, const kin_explain_page *p)
{
    const kin_explained *e = p->explained;
    int order[KIN_EXPLAINED_PICTURES];
    kin_page_section(
        page, "Key points",
        "Local features: single places of the picture that the network finds telling, each with a "
        "descriptor of its own. The larger a circle, the higher the score.");
    for (int i = 0; i < e->count && kin_page_ok(page); i++) add_points(page, p, i);
    if (e->count < 2) return;
    kin_page_heading(
        page, "The same points in two pictures",
        "Each picture beside the one most like it. A line joins two points that look alike in both and "
        "whose places fit one change of the point of view. Many lines: it is the same thing; a dozen can "
        "be chance.");
    for (int i = 0; i < e->count && kin_page_ok(page); i++) {
        if (!kin_explained_told(e, i, order)) add_lines(page, p, i, order[0]);
    }
}
