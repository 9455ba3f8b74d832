/* Which of a group of copies is to be kept. */
#include "photos/descent.h"
#include "photos/detail.h"
#include "tests/support/album.h"

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

int main(void)
{
    test_kept();
    test_descent();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
