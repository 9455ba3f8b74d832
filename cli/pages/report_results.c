/* Rows of a query and what was found for it: the worst first, for that is where something is to be
 * learned. */
#include "cli/pages/report_page.h"

#include "base/memory.h"
#include "base/random.h"
#include "cli/pages/embedding_map.h"
#include "cli/pages/markup.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { THUMBNAIL = 96, TINY = 48 };

/* ---- One picture ---- */

static void add_hint(kin_text *html, const kin_report *r, int64_t item)
{
    char buffer[32];
    kin_markup_add(html, kin_class_name(r->class_names, r->labels[item], buffer));
    if (!r->ids || !r->ids[item]) return;
    kin_text_add(html, ", ");
    kin_markup_add(html, r->ids[item]);
}

/* `role` begins what a screen reader says: "query", "right", "wrong". */
static bool add_picture(kin_text *html, const kin_report *r, int64_t item, const char *role, kin_error *err)
{
    kin_image image = {0};
    kin_text uri = {0};
    bool ok = r->image && r->image(r->image_arg, item, &image, err) &&
              kin_thumbnail_add(&uri, &image, THUMBNAIL, err);
    if (ok) {
        kin_text_format(html, "<img%s alt=\"%s: ",
                        image.width <= TINY && image.height <= TINY ? " class=\"tiny\"" : "", role);
        add_hint(html, r, item);
        kin_text_add(html, "\" title=\"");
        add_hint(html, r, item);
        kin_text_add(html, "\" src=\"");
        kin_text_add(html, uri.failed ? "" : uri.data);
        kin_text_add(html, "\">");
        html->failed |= uri.failed;
    } else if (!r->image || kin_picture_failed_alone(err)) {
        kin_text_format(html, "<span class=\"none\">%s</span>", r->image ? "cannot be read" : role);
        ok = true;
    }
    kin_text_free(&uri);
    kin_image_free(&image);
    return ok;
}

/* ---- One query ---- */

static bool is_right(const kin_report *r, int64_t query, int64_t item)
{
    return r->labels[item] >= 0 && r->labels[item] == r->labels[query];
}

static bool add_asked(kin_text *html, const kin_report *r, int64_t q, kin_error *err)
{
    char buffer[32];
    int64_t item = r->queries[q];
    int shown = 0, right = 0;
    for (; shown < r->top && r->ranks[q * r->top + shown] >= 0; shown++)
        right += is_right(r, item, r->ranks[q * r->top + shown]);
    kin_text_add(html, "<div class=\"asked\"><span class=\"shot\">");
    if (!add_picture(html, r, item, "query", err)) return false;
    kin_text_add(html, "</span><p><b>");
    kin_markup_add(html, kin_class_name(r->class_names, r->labels[item], buffer));
    kin_text_format(html, "</b>%d of the first %d right", right, shown);
    if (r->ap && isfinite(r->ap[q])) kin_text_format(html, "<br>AP %.3f", r->ap[q]);
    else if (r->ap) kin_text_add(html, "<br>nothing to find");
    kin_text_add(html, "</p></div>");
    return true;
}

static bool add_found(kin_text *html, const kin_report *r, int64_t q, int rank, kin_error *err)
{
    char buffer[32];
    int64_t item = r->ranks[q * r->top + rank];
    bool right = is_right(r, r->queries[q], item);
    kin_text_format(html, "<li class=\"%s\"><span class=\"shot\">", right ? "right" : "wrong");
    if (!add_picture(html, r, item, right ? "right" : "wrong", err)) return false;
    kin_text_format(html, "<span class=\"mark\" aria-hidden=\"true\">%s</span></span><span class=\"name\">",
                    right ? "✓" : "✗");
    kin_markup_add(html, kin_class_name(r->class_names, r->labels[item], buffer));
    kin_text_format(html, "</span><span class=\"number\">%d", rank + 1);
    if (r->similarities && isfinite(r->similarities[q * r->top + rank]))
        kin_text_format(html, "&ensp;%.3f", (double)r->similarities[q * r->top + rank]);
    kin_text_add(html, "</span></li>\n");
    return true;
}

static bool add_query(kin_text *html, const kin_report *r, int64_t q, kin_error *err)
{
    kin_text_add(html, "<div class=\"query\">");
    if (!add_asked(html, r, q, err)) return false;
    kin_text_add(html, "<ol class=\"found\">");
    for (int rank = 0; rank < r->top && r->ranks[q * r->top + rank] >= 0; rank++) {
        if (!add_found(html, r, q, rank, err)) return false;
    }
    kin_text_add(html, "</ol></div>\n");
    return true;
}

/* ---- Which queries ---- */

typedef struct scored {
    int64_t query;
    double ap;
} scored;

static int by_ap(const void *a, const void *b)
{
    const scored *p = a, *q = b;
    if (p->ap != q->ap) return p->ap < q->ap ? -1 : 1;
    return p->query < q->query ? -1 : p->query > q->query;
}

static bool add_group(kin_text *html, const kin_report *r, const char *title, const char *note,
                      const scored *from, int64_t n, kin_error *err)
{
    if (n < 1) return true;
    kin_text_format(html, "<h3>%s</h3><p class=\"soft\">%s</p>", title, note);
    for (int64_t i = 0; i < n; i++) {
        if (!add_query(html, r, from[i].query, err)) return false;
    }
    return true;
}

static int64_t at_most(int64_t wanted, int64_t there) { return wanted < there ? wanted : there; }

/* `judged` holds the queries with an AP, the worst first. What the two ends leave is drawn from. */
static bool add_groups(kin_text *html, const kin_report *r, scored *judged, int64_t n, kin_error *err)
{
    bool chosen = r->worst > 0 || r->best > 0 || r->random > 0;
    int64_t worst = at_most(chosen ? r->worst : 8, n), best = at_most(chosen ? r->best : 4, n - worst),
            left = n - worst - best;
    int64_t drawn = at_most(chosen ? r->random : 4, left),
            *order = kin_alloc_array((size_t)left, sizeof *order);
    scored *lot = kin_alloc_array((size_t)drawn, sizeof *lot);
    bool ok = order && lot
                  ? true
                  : kin_fail_memory(err, "the report's queries", (unsigned long long)left * sizeof *order);
    if (ok) {
        kin_shuffle(order, left, kin_key_text(0, "report"));
        for (int64_t i = 0; i < drawn; i++) lot[i] = judged[worst + order[i]];
        for (int64_t i = 0; i < best / 2; i++) {
            scored swap = judged[n - best + i];
            judged[n - best + i] = judged[n - 1 - i];
            judged[n - 1 - i] = swap;
        }
        ok = add_group(html, r, "The worst", "Lowest average precision first: where it still goes wrong.",
                       judged, worst, err) &&
             add_group(html, r, "The best", "Highest average precision.", judged + n - best, best, err) &&
             add_group(html, r, "Drawn at random", "What to expect of any query.", lot, drawn, err);
    }
    kin_free(order);
    kin_free(lot);
    return ok;
}

static bool add_first(kin_text *html, const kin_report *r, kin_error *err)
{
    int64_t wanted = r->worst > 0 || r->best > 0 || r->random > 0 ? (int64_t)r->worst + r->best + r->random
                                                                  : 16;
    for (int64_t q = 0; q < r->n_queries && q < wanted; q++) {
        if (!add_query(html, r, q, err)) return false;
    }
    return true;
}

bool kin_report_results(kin_text *html, const kin_report *r, kin_error *err)
{
    if (r->n_queries < 1) return true;
    kin_text_add(html, "<section><h2>What it finds</h2>"
                       "<p class=\"soft\">Left the query, then its list, best first. ✓ and a full border: "
                       "the same class; ✗ and a dashed one: another. ");
    kin_markup_add(html, r->results_note);
    kin_text_add(html, "</p>");
    scored *judged = kin_alloc_array((size_t)r->n_queries, sizeof *judged);
    if (!judged)
        return kin_fail_memory(err, "the report's queries",
                               (unsigned long long)r->n_queries * sizeof *judged);
    int64_t n = 0;
    for (int64_t q = 0; q < r->n_queries && r->ap; q++) {
        if (isfinite(r->ap[q])) judged[n++] = (scored){q, r->ap[q]};
    }
    qsort(judged, (size_t)n, sizeof *judged, by_ap);
    bool ok = n ? add_groups(html, r, judged, n, err) : add_first(html, r, err);
    kin_free(judged);
    kin_text_add(html, "</section>\n");
    return ok;
}
