/* Pages and drawings: escaped, closed, self-contained, whatever they are made of. KIN_TEST_KEEP=FOLDER
 * keeps what is drawn, to look at. */
#include "base/base64.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "cli/pages/embedding_map.h"
#include "cli/pages/finds.h"
#include "cli/pages/markup.h"
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

    check_begin("markup: in prose an option stays in one piece, and nothing else does");
    kin_markup_add_prose(&text, "--out <L> (--most 2), -- a--b --no-colour.");
    kin_markup_add_prose(&text, NULL);
    CHECK(strcmp(text.data,
                 "<span class=\"option\">--out</span> &lt;L&gt; (<span class=\"option\">--most</span> 2), "
                 "-- a--b <span class=\"option\">--no-colour</span>.") == 0);
    kin_text_free(&text);
    kin_markup_add_prose(&text, "--a-file-that-is-called-so-and-is-longer-than-a-line");
    CHECK(!strchr(text.data, '<'));
    kin_text_free(&text);
    check_end();

    check_begin("markup: a path may break between its parts, and whatever it holds is text");
    kin_markup_add_path(&text, "/in a/<b>/c__d.png/");
    kin_markup_add_path(&text, NULL);
    CHECK_TEXT(text.data, "/<wbr>in a/<wbr>&lt;b&gt;/<wbr>c__<wbr>d.png/");
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

/* y1 of the line that begins here; NaN where it has none. */
static double first_y(const char *line)
{
    const char *y = strstr(line, " y1=\"");
    double value;
    return y && sscanf(y, " y1=\"%lf", &value) == 1 ? value : NAN;
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
                kin_svg_curves(&text, &(kin_curves){.title = "\"t\"",
                                                    .x_label = "s&t",
                                                    .y_label = axes ? "<y>" : NULL,
                                                    .curves = &c,
                                                    .n_curves = 1});
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
                                             .y_label = "the loss",
                                             .curves = &(kin_curve){"loss", x, y, STEPS, true},
                                             .n_curves = 1},
                               1, &err));
    CHECK(kin_read_file(check_path("curve.svg"), 0, &bytes, &err));
    CHECK_TEXT((const char *)bytes.data, "xmlns=\"http://www.w3.org/2000/svg\"");
    CHECK_TEXT((const char *)bytes.data, ">step</text>");
    CHECK_TEXT((const char *)bytes.data, ">the loss</text>");
    text = (kin_text){(char *)bytes.data, bytes.size, bytes.size, false};
    check_markup(&text);
    keep("curve.svg", &text);
    kin_bytes_free(&bytes);
    check_end();

    check_begin("svg: eighteen runs in one chart are told apart, and none runs over its edge");
    static kin_curve many[KIN_SVG_CURVES];
    static char looks[KIN_SVG_CURVES][80];
    for (int k = 0; k < KIN_SVG_CURVES; k++)
        many[k] = (kin_curve){k ? "a run with a rather long name"
                                : "one that is longer than any chart is wide, and is shortened for that",
                              x, y, 20, false};
    text = (kin_text){0};
    kin_svg_curves(&text, &(kin_curves){.x_label = "step",
                                        .y_label = "mAP",
                                        .curves = many,
                                        .n_curves = KIN_SVG_CURVES,
                                        .width = 330});
    check_markup(&text);
    keep("many.svg", &text);
    CHECK_TEXT(text.data, "…</text>");
    const char *at = text.data;
    for (int k = 0; k < KIN_SVG_CURVES && at; k++) {
        at = strstr(at, "<line class=\"s");
        if (at) snprintf(looks[k], sizeof looks[k], "%.*s", (int)(strstr(at, "stroke-width") - at), at), at++;
        for (int i = 0; i < k; i++)
            CHECK_MSG(strcmp(looks[i], looks[k]) != 0, "%d and %d: %s", i, k, looks[k]);
    }
    CHECK(at != NULL);
    double height = 0, lowest = 0, plot_top = 1e9;
    CHECK(sscanf(strstr(text.data, "viewBox"), "viewBox=\"0 0 330 %lf", &height) == 1);
    for (at = text.data; (at = strstr(at, "<line class=\"s")); at++) {
        CHECK(!isnan(first_y(at)));
        lowest = fmax(lowest, first_y(at));
    }
    for (at = text.data; (at = strstr(at, "<line class=\"grid")); at++) {
        CHECK(!isnan(first_y(at)));
        plot_top = fmin(plot_top, first_y(at));
    }
    CHECK_MSG(lowest < plot_top && plot_top + 200 < height, "legend to %g, plot from %g of %g", lowest,
              plot_top, height);
    kin_text_free(&text);
    check_end();
}

/* ---- A page of made-up data ---- */

typedef struct fake {
    float vectors[ITEMS * DIM], positions[2 * ITEMS];
    int64_t labels[ITEMS], queries[ITEMS], ranks[ITEMS * TOP], relevant[ITEMS];
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
        f->relevant[q] = ITEMS / CLASSES - 1;
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

static void note(void *arg, int64_t query, int rank, char *text, size_t size)
{
    (void)arg;
    snprintf(text, size, "%.3f <of %d>", 1 / (rank + 1.), (int)query);
}

static kin_finds fake_finds(fake *f)
{
    return (kin_finds){.items = ITEMS,
                       .labels = f->labels,
                       .class_names = f->class_names,
                       .image = fake_image,
                       .image_arg = f,
                       .n_queries = ITEMS,
                       .queries = f->queries,
                       .ranks = f->ranks,
                       .top = TOP,
                       .relevant = f->relevant,
                       .ap = f->ap,
                       .note = note,
                       .worst = 8,
                       .best = 4,
                       .random = 4};
}

static kin_embedding_map fake_map(fake *f)
{
    return (kin_embedding_map){.count = ITEMS,
                               .positions = f->positions,
                               .labels = f->labels,
                               .n_labels = ITEMS,
                               .class_names = f->class_names,
                               .image = fake_image,
                               .image_arg = f};
}

/* Facts, bars, curves, a table, a map and lists. */
static bool fake_page(kin_page *page, fake *f, const kin_embedding_map *map, const kin_finds *finds,
                      kin_error *err)
{
    static const kin_page_fact facts[] = {
        {"Pictures", "160"}, {"Network", "conv4, 112,000 parameters"}, {"Left out", NULL}, {"Seed", "7"}};
    static const char *const values[2] = {"mAP", "R@1"};
    static const kin_bar bars[] = {{"raw pixels", {0.213, 0.41}},
                                   {"untrained network", {0.331, NAN}},
                                   {"trained embedding", {0.782, 0.912}},
                                   {"and re-ranked", {0.861, 1.0}}};
    static const char *const columns[] = {"option", "run <a>", "run b"};
    static const char *const cells[] = {"lr", "0.001", "0.01", "steps", "3000", NULL};
    kin_curve lines[2] = {{"training loss", f->steps, f->loss, STEPS, true},
                          {NULL, f->score_steps, f->scores, 10, false}};
    const kin_curves charts[2] = {
        {.title = "Loss", .x_label = "step", .y_label = "loss", .curves = &lines[0], .n_curves = 1},
        {.title = "Held out",
         .x_label = "step",
         .y_label = "validation mAP",
         .curves = &lines[1],
         .n_curves = 1}};
    kin_page_begin(page, check_path("page.html"), "What kin found in a shop of 20 products",
                   "A network was trained on 40 other products; these it had never seen.");
    kin_page_facts(page, facts, 4);
    kin_page_section(page, "How well it finds", "Measured on 160 pictures of 20 products.");
    kin_page_bars(page, "System", values, bars, 4);
    kin_page_section(page, "How it learned", NULL);
    kin_page_curves(page, charts, 2);
    kin_page_table_add(page, &(kin_page_table){NULL, columns, 3, 2, cells});
    kin_page_section(page, "A map", NULL);
    if (map) kin_page_map(page, map);
    kin_page_section(page, "What it finds", "The worst first.");
    if (finds) kin_page_finds(page, finds);
    return kin_page_end(page, err);
}

static void whole_page(fake *f)
{
    kin_error err = {0};
    kin_page page;
    kin_finds finds = fake_finds(f);
    kin_embedding_map map = fake_map(f);

    check_begin("page: closed, escaped, nothing loaded from elsewhere, nothing run");
    CHECK(fake_page(&page, f, &map, &finds, &err));
    const char *html = page.html.data;
    check_markup(&page.html);
    CHECK(html && !strstr(html, "://") && !strstr(html, "url(") && !strstr(html, "@import") &&
          !strstr(html, "<link"));
    CHECK(html && count(html, "src=\"") == count(html, "src=\"data:image/") &&
          count(html, "href=\"") == count(html, "href=\"data:image/"));
    CHECK(html && !strstr(html, "<script") && !strstr(html, "<img src=x") &&
          !strstr(html, "onerror=alert(1)>"));
    CHECK_TEXT(html, "default-src 'none'");
    CHECK(html && !strstr(html, "Left out"));
    keep("page.html", &page.html);
    check_end();

    check_begin("page: the worst queries first, right and wrong told by sign, border and words");
    int rows = html ? count(html, "<ol class=\"tiles\"") : 0;
    int right = html ? count(html, "<li class=\"right\"") : 0,
        wrong = html ? count(html, "<li class=\"wrong\"") : 0,
        rest = html ? count(html, "<li class=\"rest\"") : 0;
    CHECK(rows == 16 && right + wrong + rest == 160);
    CHECK(html && count(html, "✓</span>") == right && count(html, "✗</span>") == wrong &&
          count(html, "alt=\"wrong: ") == wrong);
    double least = INFINITY;
    for (int q = 0; q < ITEMS; q++) least = fmin(least, f->ap[q]);
    char want[32];
    snprintf(want, sizeof want, "<br>AP %.3f", least);
    const char *first = html ? strstr(html, "<br>AP ") : NULL;
    CHECK(first && strncmp(first, want, strlen(want)) == 0);
    check_end();

    /* Seven of each class can be found; the best lists hold them at their head. */
    check_begin("page: what follows all that can be found is not wrong");
    CHECK(rest > 0);
    const char *row = html;
    while (row && (row = strstr(row, "<ol class=\"tiles\""))) {
        const char *end = strstr(row, "</ol>"), *pale = strstr(row, "<li class=\"rest\"");
        if (pale && end && pale < end) {
            int before = 0;
            for (const char *at = row; (at = strstr(at, "<li class=\"right\"")) && at < pale; at++) before++;
            const char *cross = strstr(pale, "<li class=\"wrong\"");
            CHECK_MSG(before == ITEMS / CLASSES - 1 && !(cross && cross < end), "%d before", before);
        }
        row++;
    }
    kin_page_free(&page);
    check_end();
}

/* Where a picture or a mark lies. */
typedef struct box {
    double x, y, side;
} box;

static int read_boxes(const char *html, box *boxes, int most)
{
    int n = 0;
    for (const char *at = html; n < most && (at = strstr(at, "<image x=\"")); at++, n++)
        CHECK(sscanf(at, "<image x=\"%lf\" y=\"%lf\" width=\"%lf\"", &boxes[n].x, &boxes[n].y,
                     &boxes[n].side) == 3);
    return n;
}

static void maps(fake *f)
{
    static box boxes[ITEMS];
    kin_error err = {0};
    kin_page page;
    kin_embedding_map map = fake_map(f);

    check_begin("map: no picture covers another, and with more classes than colours none has one");
    float *positions = kin_alloc_array(2 * ITEMS, sizeof *positions);
    for (int i = 0; i < 2 * ITEMS && positions; i++)
        positions[i] = 1e-3f * (float)(i % 7); /* all in one place */
    for (int round = 0; round < 2 && positions; round++) {
        map.positions = round ? positions : f->positions;
        CHECK(fake_page(&page, f, &map, NULL, &err));
        int n = read_boxes(page.html.data, boxes, ITEMS), over = 0;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < i; j++)
                over += fabs(boxes[i].x - boxes[j].x) < boxes[i].side &&
                        fabs(boxes[i].y - boxes[j].y) < boxes[i].side;
        CHECK_MSG(n == ITEMS && over == 0, "%d pictures, %d pairs cover each other", n, over);
        CHECK(!strstr(page.html.data, "<g class=\"kin-k0\"") &&
              count(page.html.data, "<g class=\"kin-kn\"") == CLASSES);
        kin_page_free(&page);
    }
    map.positions = f->positions;
    check_end();

    check_begin("map: marks differ from class to class, the smallest classes share one");
    enum { MANY = 60, MARKS = 40 };
    static int64_t labels[ITEMS];
    static char looks[MANY][160];
    map.image = NULL, map.class_names = NULL, map.labels = labels;
    for (int classes = 2; classes <= MANY; classes += 29) {
        int seen = 0, grey = 0;
        for (int i = 0; i < ITEMS; i++)
            labels[i] = i < 2 * MARKS ? i % (classes < MARKS ? classes : MARKS) : i % classes;
        CHECK(fake_page(&page, f, &map, NULL, &err));
        check_markup(&page.html);
        for (const char *at = page.html.data; (at = strstr(at, "<li><svg class=\"")) && seen < MANY; at++) {
            const char *end = strstr(at, "/></svg>");
            snprintf(looks[seen], sizeof looks[seen], "%.*s", end ? (int)(end - at) : 0, at);
            for (int i = 0; i < seen; i++)
                CHECK_MSG(strcmp(looks[i], looks[seen]) != 0, "two classes: %s", looks[seen]);
            grey += strstr(looks[seen++], "kin-kn") != NULL;
        }
        CHECK_MSG(seen == (classes > MARKS ? MARKS + 1 : classes) && grey == (classes > MARKS),
                  "%d classes: %d marks", classes, seen);
        keep("marks.html", &page.html);
        kin_page_free(&page);
    }
    kin_free(positions);
    check_end();
}

/* ---- Pictures in files ---- */

static void files(fake *f)
{
    kin_error err = {0};
    kin_page page;
    kin_image image;
    static const char hostile[] = "a \"b\"<i>&amp; 100%#?é javascript:alert(1).png";

    check_begin("page: a click opens the file, whatever it is called");
    CHECK(kin_make_folders(check_path("pages/of"), &err) && kin_make_folders(check_path("photos"), &err));
    char *file = kin_path_join(check_path("photos"), hostile),
         *where = kin_path_join(check_path("pages/of"), "page.html");
    f->side = 40;
    CHECK(fake_image(f, 1, &image, &err) && kin_png_write(file, &image, &err));
    kin_image_free(&image);
    kin_page_begin(&page, where, hostile, hostile);
    kin_page_section(&page, hostile, hostile);
    kin_page_row_begin(&page, &(kin_page_row){.title = hostile, .note = hostile});
    kin_page_tile(&page, &(kin_tile){.file = file, .name = hostile, .note = hostile, .badge = hostile});
    kin_page_tile(&page, &(kin_tile){.file = check_path("photos/gone.jpg"), .name = "gone"});
    kin_page_tile(&page, &(kin_tile){.missing = "<not kept>", .name = "none"});
    kin_page_row_end(&page);
    CHECK(kin_page_write(&page, &err));
    check_markup(&page.html);
    keep("files.html", &page.html);
    CHECK_TEXT(page.html.data,
               "href=\"../../photos/"
               "a%20%22b%22%3Ci%3E%26amp%3B%20100%25%23%3F%C3%A9%20javascript%3Aalert%281%29.png\"");
    CHECK(page.pictures == 1 && page.unreadable == 1);
    CHECK_TEXT(page.html.data, "cannot be read");
    CHECK_TEXT(page.html.data, "&lt;not kept&gt;");
    CHECK(!strstr(page.html.data, "<i>&amp; 100"));
    kin_page_free(&page);
    check_end();

    check_begin("page: links are counted from the page, or whole where nothing is shared");
    kin_text link = {0};
    kin_page_link(&link, where, where);
    CHECK(link.data && strcmp(link.data, "page.html") == 0);
    kin_text_free(&link);
    kin_page_link(&link, where, "/nowhere at all/x.jpg");
    CHECK(link.data && strcmp(link.data, "/nowhere%20at%20all/x.jpg") == 0);
    kin_text_free(&link);
    kin_page_link(&link, where, "/x.jpg");
    CHECK(link.data && strcmp(link.data, "/x.jpg") == 0);
    kin_text_free(&link);
    kin_free(file), kin_free(where);
    check_end();

    check_begin("thumbnails: photographs as JPEG, drawings and small pictures as PNG");
    for (int i = 0; i < 3; i++) {
        kin_text uri = {0};
        f->side = i ? 300 : 60;
        CHECK(fake_image(f, 3, &image, &err));
        for (int k = 0; i == 1 && k < image.width * image.height * 3; k++)
            image.data[k] = (uint8_t)(k / 3 % 7 * 30 + (int)kin_random_below(3, (uint64_t)k, 25));
        for (int k = 0; i == 2 && k < image.width * image.height * 3; k++)
            image.data[k] = k < 90000 ? 255 : 0;
        CHECK(kin_thumbnail_add(&uri, &image, 400, &err));
        CHECK_TEXT(uri.data, i == 1 ? "data:image/jpeg" : "data:image/png");
        kin_text_free(&uri), kin_image_free(&image);
    }
    f->side = 120;
    check_end();
}

static void failures(fake *f)
{
    kin_error err = {0};
    kin_page page;
    kin_finds finds = fake_finds(f);
    kin_embedding_map map = fake_map(f);

    check_begin("page: a picture that cannot be read is told so, an interruption ends it");
    f->unreadable = (int)f->ranks[0], f->failing = KIN_ERR_DATA;
    finds.n_queries = 1, map.count = 20;
    CHECK(fake_page(&page, f, &map, &finds, &err) && !kin_failed(&err));
    CHECK_TEXT(page.html.data, "a broken picture");
    kin_page_free(&page);
    f->failing = KIN_ERR_INTERRUPTED;
    CHECK(!fake_page(&page, f, &map, &finds, &err) && err.code == KIN_ERR_INTERRUPTED);
    kin_page_free(&page);
    f->unreadable = -1;
    check_end();

    check_begin("page: indices out of range are refused");
    int64_t before = f->ranks[3], items[20] = {0};
    const int64_t wrong[] = {ITEMS, -2, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 4; i++) {
        kin_error_clear(&err);
        f->ranks[3] = wrong[i];
        CHECK(!fake_page(&page, f, NULL, &finds, &err));
        CHECK_TEXT(err.message, "rank 3 is item");
        kin_page_free(&page);
        kin_error_clear(&err);
        items[7] = wrong[i], map.items = items;
        CHECK(!fake_page(&page, f, &map, NULL, &err));
        CHECK_TEXT(err.message, "position 7 is item");
        kin_page_free(&page);
    }
    f->ranks[3] = before, map.items = NULL;
    check_end();

    check_begin("page: any allocation may fail, nothing leaks");
    kin_error_clear(&err);
    map.count = 2, finds.top = 2;
    f->side = 16;
    bool ok = false;
    for (int n = 1; !ok && n < 5000; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        ok = fake_page(&page, f, &map, &finds, &err);
        kin_alloc_fail_at(0);
        kin_page_free(&page);
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
    maps(&f);
    files(&f);
    failures(&f);
    return check_result();
}
