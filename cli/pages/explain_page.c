#include "cli/pages/explain_page.h"

#include "base/memory.h"
#include "base/random.h"
#include "cli/pages/heatmap.h"
#include "retrieval/vectors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_head(const kin_explained *e, const char *name)
{
    return strcmp(e->network->head.head->name, name) == 0;
}

/* The picture as the network sees it. */
static void put_seen(kin_page *page, const kin_seen *s, const char *note)
{
    kin_page_tile(
        page,
        &(kin_tile){.image = &s->image, .file = s->path, .name = kin_explain_name(s->path), .note = note});
}

/* With a map over it; low = high = 0: from the map's own least to its largest. */
static void put_map(kin_page *page, const kin_seen *s, const float *map, int h, int w,
                    const kin_heatmap_opt *opt, const char *name, const char *note)
{
    kin_image shown = {0};
    if (!kin_page_ok(page)) return;
    if (kin_heatmap_overlay(&s->image, map, h, w, opt, &shown, &page->err))
        kin_page_tile(page, &(kin_tile){.image = &shown, .name = name, .note = note, .about = name});
    kin_image_free(&shown);
}

/* ---- the order of the pictures ---- */

static void put_order(kin_page *page, const kin_explained *e, int a, int64_t from, int64_t to, const char *by)
{
    int order[KIN_EXPLAINED_PICTURES];
    char note[40];
    const kin_seen *s = &e->seen[a];
    kin_tile asked = {KIN_TILE_ASKED, .image = &s->image, .file = s->path, .name = kin_explain_name(s->path)};
    kin_explained_order(e, a, from, to, order);
    kin_page_row_begin(page,
                       &(kin_page_row){.asked = &asked, .title = asked.name, .note = by, .numbered = true});
    for (int i = 0; i + 1 < e->count && i < 6; i++) {
        snprintf(note, sizeof note, "similarity\u00a0%.3f", kin_explained_alike(e, a, order[i], from, to));
        put_seen(page, &e->seen[order[i]], note);
    }
    kin_page_row_end(page);
}

static void add_order(kin_page *page, const kin_explained *e)
{
    if (e->count < 2) return;
    bool bfe = is_head(e, "bfe");
    int64_t global = bfe ? (int64_t)kin_head_value(&e->network->head, "global") : 0;
    bfe = bfe && global > 0 && global < e->dim;
    kin_page_section(
        page, "What it finds alike",
        bfe ? "Each picture, and the others by how alike their descriptors are (cosine: 1 is the same "
              "direction, 0 nothing in common). First by the branch that sees all of the map (global), then "
              "by the one that learned with a part erased (part): where they disagree, the part branch "
              "leans on another detail."
            : "Each picture, and the others by how alike their descriptors are (cosine: 1 is the same "
              "direction, 0 nothing in common).");
    for (int a = 0; a < e->count && kin_page_ok(page); a++) {
        put_order(page, e, a, 0, bfe ? global : e->dim, bfe ? "by the branch global" : NULL);
        if (bfe) put_order(page, e, a, global, e->dim, "by the branch part");
    }
}

/* ---- where it answers ---- */

static bool lengths_of(const kin_seen_map *map, float **out, kin_error *err)
{
    *out = kin_alloc_array((size_t)map->h, (size_t)map->w * sizeof **out);
    if (!*out) return kin_fail_memory(err, "a map", (size_t)map->h * (size_t)map->w * sizeof **out);
    for (int64_t p = 0; p < (int64_t)map->h * map->w; p++) {
        double sum = 0;
        for (int64_t k = 0; k < map->c; k++)
            sum += (double)map->data[p * map->c + k] * map->data[p * map->c + k];
        (*out)[p] = (float)sqrt(sum);
    }
    return true;
}

static void add_answers(kin_page *page, const kin_explained *e)
{
    char size[80];
    if (!e->seen[0].map.data) return;
    snprintf(size, sizeof size, "Its last map has %d × %d places of %lld numbers.", e->seen[0].map.w,
             e->seen[0].map.h, (long long)e->seen[0].map.c);
    kin_page_section(
        page, "Where it answers",
        "The picture as the network sees it, and over it how strongly each place answers in its last map: "
        "from dark violet (not at all) to light yellow (most). What is bright shapes the descriptor.");
    kin_page_note(page, size);
    for (int i = 0; i < e->count && kin_page_ok(page); i++) {
        const kin_seen *s = &e->seen[i];
        float *lengths = NULL;
        kin_page_row_begin(page, &(kin_page_row){0});
        put_seen(page, s, "as the network sees it");
        if (lengths_of(&s->map, &lengths, &page->err))
            put_map(page, s, lengths, s->map.h, s->map.w, NULL, "how strongly it answers", NULL);
        if (s->changed)
            put_map(page, s, s->changed, s->map.h, s->map.w, NULL, "what its attention changes", NULL);
        kin_page_row_end(page);
        kin_free(lengths);
    }
}

/* ---- BFE ---- */

/* A rectangle of the map as large and as likely as training's, filled with grey. */
static bool erase(const kin_seen *s, const kin_explained *e, uint64_t key, kin_image *out, kin_error *err)
{
    int64_t h = s->map.h, w = s->map.w,
            rows = (int64_t)nearbyint(kin_head_value(&e->network->head, "h") * (double)h),
            columns = (int64_t)nearbyint(kin_head_value(&e->network->head, "w") * (double)w),
            top = (int64_t)kin_random_below(key, 0, (uint64_t)(h - rows + 1)),
            left = (int64_t)kin_random_below(key, 1, (uint64_t)(w - columns + 1));
    if (!kin_image_new(out, s->image.width, s->image.height, s->image.channels, err)) return false;
    memcpy(out->data, s->image.data, (size_t)out->width * (size_t)out->height * (size_t)out->channels);
    for (int64_t y = top * out->height / h; y < (top + rows) * out->height / h; y++)
        for (int64_t x = left * out->width / w; x < (left + columns) * out->width / w; x++)
            memset(out->data + (y * out->width + x) * out->channels, 128, (size_t)out->channels);
    return true;
}

static void add_erased(kin_page *page, const kin_explained *e)
{
    enum { DRAWS = 3 };
    if (!is_head(e, "bfe") || !e->seen[0].map.data) return;
    kin_page_section(
        page, "What training hides",
        "Batch feature erasing: in each training step a part of the map is set to zero, the same one in "
        "all pictures of the batch, at another place in each step. The branch part must tell things "
        "apart by what is left, so that it learns more than the one conspicuous detail. Three such "
        "rectangles, of this network's size; nothing is hidden when it is used.");
    for (int i = 0; i < e->count && kin_page_ok(page); i++) {
        kin_page_row_begin(page, &(kin_page_row){0});
        put_seen(page, &e->seen[i], "when it is used");
        for (uint64_t d = 0; d < DRAWS && kin_page_ok(page); d++) {
            kin_image shown = {0};
            if (erase(&e->seen[i], e, kin_key(1, d, 0), &shown, &page->err))
                kin_page_tile(page, &(kin_tile){.image = &shown, .name = "a training step"});
            kin_image_free(&shown);
        }
        kin_page_row_end(page);
    }
}

/* ---- ABE ---- */

/* |mask_p - mask_q| on average over places and pairs of learners, of which there are two at least. */
static double masks_apart(const kin_seen *s)
{
    double sum = 0, count = 0;
    for (int p = 0; p < KIN_BRANCHES && s->mask[p].data; p++)
        for (int q = 0; q < p; q++)
            for (int i = 0; i < s->mask[p].h * s->mask[p].w; i++)
                sum += fabs((double)s->mask[p].data[i] - s->mask[q].data[i]), count++;
    return sum / count;
}

static void add_masks(kin_page *page, const kin_explained *e)
{
    char name[32], note[96];
    if (!e->seen[0].mask[0].data) return;
    kin_page_section(
        page, "What each learner looks at",
        "Attention-based ensemble: all learners share one network, and each multiplies its map with a mask "
        "of its own before the last part. Bright: what this learner lets pass (mean over the channels); all "
        "masks of a row have one scale. Masks that all look the same: the learners have not become "
        "different.");
    for (int i = 0; i < e->count && kin_page_ok(page); i++) {
        const kin_seen *s = &e->seen[i];
        kin_heatmap_opt opt = {.low = INFINITY, .high = -INFINITY};
        for (int m = 0; m < KIN_BRANCHES && s->mask[m].data; m++)
            for (int p = 0; p < s->mask[m].h * s->mask[m].w; p++) {
                opt.low = fmin(opt.low, s->mask[m].data[p]);
                opt.high = fmax(opt.high, s->mask[m].data[p]);
            }
        int length = snprintf(note, sizeof note, "masks from %.3f to %.3f", opt.low, opt.high);
        if (s->mask[1].data)
            snprintf(note + length, sizeof note - (size_t)length, "; they differ by %.3f on average",
                     masks_apart(s));
        kin_page_row_begin(page, &(kin_page_row){0});
        put_seen(page, s, note);
        for (int m = 0; m < KIN_BRANCHES && s->mask[m].data; m++) {
            snprintf(name, sizeof name, "learner %d", m + 1);
            put_map(page, s, s->mask[m].data, s->mask[m].h, s->mask[m].w, &opt, name, NULL);
        }
        kin_page_row_end(page);
    }
}

/* ---- the convolutional auto-encoder ---- */

static void add_remade(kin_page *page, const kin_explained *e)
{
    char note[100];
    if (!e->seen[0].remade.data) return;
    kin_page_section(
        page, "What its code keeps",
        "An auto-encoder writes a picture as a short code, which is the descriptor, and learns to make the "
        "picture again from it. What comes back is what the code knows: colours and coarse shapes first; "
        "letters and small parts only where the code has numbers to spare.");
    for (int i = 0; i < e->count && kin_page_ok(page); i++) {
        snprintf(note, sizeof note, "made again from %lld numbers", (long long)e->dim);
        kin_page_row_begin(page, &(kin_page_row){0});
        put_seen(page, &e->seen[i], "as the network sees it");
        kin_page_tile(page, &(kin_tile){.image = &e->seen[i].remade, .name = note});
        kin_page_row_end(page);
    }
}

/* ---- channel attention ---- */

static void add_largest(kin_page *page, const kin_explained *e)
{
    enum { SHOWN = 5 };
    const char *columns[SHOWN + 1] = {"picture", "1st", "2nd", "3rd", "4th", "5th"};
    size_t n = (size_t)e->count;
    char *texts = kin_alloc_array(n, SHOWN * 32);
    const char **cells = kin_alloc_zero(n, (SHOWN + 1) * sizeof *cells);
    for (int i = 0; texts && cells && i < e->count; i++) {
        const kin_seen *s = &e->seen[i];
        cells[i * (SHOWN + 1)] = kin_explain_name(s->path);
        for (int k = 0; k < SHOWN && k < s->weights; k++) {
            char *text = texts + (i * SHOWN + k) * 32;
            snprintf(text, 32, "%lld (%.3g)", (long long)s->channel[k], (double)s->weight[k]);
            cells[i * (SHOWN + 1) + k + 1] = text;
        }
    }
    if (texts && cells)
        kin_page_table_add(page, &(kin_page_table){"The channels that count most (and how much)", columns,
                                                   SHOWN + 1, e->count, cells});
    else kin_fail_memory(&page->err, "a table", n * SHOWN * 32);
    kin_free(texts), kin_free(cells);
}

static void add_weights(kin_page *page, const kin_explained *e)
{
    char entropy[120];
    int64_t c = e->seen[0].weights;
    int shown = e->count < KIN_SVG_CURVES ? e->count : KIN_SVG_CURVES;
    if (!c) return;
    double *x = kin_alloc_array((size_t)c, sizeof *x),
           *y = kin_alloc_array((size_t)c, (size_t)shown * sizeof *y);
    kin_curve curves[KIN_SVG_CURVES];
    kin_page_section(
        page, "What each channel counts",
        isnan(e->entropy)
            ? "Channel attention multiplies each channel of the last map with a number of its own for each "
              "picture. Drawn from the largest to the smallest: a flat line treats all channels alike."
            : "Self channel attention mixes each channel with those least like it. Drawn is how much each "
              "channel is looked at by all the others, from the most to the least; 1 everywhere: all alike.");
    if (!isnan(e->entropy)) {
        snprintf(entropy, sizeof entropy,
                 "Entropy of the weights: %.3f (1: all channels alike, 0: a single one).", e->entropy);
        kin_page_text(page, entropy);
    }
    if (x && y) {
        for (int64_t k = 0; k < c; k++) x[k] = (double)(k + 1);
        for (int i = 0; i < shown; i++) {
            for (int64_t k = 0; k < c; k++) y[i * c + k] = (double)e->seen[i].weight[k];
            curves[i] = (kin_curve){kin_explain_name(e->seen[i].path), x, y + i * c, c, false};
        }
        kin_curves chart = {.title = "Weights of the channels",
                            .x_label = "channels, the largest weight first",
                            .y_label = "weight",
                            .curves = curves,
                            .n_curves = shown};
        kin_page_curves(page, &chart, 1);
    } else kin_fail_memory(&page->err, "a curve", (size_t)c * (size_t)shown * sizeof *y);
    kin_free(x), kin_free(y);
    add_largest(page, e);
}

/* ---- what makes two pictures alike ---- */

/* With the mean over all places as descriptor, its product with another's mean m is the mean of the
 * products of each place with m: so each place has its share in the similarity, and the shares sum to it
 * [Stylianou et al. 2019]. */
static bool shares(const kin_seen_map *of, const kin_seen_map *other, float **out, kin_error *err)
{
    int64_t pixels = (int64_t)of->h * of->w, others = (int64_t)other->h * other->w;
    double *mean = kin_alloc_zero((size_t)of->c, sizeof *mean);
    *out = kin_alloc_array((size_t)pixels, sizeof **out);
    if (!mean || !*out) {
        kin_free(mean);
        return kin_fail_memory(err, "a map", (size_t)pixels * sizeof **out);
    }
    for (int64_t p = 0; p < others; p++)
        for (int64_t k = 0; k < of->c; k++) mean[k] += (double)other->data[p * of->c + k] / (double)others;
    for (int64_t p = 0; p < pixels; p++) {
        double sum = 0;
        for (int64_t k = 0; k < of->c; k++) sum += mean[k] * (double)of->data[p * of->c + k];
        (*out)[p] = (float)sum;
    }
    kin_free(mean);
    return true;
}

static void put_shares(kin_page *page, const kin_seen *of, const kin_seen *other)
{
    float *map = NULL;
    char note[200];
    snprintf(note, sizeof note, "what is like %.150s", kin_explain_name(other->path));
    if (shares(&of->map, &other->map, &map, &page->err))
        put_map(page, of, map, of->map.h, of->map.w, &(kin_heatmap_opt){.fade = true, .opacity = .8},
                kin_explain_name(of->path), note);
    kin_free(map);
}

static void add_similarity(kin_page *page, const kin_explained *e)
{
    int order[KIN_EXPLAINED_PICTURES];
    char note[80];
    if (e->count < 2 || !e->seen[0].map.data) return;
    kin_page_section(
        page, "Which places make two pictures alike",
        "Each picture and the one most like it, a pair once. The similarity of their maps' means is a sum "
        "over the places "
        "of either; bright places bring most of it. What stands behind the map (an embedding, a head) is "
        "not seen here.");
    for (int i = 0; i < e->count && kin_page_ok(page); i++) {
        if (kin_explained_told(e, i, order)) continue;
        const kin_seen *a = &e->seen[i], *b = &e->seen[order[0]];
        snprintf(note, sizeof note, "similarity of the descriptors\u00a0%.3f",
                 kin_explained_alike(e, i, order[0], 0, e->dim));
        kin_page_row_begin(page, &(kin_page_row){0});
        put_seen(page, a, note);
        put_shares(page, a, b);
        put_seen(page, b, NULL);
        put_shares(page, b, a);
        kin_page_row_end(page);
    }
}

/* ---- the auto-encoder ---- */

/* rows: descriptors at unit length, codes behind them, what is made of the codes last. */
static bool rebuild(const kin_explain_page *p, float **rows, kin_error *err)
{
    const kin_explained *e = p->explained;
    int64_t in = e->dim, dims = kin_autoencoder_dims(p->reduced), n = e->count;
    if (kin_autoencoder_in(p->reduced) != in)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "%s shortens descriptors of %lld numbers, this network's have %lld", p->reduced_name,
                        (long long)kin_autoencoder_in(p->reduced), (long long)in);
    *rows = kin_alloc_array((size_t)n, (size_t)(2 * in + dims) * sizeof **rows);
    if (!*rows)
        return kin_fail_memory(err, "the descriptors", (size_t)n * (size_t)(2 * in + dims) * sizeof **rows);
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t k = 0; k < in; k++) sum += (double)e->seen[i].descriptor[k] * e->seen[i].descriptor[k];
        for (int64_t k = 0; k < in; k++)
            (*rows)[i * in + k] = (float)((double)e->seen[i].descriptor[k] / (sum > 0 ? sqrt(sum) : 1));
    }
    float *codes = *rows + n * in, *back = codes + n * dims;
    return kin_autoencoder_encode(p->reduced, *rows, n, codes, err) &&
           kin_autoencoder_decode(p->reduced, codes, n, back, err);
}

static int nearest(const float *rows, int64_t dim, int count, int a)
{
    int best = -1;
    for (int b = 0; b < count; b++)
        if (b != a && (best < 0 || kin_cosine(rows + a * dim, rows + b * dim, dim) >
                                       kin_cosine(rows + a * dim, rows + best * dim, dim)))
            best = b;
    return best;
}

static void add_rebuilt(kin_page *page, const kin_explain_page *p)
{
    const kin_explained *e = p->explained;
    char title[100], note[100], name[60];
    float *rows = NULL;
    if (!p->reduced) return;
    if (rebuild(p, &rows, &page->err)) {
        int64_t in = e->dim, dims = kin_autoencoder_dims(p->reduced);
        const float *codes = rows + e->count * in, *back = codes + e->count * dims;
        snprintf(title, sizeof title, "What is left of a descriptor in %lld numbers", (long long)dims);
        kin_page_section(
            page, title,
            "The auto-encoder writes each descriptor as a short code, and rebuilds the descriptor from it. "
            "Kept: the cosine of both; 1 is all. Then the picture most alike by the whole descriptors, and "
            "by the codes.");
        for (int i = 0; i < e->count && kin_page_ok(page); i++) {
            int whole = nearest(rows, in, e->count, i), coded = nearest(codes, dims, e->count, i);
            snprintf(note, sizeof note, "kept\u00a0%.4f", kin_cosine(rows + i * in, back + i * in, in));
            kin_page_row_begin(page, &(kin_page_row){0});
            put_seen(page, &e->seen[i], note);
            if (whole >= 0) put_seen(page, &e->seen[whole], "most alike by the descriptors");
            snprintf(name, sizeof name, whole == coded ? "by the codes, too" : "most alike by the codes");
            if (coded >= 0) put_seen(page, &e->seen[coded], name);
            kin_page_row_end(page);
        }
    }
    kin_free(rows);
}

/* ---- the whole ---- */

bool kin_explain_page_write(const kin_explain_page *p, kin_error *err)
{
    const kin_explained *e = p->explained;
    const kin_config *c = &e->network->config;
    kin_page page;
    char seen[40], numbers[40];
    snprintf(seen, sizeof seen, "%lld × %lld pixels", (long long)c->size, (long long)c->size);
    snprintf(numbers, sizeof numbers, "%lld numbers", (long long)e->dim);
    kin_page_begin(
        &page, p->path, "What the network looks at",
        "A network turns a picture into a map of features, and that into one descriptor. Pictures whose "
        "descriptors point the same way are alike to it. This page shows where in the pictures that comes "
        "from.");
    page.limits = p->limits;
    kin_page_fact facts[] = {{"Network", p->model},
                             {"Backbone", c->model},
                             {"Head", e->network->head.head->name},
                             {"Attention",
                              *c->attention && strcmp(c->attention, "none") != 0 ? c->attention : NULL},
                             {"It sees", seen},
                             {"Descriptor", numbers}};
    kin_page_facts(&page, facts, (int)(sizeof facts / sizeof *facts));
    add_order(&page, e);
    add_answers(&page, e);
    add_similarity(&page, e);
    add_erased(&page, e);
    add_masks(&page, e);
    add_remade(&page, e);
    add_weights(&page, e);
    if (p->points) kin_explain_points(&page, p);
    add_rebuilt(&page, p);
    bool ok = kin_page_write(&page, err);
    kin_page_free(&page);
    return ok;
}
