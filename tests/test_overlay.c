/* Overlays: corners and maps of pictures that are changed in known ways, and few of them in memory. */
#include "base/memory.h"
#include "base/parallel.h"
#include "data/look/hash.h"
#include "photos/candidates.h"
#include "photos/overlay.h"
#include "tests/support/album.h"

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

int main(void)
{
    test_turns();
    test_framed();
    test_crop();
    test_candidates();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
