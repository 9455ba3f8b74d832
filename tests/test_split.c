/* What is held out for validation. */
#include "base/memory.h"
#include "base/text.h"
#include "data/sets/split.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

enum { CLASSES = 7, EACH = 3, COUNT = CLASSES * EACH };

/* Classes k0 .. k6 of three pictures, and a distractor. */
static kin_dataset make(void)
{
    kin_text text = {0};
    kin_dataset set = {0};
    kin_error err = {0};
    kin_text_add(&text, "id,label,path,role\n");
    for (int i = 0; i < COUNT; i++) kin_text_format(&text, "p %d,k%d,%d.png,\n", i, i / EACH, i);
    kin_text_add(&text, "stray,,stray.png,gallery\n");
    CHECK_MSG(kin_list_parse("x.csv", text.data, text.size, NULL, &set, &err), "%s", err.message);
    kin_text_free(&text);
    return set;
}

static void put_list(const char *text)
{
    kin_error err = {0};
    CHECK(kin_write_file(check_path("list"), text, strlen(text), &err));
}

static void chunks(void)
{
    check_begin("split: the last share, and each fold once: one contiguous chunk of the classes, renumbered, "
                "order kept");
    kin_dataset set = make(), kept, held;
    kin_error err = {0};
    CHECK_MSG(kin_split_validation(&set, &(kin_split){.share = 0.3}, &kept, &held, &err), "%s", err.message);
    CHECK(kept.classes == 5 && held.classes == 2 && kept.count == 16 && held.count == 6);
    CHECK(held.items[0].label == 0 && strcmp(held.class_names[1], "k6") == 0 &&
          strcmp(held.items[0].id, "p 15") == 0);
    CHECK(kept.items[15].label == -1 && strcmp(kept.items[15].id, "stray") == 0);
    kin_dataset_free(&kept);
    kin_dataset_free(&held);
    int held_out[CLASSES] = {0};
    for (int fold = 1; fold <= 3; fold++) {
        CHECK_MSG(kin_split_validation(&set, &(kin_split){.fold = fold, .folds = 3}, &kept, &held, &err),
                  "%s", err.message);
        CHECK(kept.classes + held.classes == CLASSES && kept.count + held.count == set.count);
        for (int64_t i = 0; i < held.count; i++) {
            int number = held.class_names[held.items[i].label][1] - '0';
            held_out[number]++;
            CHECK(number - (held.class_names[0][1] - '0') == held.items[i].label); /* neighbours, in order */
        }
        for (int64_t i = 1; i < kept.count - 1; i++)
            CHECK(kept.items[i].label >= kept.items[i - 1].label && kept.items[i].label < kept.classes);
        kin_dataset_free(&kept);
        kin_dataset_free(&held);
    }
    for (int c = 0; c < CLASSES; c++) CHECK(held_out[c] == EACH);
    CHECK(!kin_split_validation(&set, &(kin_split){.share = 0.1}, &kept, &held, &err));
    CHECK_TEXT(err.message, "6 classes for training and 1 for validation");
    kin_dataset_free(&set);
    int fold, folds;
    kin_error_clear(&err);
    CHECK(kin_split_parse_fold("2/5", &fold, &folds, &err) && fold == 2 && folds == 5);
    static const char *const bad[] = {
        "0/5", "6/5", "2", "2/", "/5", "2/5x", "a/5", "1/1", "11111111111111111111/5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!kin_split_parse_fold(bad[i], &fold, &folds, NULL));
    check_end();
}

static void by_list(void)
{
    check_begin("split: by a list of classes or ids, with train, val and test; broken lines by number");
    kin_dataset set = make(), kept, held;
    kin_error err = {0};
    kin_split how = {.list = check_path("list")};
    put_list("k1\nk5\n");
    CHECK_MSG(kin_split_validation(&set, &how, &kept, &held, &err), "%s", err.message);
    CHECK(held.count == 6 && held.classes == 2 && kept.classes == 5 &&
          strcmp(kept.class_names[1], "k2") == 0 && strcmp(held.class_names[1], "k5") == 0);
    kin_dataset_free(&kept);
    kin_dataset_free(&held);
    put_list("id,split\np 0,val\np_1,val\np 4,val\np 2,test\n\np 3,train\n");
    CHECK_MSG(kin_split_validation(&set, &how, &kept, &held, &err), "%s", err.message);
    /* class k0 is gone: val and test */
    CHECK(held.count == 3 && held.classes == 2 && kept.count == 18 && kept.classes == 6);
    kin_dataset_free(&kept);
    kin_dataset_free(&held);
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"k1\nk9\n", "line 2: \"k9\" is neither a class nor a picture's id"},
        {"k1,dev\n", "line 1: the split is \"dev\""},
        {"k1,val,x\n", "line 1: is not `class` or `id`"},
        {"k1\nk1\n", "line 2: \"k1\" stands on an earlier line"},
        {"id\nk1\n", "line 2: \"k1\" is neither"},
        {"p 0\np 3\n", "no class has two pictures held out"},
        {"", "0 for validation"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_list(bad[i].text);
        kin_error_clear(&err);
        CHECK_MSG(!kin_split_validation(&set, &how, &kept, &held, &err), "case %zu", i);
        CHECK_TEXT(err.message, bad[i].part);
    }
    put_list("k1\nk5\n");
    for (long n = 1;; n++) {
        long live = kin_alloc_live();
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        bool ok = kin_split_validation(&set, &how, &kept, &held, &err), happened = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK(ok || kin_failed(&err));
        if (ok) kin_dataset_free(&kept), kin_dataset_free(&held);
        CHECK_MSG(kin_alloc_live() == live, "allocation %ld leaves %ld blocks", n, kin_alloc_live() - live);
        if (!happened) break;
    }
    kin_dataset_free(&set);
    kin_error_clear(&err);
    const char *numbers = "a.png,0\nb.png,0\nc.png,1\nd.png,1\n";
    CHECK(kin_list_parse("x.csv", numbers, strlen(numbers), NULL, &set, &err));
    put_list("label\n1\n");
    CHECK(!kin_split_validation(&set, &how, &kept, &held, &err));
    CHECK_TEXT(err.message, "1 classes for training and 1 for validation");
    kin_dataset_free(&set);
    check_end();
}

int main(void)
{
    chunks();
    by_list();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
