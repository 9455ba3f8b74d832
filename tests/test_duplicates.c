/* Duplicates: groups out of pairs, corners and maps of pictures that are changed in known ways, and the
 * whole. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "data/look/hash.h"
#include "photos/candidates.h"
#include "photos/components.h"
#include "photos/descent.h"
#include "photos/detail.h"
#include "photos/duplicates.h"
#include "photos/overlay.h"
#include "photos/update.h"
#include "data/look/look.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- groups ---- */

enum { N = 40, D = 4 };

/* What the definition says, by taking each edge away in turn. */
static int64_t reach(const kin_edge *edge, int64_t edges, const bool *cut, int64_t without, int64_t from,
                     bool *seen)
{
    int64_t count = 1;
    memset(seen, 0, N * sizeof *seen);
    seen[from] = true;
    for (bool more = true; more;) {
        more = false;
        for (int64_t e = 0; e < edges; e++) {
            if (e == without || (cut && cut[e]) || seen[edge[e].a] == seen[edge[e].b]) continue;
            seen[edge[e].a] = seen[edge[e].b] = more = true, count++;
        }
    }
    return count;
}

static void plain_components(kin_vectors rows, const kin_edge *edge, int64_t edges, double agree,
                             int64_t *group)
{
    bool cut[200], side[N], all[N];
    for (int64_t e = 0; e < edges; e++) {
        int64_t whole = reach(edge, edges, NULL, -1, edge[e].a, all),
                part = reach(edge, edges, NULL, e, edge[e].a, side);
        double sum = 0;
        for (int64_t i = 0; i < N; i++)
            for (int64_t j = 0; j < N; j++)
                if (side[i] && all[j] && !side[j])
                    for (int d = 0; d < D; d++)
                        sum += (double)rows.data[i * D + d] * (double)rows.data[j * D + d];
        cut[e] = part < whole && part >= 2 && whole - part >= 2 && !edge[e].sure &&
                 sum < agree * (double)part * (double)(whole - part);
    }
    int64_t groups = 0;
    for (int64_t i = 0; i < N; i++) group[i] = -1;
    for (int64_t i = 0; i < N; i++) {
        if (group[i] >= 0) continue;
        reach(edge, edges, cut, -1, i, side);
        for (int64_t j = 0; j < N; j++)
            if (side[j]) group[j] = groups;
        groups++;
    }
}

static void test_components(void)
{
    check_begin("groups: bridges are cut as the definition says");
    float data[N * D];
    int cuts = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        kin_edge edge[200];
        int64_t group[N], want[N], edges = 20 + (int64_t)(seed % 40);
        for (int i = 0; i < N; i++) {
            double norm = 0;
            for (int d = 0; d < D; d++)
                data[i * D + d] = (float)kin_random_normal(seed, (uint64_t)(i * D + d));
            for (int d = 0; d < D; d++) norm += (double)data[i * D + d] * (double)data[i * D + d];
            for (int d = 0; d < D; d++) data[i * D + d] /= (float)sqrt(norm);
        }
        for (int64_t e = 0; e < edges; e++) {
            uint64_t r = kin_random_bits(seed + 100, (uint64_t)e);
            int64_t a = (int64_t)(r % N), b = (a + 1 + (int64_t)(r / N % 6)) % N;
            edge[e] = (kin_edge){a, b, (r >> 40) % 5 == 0};
        }
        kin_vectors rows = {data, N, D};
        int64_t groups = kin_components(rows, edge, edges, .1, group, NULL);
        plain_components(rows, edge, edges, .1, want);
        CHECK_MSG(memcmp(group, want, sizeof group) == 0, "seed %d", (int)seed);
        int64_t uncut = kin_components(rows, edge, edges, -2, group, NULL);
        cuts += groups > uncut;
    }
    CHECK_MSG(cuts > 10, "%d", cuts);
    int64_t none[N];
    CHECK(kin_components((kin_vectors){data, N, D}, NULL, 0, 0, none, NULL) == N && none[N - 1] == N - 1);
    check_end();
}

/* ---- pictures ---- */

/* A texture without repeats: bumps of many sizes and colours. */
static kin_image draw(int width, int height, uint64_t seed)
{
    kin_image image;
    CHECK(kin_image_new(&image, width, height, 3, NULL));
    float *sum = kin_alloc_zero((size_t)(width * height * 3), sizeof *sum);
    for (uint64_t k = 0; k < 90; k++) {
        double x = kin_random_uniform(seed, k * 8) * width, y = kin_random_uniform(seed, k * 8 + 1) * height,
               r = 4 + kin_random_uniform(seed, k * 8 + 2) * width / 8;
        bool square = kin_random_uniform(seed, k * 8 + 6) < .5;
        int left = x > r ? (int)(x - r) : 0, top = y > r ? (int)(y - r) : 0;
        for (int v = top; v < height && v <= y + r; v++)
            for (int u = left; u < width && u <= x + r; u++) {
                bool in = square ? fabs(u - x) < r && fabs(v - y) < r * .7 : hypot(u - x, v - y) < r;
                for (int c = 0; in && c < 3; c++)
                    sum[(v * width + u) * 3 + c] = (float)kin_random_uniform(seed, k * 8 + 3 + (uint64_t)c);
            }
    }
    for (int i = 0; i < width * height * 3; i++) image.data[i] = (uint8_t)(40 + 180 * (double)sum[i]);
    kin_free(sum);
    return image;
}

static kin_image cut(const kin_image *from, int left, int top, int width, int height)
{
    kin_image out;
    CHECK(kin_image_new(&out, width, height, 3, NULL));
    for (int y = 0; y < height; y++)
        memcpy(out.data + (size_t)(y * width * 3),
               from->data + (size_t)(((y + top) * from->width + left) * 3), (size_t)(width * 3));
    return out;
}

static double part_of(const kin_image *a, const kin_image *b, kin_affine_map *map, int64_t *agree,
                      double *covered)
{
    kin_overlay *o = kin_alloc_array(2, sizeof *o);
    void *workspace = kin_alloc(kin_corners_workspace());
    double r = -1;
    kin_overlay_agreement agreement;
    CHECK(kin_overlay_make(a, &o[0], NULL) && kin_overlay_make(b, &o[1], NULL));
    *agree = kin_corners_match(&o[0].corners, &o[1].corners, 3, map, workspace);
    if (*agree >= 3) r = kin_overlay_part(&o[0], &o[1], map, covered, &agreement);
    kin_free(o), kin_free(workspace);
    return r;
}

static void test_crop(void)
{
    kin_image whole = draw(240, 200, 1), other = draw(240, 200, 2), crop = cut(&whole, 60, 30, 150, 130);
    kin_affine_map map;
    int64_t agree;
    double covered = 0, r = part_of(&whole, &crop, &map, &agree, &covered);
    check_begin("overlay: a crop is laid where it was cut out");
    CHECK_MSG(agree >= 15, "%d", (int)agree);
    CHECK_CLOSE(map.m[0], 1, .03);
    CHECK_CLOSE(map.m[4], 1, .03);
    CHECK_CLOSE(map.m[2], -60, 3);
    CHECK_CLOSE(map.m[5], -30, 3);
    CHECK_MSG(r > .98 && covered > .95, "%g %g", r, covered);
    r = part_of(&crop, &whole, &map, &agree, &covered);
    CHECK_MSG(r > .98 && covered > .95, "the other way: %g %g", r, covered);
    check_end();
    check_begin("overlay: a larger crop at half the size too");
    kin_image small;
    CHECK(kin_image_resize(&crop, 100, 87, KIN_FILTER_LANCZOS, &small, NULL));
    r = part_of(&whole, &small, &map, &agree, &covered);
    CHECK_MSG(r > .95 && covered > .9, "%d %g %g", (int)agree, r, covered);
    check_end();
    check_begin("overlay: strangers do not fit");
    r = part_of(&whole, &other, &map, &agree, &covered);
    CHECK_MSG(agree < 8 || r < .9, "%d %g", (int)agree, r);
    check_end();
    check_begin("overlay: nor what a part of has moved");
    kin_image moved = cut(&whole, 0, 0, 240, 200);
    for (int y = 0; y < 200;
         y++) /* the right half by five pixels, as a camera that moved sees what is nearer */
        for (int x = 234; x >= 120; x--)
            memcpy(moved.data + (y * 240 + x) * 3, whole.data + (y * 240 + x - 5) * 3, 3);
    r = part_of(&whole, &moved, &map, &agree, &covered);
    CHECK_MSG(r < .97, "%d %g", (int)agree, r);
    check_end();
    check_begin("overlay: maps that no copy has");
    kin_overlay *o = kin_alloc(sizeof *o);
    kin_overlay_agreement agreement;
    CHECK(kin_overlay_make(&whole, o, NULL));
    static const double wrong[][6] = {{-1, 0, 240, 0, 1, 0}, {1, 0, 0, 0, 1.3, 0}, {0, -1, 200, 1, 0, 0},
                                      {9, 0, 0, 0, 9, 0},    {1, .4, 0, 0, 1, 0},  {0, 0, 0, 0, 0, 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memcpy(map.m, wrong[i], sizeof wrong[i]);
        CHECK_MSG(kin_overlay_part(o, o, &map, &covered, &agreement) == -1, "map %zu", i);
    }
    memcpy(map.m, (double[6]){1, 0, 0, 0, 1, 0}, sizeof map.m);
    CHECK_CLOSE(kin_overlay_part(o, o, &map, &covered, &agreement), 1, .01);
    double colours;
    CHECK_CLOSE(kin_overlay_whole(o, o, &colours), 1, 1e-9);
    CHECK(colours == 0);
    kin_free(o);
    check_end();
    check_begin("overlay: pictures of one pixel, one line, one colour");
    for (int w = 1; w < 400; w += 133) {
        kin_image line;
        CHECK(kin_image_new(&line, w, 1, 3, NULL));
        memset(line.data, 9, (size_t)(w * 3));
        o = kin_alloc(sizeof *o);
        CHECK(kin_overlay_make(&line, o, NULL) && o->corners.count == 0 &&
              kin_overlay_whole(o, o, &colours) == 0 && kin_overlay_agree(o, o).colour == 0);
        kin_free(o), kin_image_free(&line);
    }
    check_end();
    kin_image_free(&whole), kin_image_free(&other), kin_image_free(&crop), kin_image_free(&small),
        kin_image_free(&moved);
}

/* ---- the whole ---- */

static void save(const kin_image *image, const char *name, int quality)
{
    kin_jpeg_opt opt = {.quality = quality};
    CHECK(kin_image_write(check_path(name), NULL, image, &opt, NULL));
}

static int64_t find(const kin_photos *p, const char *path)
{
    for (int64_t i = 0; i < p->count; i++)
        if (strcmp(p->item[i].path, path) == 0) return i;
    CHECK_MSG(false, "no %s", path);
    return 0;
}

static void make_album(kin_photos *photos, char folder[600])
{
    static const kin_photos none;
    kin_photos_told told;
    kin_photos_opt opt = {
        .model = "handmade", .weights = "", .options = "", .root = ".", .dim = KIN_LOOK_DIM};
    CHECK(kin_make_folders(check_path("a"), NULL));
    snprintf(folder, 600, "%s", check_path("a"));
    for (int i = 0; i < 8; i++) {
        char name[32];
        kin_image image = draw(240, 200, (uint64_t)i + 10);
        snprintf(name, sizeof name, "a/%d.png", i);
        save(&image, name, 0);
        if (i == 0) save(&image, "a/again.png", 0);
        if (i == 1) save(&image, "a/low.jpg", 60);
        if (i == 2) {
            kin_image small;
            CHECK(kin_image_resize(&image, 120, 100, KIN_FILTER_BICUBIC, &small, NULL));
            save(&small, "a/small.png", 0);
            kin_image_free(&small);
        }
        if (i == 3) {
            kin_image crop = cut(&image, 50, 20, 180, 150);
            save(&crop, "a/crop.jpg", 90);
            kin_image_free(&crop);
        }
        if (i == 4) {
            kin_image grey = cut(&image, 0, 0, 240, 200);
            CHECK(kin_image_convert(&grey, 1, NULL));
            save(&grey, "a/grey.png", 0);
            kin_image_free(&grey);
        }
        kin_image_free(&image);
    }
    CHECK(kin_photos_update(&none, folder, &opt, photos, &told, NULL));
}

static void test_whole(void)
{
    kin_photos p;
    char folder[600];
    kin_duplicates d, e;
    kin_error err = {0};
    make_album(&p, folder);
    char gone[620], folder_of_scratch[600];
    snprintf(folder_of_scratch, sizeof folder_of_scratch, "%s", check_path("scratch"));
    snprintf(gone, sizeof gone, "%s/crop.jpg", folder_of_scratch);
    CHECK(kin_make_folders(folder_of_scratch, NULL));
    static const struct {
        const char *copy, *of;
        kin_duplicate kind;
    } rows[] = {{"again.png", "0.png", KIN_DUPLICATE_EXACT},
                {"low.jpg", "1.png", KIN_DUPLICATE_SAME},
                {"small.png", "2.png", KIN_DUPLICATE_SAME},
                {"crop.jpg", "3.png", KIN_DUPLICATE_NEAR},
                {"grey.png", "4.png", KIN_DUPLICATE_NEAR}};
    kin_duplicates_opt opt = {.loosest = KIN_DUPLICATE_NEAR};
    kin_set_threads(3);
    CHECK_MSG(kin_photos_duplicates(&p, folder, &opt, &d, &err), "%s", err.message);
    for (size_t i = 0; i < 5; i++) {
        check_begin("duplicates: %s", rows[i].copy);
        int64_t copy = find(&p, rows[i].copy), of = find(&p, rows[i].of);
        CHECK(d.group[copy] >= 0 && d.group[copy] == d.group[of]);
        CHECK_MSG(d.keeper[d.group[of]] == of, "%s is kept", p.item[d.keeper[d.group[of]]].path);
        CHECK_MSG(d.kind[copy] == rows[i].kind, "told as %s", kin_duplicate_names[d.kind[copy]]);
        check_end();
    }
    check_begin("duplicates: strangers stay alone, and threads change nothing");
    CHECK(d.groups == 5 && d.broken == 0);
    for (int k = 5; k < 8; k++) CHECK(d.group[find(&p, k == 5 ? "5.png" : k == 6 ? "6.png" : "7.png")] == -1);
    kin_set_threads(1);
    CHECK(kin_photos_duplicates(&p, folder, &opt, &e, &err));
    CHECK(d.pairs == e.pairs && memcmp(d.group, e.group, (size_t)p.count * sizeof *d.group) == 0);
    for (int64_t i = 0; i < d.pairs; i++)
        CHECK(d.pair[i].kind == e.pair[i].kind && d.pair[i].correlation == e.pair[i].correlation &&
              d.pair[i].agree == e.pair[i].agree);
    kin_duplicates_free(&e);
    check_end();
    const char *const places[] = {NULL, "/nowhere", folder_of_scratch};
    for (int k = 0; k < 3; k++) {
        check_begin("duplicates: two overlays in memory do, %s", !k       ? "without a scratch file"
                                                                 : k == 1 ? "where none can be made"
                                                                          : "and a scratch file");
        kin_duplicates_opt little = opt;
        little.kept = 2, little.scratch = places[k];
        CHECK(kin_photos_duplicates(&p, folder, &little, &e, &err));
        CHECK(d.pairs == e.pairs && memcmp(d.group, e.group, (size_t)p.count * sizeof *d.group) == 0 &&
              memcmp(d.keeper, e.keeper, (size_t)d.groups * sizeof *d.keeper) == 0 && e.broken == 0);
        for (int64_t i = 0; i < d.pairs; i++)
            CHECK(d.pair[i].kind == e.pair[i].kind && d.pair[i].correlation == e.pair[i].correlation);
        kin_duplicates_free(&e);
        check_end();
    }
    check_begin("duplicates: a group of which a picture went meanwhile is left out");
    int64_t first = -1, crop = find(&p, "crop.jpg"), low = find(&p, "low.jpg");
    CHECK(kin_photos_duplicates(&p, folder, &opt, &e, &err));
    CHECK(kin_duplicates_settle(&e, &p, folder, &first, &err) == 0 && first == -1 && e.groups == 5);
    CHECK(rename(check_path("a/crop.jpg"), gone) == 0);
    CHECK(kin_duplicates_settle(&e, &p, folder, &first, &err) == 1 && first == crop && e.groups == 4);
    CHECK(e.group[crop] == -1 && e.group[find(&p, "3.png")] == -1 && e.group[low] >= 0 && e.group[low] < 4 &&
          e.keeper[e.group[low]] == find(&p, "1.png"));
    CHECK(rename(gone, check_path("a/crop.jpg")) == 0);
    kin_duplicates_free(&e);
    check_end();
    check_begin("duplicates: --kind exact decodes nothing and finds the same bytes");
    opt.loosest = KIN_DUPLICATE_EXACT;
    CHECK(kin_photos_duplicates(&p, "/nowhere", &opt, &e, &err) && e.groups == 1 && e.pairs == 1);
    kin_duplicates_free(&e);
    opt.loosest = KIN_DUPLICATE_SAME;
    CHECK(kin_photos_duplicates(&p, folder, &opt, &e, &err) && e.groups == 3);
    kin_duplicates_free(&e);
    check_end();
    check_begin("duplicates: pictures that are gone are counted");
    opt.loosest = KIN_DUPLICATE_NEAR;
    CHECK(kin_photos_duplicates(&p, "/nowhere", &opt, &e, &err) && e.groups == 1 && e.broken > 0);
    kin_duplicates_free(&e);
    check_end();
    check_begin("duplicates: an allocation that fails is an error");
    for (long n = 1; n < 1500; n += n < 25 ? 1 : 157) {
        kin_alloc_fail_at(n);
        kin_error_clear(&err);
        bool ok = kin_photos_duplicates(&p, folder, &opt, &e, &err), pending = kin_alloc_pending() > 0;
        kin_alloc_fail_at(0);
        if (ok) kin_duplicates_free(&e);
        if (pending) break;
        CHECK_MSG(!ok && err.code == KIN_ERR_MEMORY, "allocation %ld: %s", n, ok ? "no error" : err.message);
    }
    kin_set_threads(1);
    const long many = 1000000;
    kin_alloc_fail_at(many);
    CHECK(kin_photos_duplicates(&p, folder, &opt, &e, NULL));
    const long all = many - kin_alloc_pending();
    kin_alloc_fail_at(0);
    kin_duplicates_free(&e);
    bool pending = false;
    for (long n = 1; !pending; n++) { /* where nothing can be read: up to the last one */
        kin_alloc_fail_at(n);
        kin_error_clear(&err);
        int64_t live = kin_alloc_live();
        bool ok = kin_photos_duplicates(&p, "/nowhere", &opt, &e, &err);
        pending = kin_alloc_pending() > 0;
        kin_alloc_fail_at(0);
        if (ok) kin_duplicates_free(&e);
        CHECK_MSG(kin_alloc_live() == live, "allocation %ld: not all is freed", n);
        CHECK_MSG(pending || (!ok && err.code == KIN_ERR_MEMORY), "allocation %ld: no error", n);
    }
    for (long n = all - 162; n <= all - 90; n += 9) { /* where it is told what is to be kept */
        kin_alloc_fail_at(n);
        kin_error_clear(&err);
        bool ok = kin_photos_duplicates(&p, folder, &opt, &e, &err);
        kin_alloc_fail_at(0);
        if (ok) kin_duplicates_free(&e);
        CHECK_MSG(!ok && err.code == KIN_ERR_MEMORY, "allocation %ld: %s", n, ok ? "no error" : err.message);
    }
    kin_set_threads(0);
    check_end();
    kin_duplicates_free(&d), kin_photos_free(&p);
}

/* ---- overlays, few in memory ---- */

static int decoded;

static bool draw_one(void *user, int64_t item, kin_image *out, kin_error *err)
{
    (void)user;
    decoded++;
    if (item == 3) return kin_fail(err, KIN_ERR_DATA, "broken");
    *out = draw(60, 50, (uint64_t)item);
    return true;
}

static void test_candidates(void)
{
    enum { ITEMS = 9, MOST = 3 };
    static const int64_t wanted[][MOST] = {{0, 1, 2}, {4, 0, 3}, {5, 6, 4}, {2, 0, 7}, {8, 3, 0}, {1, 1, 8}};
    kin_overlay *plain = kin_alloc_array(ITEMS, sizeof *plain);
    kin_set_threads(1);
    for (int64_t i = 0; i < ITEMS; i++) {
        kin_image image = draw(60, 50, (uint64_t)i);
        CHECK(kin_overlay_make(&image, &plain[i], NULL));
        kin_image_free(&image);
    }
    for (int scratch = 0; scratch < 2; scratch++) {
        check_begin("overlays: those that do not fit into memory are %s",
                    scratch ? "read again" : "made again");
        kin_candidates c;
        decoded = 0;
        CHECK(kin_make_folders(check_path("scratch"), NULL));
        CHECK(kin_candidates_begin(&c, ITEMS, MOST, scratch ? check_path("scratch") : NULL, draw_one, NULL,
                                   NULL));
        for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++) {
            CHECK(kin_candidates_want(&c, wanted[k], MOST, NULL));
            for (int i = 0; i < MOST; i++) {
                const kin_overlay *o = kin_candidates_overlay(&c, wanted[k][i]), *p = &plain[wanted[k][i]];
                CHECK((o == NULL) == (wanted[k][i] == 3));
                CHECK(!o || (o->corners.count == p->corners.count &&
                             memcmp(o->grey, p->grey, (size_t)(p->width * p->height)) == 0));
            }
        }
        CHECK(c.looked == ITEMS && c.unread == 1 && c.of[3].unread && c.made == decoded);
        CHECK_MSG(scratch ? decoded == ITEMS : decoded > ITEMS && c.file == -1, "%d decoded", decoded);
        kin_candidates_drop(&c, 8);
        CHECK(!kin_candidates_overlay(&c, 8));
        kin_candidates_end(&c);
        check_end();
    }
    kin_set_threads(0);
    kin_free(plain);
}

/* ---- turned and mirrored ---- */

static kin_image turned(const kin_image *from, int turn)
{
    kin_image out;
    int w = turn & 4 ? from->height : from->width, h = turn & 4 ? from->width : from->height;
    CHECK(kin_image_new(&out, w, h, 3, NULL));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int u = turn & 1 ? w - 1 - x : x, v = turn & 2 ? h - 1 - y : y;
            int at = turn & 4 ? u * from->width + v : v * from->width + u;
            memcpy(out.data + (y * w + x) * 3, from->data + at * 3, 3);
        }
    return out;
}

static void test_turns(void)
{
    check_begin("hashes and overlays of pictures turned and mirrored are told without decoding them again");
    kin_image image = draw(241, 200, 3);
    kin_overlay *o = kin_alloc_array(3, sizeof *o);
    uint64_t hash, other;
    CHECK(kin_hash_image(&image, &hash, NULL) && kin_overlay_make(&image, &o[0], NULL));
    for (int t = 0; t < 8; t++) {
        kin_image turn = turned(&image, t);
        double colours;
        CHECK(kin_hash_image(&turn, &other, NULL) && kin_overlay_make(&turn, &o[1], NULL));
        CHECK_MSG(kin_hash_distance(kin_hash_turned(hash, t), other) <= 4, "turn %d", t);
        CHECK_MSG(t == 0 || kin_hash_distance(hash, other) > 10, "turn %d", t);
        kin_overlay_turn(&o[0], t, &o[2]);
        CHECK(o[1].width == o[2].width && o[1].height == o[2].height);
        CHECK_MSG(kin_overlay_whole(&o[1], &o[2], &colours) > .999 && colours < 2, "turn %d", t);
        kin_overlay_agreement g = kin_overlay_agree(&o[1], &o[2]);
        CHECK_MSG(g.colour < .2 && g.strange < .05 && g.grey < 8, "turn %d: %g %g %g", t, g.colour, g.strange,
                  g.grey);
        kin_image_free(&turn);
    }
    kin_free(o), kin_image_free(&image);
    check_end();
}

/* ---- products before a plain background, and what is kept ---- */

static void fill(kin_image *image, int left, int top, int width, int height, const uint8_t colour[3])
{
    for (int y = top; y < top + height; y++)
        for (int x = left; x < left + width; x++) memcpy(image->data + (y * image->width + x) * 3, colour, 3);
}

/* A bottle with a label, on which something is written. */
static kin_image packshot(const uint8_t body[3], uint64_t text)
{
    static const uint8_t white[3] = {255, 255, 255}, dark[3] = {60, 60, 60}, black[3] = {0};
    kin_image image;
    CHECK(kin_image_new(&image, 240, 240, 3, NULL));
    fill(&image, 0, 0, 240, 240, white), fill(&image, 100, 25, 40, 20, dark),
        fill(&image, 75, 45, 90, 150, body);
    fill(&image, 81, 80, 78, 70, white);
    for (uint64_t k = 0; k < 14; k++)
        fill(&image, 84 + (int)(k % 7) * 10, 88 + (int)(k / 7) * 28, 2 + (int)(kin_random_bits(text, k) % 7),
             4 + (int)(kin_random_bits(text, k) / 7 % 18), black);
    return image;
}

static void put(const char *name, kin_image image, int width, int height, bool grey, int quality)
{
    kin_image small;
    if (width) {
        CHECK(kin_image_resize(&image, width, height, KIN_FILTER_BICUBIC, &small, NULL));
        kin_image_free(&image);
        image = small;
    }
    if (grey) CHECK(kin_image_convert(&image, 1, NULL));
    save(&image, name, quality);
    kin_image_free(&image);
}

static void look(const char *folder, kin_photos *photos, kin_duplicates *d)
{
    static const kin_photos none;
    kin_photos_told told;
    kin_error err = {0};
    kin_photos_opt opt = {
        .model = "handmade", .weights = "", .options = "", .root = ".", .dim = KIN_LOOK_DIM};
    kin_duplicates_opt near = {.loosest = KIN_DUPLICATE_NEAR};
    char path[600];
    snprintf(path, sizeof path, "%s", check_path(folder));
    CHECK_MSG(kin_photos_update(&none, path, &opt, photos, &told, &err) &&
                  kin_photos_duplicates(photos, path, &near, d, &err),
              "%s", err.message);
}

static bool together(const kin_photos *p, const kin_duplicates *d, const char *a, const char *b)
{
    int64_t x = find(p, a), y = find(p, b);
    return d->group[x] >= 0 && d->group[x] == d->group[y];
}

static void test_products(void)
{
    static const uint8_t colour[6][3] = {{200, 30, 30},  {30, 110, 30}, {30, 60, 200},
                                         {230, 140, 20}, {128, 0, 128}, {0, 0, 0}};
    kin_photos p;
    kin_duplicates d;
    CHECK(kin_make_folders(check_path("b"), NULL));
    for (int i = 0; i < 6; i++) {
        char name[32];
        snprintf(name, sizeof name, "b/%d.jpg", i);
        put(name, packshot(colour[i], 1), 0, 0, false, 92);
    }
    put("b/0-label.jpg", packshot(colour[0], 2), 0, 0, false, 92);
    put("b/0-small.jpg", packshot(colour[0], 1), 120, 120, false, 90);
    put("b/1-grey.jpg", packshot(colour[1], 1), 0, 0, true, 90);
    put("b/2-low.jpg", packshot(colour[2], 1), 0, 0, false, 40);
    look("b", &p, &d);
    check_begin("duplicates: one shape in six colours, and with another label, are seven products");
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < i; k++) {
            char a[16], b[16];
            snprintf(a, sizeof a, "%d.jpg", i), snprintf(b, sizeof b, "%d.jpg", k);
            CHECK_MSG(!together(&p, &d, a, b), "%s with %s", a, b);
        }
    CHECK(!together(&p, &d, "0-label.jpg", "0.jpg"));
    check_end();
    check_begin("duplicates: their copies are found, the grey one too, and never kept");
    CHECK(together(&p, &d, "0-small.jpg", "0.jpg"));
    CHECK(together(&p, &d, "1-grey.jpg", "1.jpg"));
    CHECK(together(&p, &d, "2-low.jpg", "2.jpg"));
    CHECK_MSG(d.groups == 3, "%d groups", (int)d.groups);
    CHECK(d.kind[find(&p, "1-grey.jpg")] == KIN_DUPLICATE_NEAR &&
          d.keeper[d.group[find(&p, "1.jpg")]] == find(&p, "1.jpg"));
    check_end();
    kin_duplicates_free(&d), kin_photos_free(&p);
}

static void test_framed(void)
{
    static const uint8_t red[3] = {200, 30, 30};
    check_begin("overlay: a frame is told from a plain background");
    kin_image image = draw(240, 200, 40), framed, shot = packshot(red, 1);
    kin_overlay *o = kin_alloc(sizeof *o);
    CHECK(kin_image_new(&framed, 264, 224, 3, NULL));
    fill(&framed, 0, 0, 264, 224, red);
    for (int y = 0; y < 200; y++)
        memcpy(framed.data + ((y + 12) * 264 + 12) * 3, image.data + y * 240 * 3, (size_t)240 * 3);
    CHECK(kin_overlay_make(&framed, o, NULL) && kin_overlay_framed(o));
    CHECK(kin_overlay_make(&image, o, NULL) && !kin_overlay_framed(o));
    CHECK(kin_overlay_make(&shot, o, NULL) && !kin_overlay_framed(o));
    for (int y = 0; y < 200; y++) /* turned by two degrees, and white where nothing was */
        for (int x = 0; x < 240; x++) {
            double u = x - 120 + (y - 100) * .035, v = y - 100 - (x - 120) * .035;
            if (fabs(u) > 119 || fabs(v) > 99) memset(image.data + (y * 240 + x) * 3, 255, 3);
        }
    CHECK(kin_overlay_make(&image, o, NULL) && kin_overlay_framed(o));
    kin_free(o);
    kin_image_free(&image), kin_image_free(&framed), kin_image_free(&shot);
    check_end();
}

/* Decoded from the file, and written again with another quality, with or without something upon it. */
static void write_again(const char *from, const char *to, bool upon, int quality)
{
    static const uint8_t white[3] = {255, 255, 255};
    kin_image image;
    kin_image_limits limits = {0};
    CHECK(kin_image_read(check_path(from), &limits, &image, NULL));
    for (int i = 0; upon && i < 9; i++) fill(&image, 30 + 18 * i, 90, 3, 24, white);
    save(&image, to, quality);
    kin_image_free(&image);
}

/* Of equal sizes without a date the first one is kept, whichever file is larger. */
static void test_descent(void)
{
    static const struct {
        const char *first, *copy;
        bool upon;
        int quality, copys;
    } rows[] = {{"d/0.jpg", "d/0-better.jpg", false, 75, 95},
                {"d/1.jpg", "d/1-worse.jpg", false, 92, 60},
                {"d/2.jpg", "d/2-upon.jpg", true, 75, 92},
                {"d/3.jpg", "d/3-upon.jpg", true, 95, 70},
                {"d/4.jpg", "d/4-lossless.png", false, 80, 0}};
    kin_photos p;
    kin_duplicates d;
    int steps[64];
    CHECK(kin_make_folders(check_path("d"), NULL));
    for (int i = 0; i < 5; i++) {
        kin_image image = draw(240, 200, (uint64_t)i + 60);
        for (int k = 0; k < 240 * 200 * 3; k++)
            image.data[k] = (uint8_t)(image.data[k] / 4 * 3 + kin_random_bits(7, (uint64_t)k) % 40);
        save(&image, rows[i].first, rows[i].quality);
        write_again(rows[i].first, rows[i].copy, rows[i].upon, rows[i].copys);
        kin_image_free(&image);
    }
    look("d", &p, &d);
    check_begin("duplicates: a copy written again or upon is not kept, larger or not");
    for (int i = 0; i < 5; i++) {
        const char *first = rows[i].first + 2, *copy = rows[i].copy + 2;
        CHECK_MSG(together(&p, &d, first, copy), "%s", copy);
        CHECK_MSG(d.group[find(&p, first)] >= 0 && d.keeper[d.group[find(&p, first)]] == find(&p, first),
                  "%s", copy);
    }
    check_end();
    check_begin("duplicates: steps are read from a file's tables, and from nothing that is cut");
    kin_bytes bytes;
    CHECK(kin_read_file(check_path("d/0.jpg"), 0, &bytes, NULL));
    CHECK(kin_descent_steps(bytes.data, bytes.size, steps) && steps[0] == 8 && steps[1] == 6);
    for (size_t size = 0; size < 89; size++) {
        uint8_t *cut = kin_alloc(size); /* of this very size, for the sanitizers */
        memcpy(cut, bytes.data, size);
        CHECK(!kin_descent_steps(cut, size, steps));
        kin_free(cut);
    }
    kin_bytes_free(&bytes);
    check_end();
    kin_duplicates_free(&d), kin_photos_free(&p);
}

static void test_kept(void)
{
    static const char *const copies[] = {"0-enlarged.png", "1-grey.png", "2-smaller.png", "3-turned.png",
                                         "4-mirrored.png"};
    kin_photos p;
    kin_duplicates d;
    CHECK(kin_make_folders(check_path("c"), NULL));
    for (int i = 0; i < 5; i++) {
        char name[32];
        kin_image image = draw(240, 200, (uint64_t)i + 30);
        for (int k = 0; k < 240 * 200 * 3; k++) /* what an enlarged copy does not have */
            image.data[k] = (uint8_t)(image.data[k] + kin_random_bits(5, (uint64_t)k) % 16);
        snprintf(name, sizeof name, "c/%d.jpg", i);
        save(&image, name, 92);
        snprintf(name, sizeof name, "c/%s", copies[i]);
        if (i == 0) put(name, image, 480, 400, false, 0);
        if (i == 1) put(name, image, 480, 400, true, 0);
        if (i == 2) put(name, image, 120, 100, false, 0);
        if (i > 2) {
            put(name, turned(&image, i == 3 ? 5 : 1), 0, 0, false, 0);
            kin_image_free(&image);
        }
    }
    look("c", &p, &d);
    check_begin("duplicates: no copy is kept that is grey, enlarged or smaller");
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.jpg", i);
        CHECK_MSG(together(&p, &d, name, copies[i]), "%s", copies[i]);
        CHECK_MSG(d.keeper[d.group[find(&p, name)]] == find(&p, name), "%s", copies[i]);
    }
    check_end();
    check_begin("duplicates: turned and mirrored copies are found, and told as such");
    for (int i = 3; i < 5; i++) {
        int64_t item = find(&p, copies[i]);
        char name[16];
        snprintf(name, sizeof name, "%d.jpg", i);
        CHECK(together(&p, &d, name, copies[i]));
        if (d.keeper[d.group[item]] == item) item = find(&p, name);
        CHECK(strcmp(kin_duplicate_name(d.kind[item], d.turn[item]), i == 3 ? "turned" : "mirrored") == 0);
    }
    check_end();
    check_begin("duplicates: files of 256 colours are known by their first bytes");
    static const uint8_t png[26] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', [25] = 3};
    CHECK(kin_detail_paletted((const uint8_t *)"GIF89a", 6) && kin_detail_paletted(png, 26));
    CHECK(!kin_detail_paletted(png, 25) && !kin_detail_paletted((const uint8_t *)"GIF", 3));
    check_end();
    kin_duplicates_free(&d), kin_photos_free(&p);
}

int main(void)
{
    test_components();
    test_turns();
    test_products();
    test_framed();
    test_kept();
    test_descent();
    test_crop();
    test_candidates();
    test_whole();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
