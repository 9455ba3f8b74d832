/* Data sets, samplers, pictures and batches. */
#include "base/memory.h"
#include "base/parallel.h"
#include "data/batch.h"
#include "data/sampler.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put_picture(const char *name, int value, int size)
{
    kin_image image;
    kin_error err = {0};
    kin_image_new(&image, size, size, 1, &err);
    memset(image.data, value, (size_t)(size * size));
    char folder[512];
    snprintf(folder, sizeof folder, "%s", check_path(name));
    *strrchr(folder, '/') = '\0';
    kin_make_folders(folder, &err);
    kin_png_write(check_path(name), &image, &err);
    kin_image_free(&image);
}

static void put_file(const char *name, const void *data, size_t size)
{
    kin_error err = {0};
    char folder[512];
    snprintf(folder, sizeof folder, "%s", check_path(name));
    *strrchr(folder, '/') = '\0';
    kin_make_folders(folder, &err);
    kin_write_file(check_path(name), data, size, &err);
}

/* Opens and expects an error that holds `part`. */
static void refused(const char *name, const char *classes, const char *part)
{
    kin_dataset set;
    kin_error err = {0};
    CHECK_MSG(!kin_dataset_open(check_path(name),
                                &(kin_dataset_opt){.classes = classes, .labels = classes ? "folder" : NULL},
                                &set, &err),
              "%s was opened", name);
    CHECK_TEXT(err.message, part);
    kin_dataset_free(&set);
}

static void folders(void)
{
    check_begin("data: folders in folders are classes, sorted, with ids from paths");
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 4; i++) {
            char name[64];
            snprintf(name, sizeof name, "shop/%s/view %d.png", c == 2 ? "b/inner" : c ? "b" : "a", i);
            put_picture(name, c * 50 + i, 10);
        }
    put_file("shop/notes.txt", "not a picture", 13);
    kin_dataset set;
    kin_error err = {0};
    const kin_dataset_opt by_folder = {.labels = "folder"};
    CHECK_MSG(kin_dataset_open(check_path("shop"), &by_folder, &set, &err), "%s", err.message);
    CHECK(set.count == 12 && set.classes == 3 && strcmp(set.class_names[2], "b/inner") == 0);
    CHECK_TEXT(set.items[0].id, "a/view 0.png");
    int64_t counts[3];
    kin_dataset_histogram(&set, counts);
    CHECK(counts[0] == 4 && counts[1] == 4 && counts[2] == 4);
    kin_dataset_free(&set);
    CHECK_MSG(kin_dataset_open(check_path("shop"), &(kin_dataset_opt){.classes = "1-", .labels = "folder"},
                               &set, &err),
              "%s", err.message);
    CHECK_MSG(set.classes == 2 && set.count == 8 && set.items[0].label == 1, "%d classes, %d pictures",
              set.classes, (int)set.count);
    kin_dataset_free(&set);
    refused("shop", "1,9", "\"9\" is not a range inside 0-2");
    refused("shop", "x", "not a range");
    refused("shop", ",", "not understood");
    refused("shop:test", NULL, "a folder of class folders, which has no part \"test\"");
    refused("none", NULL, "no such file or folder");
    put_file("empty/readme.txt", "x", 1);
    refused("empty", NULL, "holds no pictures");
    put_picture("same/a/x_y.png", 1, 8);
    put_picture("same/a/x y.png", 1, 8);
    CHECK_MSG(kin_dataset_open(check_path("same"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 2 && strcmp(set.items[0].id, "a/x y.png") == 0);
    kin_dataset_free(&set);
    check_end();
}

static void lists(void)
{
    check_begin("data: lists with and without header, columns in any order, quotes; broken lines by number");
    static const char plain[] = "shop/a/view 0.png,10\n\"shop/b/view 1.png\",9\r\n",
                      named[] = "id,label,path\n1,cup,shop/a/view 0.png\n2,hat,shop/b/view 1.png\n";
    kin_dataset set;
    kin_error err = {0};
    put_file("plain.csv", plain, sizeof plain - 1);
    CHECK_MSG(kin_dataset_open(check_path("plain.csv"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 2 && strcmp(set.class_names[0], "9") == 0 &&
          set.items[0].label == 1); /* numbers sort as numbers */
    kin_image image;
    CHECK(kin_dataset_image(&set, 0, NULL, &image, &err) && image.width == 10);
    kin_image_free(&image);
    kin_dataset_free(&set);
    put_file("named.csv", named, sizeof named - 1);
    CHECK(kin_dataset_open(check_path("named.csv"), NULL, &set, &err) && set.count == 2 &&
          strcmp(set.class_names[1], "hat") == 0);
    kin_dataset_free(&set);
    put_file("short.csv", "a.png,1\nb.png\n", 14);
    refused("short.csv", NULL, "line 2: is not `path,label`");
    put_file("open.csv", "\"a.png,1\n", 9);
    refused("open.csv", NULL, "line 1");
    put_file("long.csv", "a.png,1,2\n", 10);
    refused("long.csv", NULL, "what the others mean is not told");
    put_file("what.csv", "foo,bar\na.png,1\n", 16);
    refused("what.csv", NULL, "names no file that is there, and no column that is known: 'foo'");
    put_file("half.csv", "path,label,x_1,y_1\na.png,1,2,3\n", 31);
    refused("half.csv", NULL, "only 2 of a box's columns");
    put_file("none.csv", "\n\n", 2);
    refused("none.csv", NULL, "names no pictures");
    check_end();
}

static void containers(void)
{
    check_begin("data: IDX and CIFAR by their layout; wrong magic and truncation refused");
    static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 40},
                         labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 0};
    put_file("images/train-images-idx3-ubyte", images, sizeof images);
    put_file("images/train-labels-idx1-ubyte", labels, sizeof labels);
    kin_dataset set;
    kin_error err = {0};
    CHECK_MSG(kin_dataset_open(check_path("images"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 2 && set.width == 2 && set.height == 1 && set.items[0].label == 1 &&
          set.pixels[3] == 40);
    kin_dataset_free(&set);
    refused("images:test", NULL, "has no t10k...idx3-ubyte, which is the part \"test\"");
    refused("images:tset", NULL, "has no part \"tset\"; its parts are train, test");
    put_file("cut/train-images-idx3-ubyte", images, sizeof images - 1);
    refused("cut", NULL, "truncated or damaged");
    uint8_t wrong[sizeof images];
    memcpy(wrong, images, sizeof images);
    wrong[2] = 9;
    put_file("wrong/train-images-idx3-ubyte", wrong, sizeof wrong);
    refused("wrong", NULL, "does not begin with 00 00 08 03");
    memcpy(wrong, images, sizeof images);
    memset(wrong + 4, 255, 12);
    put_file("huge/train-images-idx3-ubyte", wrong, sizeof wrong);
    refused("huge", NULL, "huge/train-images");
    static uint8_t cifar[2 * 3073];
    cifar[0] = 3, cifar[1] = 200, cifar[1 + 1024] = 100, cifar[3073] = 9;
    put_file("c/data_batch_1.bin", cifar, sizeof cifar);
    CHECK(kin_dataset_open(check_path("c"), NULL, &set, &err) && set.count == 2 && set.items[0].label == 3 &&
          set.pixels[0] == 200 && set.pixels[1] == 100);
    kin_dataset_free(&set);
    cifar[0] = 10;
    put_file("bad/data_batch_1.bin", cifar, sizeof cifar);
    refused("bad", NULL, "record 0 has the label 10");
    put_file("odd/data_batch_1.bin", cifar, 3000);
    refused("odd", NULL, "no whole number of records");
    check_end();
}

static void real_cifar(void)
{
    check_begin("data: the CIFAR-10 pictures at hand");
    const char *path = check_data("cifar10");
    if (!path) {
        check_skip("they are not here");
        return;
    }
    kin_dataset set;
    kin_error err = {0};
    CHECK_MSG(kin_dataset_open(path, NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 2000 && set.classes == 10);
    kin_dataset_free(&set);
    check_end();
}

static void pictures(void)
{
    check_begin("data: broken pictures are counted and named, or refused; the middle is cut out");
    put_picture("mixed/a/1.png", 7, 12);
    put_file("mixed/a/2.png", "this is no PNG", 14);
    put_file("mixed/b/3.jpg", "\xff\xd8\xff\xe0jpeg", 8);
    put_picture("mixed/b/4.png", 9, 12);
    kin_dataset set;
    kin_pictures p;
    kin_error err = {0};
    kin_pictures_opt opt = {.size = 6, .channels = 3, .filter = KIN_FILTER_BILINEAR};
    CHECK(kin_dataset_open(check_path("mixed"), NULL, &set, &err));
    CHECK_MSG(kin_pictures_load(&set, &opt, &p, &err), "%s", err.message);
    CHECK(p.count == 2 && p.broken == 2 && p.pixels[0] == 7 && p.pixels[6 * 6 * 3] == 9 &&
          p.items[1].label == 1);
    CHECK_TEXT(p.first_broken.message, "mixed/a/2.png");
    kin_pictures_free(&p);
    opt.strict = true;
    CHECK(!kin_pictures_load(&set, &opt, &p, &err));
    kin_error_clear(&err);
    opt.memory_max = 100;
    CHECK(!kin_pictures_load(&set, &opt, &p, &err));
    CHECK_TEXT(err.message, "smaller --size");
    kin_dataset_free(&set);
    check_end();
}

static void sampling(void)
{
    check_begin("data: P classes with K pictures each, the same for the same step, every class once a pass");
    kin_sample items[60];
    for (int i = 0; i < 60; i++) items[i] = (kin_sample){.label = i % 6};
    kin_sampler s;
    kin_error err = {0};
    int64_t a[12], b[12], seen[6] = {0};
    CHECK(kin_sampler_new(items, 60, 6, &s, &err));
    for (int step = 0; step < 2; step++) {
        CHECK(kin_sampler_pk(&s, 3, 4, 7, step, a, &err) && kin_sampler_pk(&s, 3, 4, 7, step, b, &err) &&
              memcmp(a, b, sizeof a) == 0);
        for (int i = 0; i < 12; i += 4) {
            seen[items[a[i]].label]++;
            for (int j = 0; j < 4; j++) {
                CHECK(items[a[i + j]].label == items[a[i]].label);
                for (int k = 0; k < j; k++) CHECK(a[i + j] != a[i + k]);
            }
        }
    }
    for (int c = 0; c < 6; c++) CHECK(seen[c] == 1);
    CHECK(!kin_sampler_pk(&s, 7, 4, 7, 0, a, &err));
    CHECK_TEXT(err.message, "7 classes cannot be drawn from 6");
    kin_error_clear(&err);
    bool used[60] = {false};
    for (int step = 0; step < 5; step++) {
        CHECK(kin_sampler_plain(&s, 12, 7, step, a, &err));
        for (int i = 0; i < 12; i++) {
            CHECK(!used[a[i]]);
            used[a[i]] = true;
        }
    }
    CHECK(!kin_sampler_plain(&s, 61, 7, 0, a, &err));
    kin_sampler_free(&s);
    check_end();
}

static void balance(void)
{
    check_begin("data: the balanced sampler takes every class equally often and no picture twice in a round");
    enum { N = 30, BATCH = 7, STEPS = 60 };
    static const int sizes[4] = {1, 4, 10, 15};
    kin_sample items[N + 1];
    int label = 0, taken = 0;
    for (int i = 0; i < N; i++, taken++) {
        if (taken == sizes[label]) label++, taken = 0;
        items[i] = (kin_sample){.id = "x", .label = label};
    }
    kin_sampler s;
    kin_error err = {0};
    CHECK(kin_sampler_new(items, N, 5, &s, &err)); /* class 4 has no pictures */
    int64_t a[BATCH], b[BATCH], of_class[4] = {0}, of_picture[N] = {0}, order[BATCH * STEPS];
    for (int step = 0; step < STEPS; step++) {
        kin_sampler_balanced(&s, BATCH, 3, step, a);
        kin_sampler_balanced(&s, BATCH, 3, step, b);
        CHECK(memcmp(a, b, sizeof a) == 0);
        memcpy(order + step * BATCH, a, sizeof a);
        for (int i = 0; i < BATCH; i++) {
            int c = items[a[i]].label;
            of_class[c]++;
            of_picture[a[i]]++;
            /* Within a round no picture comes again, so none is ahead of another by more than one. */
            for (int j = 0; j < N; j++) CHECK(items[j].label != c || of_picture[a[i]] <= of_picture[j] + 1);
        }
    }
    for (int c = 0; c < 4; c++)
        CHECK_MSG(of_class[c] == BATCH * STEPS / 4, "class %d came %d times", c, (int)of_class[c]);
    bool differs = false;
    for (int i = 0; i + 60 < BATCH * STEPS; i++) differs |= order[i] != order[i + 60];
    CHECK(differs);
    kin_sampler_free(&s);
    items[N] = (kin_sample){.id = "stray", .label = -1};
    CHECK(!kin_sampler_new(items, N + 1, 5, &s, &err));
    CHECK_TEXT(err.message, "the picture stray belongs to no class");
    check_end();
}

static void small_classes(void)
{
    check_begin("data: classes with fewer than K pictures give all of theirs, and begin again");
    kin_sample items[5] = {{.label = 0}, {.label = 0}, {.label = 0}, {.label = 1}, {.label = 1}};
    kin_sampler s;
    kin_error err = {0};
    int64_t a[10];
    CHECK(kin_sampler_new(items, 5, 2, &s, &err) && kin_sampler_pk(&s, 2, 5, 1, 0, a, &err));
    for (int i = 0; i < 10; i += 5) {
        int n = items[a[i]].label == 0 ? 3 : 2;
        for (int j = n; j < 5; j++) CHECK(a[i + j] == a[i + j - n]);
        for (int j = 0; j < n; j++)
            for (int k = 0; k < j; k++) CHECK(a[i + j] != a[i + k]);
    }
    kin_sampler_free(&s);
    check_end();
}

static void batches(void)
{
    check_begin("data: batches scale, invert, and augment by key alone, for any number of threads");
    uint8_t pixels[4 * 64];
    for (int i = 0; i < 256; i++) pixels[i] = (uint8_t)i;
    kin_pictures p = {.count = 4, .size = 8, .channels = 1, .pixels = pixels};
    int64_t index[] = {3, 0, 3};
    float a[192], b[192];
    kin_batch_fill(&p, index, 3, &(kin_batch_opt){.invert = true}, a);
    CHECK_CLOSE(a[0], 1 - 192.0 / 255, 1e-6);
    CHECK_CLOSE(a[64 + 5], 1 - 5.0 / 255, 1e-6);
    kin_batch_opt opt = {.key = 5, .flip = true, .shift = 2, .light = 0.2, .erase = 0.5};
    kin_set_threads(1);
    kin_batch_fill(&p, index, 3, &opt, a);
    kin_set_threads(3);
    kin_batch_fill(&p, index, 3, &opt, b);
    kin_set_threads(0);
    CHECK(memcmp(a, b, sizeof a) == 0 && memcmp(a, a + 128, 64 * sizeof *a) == 0);
    opt.key = 6;
    kin_batch_fill(&p, index, 3, &opt, b);
    CHECK(memcmp(a, b, sizeof a) != 0);
    check_end();
}

/* Lists as other programs write them: each is shop/a/view 0.png of class cup and shop/b/view 1.png of hat. */
static void foreign_lists(void)
{
    static const struct {
        const char *what, *text, *remark;
    } forms[] = {
        {"a byte order mark", "\xef\xbb\xbfpath,label\nshop/a/view 0.png,cup\nshop/b/view 1.png,hat\n", NULL},
        {"capitals", "Path,Label\nshop/a/view 0.png,cup\nshop/b/view 1.png,hat\n", NULL},
        {"blanks behind commas", "path, label\nshop/a/view 0.png, cup\n\"shop/b/view 1.png\" , hat\n", NULL},
        {"CR alone", "path,label\rshop/a/view 0.png,cup\rshop/b/view 1.png,hat\r", NULL},
        {"person and camera", "image_path,pid,camid\nshop/a/view 0.png,cup,c1\nshop/b/view 1.png,hat,c2\n",
         NULL},
        {"columns that are not understood",
         "label,file name,score\ncup,shop/a/view 0.png,3\nhat,shop/b/view 1.png,\n",
         "not understood were passed over: 'score'"},
        {"tabs", "path\tlabel\nshop/a/view 0.png\tcup\nshop/b/view 1.png\that\n", NULL},
        {"semicolons", "class;image\r\ncup;shop/a/view 0.png\r\nhat;shop/b/view 1.png\r\n", NULL},
        {"blanks, in columns of some width", "label  path\ncup    mix/a/1.png \nhat  mix/b/1.png\n", NULL},
        {"splits", "path,label,split\nshop/a/view 0.png,cup,train\nshop/b/view 1.png,hat,test\n",
         "its column split tells train, test, and all were taken"},
        {"a line end inside quotes",
         "path,label,note\nshop/a/view 0.png,cup,\"a\nb\"\nshop/b/view 1.png,hat,\n", "'note'"},
    };
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        check_begin("data: a list with %s", forms[f].what);
        kin_dataset set = {0};
        kin_error err = {0};
        put_file("form.csv", forms[f].text, strlen(forms[f].text));
        CHECK_MSG(kin_dataset_open(check_path("form.csv"), NULL, &set, &err), "%s", err.message);
        CHECK(set.count == 2 && set.classes == 2);
        const char *first = strstr(forms[f].text, "mix/") ? "mix/a/1.png" : "shop/a/view 0.png";
        CHECK(set.count == 2 && strcmp(set.items[0].id, first) == 0 && set.items[0].label == 0 &&
              set.items[1].label == 1 && strcmp(set.class_names[1], "hat") == 0);
        CHECK((set.remark != NULL) == (forms[f].remark != NULL));
        if (set.remark && forms[f].remark) CHECK_TEXT(set.remark, forms[f].remark);
        if (strstr(forms[f].text, "camid")) CHECK(set.items[0].camera == 1 && set.items[1].camera == 2);
        kin_dataset_free(&set);
        check_end();
    }
    check_begin("data: a part of a list by its column split");
    kin_dataset set = {0};
    kin_error err = {0};
    const char *splits = "path,label,split\nshop/a/view 0.png,cup,train\nshop/b/view 1.png,hat,test\n";
    put_file("form.csv", splits, strlen(splits));
    CHECK_MSG(kin_dataset_open(check_path("form.csv:test"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 1 && set.classes == 1 && strcmp(set.class_names[0], "hat") == 0);
    kin_dataset_free(&set);
    refused("form.csv:val", NULL, "has no part \"val\"; its column split says train, test");
    const char *others = "path,label,split\nshop/a/view 0.png,cup,training\nshop/b/view 1.png,hat,Testing\n";
    put_file("form.csv", others, strlen(others));
    CHECK_MSG(kin_dataset_open(check_path("form.csv:test"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 1 && set.classes == 1 && strcmp(set.class_names[0], "hat") == 0);
    kin_dataset_free(&set);
    check_end();
    check_begin("data: is_query and is_gallery are roles, of which a row may have both");
    const char *flags =
        "path,label,is_query,is_gallery\nshop/a/view 0.png,1,True,True\nshop/a/view 1.png,1,0,1\n"
        "shop/a/view 2.png,1,,\n";
    put_file("flags.csv", flags, strlen(flags));
    CHECK_MSG(kin_dataset_open(check_path("flags.csv"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 3 && set.items[0].role == KIN_ROLE_BOTH && set.items[1].role == KIN_ROLE_GALLERY &&
          set.items[2].role == KIN_ROLE_NONE);
    kin_dataset_free(&set);
    CHECK_MSG(kin_dataset_open(check_path("flags.csv:query"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 1 && set.items[0].role == KIN_ROLE_QUERY);
    kin_dataset_free(&set);
    CHECK_MSG(kin_dataset_open(check_path("flags.csv:gallery"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 2 && set.items[0].role == KIN_ROLE_GALLERY && set.items[1].role == KIN_ROLE_GALLERY);
    kin_dataset_free(&set);
    const char *words = "path,label,role\nshop/a/view 0.png,1,both\nshop/a/view 1.png,1,Query\n",
               *all = "path,label,role\nshop/a/view 0.png,1,both\nshop/a/view 1.png,1,both\n";
    put_file("words.csv", words, strlen(words));
    CHECK_MSG(kin_dataset_open(check_path("words.csv"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 2 && set.items[0].role == KIN_ROLE_BOTH && set.items[1].role == KIN_ROLE_QUERY);
    kin_dataset_free(&set);
    put_file("words.csv", all, strlen(all)); /* such a list divides nothing */
    CHECK_MSG(kin_dataset_open(check_path("words.csv"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 2 && set.items[0].role == KIN_ROLE_NONE && set.items[1].role == KIN_ROLE_NONE);
    kin_dataset_free(&set);
    const char *neither = "path,role\nshop/a/view 0.png,neither\n";
    put_file("words.csv", neither, strlen(neither));
    refused("words.csv", NULL, "query, gallery, both or nothing was expected");
    check_end();
    check_begin("data: bare paths are pictures without classes, whatever their names hold");
    put_picture("shop/a,b\"c.png", 1, 8);
    const char *bare = "shop/a,b\"c.png\nshop/b/view 1.png\r\n";
    put_file("bare.txt", bare, strlen(bare));
    CHECK_MSG(kin_dataset_open(check_path("bare.txt"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 2 && set.classes == 0 && set.items[1].label == -1 &&
          strcmp(set.items[0].id, "shop/a,b\"c.png") == 0);
    kin_dataset_free(&set);
    put_picture("flat/1.png", 1, 8), put_picture("flat/2.png", 1, 8);
    put_file("pair.txt", "flat/1.png 7\nflat/2.png 8\n", 26);
    CHECK_MSG(kin_dataset_open(check_path("pair.txt"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 2 && set.classes == 2 && strcmp(set.class_names[1], "8") == 0);
    kin_dataset_free(&set);
    check_end();
    check_begin("data: boxes of a list are cut out, several of one picture");
    const char *boxes =
        "path,label,x_1,y_1,x_2,y_2\nshop/a/view 0.png,1,2,3,6,8.5\nshop/a/view 0.png,2,0,0,4,4\n"
        "shop/b/view 1.png,2,,,,\n";
    put_file("boxes.csv", boxes, strlen(boxes));
    CHECK_MSG(kin_dataset_open(check_path("boxes.csv"), NULL, &set, &err), "%s", err.message);
    kin_image image = {0};
    CHECK(set.count == 3 && kin_dataset_image(&set, 0, NULL, &image, &err) && image.width == 4 &&
          image.height == 6);
    kin_image_free(&image);
    CHECK(set.count == 3 && strcmp(set.items[1].id, "shop/a/view 0.png@0,0,4,4") == 0 &&
          set.items[2].box.width == 0);
    kin_dataset_free(&set);
    put_file("boxes.csv", "path,label,x1,y1,x2,y2\na.png,1,5,0,2,2\n", 40);
    refused("boxes.csv", NULL, "line 2: is no box");
    const char *one = "path,box\nshop/a/view 0.png,1 2 3.5 6\nshop/a/view 0.png,0 0  4 4\n",
               *five = "path,box\nshop/a/view 0.png,0 0 4 4 9\n";
    put_file("box.csv", one, strlen(one));
    CHECK_MSG(kin_dataset_open(check_path("box.csv"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 2 && strcmp(set.items[1].id, "shop/a/view 0.png@0,0,4,4") == 0 &&
          set.items[0].box.width == 3 && set.items[1].box.height == 4);
    kin_dataset_free(&set);
    put_file("box.csv", five, strlen(five));
    refused("box.csv", NULL, "line 2: \"0 0 4 4 9\" is no box: the four numbers");
    check_end();
}

/* A copy under another name. */
static void copy_picture(const char *from, const char *to)
{
    kin_bytes bytes = {0};
    kin_error err = {0};
    CHECK(kin_read_file(check_path(from), 0, &bytes, &err));
    put_file(to, bytes.data, bytes.size);
    kin_bytes_free(&bytes);
}

static void contents(void)
{
    check_begin(
        "data: folders are looked into: pictures by content, and what is passed over is counted by reason");
    put_picture("mix/a/1.png", 1, 8), put_picture("mix/b/1.png", 2, 8);
    copy_picture("mix/a/1.png", "mix/a/2.jfif"), copy_picture("mix/a/1.png", "mix/a/3");
    put_file("mix/a/4.dat", "P5\n2 1\n255\nab", 13);
    put_file("mix/a/notes.txt", "P5 is a paper size, BM a firm", 29);
    put_file("mix/b/BM.txt", "BMW and others: a long line of text", 35);
    put_file("mix/b/x.data",
             "\0\0\0\x18"
             "ftypheic....",
             16);
    char path[600];
    snprintf(path, sizeof path, "%s", check_path("mix/b/pipe.png"));
    CHECK(mkfifo(path, 0600) == 0);
    snprintf(path, sizeof path, "%s",
             check_path("mix/train.txt")); /* as GroceryStoreDataset's lists are called */
    CHECK(mkfifo(path, 0600) == 0);
    snprintf(path, sizeof path, "%s", check_path("mix/val.txt"));
    CHECK(mkfifo(path, 0600) == 0);
    snprintf(path, sizeof path, "%s", check_path("mix/b/gone.png"));
    CHECK(symlink("nowhere", path) == 0);
    snprintf(path, sizeof path, "%s", check_path("mix/b/round"));
    CHECK(symlink("..", path) == 0);
    kin_dataset set;
    kin_error err = {0};
    CHECK_MSG(kin_dataset_open(check_path("mix"), NULL, &set, &err), "%s", err.message);
    CHECK_MSG(set.count == 5 && set.classes == 2, "%d pictures, %d classes", (int)set.count, set.classes);
    CHECK(set.remark != NULL);
    if (set.remark) {
        CHECK_TEXT(set.remark, "2 no pictures (notes.txt, ...)");
        CHECK_TEXT(set.remark, "1 of kinds that are not read (x.data)");
        CHECK_TEXT(set.remark, "3 no files but pipes, sockets or devices (pipe.png, ...)");
        CHECK_TEXT(set.remark, "1 links that lead nowhere (gone.png)");
        CHECK_TEXT(set.remark, "1 links to a folder that they lie in (round)");
    }
    kin_dataset_free(&set);
    check_end();
    check_begin("data: a picture by itself is a set of one");
    CHECK_MSG(kin_dataset_open(check_path("mix/a/3"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 1 && set.classes == 0 && set.items[0].label == -1 &&
          strcmp(set.kind, "a picture") == 0);
    kin_dataset_free(&set);
    check_end();
    check_begin("data: a pipe that a list names is refused, and nothing waits for it");
    const char *list = "path,label\nmix/b/pipe.png,1\n";
    put_file("pipes.csv", list, strlen(list));
    kin_image image;
    CHECK(kin_dataset_open(check_path("pipes.csv"), NULL, &set, &err));
    CHECK(!kin_dataset_image(&set, 0, NULL, &image, &err));
    CHECK_TEXT(err.message, "pipe.png: is no file but a pipe");
    kin_dataset_free(&set);
    check_end();
}

static void parts(void)
{
    check_begin("data: folders train, val and test are parts, and classes are named below them");
    put_picture("split/train/a/1.png", 1, 8), put_picture("split/train/b/1.png", 2, 8);
    put_picture("split/val/a/2.png", 3, 8), put_picture("split/Test/c/1.png", 4, 8);
    put_picture("split/Test/a/3.png", 4, 8), put_picture("split/more/a/1.png", 5, 8);
    kin_dataset set;
    kin_error err = {0};
    CHECK_MSG(kin_dataset_open(check_path("split"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 2 && set.classes == 2 && strcmp(set.class_names[0], "a") == 0 &&
          strcmp(set.items[0].id, "train/a/1.png") == 0);
    CHECK(set.remark != NULL);
    if (set.remark) CHECK_TEXT(set.remark, "of which train was taken");
    if (set.remark) CHECK_TEXT(set.remark, "1 outside of its parts (more/a/1.png)");
    kin_dataset_free(&set);
    CHECK_MSG(kin_dataset_open(check_path("split:test"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 2 && set.classes == 2 && strcmp(set.class_names[1], "c") == 0);
    kin_dataset_free(&set);
    CHECK_MSG(kin_dataset_open(check_path("split:all"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 5 && set.classes == 3);
    kin_dataset_free(&set);
    refused("split:dev", NULL, "has no part \"dev\"; its folders are the parts train, val, test, all");
    put_picture("sides/query/a/1.png", 1, 8), put_picture("sides/gallery/a/2.png", 1, 8);
    put_picture("sides/gallery/b/3.png", 1, 8);
    CHECK_MSG(kin_dataset_open(check_path("sides"), NULL, &set, &err), "%s", err.message);
    CHECK(set.count == 3 && set.classes == 2 && set.items[0].role == KIN_ROLE_GALLERY &&
          set.items[2].role == KIN_ROLE_QUERY && strcmp(set.part, "all") == 0);
    kin_dataset_free(&set);
    check_end();
}

static void labels(void)
{
    static const struct {
        const char *path, *labels;
        int classes;
        const char *unlabelled;
    } sets[] = {
        {"loose", NULL, 0, "pictures lie in the folder itself"},
        {"loose/x", NULL, 0, "pictures lie in the folder itself"},
        {"loose", "folder", 4, NULL},
        {"loose/nest", NULL, 0, "lie inside others that hold pictures too"},
        {"mix", NULL, 2, NULL},
        {"mix", "none", 0, "--labels none"},
        {"loose/x", "{}_*", 2, NULL},
        {"mix", "{}/*", 2, NULL},
    };
    put_picture("loose/1.png", 1, 8), put_picture("loose/x/k1_1.png", 1, 8),
        put_picture("loose/x/k1_2.png", 1, 8);
    put_picture("loose/x/k2_1.png", 1, 8);
    put_picture("loose/nest/in/1.png", 1, 8), put_picture("loose/nest/in/side/2.png", 1, 8);
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        check_begin("data: the classes of %s by --labels %s", sets[s].path,
                    sets[s].labels ? sets[s].labels : "nothing");
        kin_dataset set;
        kin_error err = {0};
        int want = sets[s].classes;
        CHECK_MSG(kin_dataset_open(check_path(sets[s].path), &(kin_dataset_opt){.labels = sets[s].labels},
                                   &set, &err),
                  "%s", err.message);
        CHECK_MSG(set.classes == want, "%d classes, not %d", set.classes, want);
        CHECK((set.unlabelled != NULL) == (sets[s].unlabelled != NULL));
        if (set.unlabelled && sets[s].unlabelled) CHECK_TEXT(set.unlabelled, sets[s].unlabelled);
        kin_dataset_free(&set);
        check_end();
    }
    check_begin("data: labels from a list, by id or by name, and what it leaves out is told");
    char list[600];
    const char *text = "filename,label\nk1_1.png,cup\nk2_1.png,hat\nelse.png,hat\n";
    put_file("labels.csv", text, strlen(text));
    snprintf(list, sizeof list, "%s", check_path("labels.csv"));
    kin_dataset set;
    kin_error err = {0};
    CHECK_MSG(kin_dataset_open(check_path("loose/x"), &(kin_dataset_opt){.labels = list}, &set, &err), "%s",
              err.message);
    CHECK(set.count == 3 && set.classes == 2 && set.items[1].label == -1 && set.items[2].label == 1);
    CHECK(set.remark != NULL);
    if (set.remark) CHECK_TEXT(set.remark, "gives no label to 1 of 3 pictures");
    kin_dataset_free(&set);
    CHECK(!kin_dataset_open(check_path("mix"), &(kin_dataset_opt){.labels = list}, &set, &err));
    CHECK_TEXT(err.message, "names none of the pictures");
    kin_error_clear(&err);
    CHECK(!kin_dataset_open(check_path("mix"), &(kin_dataset_opt){.labels = "floder"}, &set, &err));
    CHECK_TEXT(err.message, "a pattern with {} where the label stands");
    kin_error_clear(&err);
    put_file("twice.csv", "loose/1.png\nloose/1.png\n", 24);
    CHECK(!kin_dataset_open(check_path("twice.csv"), &(kin_dataset_opt){.labels = list}, &set, &err));
    CHECK_TEXT(err.message, "two pictures have the id \"loose/1.png\"");
    kin_error_clear(&err);
    CHECK(!kin_dataset_open(check_path("loose/x"), &(kin_dataset_opt){.classes = "0-1"}, &set, &err));
    CHECK_TEXT(err.message, "there are none to choose from");
    check_end();
}

int main(void)
{
    folders();
    lists();
    contents();
    foreign_lists();
    parts();
    labels();
    containers();
    real_cifar();
    pictures();
    sampling();
    balance();
    small_classes();
    batches();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
