/* Data sets known by name, on miniature trees of their layouts: recognised, parted by the published rules,
 * refused by line. */
#include "base/memory.h"
#include "base/text.h"
#include "data/images/inflate.h"
#include "data/sets/known.h"
#include "data/sets/matfile.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

static void put(const char *name, const void *data, size_t size)
{
    kin_error err = {0};
    char folder[512];
    snprintf(folder, sizeof folder, "%s", check_path(name));
    *strrchr(folder, '/') = '\0';
    kin_make_folders(folder, &err);
    CHECK_MSG(kin_write_file(check_path(name), data, size, &err), "%s", err.message);
}

static void put_text(const char *name, const char *text) { put(name, text, strlen(text)); }

static void copy_golden(const char *golden, const char *name)
{
    kin_bytes bytes;
    kin_error err = {0};
    char path[256];
    snprintf(path, sizeof path, "tests/golden/%s", golden);
    CHECK_MSG(kin_read_file(path, 0, &bytes, &err), "%s", err.message);
    put(name, bytes.data, bytes.size);
    kin_bytes_free(&bytes);
}

static kin_dataset opened(const char *name, const char *kind, int64_t count, int classes)
{
    kin_dataset set;
    kin_error err = {0};
    CHECK_MSG(kin_dataset_open(check_path(name), NULL, &set, &err), "%s", err.message);
    if (kin_failed(&err)) return set;
    CHECK_MSG(strcmp(set.kind, kind) == 0, "%s is %s", name, set.kind);
    CHECK_MSG(set.count == count && set.classes == classes, "%s: %lld pictures, %d classes", name,
              (long long)set.count, set.classes);
    return set;
}

static void counted(const char *name, const char *kind, int64_t count, int classes)
{
    kin_dataset set = opened(name, kind, count, classes);
    kin_dataset_free(&set);
}

static void refused(const char *name, const char *part)
{
    kin_dataset set;
    kin_error err = {0};
    CHECK_MSG(!kin_dataset_open(check_path(name), NULL, &set, &err), "%s was opened", name);
    CHECK_TEXT(err.message, part);
    kin_dataset_free(&set);
}

/* Whichever allocation fails, opening says so and leaves nothing behind. */
static void survives_failures(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s", check_path(name));
    for (long n = 1;; n++) {
        kin_dataset set;
        kin_error err = {0};
        long live = kin_alloc_live();
        kin_alloc_fail_at(n);
        bool ok = kin_dataset_open(path, NULL, &set, &err), happened = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        kin_dataset_free(&set);
        CHECK_MSG(kin_alloc_live() == live, "%s: allocation %ld leaves %ld blocks", name, n,
                  kin_alloc_live() - live);
        CHECK_MSG(ok || kin_failed(&err), "%s: allocation %ld fails in silence", name, n);
        if (!happened) return;
    }
}

static void sop(void)
{
    check_begin("datasets: Stanford Online Products by its two lists; broken lines by number");
    put_text("sop/Ebay_train.txt", "image_id class_id super_class_id path\n1 1 1 bicycle_final/a_0.JPG\r\n2 "
                                   "1 1 bicycle_final/a_1.JPG\n\n3 2 1 bicycle_final/b_0.JPG\n");
    put_text(
        "sop/Ebay_test.txt",
        "image_id class_id super_class_id path\n4 10 1 chair_final/c_0.JPG\n5 9 1 chair_final/d_0.JPG\n");
    kin_dataset set = opened("sop", "Stanford Online Products", 3, 2);
    CHECK_TEXT(set.items[2].path, "sop/bicycle_final/b_0.JPG");
    CHECK(set.items[2].label == 1 && set.items[2].camera == -1 && set.items[2].role == KIN_ROLE_NONE &&
          strcmp(set.part, "train") == 0);
    kin_dataset_free(&set);
    set = opened("sop:test", "Stanford Online Products", 2, 2);
    CHECK(strcmp(set.class_names[0], "9") == 0 && set.items[0].label == 1); /* numbers sort as numbers */
    kin_dataset_free(&set);
    refused("sop:query", "has no part \"query\"; its parts are train, test");
    survives_failures("sop");
    static const struct {
        const char *line, *part;
    } bad[] = {
        {"1 1 1", "line 2: is not `image_id class_id super_class_id path`"},
        {"1 1 1 a b", "line 2: is not `image_id"},
        {"1 x 1 a.JPG", "line 2: the class_id is \"x\"; a number from 1"},
        {"0 1 1 a.JPG", "the image_id is \"0\""},
        {"1 99999999999 1 a.JPG", "the class_id is \"99999999999\""},
        {"1 1 1 /etc/passwd", "line 2: the path \"/etc/passwd\" leads out of"},
        {"1 1 1 a/../../b.JPG", "line 2: the path \"a/../../b.JPG\" leads out of"},
        {"1 1 1 a.JPG\n2 1 1 a.JPG", "line 3: the picture \"a.JPG\" stands on line 2 already"},
        {"", "its part \"train\" has no pictures"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[200];
        snprintf(text, sizeof text, "image_id class_id super_class_id path\n%s\n", bad[i].line);
        put_text("sop/Ebay_train.txt", text);
        refused("sop", bad[i].part);
    }
    put("sop/Ebay_train.txt", "1 1 1 a\0b\n", 10);
    refused("sop", "line 1: holds a zero byte");
    check_end();
}

static void inshop(void)
{
    check_begin("datasets: In-Shop with its queries and gallery, wherever its list and pictures lie");
    static const char list[] =
        "5\nimage_name item_id evaluation_status\nimg/W/a.jpg id_00000001 train\nimg/W/b.jpg id_00000002 "
        "query\n"
        "img/W/c.jpg   id_00000002 gallery\nimg/W/d.jpg id_00000003 query\nimg/W/e.jpg id_00000003 gallery\n";
    put_text("inshop/Eval/list_eval_partition.txt", list);
    put_text("inshop/img/W/a.jpg", "");
    counted("inshop", "In-Shop Clothes Retrieval", 1, 1);
    counted("inshop:query", "In-Shop Clothes Retrieval", 2, 2);
    counted("inshop:gallery", "In-Shop Clothes Retrieval", 2, 2);
    kin_dataset set = opened("inshop:test", "In-Shop Clothes Retrieval", 4, 2);
    CHECK(set.items[0].role == KIN_ROLE_QUERY && set.items[1].role == KIN_ROLE_GALLERY &&
          set.items[1].label == set.items[0].label);
    CHECK_TEXT(set.items[0].path, "inshop/img/W/b.jpg");
    kin_dataset_free(&set);
    survives_failures("inshop:test");
    put_text("anno/Anno/list_eval_partition.txt", list);
    put_text("anno/Img/img/W/a.jpg", "");
    set = opened("anno", "In-Shop Clothes Retrieval", 1, 1);
    CHECK_TEXT(set.items[0].path, "anno/Img/img/W/a.jpg");
    kin_dataset_free(&set);
    put_text("flat/list_eval_partition.txt", list);
    put_text("flat/Img/W/a.jpg", "");
    set = opened("flat", "In-Shop Clothes Retrieval", 1, 1);
    CHECK_TEXT(set.items[0].path, "flat/Img/W/a.jpg");
    kin_dataset_free(&set);
    put_text("flat/list_eval_partition.txt",
             "2\nimage_name item_id evaluation_status\nimg/W/a.jpg id_1 train\n");
    refused("flat", "promises 2 pictures, but 1 follow");
    put_text("flat/list_eval_partition.txt",
             "1\nimage_name item_id evaluation_status\nimg/W/a.jpg id_1 val\n");
    refused("flat", "line 3: the evaluation_status is \"val\"");
    put_text("flat/list_eval_partition.txt", "many\n");
    refused("flat", "line 1: the number of pictures is \"many\"");
    put_text("flat/list_eval_partition.txt", "");
    refused("flat", "is empty");
    check_end();
}

/* 101 classes with a picture each, and a second one of the first and last. */
static void put_cub(const char *folder)
{
    static char images[8192], labels[2048], classes[4096], split[2048], boxes[4096], name[64];
    size_t i = 0, l = 0, c = 0, s = 0, b = 0;
    for (int n = 1; n <= 103; n++) {
        int label = n <= 101 ? n : n == 102 ? 1 : 101;
        if (n <= 101)
            c += (size_t)snprintf(classes + c, sizeof classes - c, "%d %03d.Bird_%d\n", n, n, 200 - n);
        i += (size_t)snprintf(images + i, sizeof images - i, "%d %03d.Bird/%d.png\n", n, label, n);
        l += (size_t)snprintf(labels + l, sizeof labels - l, "%d %d\n", n, label);
        s += (size_t)snprintf(split + s, sizeof split - s, "%d %d\n", n, n % 2);
        b += (size_t)snprintf(boxes + b, sizeof boxes - b, "%d 2.0 1.0 3.0 %d.0\n", n, n == 1 ? 2 : 100);
    }
    const struct {
        const char *name, *text;
    } files[] = {{"images.txt", images},
                 {"image_class_labels.txt", labels},
                 {"classes.txt", classes},
                 {"train_test_split.txt", split},
                 {"bounding_boxes.txt", boxes}};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        snprintf(name, sizeof name, "%s/%s", folder, files[f].name);
        put_text(name, files[f].text);
    }
}

static void cub(void)
{
    check_begin(
        "datasets: CUB-200-2011 by classes and by its own split, boxes cut out; its lists must agree");
    put_cub("cub");
    kin_dataset set = opened("cub", "CUB-200-2011", 101, 100);
    CHECK(strcmp(set.class_names[0], "001.Bird_199") == 0 && set.items[100].label == 0 &&
          set.items[0].box.width == 0);
    CHECK_TEXT(set.items[0].path, "cub/images/001.Bird/1.png");
    kin_dataset_free(&set);
    set = opened("cub:test", "CUB-200-2011", 2, 1);
    CHECK(strcmp(set.class_names[0], "101.Bird_99") == 0);
    kin_dataset_free(&set);
    counted("cub:classify-train", "CUB-200-2011", 52, 51);
    counted("cub:classify-test", "CUB-200-2011", 51, 51);
    set = opened("cub:train-box", "CUB-200-2011", 101, 100);
    kin_image image;
    kin_error err = {0};
    CHECK(kin_image_new(&image, 10, 4, 1, &err));
    for (int i = 0; i < 40; i++) image.data[i] = (uint8_t)i;
    put_text("cub/images/001.Bird/x", "");
    put_text("cub/images/002.Bird/x", "");
    kin_png_write(set.items[0].path, &image, &err);
    kin_png_write(set.items[1].path, &image, &err);
    kin_image_free(&image);
    CHECK_MSG(kin_dataset_image(&set, 0, NULL, &image, &err), "%s", err.message);
    CHECK(image.width == 3 && image.height == 2 && image.data[0] == 12 && image.data[5] == 24);
    kin_image_free(&image);
    /* the box reaches below the picture */
    CHECK(kin_dataset_image(&set, 1, NULL, &image, &err) && image.width == 3 && image.height == 3);
    kin_image_free(&image);
    set.items[1].box.x = 10;
    CHECK(!kin_dataset_image(&set, 1, NULL, &image, &err));
    CHECK_TEXT(err.message, "its box begins at (10, 1)");
    kin_dataset_free(&set);
    survives_failures("cub:classify-train-box");
    static const struct {
        const char *file, *text, *name, *part;
    } bad[] = {
        {"cub/image_class_labels.txt", "1 102\n", "cub",
         "image_class_labels.txt: line 1: the class_id is \"102\"; a number from 1 to 101"},
        {"cub/image_class_labels.txt", "104 1\n", "cub", "the image_id is \"104\"; a number from 1 to 103"},
        {"cub/image_class_labels.txt", "1 1\n1 1\n", "cub",
         "line 2: the image_id 1 has been told of already"},
        {"cub/image_class_labels.txt", "2 1\n", "cub",
         "images.txt: line 1: image_class_labels.txt does not tell of the image_id 1"},
        {"cub/train_test_split.txt", "1 2\n", "cub:classify-test", "the is_training is \"2\""},
        {"cub/bounding_boxes.txt", "1 0 0 -3 4\n", "cub:test-box", "\"-3\" is no side of a box"},
        {"cub/bounding_boxes.txt", "1 0 0 nan 4\n", "cub:test-box", "\"nan\" is no side of a box"},
        {"cub/classes.txt", "1 a\n3 b\n", "cub",
         "classes.txt: line 2: the class_id is 3; ids count up from 1, and 2 was expected"},
        {"cub/classes.txt", "", "cub", "names no classes"},
        {"cub/images.txt", "1 ../a.png\n", "cub", "images.txt: line 1: the path \"../a.png\" leads out of"},
        {"cub/images.txt", "1 a.png\n2 a.png\n", "cub",
         "images.txt: line 2: the picture \"images/a.png\" stands on line 1 already"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_cub("cub");
        put_text(bad[i].file, bad[i].text);
        if (strcmp(bad[i].file, "cub/images.txt") == 0)
            put_text("cub/image_class_labels.txt", strstr(bad[i].text, "\n2") ? "1 1\n2 1\n" : "1 1\n");
        refused(bad[i].name, bad[i].part);
    }
    check_end();
}

static void cars(void)
{
    check_begin("datasets: Cars-196 out of a MAT-file as SciPy writes it, packed or not");
    copy_golden("cars_annos.mat", "cars/cars_annos.mat");
    kin_dataset set = opened("cars", "Cars-196", 8, 4);
    CHECK_TEXT(set.items[0].path, "cars/car_ims/000001.jpg");
    CHECK(strcmp(set.class_names[3], "Maker 3 Caf\xc3\xa9 Coupe") == 0 && set.items[7].label == 3);
    kin_dataset_free(&set);
    counted("cars:test", "Cars-196", 4, 2);
    counted("cars:classify-train", "Cars-196", 6, 6);
    set = opened("cars:classify-test-box", "Cars-196", 6, 6);
    kin_box box = set.items[0].box; /* of the second picture: from (2, 2) to (301, 6), counted from 1 */
    CHECK(box.x == 1 && box.y == 1 && box.width == 300 && box.height == 5);
    kin_dataset_free(&set);
    survives_failures("cars:test-box");
    copy_golden("cars_annos_plain.mat", "plain/cars_annos.mat");
    counted("plain", "Cars-196", 2, 2);
    copy_golden("big_endian.mat", "bad/cars_annos.mat");
    refused("bad", "lacks the struct array `annotations`");
    put_text("bad/cars_annos.mat", "not a MAT-file");
    refused("bad", "is no MAT-file of level 5");
    kin_bytes bytes;
    kin_error err = {0};
    CHECK(kin_read_file(check_path("plain/cars_annos.mat"), 0, &bytes, &err));
    for (size_t size = 128; size < bytes.size; size += 7) { /* wherever it is cut off */
        kin_arena arena = {0};
        kin_bytes part = {bytes.data, size};
        kin_error_clear(&err);
        const kin_mat *first = kin_mat_parse("cut.mat", &part, &arena, &err);
        CHECK(first || kin_failed(&err));
        CHECK(!first || !kin_mat_variable(first, "ignored"));
        kin_arena_free(&arena);
    }
    kin_bytes_free(&bytes);
    check_end();
}

static void mat(void)
{
    check_begin("datasets: MAT-files: byte order, small elements, types of numbers, UTF-16");
    kin_bytes bytes;
    kin_arena arena = {0};
    kin_error err = {0};
    CHECK(kin_read_file("tests/golden/big_endian.mat", 0, &bytes, &err));
    const kin_mat *first = kin_mat_parse("big.mat", &bytes, &arena, &err),
                  *numbers = kin_mat_variable(first, "numbers");
    CHECK_MSG(first != NULL, "%s", err.message);
    double value = 0;
    CHECK(numbers && numbers->count == 3 && numbers->number[0] == 1.5 && numbers->number[1] == -2 &&
          numbers->number[2] == 1e300);
    CHECK(kin_mat_number(kin_mat_variable(first, "small"), &value) && value == -7);
    const char *text = kin_mat_text(kin_mat_variable(first, "text"));
    CHECK(text && strcmp(text, "n\xc3\xa9") == 0);
    CHECK(!kin_mat_variable(first, "none") && !kin_mat_text(numbers) && !kin_mat_field(numbers, 0, "x") &&
          !kin_mat_number(numbers, &value));
    kin_bytes_free(&bytes);
    kin_arena_free(&arena);
    check_end();
}

/* A compressed element whose content is one of INT8, `size` bytes in all, appended to `to`. */
static bool add_compressed(kin_text *to, size_t size)
{
    uint8_t *inside = kin_alloc_zero(1, size), tag[8] = {15};
    kin_bytes packed = {0};
    size_t rest = size - 8;
    if (!inside) return false;
    inside[0] = 1;
    for (int i = 0; i < 4; i++) inside[4 + i] = (uint8_t)(rest >> 8 * i);
    bool ok = kin_zlib_pack(inside, size, &packed, NULL);
    for (int i = 0; i < 4; i++) tag[4 + i] = (uint8_t)(packed.size >> 8 * i);
    kin_text_add_bytes(to, tag, sizeof tag);
    kin_text_add_bytes(to, packed.data, packed.size);
    kin_bytes_free(&packed);
    kin_free(inside);
    return ok && !to->failed;
}

static void mat_bomb(void)
{
    check_begin("datasets: a MAT-file unpacks to 64 MiB in all, no matter in how many elements");
    static const size_t second[] = {8, 1 << 20};
    for (int i = 0; i < 2; i++) {
        uint8_t head[128] = {[124] = 0, 1, 'I', 'M'};
        kin_text file = {0};
        kin_arena arena = {0};
        kin_error err = {0};
        kin_text_add_bytes(&file, head, sizeof head);
        CHECK(add_compressed(&file, (size_t)64 << 20) && add_compressed(&file, second[i]));
        CHECK(!kin_mat_parse("bomb.mat", &(kin_bytes){(uint8_t *)file.data, file.size}, &arena, &err));
        CHECK_TEXT(err.message, "unpacks to more than");
        kin_text_free(&file);
        kin_arena_free(&arena);
    }
    check_end();
}

static void market(void)
{
    check_begin("datasets: Market-1501 by its names: junk is left out, distractors have no class");
    static const char *const files[] = {"bounding_box_train/0001_c1s1_000001_01.jpg",
                                        "bounding_box_train/0001_c2s1_000001_01.jpg",
                                        "bounding_box_train/0007_c12_f0044158.jpg",
                                        "query/0002_c1s1_000451_00.jpg",
                                        "query/0005_c3s2_000451_00.jpg",
                                        "bounding_box_test/0002_c3s1_000451_03.jpg",
                                        "bounding_box_test/-1_c1s1_000401_03.jpg",
                                        "bounding_box_test/0000_c6s1_002001_01.jpg",
                                        "bounding_box_test/0005_c3s1_000451_03.jpg",
                                        "bounding_box_test/Thumbs.db"};
    char name[128];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(name, sizeof name, "market/%s", files[i]);
        put_text(name, "");
    }
    kin_dataset set = opened("market", "Market-1501", 3, 2);
    CHECK(set.items[1].camera == 2 && set.items[2].camera == 12 && strcmp(set.class_names[0], "0001") == 0);
    kin_dataset_free(&set);
    counted("market:query", "Market-1501", 2, 2);
    counted("market:gallery", "Market-1501", 3, 2);
    set = opened("market:test", "Market-1501", 5, 2);
    CHECK(set.items[0].role == KIN_ROLE_QUERY && set.items[2].role == KIN_ROLE_GALLERY &&
          set.items[2].label == -1 && set.items[2].camera == 6 && set.items[3].label == 0);
    kin_dataset_free(&set);
    kin_error err = {0};
    CHECK(kin_dataset_open(check_path("market:test"), &(kin_dataset_opt){.classes = "0"}, &set, &err) &&
          set.count == 3 && set.classes == 1); /* distractors stay */
    kin_dataset_free(&set);
    survives_failures("market:test");
    put_text("market/query/portrait.jpg", "");
    refused("market:query", "query/portrait.jpg: its name is not like 0002_c1s1_000451_03.jpg");
    check_end();
}

static void grocery(void)
{
    check_begin("datasets: GroceryStoreDataset: fine and coarse classes, named by its table; other sets' "
                "train.txt are no reason");
    put_text("grocery/train.txt",
             "train/Fruit/a_1.jpg, 0, 0\ntrain/Fruit/b_1.jpg, 1, 0\ntrain/Veg/c 1.jpg, 2, 1\n");
    put_text("grocery/val.txt", "val/Veg/c_2.jpg, 2, 1\n");
    put_text("grocery/classes.csv",
             "Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID "
             "(int),Iconic\nGolden,0,Apple,0,x\nGranny,1,Apple,0,x\nAsparagus,2,Asparagus,1,x\n");
    kin_dataset set = opened("grocery", "GroceryStoreDataset", 3, 3);
    CHECK(strcmp(set.class_names[2], "Asparagus") == 0 && set.items[2].label == 2);
    CHECK_TEXT(set.items[2].path, "train/Veg/c 1.jpg");
    kin_dataset_free(&set);
    counted("grocery:train-coarse", "GroceryStoreDataset", 3, 2);
    counted("grocery:train+val", "GroceryStoreDataset", 4, 3);
    set = opened("grocery:val-coarse", "GroceryStoreDataset", 1, 1);
    CHECK(strcmp(set.class_names[0], "Asparagus") == 0);
    kin_dataset_free(&set);
    refused("grocery:test", "has no test.txt");
    refused("grocery:tset", "its parts are train, val, test, train+val, train-coarse");
    survives_failures("grocery:train+val");
    put_text("grocery/val.txt", "val/Veg/c_2.jpg, 2, 1\nval/Veg/c_3.jpg, 2\n");
    refused("grocery:val", "val.txt: line 2: is not `path, fine class, coarse class`");
    put_text("grocery/val.txt", "val/Veg/c_2.jpg, 2, 1\nval/Veg/c_3.jpg, -2, 1\n");
    refused("grocery:val", "line 2: the fine class is \"-2\"");
    put_text("other/train.txt", "a.png\n");
    put_text("other/val.txt", "b.png\n");
    put_text("other/k/a.png", "");
    counted("other", "a folder of pictures without classes", 1, 0);
    refused("other:train", "only data sets known by name, and folders train, val, test in it, are parts");
    check_end();
}

static void omniglot(void)
{
    check_begin("datasets: Omniglot by its two folders, or one of them alone");
    for (int i = 0; i < 3; i++) {
        char name[128];
        snprintf(name, sizeof name, "omni/images_background/Greek/character01/0001_%02d.png", i);
        put_text(name, "");
        snprintf(name, sizeof name, "omni/images_evaluation/Angelic/character%02d/0965_01.png", i + 1);
        put_text(name, "");
    }
    kin_dataset set = opened("omni", "Omniglot", 3, 1);
    CHECK(strcmp(set.class_names[0], "Greek/character01") == 0 &&
          strcmp(set.items[0].id, "Greek/character01/0001_00.png") == 0);
    kin_dataset_free(&set);
    counted("omni:evaluation", "Omniglot", 3, 3);
    counted("omni/images_evaluation", "Omniglot", 3, 3);
    refused("omni/images_background:evaluation", "is one folder of Omniglot's alphabets");
    check_end();
}

static void cifar(void)
{
    check_begin("datasets: CIFAR-100's fine and coarse labels, CIFAR-10's halves, names from their lists");
    enum { TEN = 3073, HUNDRED = 3074 };
    static uint8_t ten[2 * TEN], hundred[3 * HUNDRED];
    ten[0] = 9, ten[TEN] = 1;
    hundred[0] = 19, hundred[1] = 99, hundred[HUNDRED] = 4, hundred[HUNDRED + 1] = 0,
    hundred[2 * HUNDRED] = 4, hundred[2 * HUNDRED + 1] = 7;
    put("c10/data_batch_1.bin", ten, sizeof ten);
    put("c10/data_batch_2.bin", ten, sizeof ten);
    put("c10/test_batch.bin", ten, TEN);
    put_text("c10/batches.meta.txt",
             "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
    kin_dataset set = opened("c10", "CIFAR-10", 4, 10);
    CHECK(set.items[3].label == 1 && strcmp(set.class_names[9], "truck") == 0);
    kin_dataset_free(&set);
    counted("c10:test", "CIFAR-10", 1, 10);
    counted("c10/test_batch.bin", "a CIFAR file", 1, 10);
    survives_failures("c10");
    put("c100/train.bin", hundred, sizeof hundred);
    put("c100/test.bin", hundred, HUNDRED);
    char fine[1000] = "", coarse[400] = "";
    for (int i = 0; i < 100; i++) snprintf(fine + strlen(fine), sizeof fine - strlen(fine), "fine%d\n", i);
    for (int i = 0; i < 20; i++)
        snprintf(coarse + strlen(coarse), sizeof coarse - strlen(coarse), "coarse%d\n", i);
    put_text("c100/fine_label_names.txt", fine);
    put_text("c100/coarse_label_names.txt", coarse);
    set = opened("c100", "CIFAR-100", 3, 100);
    CHECK(set.items[0].label == 99 && strcmp(set.class_names[99], "fine99") == 0);
    kin_dataset_free(&set);
    set = opened("c100:train-coarse", "CIFAR-100", 3, 20);
    CHECK(set.items[0].label == 19 && set.items[2].label == 4 && strcmp(set.class_names[4], "coarse4") == 0);
    kin_dataset_free(&set);
    counted("c100:test-coarse", "CIFAR-100", 1, 20);
    hundred[0] = 20;
    put("c100/test.bin", hundred, HUNDRED);
    counted("c100:test", "CIFAR-100", 1, 100);
    refused("c100:test-coarse", "the label 20; 0 to 19 are possible");
    check_end();
}

static void lists(void)
{
    check_begin("datasets: lists carry ids, cameras, roles and pictures without a class");
    put_text("roles.csv",
             "id,label,path,camera,role\nq1,7,a.png,2,query\ng1,7,b.png,,gallery\ng2,,c.png,3,gallery\n");
    kin_dataset set = opened("roles.csv", "a list", 3, 1);
    CHECK(strcmp(set.items[0].id, "q1") == 0 && set.items[0].camera == 2 &&
          set.items[0].role == KIN_ROLE_QUERY && set.items[1].camera == -1 && set.items[2].label == -1);
    kin_dataset_free(&set);
    survives_failures("roles.csv");
    survives_failures("roles.csv:gallery");
    refused("roles.csv:test", "with a column `role` its parts are query and gallery");
    set = opened("roles.csv:query", "a list", 1, 1);
    CHECK(strcmp(set.items[0].id, "q1") == 0);
    kin_dataset_free(&set);
    put_text("roles.csv",
             "id,label,path,camera,role\nq1,5,a.png,,query\ng1,7,b.png,,gallery\ng2,,c.png,,gallery\n");
    set = opened("roles.csv:gallery", "a list", 2,
                 1); /* the class that has queries alone is not one of the gallery's */
    CHECK(strcmp(set.items[0].id, "g1") == 0 && set.items[0].label == 0 &&
          strcmp(set.class_names[0], "7") == 0 && set.items[1].label == -1);
    kin_dataset_free(&set);
    put_text("roles.csv", "label,path\n1,a.png\n");
    refused("roles.csv:query", "none of its 1 pictures has \"query\"");
    put_text("roles.csv", "label,path,camera\n1,a.png,x\n");
    refused("roles.csv", "line 2: the camera is \"x\"");
    put_text("roles.csv", "label,path,role\n1,a.png,neither\n");
    refused("roles.csv", "line 2: the role is 'neither'");
    put_text("roles.csv", "label,path\n1,b.png\n,a.png\n");
    refused("roles.csv", "line 3 is not `path,label`");
    check_end();
}

static void real_grocery(void)
{
    check_begin("datasets: the GroceryStoreDataset at hand has the published counts");
    const char *path = check_data("grocery");
    if (!path) {
        check_skip("it is not here");
        return;
    }
    static const struct {
        const char *part;
        int64_t count;
        int classes;
    } parts[] = {{"train", 2640, 81}, {"val", 296, 0}, {"train+val-coarse", 2936, 43}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char name[512];
        kin_dataset set;
        kin_error err = {0};
        snprintf(name, sizeof name, "%s:%s", path, parts[i].part);
        CHECK_MSG(kin_dataset_open(name, NULL, &set, &err), "%s", err.message);
        CHECK_MSG(set.count == parts[i].count && (!parts[i].classes || set.classes == parts[i].classes),
                  "%s: %lld, %d", parts[i].part, (long long)set.count, set.classes);
        kin_dataset_free(&set);
    }
    check_end();
}

int main(void)
{
    sop();
    inshop();
    cub();
    cars();
    mat();
    mat_bomb();
    market();
    grocery();
    omniglot();
    cifar();
    lists();
    real_grocery();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
