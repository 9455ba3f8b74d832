/* Cameras and roles in the lists of items, and Market-1501's rule against an evaluation written apart
 * (golden/market.py). */
#include "base/memory.h"
#include "retrieval/lists/items.h"
#include "retrieval/judge/metrics.h"
#include "retrieval/search/search.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

static void roles(void)
{
    check_begin("items: columns camera and role are written, read, and choose rows");
    static const char *const id[] = {"a", "b", "c", "d"}, *const camera[] = {"1", "", "two", "1"},
                             *const role[] = {"gallery", "query", "gallery", ""};
    const float data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    kin_embeddings e;
    kin_items items;
    kin_error err = {0};
    char name[512], part[600];
    snprintf(name, sizeof name, "%s", check_path("roles"));
    CHECK_MSG(kin_embeddings_write_texts(name, (kin_vectors){data, 4, 2},
                                         &(kin_item_texts){.id = id, .camera = camera, .role = role}, &err),
              "%s", err.message);
    CHECK(kin_embeddings_read(name, &e, &err) && e.items.count == 4 &&
          strcmp(e.items.camera[2], "two") == 0 && strcmp(e.items.role[1], "query") == 0);
    int64_t code[4];
    CHECK(kin_items_camera_codes(&e.items, code, NULL, NULL, &err) && code[0] == 0 && code[1] == -1 &&
          code[2] == 1 && code[3] == 0);
    kin_embeddings_free(&e);
    snprintf(part, sizeof part, "%s:gallery", name);
    CHECK_MSG(kin_embeddings_read(part, &e, &err), "%s", err.message);
    CHECK(e.items.count == 2 && e.data[2] == 5 && strcmp(e.items.id[1], "c") == 0 &&
          kin_items_find(&e.items, "c", 1) == 1 && kin_items_find(&e.items, "b", 1) == -1);
    kin_embeddings_free(&e);
    snprintf(part, sizeof part, "%s:query", name);
    CHECK(kin_items_open(part, &items, &err) && items.count == 1 && strcmp(items.id[0], "b") == 0);
    kin_items_free(&items);
    CHECK(kin_embeddings_write(name, (kin_vectors){data, 4, 2}, id, NULL, NULL, &err));
    CHECK(!kin_embeddings_read(part, &e, &err));
    CHECK_TEXT(err.message, "has no column `role`");
    kin_error_clear(&err);
    CHECK(!kin_items_parse("x.csv", "id,role\na,gallery\nb,each\n", 25, &items, &err));
    CHECK_TEXT(err.message, "line 3: the role is 'each'");
    check_end();
}

static void same_numbers(const double *want, const kin_metrics *m)
{
    CHECK(m->evaluated == (int64_t)want[0] && m->skipped == (int64_t)want[1]);
    CHECK_CLOSE(m->mean.ap, want[2], 1e-12);
    CHECK_CLOSE(m->mean.ap_trapezoid, want[3], 1e-12);
    CHECK_CLOSE(m->mean.inp, want[4], 1e-12);
    for (int r = 0; r < 3; r++) CHECK_CLOSE(m->mean.recall[r], want[5 + r], 1e-12);
}

static void market(void)
{
    check_begin(
        "metrics: Market-1501's rule, and the same without cameras, as an evaluation written apart has it");
    kin_embeddings q, g;
    kin_error err = {0};
    double want[2][8];
    FILE *file = fopen("tests/golden/market/expected.txt", "r");
    CHECK(file != NULL);
    for (int i = 0; file && i < 16; i++) CHECK(fscanf(file, "%lf", &want[i / 8][i % 8]) == 1);
    if (file) fclose(file);
    CHECK_MSG(kin_embeddings_read("tests/golden/market/vectors:query", &q, &err) &&
                  kin_embeddings_read("tests/golden/market/vectors:gallery", &g, &err),
              "%s", err.message);
    int64_t n = q.items.count, m = g.items.count, *code = kin_alloc_array((size_t)(n + m), 2 * sizeof *code),
            *offset = kin_alloc_array((size_t)n + 1, sizeof *offset);
    CHECK(kin_items_label_codes(&q.items, code, &g.items, code + n, &err) &&
          kin_items_camera_codes(&q.items, code + n + m, &g.items, code + n + m + n, &err));
    kin_neighbours lists;
    CHECK(kin_search(kin_embeddings_vectors(&q), kin_embeddings_vectors(&g),
                     &(kin_search_opt){.k = m, .metric = KIN_COSINE}, &lists, &err));
    for (int64_t i = 0; i <= n; i++) offset[i] = i * m;
    kin_judged judged = {.queries = n,
                         .gallery = m,
                         .query_label = code,
                         .gallery_label = code + n,
                         .query_camera = code + n + m,
                         .gallery_camera = code + n + m + n,
                         .offset = offset,
                         .index = lists.index};
    kin_metrics got;
    CHECK(kin_evaluate(&judged, NULL, &got, NULL, &err));
    same_numbers(want[0], &got);
    judged.query_camera = judged.gallery_camera = NULL;
    CHECK(kin_evaluate(&judged, NULL, &got, NULL, &err));
    same_numbers(want[1], &got);
    /* Cameras that are not known are the same as none. */
    for (int64_t i = n + m; i < 2 * (n + m); i++) code[i] = -1;
    judged.query_camera = code + n + m, judged.gallery_camera = code + n + m + n;
    CHECK(kin_evaluate(&judged, NULL, &got, NULL, &err));
    same_numbers(want[1], &got);
    kin_neighbours_free(&lists);
    kin_embeddings_free(&q);
    kin_embeddings_free(&g);
    kin_free(code);
    kin_free(offset);
    check_end();
}

int main(void)
{
    roles();
    market();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
