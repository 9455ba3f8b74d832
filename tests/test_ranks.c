/* Ids, their files, and rank files: what is written is read back, and what is wrong is named. */
#include "base/file.h"
#include "base/memory.h"
#include "base/npy.h"
#include "retrieval/lists/ranks.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

static const char *const ids[] = {"a", "b,1", "c\"q\"", "d", "e"};

static void items(void)
{
    kin_items x;
    kin_error err = {0};
    check_begin("items: any column order, quotes, CRLF and a byte order mark");
    const char *text = "\xEF\xBB\xBFpath,label,extra,id\r\n\"p,1\",cat,0,a\r\n\r\np2,,0,\"b "
                       "\"\"x\"\"\"\r\n\"two\nlines\",cat,0,c";
    CHECK_MSG(kin_items_parse("x.csv", text, strlen(text), &x, &err), "%s", err.message);
    CHECK(x.count == 3 && x.id && strcmp(x.id[1], "b \"x\"") == 0 && strcmp(x.path[0], "p,1") == 0 &&
          strcmp(x.path[2], "two\nlines") == 0);
    CHECK(kin_items_find(&x, "c", 1) == 2 && kin_items_find(&x, "cc", 1) == 2 &&
          kin_items_find(&x, "cc", 2) == -1 && kin_items_find(&x, "", 0) == -1);
    int64_t code[3];
    CHECK(kin_items_label_codes(&x, code, NULL, NULL, &err) && code[0] == 0 && code[1] == -1 && code[2] == 0);
    kin_items_free(&x);
    check_end();

    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "no column 'id'"},
        {"name\na\n", "no column 'id'"},
        {"id\n", "holds no items"},
        {"id,label\na,1\nb\n", "line 3: has 1 fields, the first line has 2"},
        {"id\na\nb\na\n", "line 4: the id 'a' stands on line 2"},
        {"id,label\n,x\n", "line 2: the id is empty"},
        {"id\n\"a\n", "line 2: a quote is never closed"},
        {"id\n\"a\"b\n", "line 2: text behind"},
    };
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        check_begin("items: refuses a file because: %s", bad[b].why);
        kin_error_clear(&err);
        CHECK(!kin_items_parse("x.csv", bad[b].text, strlen(bad[b].text), &x, &err) && !x.id);
        CHECK_TEXT(err.message, bad[b].why);
        CHECK_TEXT(err.message, "x.csv");
        check_end();
    }
    check_begin("items: refuses a zero byte");
    kin_error_clear(&err);
    CHECK(!kin_items_parse("x.csv", "id\na\0b\n", 7, &x, &err));
    CHECK_TEXT(err.message, "line 2: holds a zero byte");
    check_end();
}

static void embeddings(void)
{
    const float data[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    const char *const label[] = {"x", "y", "x", "", "y"};
    kin_embeddings e;
    kin_error err = {0};
    check_begin("embeddings: E.npy and E.csv come back, under either name");
    const char *name = check_path("E"), *npy = check_path("E.npy");
    CHECK_MSG(kin_embeddings_write(name, (kin_vectors){data, 5, 2}, ids, label, NULL, &err), "%s",
              err.message);
    for (int i = 0; i < 2; i++) {
        CHECK_MSG(kin_embeddings_read(i ? npy : name, &e, &err), "%s", err.message);
        CHECK(e.items.count == 5 && e.dim == 2 && memcmp(e.data, data, sizeof data) == 0);
        for (int64_t a = 0; a < e.items.count; a++)
            CHECK(strcmp(e.items.id[a], ids[a]) == 0 && strcmp(e.items.label[a], label[a]) == 0);
        kin_embeddings_free(&e);
    }
    check_end();
    check_begin("embeddings: a bare .npy numbers its rows");
    CHECK(kin_npy_write_float32(check_path("bare.npy"), data, 5, 2, &err) &&
          kin_embeddings_read(check_path("bare.npy"), &e, &err));
    CHECK(e.items.count == 5 && !e.items.label && strcmp(e.items.id[4], "4") == 0);
    kin_embeddings_free(&e);
    kin_items alone;
    CHECK(kin_items_open(check_path("bare"), &alone, &err) && alone.count == 5 &&
          strcmp(alone.id[3], "3") == 0);
    kin_items_free(&alone);
    for (int i = 0; i < 3; i++) {
        const char *const names[] = {"E", "E.npy", "E.csv"};
        CHECK(kin_items_open(check_path(names[i]), &alone, &err) && alone.count == 5 &&
              strcmp(alone.id[0], "a") == 0);
        kin_items_free(&alone);
    }
    check_end();
    check_begin("embeddings: row counts must agree, ids must differ");
    CHECK(kin_npy_write_float32(npy, data, 2, 5, &err));
    CHECK(!kin_embeddings_read(name, &e, &err) && !e.data);
    CHECK_TEXT(err.message, "names 5 items");
    kin_error_clear(&err);
    const char *const same[] = {"a", "b", "a"};
    CHECK(!kin_embeddings_write(name, (kin_vectors){data, 3, 2}, same, NULL, NULL, &err));
    CHECK_TEXT(err.message, "item 2 has the id 'a' of item 0");
    kin_error_clear(&err);
    CHECK(!kin_embeddings_read(check_path("absent"), &e, &err));
    CHECK_TEXT(err.message, "absent.npy: cannot be opened");
    check_end();
    kin_error_clear(&err);
    check_begin("embeddings: a table with a column of vectors, and one role of it");
    static const char table[] =
        "Embedding,id,role\n\"[1,-2.5e-3]\",a,query\n\"{16777217, .1}\",\"b\nc\",gallery\n";
    CHECK(kin_write_file(check_path("T.csv"), table, sizeof table - 1, &err));
    CHECK_MSG(kin_embeddings_read(check_path("T.csv"), &e, &err), "%s", err.message);
    CHECK(e.items.count == 2 && e.dim == 2 && e.data[0] == 1 && e.data[1] == -2.5e-3f &&
          e.data[2] == 16777216 && e.data[3] == .1f && strcmp(e.items.id[1], "b\nc") == 0);
    kin_embeddings_free(&e);
    CHECK(kin_embeddings_read(check_path("T.csv:gallery"), &e, &err) && e.items.count == 1 &&
          e.data[1] == .1f);
    kin_embeddings_free(&e);
    check_end();
    check_begin("embeddings: vectors that are none are refused by line");
    static const char *const vectors[][2] = {{"", "is none such as"},    {"1 2", "is none such as"},
                                             {"[]", "no number"},        {"[1,]", "a vector of 2 numbers"},
                                             {"[1", "comma or bracket"}, {"[1}", "comma or bracket"},
                                             {"[0x1]", "no number"},     {"[inf]", "no number"},
                                             {"[1] 2", "text behind"},   {"[1e39]", "not finite"},
                                             {"[1e]", "no number"},      {"[- 1]", "no number"}};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        char text[80];
        int size = snprintf(text, sizeof text, "id,vector\na,[7]\nb,\"%s\"\n", vectors[i][0]);
        kin_error_clear(&err);
        CHECK(!kin_embeddings_parse("t.csv", text, (size_t)size, &e, &err));
        CHECK_TEXT(err.message, "t.csv: line 3: ");
        CHECK_TEXT(err.message, vectors[i][1]);
    }
    check_end();
    kin_error_clear(&err);
    check_begin("embeddings: one role of them, where there are no labels");
    static const char roles[] = "id,role\na,query\nb,gallery\nc,gallery\nd,query\ne,gallery\n";
    CHECK(kin_write_file(check_path("R.csv"), roles, sizeof roles - 1, &err) &&
          kin_npy_write_float32(check_path("R.npy"), data, 5, 2, &err));
    CHECK_MSG(kin_embeddings_read(check_path("R:gallery"), &e, &err), "%s", err.message);
    CHECK(e.items.count == 3 && !e.items.label && strcmp(e.items.id[2], "e") == 0 && e.data[0] == 3 &&
          e.data[5] == 10);
    kin_embeddings_free(&e);
    check_end();
}

static void round_trip(void)
{
    check_begin("ranks: what is written is read back");
    kin_items query, gallery;
    kin_error err = {0};
    const char *const queries[] = {"q 1", "q,2"};
    CHECK(kin_items_make(&query, 2, queries, NULL, NULL, &err) &&
          kin_items_make(&gallery, 5, ids, NULL, NULL, &err));
    int64_t index[6] = {4, 0, 1, 2, 1, 3};
    float value[6] = {0, 1, 2, 0, 1, 2};
    kin_neighbours lists = {2, 3, index, value};
    const char *path = check_path("ranks.csv");
    CHECK_MSG(kin_ranks_write(path, &lists, &query, &gallery, &err), "%s", err.message);
    kin_bytes bytes;
    CHECK(kin_read_file(path, 0, &bytes, &err));
    CHECK(strcmp((char *)bytes.data, "id,images\nq 1,\"e a b,1\"\n\"q,2\",\"c\"\"q\"\" b,1 d\"\n") == 0);
    kin_bytes_free(&bytes);
    kin_ranks ranks;
    CHECK_MSG(kin_ranks_read(path, &(kin_ranked){&query, &gallery}, &ranks, NULL, &err), "%s", err.message);
    CHECK(ranks.queries == 2 && ranks.offset[1] == 3 && ranks.offset[2] == 6 &&
          memcmp(ranks.index, index, sizeof index) == 0);
    kin_ranks_free(&ranks);
    CHECK(kin_ranks_write_arrays(check_path("i.npy"), check_path("d.npy"), &lists, &err));
    kin_npy array;
    CHECK(kin_npy_read_matrix(check_path("i.npy"), &array, &err) && array.shape[1] == 3 &&
          array.data[3] == 2);
    kin_npy_free(&array);
    CHECK(!kin_ranks_write(check_path("absent/ranks.csv"), &lists, &query, &gallery, &err));
    kin_error_clear(&err);
    kin_items_free(&query), kin_items_free(&gallery);
    check_end();
}

/* Ids are paths; lists separate them by blanks. */
static void escapes(void)
{
    check_begin("ranks: ids with blanks, tabs, line ends, escapes, commas and quotes come back from a list");
    static const char *const names[] = {"a b",  "a_b",    "a%20b",   "50% off", "a\tb",
                                        "a\nb", "a\r\nb", "x,\"y\"", "%2520",   "a%"};
    enum { N = sizeof names / sizeof *names };
    kin_items all;
    kin_error err = {0};
    int64_t index[N * N];
    float value[N * N] = {0};
    CHECK(kin_items_make(&all, N, names, NULL, NULL, &err));
    for (int q = 0; q < N; q++)
        for (int a = 0; a < N; a++) index[q * N + a] = (q + a) % N;
    kin_neighbours lists = {N, N, index, value};
    CHECK_MSG(kin_ranks_write(check_path("odd.csv"), &lists, &all, &all, &err), "%s", err.message);
    kin_ranks ranks;
    CHECK_MSG(kin_ranks_read(check_path("odd.csv"), &(kin_ranked){&all, &all}, &ranks, NULL, &err), "%s",
              err.message);
    CHECK(ranks.offset && ranks.offset[N] == N * N && memcmp(ranks.index, index, sizeof index) == 0);
    kin_ranks_free(&ranks);
    check_end();
    check_begin("ranks: lists that were written before read: '_' for blanks where one id fits");
    const char *text = "id,images\na_b,a%2x a_b\n";
    static const char *const paths[] = {"a b", "a%2x"};
    kin_items now;
    CHECK(kin_items_make(&now, 2, paths, NULL, NULL, &err));
    kin_items one = now;
    one.count = 1;
    CHECK_MSG(kin_ranks_parse("r.csv", text, strlen(text), &(kin_ranked){&one, &now}, &ranks, NULL, &err),
              "%s", err.message);
    CHECK(ranks.index && ranks.index[0] == 1 && ranks.index[1] == 0);
    kin_ranks_free(&ranks), kin_items_free(&now);
    static const char *const both[] = {"a b", "a,b"};
    CHECK(kin_items_make(&now, 2, both, NULL, NULL, &err));
    CHECK(!kin_ranks_parse("r.csv", text, strlen(text), &(kin_ranked){&now, &now}, &ranks, NULL, &err));
    CHECK_TEXT(err.message, "'a_b' is not a query");
    kin_items_free(&now), kin_items_free(&all);
    check_end();
}

/* What FAISS's search gives. */
static void arrays(void)
{
    check_begin("ranks: an .npy of gallery rows is a list; -1 ends it, other numbers are refused by row");
    kin_items three;
    kin_error err = {0};
    kin_ranks ranks;
    kin_items_numbered(&three, 3, &err);
    int64_t rows[9] = {1, 2, -1, 0, 1, 2, 2, 0, 1};
    const char *path = check_path("labels.npy");
    CHECK(kin_npy_write_int64(path, rows, 3, 3, &err));
    CHECK_MSG(kin_ranks_read(path, &(kin_ranked){&three, &three}, &ranks, NULL, &err), "%s", err.message);
    CHECK(ranks.offset && ranks.offset[1] == 2 && ranks.offset[3] == 8 && ranks.index[3] == 1 &&
          ranks.own == 0);
    kin_ranks_free(&ranks);
    CHECK_MSG(kin_ranks_read(path, &(kin_ranked){&three, &three, true}, &ranks, NULL, &err), "%s",
              err.message);
    CHECK(ranks.offset && ranks.own == 2 && ranks.offset[3] == 6 && ranks.index[2] == 0 &&
          ranks.index[3] == 2);
    kin_ranks_free(&ranks);
    rows[4] = 3;
    CHECK(kin_npy_write_int64(path, rows, 3, 3, &err) &&
          !kin_ranks_read(path, &(kin_ranked){&three, &three}, &ranks, NULL, &err));
    CHECK_TEXT(err.message, "row 1: 3 is no row of the gallery, which has 3");
    kin_error_clear(&err);
    rows[4] = 0;
    CHECK(kin_npy_write_int64(path, rows, 3, 3, &err) &&
          !kin_ranks_read(path, &(kin_ranked){&three, &three}, &ranks, NULL, &err));
    CHECK_TEXT(err.message, "row 1: the gallery's row 0 is listed twice");
    kin_error_clear(&err);
    CHECK(kin_npy_write_int64(path, rows, 2, 3, &err) &&
          !kin_ranks_read(path, &(kin_ranked){&three, &three}, &ranks, NULL, &err));
    CHECK_TEXT(err.message, "holds 2 lists, and there are 3 queries");
    kin_error_clear(&err);
    CHECK(kin_npy_write_float32(path, (float[]){0, 1, 2}, 3, 1, &err) &&
          !kin_ranks_read(path, &(kin_ranked){&three, &three}, &ranks, NULL, &err));
    CHECK_TEXT(err.message, "is no array of lists");
    kin_items_free(&three);
    check_end();
}

static void refusals(void)
{
    static const struct {
        const char *text, *why;
        bool same;
    } bad[] = {
        {"id,images\n0,1 2\n1,2 2 0\n2,0\n", "line 3: the id '2' is listed twice", false},
        {"id,images\n0,1 2\n1,2 9 0\n2,0\n", "line 3: the id '9' is not in the gallery", false},
        {"id,images\n0,1 2\n7,2\n1,0\n2,0\n", "line 3: the id '7' is not a query", false},
        {"id,images\n0,1 2\n1,2\n0,1\n2,0\n", "line 4: the query '0' has a list on line 2 already", false},
        {"0,1 2\n2,1\n", "the query '1' has no list", false},
        {"0,1 2\n1,\n2,1\n", "line 2: the list of '1' is empty", false},
        {"0,1 2\n1\n2,1\n", "line 2: one field", false},
        {"0,1 2\n1,2,0\n2,1\n", "line 2: more than 2 fields", false},
        {"0,1 2\n1,1 0\n2,1\n", "line 2: the query '1' is in its own list", true},
        {"", "the query '0' has no list", false},
    };
    kin_items three;
    kin_error err = {0};
    kin_ranks ranks;
    kin_items_numbered(&three, 3, &err);
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        check_begin("ranks: refuses a file because: %s", bad[b].why);
        kin_error_clear(&err);
        CHECK(!kin_ranks_parse("r.csv", bad[b].text, strlen(bad[b].text),
                               &(kin_ranked){&three, &three, bad[b].same}, &ranks, NULL, &err) &&
              !ranks.index);
        CHECK_TEXT(err.message, bad[b].why);
        CHECK_TEXT(err.message, "r.csv");
        check_end();
    }
    check_begin("ranks: all problems are collected, the first few shown");
    const char *text = "0,1 1 1 5\n9,0\n2,7\n";
    kin_ranks_problems problems = {.limit = 3};
    kin_error_clear(&err);
    CHECK(!kin_ranks_parse("r.csv", text, strlen(text), &(kin_ranked){&three, &three}, &ranks, &problems,
                           &err));
    CHECK(problems.count == 6);
    CHECK_TEXT(err.message, "r.csv: 6 problems");
    CHECK(problems.lines.data &&
          strcmp(problems.lines.data,
                 "r.csv: line 1: the id '1' is listed twice\nr.csv: line 1: the id '1' is listed twice\n"
                 "r.csv: line 1: the id '5' is not in the gallery\n") == 0);
    kin_ranks_problems_free(&problems);
    check_end();
    check_begin("ranks: every failed allocation is an error and leaks nothing");
    long live = kin_alloc_live(), n = 1;
    for (bool ok = false; !ok && n < 50; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        ok = kin_ranks_parse("r.csv", "0,1\n1,2\n2,0\n", 12, &(kin_ranked){&three, &three}, &ranks, NULL,
                             &err);
        kin_alloc_fail_at(0);
        CHECK(ok || err.code == KIN_ERR_MEMORY);
        kin_ranks_free(&ranks);
        CHECK(kin_alloc_live() == live);
    }
    CHECK(n > 7 && n < 50);
    kin_items_free(&three);
    for (n = 1; n < 20; n++) {
        kin_items x;
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        bool ok = kin_items_parse("x.csv", "id,label,path\na,b,c\n", 20, &x, &err);
        kin_alloc_fail_at(0);
        CHECK(ok || err.code == KIN_ERR_MEMORY);
        kin_items_free(&x);
        CHECK(kin_alloc_live() == 0);
    }
    check_end();
}

int main(void)
{
    items();
    embeddings();
    round_trip();
    escapes();
    arrays();
    refusals();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
