/* Duplicates: folders with copies, and products that are none. */
#include "base/memory.h"
#include "base/parallel.h"
#include "tests/support/album.h"

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
    CHECK(kin_duplicates_recheck(&e, &p, folder, &first, &err) == 0 && first == -1 && e.groups == 5);
    CHECK(rename(check_path("a/crop.jpg"), gone) == 0);
    CHECK(kin_duplicates_recheck(&e, &p, folder, &first, &err) == 1 && first == crop && e.groups == 4);
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

int main(void)
{
    test_products();
    test_whole();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
