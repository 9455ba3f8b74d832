/* Pages and drawings: escaped, closed, self-contained, whatever they are made of. KIN_TEST_KEEP=FOLDER
 * keeps what is drawn, to look at. */
#include "base/base64.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "cli/pages/embedding_map.h"
#include "cli/pages/markup.h"
#include "cli/pages/report.h"
#include "retrieval/describe/tsne.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS = 160, CLASSES = 20, TOP = 10, DIM = 8, STEPS = 3000 };

static void texts(void)
{
    check_begin("markup: any bytes become plain text");
    kin_text text = {0};
    kin_markup_add(&text, "<script>\"a\" & 'b'</script> é€𐍈 \x01 \xff \xc0\xaf \xed\xa0\x80 \xe2\x82");
    kin_markup_add(&text, NULL);
    const char *bad = "\xef\xbf\xbd";
    CHECK_TEXT(text.data, "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt; é€𐍈 ");
    CHECK_TEXT(text.data, bad);
    CHECK(!strpbrk(text.data, "<>\"'\x01\xff\xc0\xed"));
    kin_text_free(&text);
    check_end();

    check_begin("base64: the examples of RFC 4648, and long input");
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        kin_base64_add(&text, pairs[i][0], strlen(pairs[i][0]));
        CHECK(strcmp(text.data ? text.data : "", pairs[i][1]) == 0);
        kin_text_free(&text);
    }
    char zeros[1000] = {0};
    kin_base64_add(&text, zeros, sizeof zeros);
    CHECK(text.size == 1336 && strspn(text.data, "A") == 1334 && strcmp(text.data + 1334, "==") == 0);
    kin_text_free(&text);
    check_end();
}

/* ---- A small checker of markup: every tag closed by its own, every '<' and '&' where it belongs ---- */

static bool is_void(const char *name, size_t n)
{
    return (n == 4 && !memcmp(name, "meta", 4)) || (n == 3 && !memcmp(name, "img", 3)) ||
           (n == 2 && !memcmp(name, "br", 2));
}

/* NULL, or where it goes wrong. */
static const char *malformed(const char *s)
{
    const char *stack[64];
    size_t lengths[64];
    int depth = 0;
    if (strncmp(s, "<!doctype html>", 15) == 0) s += 15;
    for (; *s; s++) {
        if (*s != '<') continue;
        bool closing = s[1] == '/';
        const char *name = s + 1 + closing, *end = name;
        size_t n = strcspn(name, " />");
        for (char quote = 0; *end && (quote || *end != '>'); end++) {
            if (!quote && *end == '<') return end;
            if (*end == '"') quote = quote ? 0 : '"';
        }
        if (!*end || n == 0) return s;
        if (closing) {
            if (!depth || lengths[depth - 1] != n || memcmp(stack[depth - 1], name, n) != 0) return s;
            depth--;
        } else if (end[-1] != '/' && !is_void(name, n)) {
            if (depth == 64) return s;
            stack[depth] = name;
            lengths[depth++] = n;
        }
        s = end;
    }
    return depth ? stack[depth - 1] : NULL;
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)); text++) n++;
    return n;
}

static void check_markup(const kin_text *text)
{
    CHECK(!text->failed && text->data);
    if (!text->data) return;
    const char *wrong = malformed(text->data);
    CHECK_MSG(!wrong, "malformed at: %.60s", wrong);
    const char *number = strstr(text->data, "\"nan")  ? strstr(text->data, "\"nan")
                         : strstr(text->data, " nan") ? strstr(text->data, " nan")
                                                      : strstr(text->data, "inf\"");
    CHECK_MSG(!number, "not a number: %.60s", number);
}

static void keep(const char *name, const kin_text *text)
{
    const char *folder = getenv("KIN_TEST_KEEP");
    char *path = folder ? kin_path_join(folder, name) : NULL;
    if (path) CHECK(kin_write_file(path, text->data, text->size, NULL));
    kin_free(path);
}

/* ---- Curves ---- */

static void curves(void)
{
    check_begin("svg: curves with gaps, constants, wild values, one point and none");
    static double x[STEPS], y[STEPS];
    static const double odd[][4] = {{1, 1, 1, 1},          {0, 0, 0, 0},          {NAN, 1, NAN, 2},
                                    {1e308, -1e308, 0, 1}, {INFINITY, 1, 2, 3},   {1e17, 1e17 + 32, 0, 0},
                                    {1, 1 + 3e-16, 1, 1},  {5e-324, 0, 1e-320, 0}};
    kin_text text = {0};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        for (int64_t n = 0; n <= 4; n++) {
            for (int axes = 0; axes < 2; axes++) {
                static const double steps[4] = {0, 1, 2, 3};
                kin_curve c = {.name = "a <b>",
                               .x = axes ? odd[i] : steps,
                               .y = axes ? steps : odd[i],
                               .count = n,
                               .smooth = i % 2};
                kin_svg_curves(
                    &text, &(kin_curves){.title = "\"t\"", .x_label = "s&t", .curves = &c, .n_curves = 1});
                check_markup(&text);
                CHECK_MSG(text.size < 20000, "case %zu of %lld points: %zu bytes", i, (long long)n,
                          text.size);
                kin_text_free(&text);
            }
        }
    }
    for (int i = 0; i < STEPS; i++) {
        x[i] = i;
        y[i] = 2.5 * exp(-i / 500.0) + 0.2 + 0.15 * kin_random_normal(1, (uint64_t)i) * exp(-i / 3000.0);
    }
    kin_svg_curves(&text, &(kin_curves){.title = "Loss",
                                        .x_label = "step",
                                        .curves = &(kin_curve){"loss", x, y, STEPS, true},
                                        .n_curves = 1});
    check_markup(&text);
    CHECK_MSG(text.size < 60000, "%zu bytes", text.size);
    CHECK(count(text.data, "<path") == 2);
    kin_text_free(&text);
    check_end();

    check_begin("svg: a file of its own");
    kin_error err = {0};
    kin_bytes bytes = {0};
    CHECK(kin_svg_write_curves(check_path("curve.svg"),
                               &(kin_curves){.title = "Loss",
                                             .x_label = "step",
                                             .curves = &(kin_curve){"loss", x, y, STEPS, true},
                                             .n_curves = 1},
                               &err));
    CHECK(kin_read_file(check_path("curve.svg"), 0, &bytes, &err));
    CHECK_TEXT((const char *)bytes.data, "xmlns=\"http://www.w3.org/2000/svg\"");
    text = (kin_text){(char *)bytes.data, bytes.size, bytes.size, false};
    check_markup(&text);
    keep("curve.svg", &text);
    kin_bytes_free(&bytes);
    check_end();
}

/* ---- A report of made-up data ---- */

typedef struct fake {
    float vectors[ITEMS * DIM], positions[2 * ITEMS], similarities[ITEMS * TOP];
    int64_t labels[ITEMS], queries[ITEMS], ranks[ITEMS * TOP];
    double ap[ITEMS], steps[STEPS], loss[STEPS], scores[10], score_steps[10];
    const char *class_names[CLASSES];
    int unreadable, side;
    kin_code failing;
} fake;

/* A blob in its class's colour on a ground of its own. */
static bool fake_image(void *arg, int64_t index, kin_image *out, kin_error *err)
{
    const fake *f = arg;
    if (index == f->unreadable) return kin_fail(err, f->failing, "a broken picture");
    if (!kin_image_new(out, f->side, f->side * 3 / 4, 3, err)) return false;
    int64_t label = f->labels[index] < 0 ? 0 : f->labels[index];
    for (int y = 0; y < out->height; y++) {
        for (int x = 0; x < out->width; x++) {
            double scale = 120.0 / f->side, dx = x * scale - 60 - 14 * sin((double)index),
                   dy = y * scale - 45, radius = 26 + 8 * sin(atan2(dy, dx) * (double)(2 + label % 5));
            for (int c = 0; c < 3; c++) {
                bool inside = dx * dx + dy * dy < radius * radius;
                uint64_t which = inside ? (uint64_t)label * 3 : 1000 + (uint64_t)index * 3;
                out->data[(y * out->width + x) * 3 + c] =
                    (uint8_t)((inside ? 40 : 120) + kin_random_below(7, which + (uint64_t)c, 120));
            }
        }
    }
    return true;
}

static void rank_all(fake *f)
{
    for (int q = 0; q < ITEMS; q++) {
        bool taken[ITEMS] = {false};
        int right = 0;
        f->queries[q] = q;
        taken[q] = true;
        for (int r = 0; r < TOP; r++) {
            int best = -1;
            double least = INFINITY;
            for (int i = 0; i < ITEMS; i++) {
                double d = 0;
                for (int k = 0; k < DIM; k++)
                    d += pow((double)f->vectors[q * DIM + k] - f->vectors[i * DIM + k], 2);
                if (!taken[i] && d < least) least = d, best = i;
            }
            taken[best] = true;
            f->ranks[q * TOP + r] = best;
            f->similarities[q * TOP + r] = (float)exp(-least / 20);
            if (f->labels[best] == f->labels[q]) f->ap[q] += ++right / (r + 1.0) / 7;
        }
    }
}

static void make_fake(fake *f)
{
    static char names[CLASSES][48];
    *f = (fake){.unreadable = -1, .side = 120};
    for (int c = 0; c < CLASSES; c++) {
        static const char *const kinds[] = {"mug", "tea tin", "lamp", "a rather long name of a product"};
        snprintf(names[c], sizeof names[c], "%s %02d", kinds[c % 4], c);
        f->class_names[c] = names[c];
    }
    f->class_names[3] = "<img src=x onerror=alert(1)>";
    for (int i = 0; i < ITEMS; i++) {
        f->labels[i] = i % CLASSES;
        for (int k = 0; k < DIM; k++) {
            f->vectors[i * DIM + k] = (float)(1.6 * kin_random_normal(kin_key(3, (uint64_t)f->labels[i], 0),
                                                                      (uint64_t)k) +
                                              kin_random_normal(5, (uint64_t)(i * DIM + k)));
        }
    }
    for (int i = 0; i < STEPS; i++)
        f->steps[i] = i, f->loss[i] = 0.3 + 3 * exp(-i / 400.0) + 0.2 * kin_random_normal(9, (uint64_t)i);
    for (int i = 0; i < 10; i++) f->score_steps[i] = 300 * (i + 1), f->scores[i] = 0.8 - 0.6 * exp(-i / 2.5);
    rank_all(f);
}

static const kin_report_fact facts[] = {{"Pictures", "160"},
                                        {"Network", "conv4, 112,000 parameters"},
                                        {"Training", "1,200 steps in 74 s"},
                                        {"Seed", "7"}};
static const kin_report_figure figures[] = {{"raw pixels", 0.213, 0.41},
                                            {"colour histogram", 0.352, 0.50},
                                            {"untrained network", 0.331, NAN},
                                            {"trained embedding", 0.782, 0.912},
                                            {"with query expansion", 0.824, 0.918},
                                            {"and re-ranked", 0.861, 1.0}};

static kin_report fake_report(fake *f, kin_curve lines[2], kin_curves charts[2])
{
    lines[0] = (kin_curve){"training loss", f->steps, f->loss, STEPS, true};
    lines[1] = (kin_curve){"validation mAP", f->score_steps, f->scores, 10, false};
    charts[0] = (kin_curves){.title = "Loss", .x_label = "step", .curves = &lines[0], .n_curves = 1};
    charts[1] = (kin_curves){
        .title = "On products held out", .x_label = "step", .curves = &lines[1], .n_curves = 1};
    return (kin_report){
        .title = "What kin found in a shop of 20 products",
        .lead = "A network was trained on 40 other products; these it had never seen.",
        .facts = facts,
        .n_facts = 4,
        .figures = figures,
        .n_figures = 6,
        .figures_note = "Measured on 160 pictures of 20 products.",
        .curves = charts,
        .n_curves = 2,
        .items = ITEMS,
        .labels = f->labels,
        .class_names = f->class_names,
        .image = fake_image,
        .image_arg = f,
        .positions = f->positions,
        .n_positions = ITEMS,
        .results_note = "Lists after expansion and re-ranking.",
        .n_queries = ITEMS,
        .queries = f->queries,
        .ranks = f->ranks,
        .top = TOP,
        .similarities = f->similarities,
        .ap = f->ap,
    };
}

static void whole_page(fake *f)
{
    kin_error err = {0};
    kin_curve lines[2];
    kin_curves charts[2];
    kin_text html = {0};
    kin_report r = fake_report(f, lines, charts);

    check_begin("report: closed, escaped, nothing loaded from elsewhere, nothing run");
    CHECK(kin_report_add(&html, &r, &err));
    check_markup(&html);
    CHECK(html.data && !strstr(html.data, "://") && !strstr(html.data, "url(") &&
          !strstr(html.data, "@import") && !strstr(html.data, "<link"));
    CHECK(html.data && count(html.data, "src=\"") == count(html.data, "src=\"data:image/png;base64,") &&
          count(html.data, "href=\"") == count(html.data, "href=\"data:image/png;base64,"));
    CHECK(html.data && !strstr(html.data, "<script") && !strstr(html.data, "<img src=x") &&
          !strstr(html.data, "onerror=alert(1)>"));
    CHECK_TEXT(html.data, "default-src 'none'");
    keep("report.html", &html);
    check_end();

    check_begin("report: the worst queries first, right and wrong told by sign, border and words");
    int queries = 0, shown = 0;
    if (html.data)
        queries = count(html.data, "class=\"query\""),
        shown = count(html.data, "<li class=\"right\"") + count(html.data, "<li class=\"wrong\"");
    CHECK(queries == 16 && shown == 160);
    CHECK(html.data && count(html.data, "✓</span>") == count(html.data, "<li class=\"right\"") &&
          count(html.data, "alt=\"wrong: ") == count(html.data, "<li class=\"wrong\""));
    double least = INFINITY;
    for (int q = 0; q < ITEMS; q++) least = fmin(least, f->ap[q]);
    char want[32];
    snprintf(want, sizeof want, "<br>AP %.3f", least);
    const char *first = html.data ? strstr(html.data, "<br>AP ") : NULL;
    CHECK(first && strncmp(first, want, strlen(want)) == 0);
    kin_text_free(&html);
    check_end();

    check_begin("report: many points become marks with a key");
    r.image = NULL;
    CHECK(kin_report_add(&html, &r, &err));
    check_markup(&html);
    CHECK(html.data && !strstr(html.data, "<image") && !strstr(html.data, "<img") &&
          strstr(html.data, "kin-key"));
    keep("marks.html", &html);
    kin_text_free(&html);
    check_end();

    check_begin("report: an empty one is still a page");
    CHECK(kin_report_write(check_path("empty.html"), &(kin_report){.title = "Nothing"}, &err));
    check_end();
}

static void failures(fake *f)
{
    kin_error err = {0};
    kin_curve lines[2];
    kin_curves charts[2];
    kin_text html = {0};
    kin_report r = fake_report(f, lines, charts);

    check_begin("report: a picture that cannot be read is told so, an interruption ends it");
    f->unreadable = (int)f->ranks[0], f->failing = KIN_ERR_DATA;
    r.n_queries = 1, r.n_positions = 20;
    CHECK(kin_report_add(&html, &r, &err) && !kin_failed(&err));
    CHECK_TEXT(html.data, "cannot be read");
    kin_text_free(&html);
    f->failing = KIN_ERR_INTERRUPTED;
    CHECK(!kin_report_add(&html, &r, &err) && err.code == KIN_ERR_INTERRUPTED);
    kin_text_free(&html);
    f->unreadable = -1;
    check_end();

    check_begin("report: indices out of range are refused");
    int64_t before = f->ranks[3];
    const int64_t wrong[] = {ITEMS, -2, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 4; i++) {
        kin_error_clear(&err);
        f->ranks[3] = wrong[i];
        CHECK(!kin_report_add(&html, &r, &err));
        CHECK_TEXT(err.message, "rank 3 is item");
        kin_text_free(&html);
    }
    f->ranks[3] = before;
    check_end();

    check_begin("report: any allocation may fail, nothing leaks");
    kin_error_clear(&err);
    r.n_positions = 2, r.top = 2, r.n_curves = 0;
    f->side = 16;
    bool ok = false;
    for (int n = 1; !ok && n < 5000; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        ok = kin_report_add(&html, &r, &err);
        kin_alloc_fail_at(0);
        kin_text_free(&html);
        CHECK_MSG(ok || err.code == KIN_ERR_MEMORY, "allocation %d: %s", n, err.message);
    }
    CHECK(ok && kin_alloc_live() == 0);
    check_end();
}

int main(void)
{
    static fake f;
    texts();
    curves();
    make_fake(&f);
    kin_tsne((kin_vectors){f.vectors, ITEMS, DIM}, &(kin_tsne_opt){.perplexity = 12}, f.positions, NULL,
             NULL);
    whole_page(&f);
    failures(&f);
    return check_result();
}
