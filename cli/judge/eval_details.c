#include "cli/judge/eval_details.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 40 }; /* of an id or label in the table */

static const char *label_of(const kin_items *items, int64_t i) { return items->label ? items->label[i] : ""; }

static int widest(int width, const char *text)
{
    return (int)strlen(text) > width ? (int)strlen(text) < SHOWN ? (int)strlen(text) : SHOWN : width;
}

/* In a column of `width` bytes, 0: as it comes; ids and labels are of anybody's making. */
static void put_cell(const char *name, int width)
{
    kin_text text = {0};
    kin_text_add_visible(&text, name);
    printf("%-*.*s", width, SHOWN, text.data ? text.data : "");
    kin_text_free(&text);
}

bool kin_eval_print_worst(const kin_eval_details *d, int64_t count, kin_error *err)
{
    int64_t *order = kin_alloc_array((size_t)d->query->count, sizeof *order),
            evaluated = order ? kin_worst_queries(d->each, d->query->count, order) : -1;
    if (evaluated < 0) {
        kin_free(order);
        return kin_fail_memory(err, "the worst queries", (unsigned long long)d->query->count * 24);
    }
    if (count > evaluated) count = evaluated;
    int id = 5, label = 5;
    for (int64_t a = 0; a < count; a++)
        id = widest(id, d->query->id[order[a]]), label = widest(label, label_of(d->query, order[a]));
    printf("\nThe %lld worst queries\n%-*s  %-*s  AP      first hit  found first\n", (long long)count, id,
           "query", label, "label");
    for (int64_t a = 0; a < count; a++) {
        int64_t q = order[a], g = d->found_first[q];
        double reciprocal = d->each[q].reciprocal_rank;
        put_cell(d->query->id[q], id), printf("  ");
        put_cell(label_of(d->query, q), label), printf("  %.4f  ", d->each[q].ap);
        if (reciprocal > 0) printf("%9.0f", 1 / reciprocal);
        else printf("%9s", "none");
        if (g >= 0) {
            printf("  "), put_cell(d->gallery->id[g], 0);
            printf(" ("), put_cell(label_of(d->gallery, g), 0), printf(")");
        }
        printf("\n");
    }
    kin_free(order);
    return true;
}

static int worst_first(const void *a, const void *b)
{
    const kin_class_scores *x = a, *y = b;
    if (x->mean.ap != y->mean.ap) return x->mean.ap < y->mean.ap ? -1 : 1;
    return x->label < y->label ? -1 : x->label > y->label;
}

static void put_number(FILE *stream, double x)
{
    if (isnan(x)) putc(',', stream);
    else fprintf(stream, ",%.6f", x);
}

static void put_classes(const kin_eval_details *d, const kin_class_scores *classes, int64_t count,
                        const char *const *name, FILE *stream)
{
    const kin_metrics *m = d->metrics;
    fprintf(stream, "label,queries,mAP,mAP@%lld", (long long)m->k);
    for (int r = 0; r < KIN_RECALL_RANKS && m->recall_at[r]; r++)
        fprintf(stream, ",R@%lld", (long long)m->recall_at[r]);
    fprintf(stream, ",mAP@R,R-precision,MRR,mINP,nDCG@%lld\n", (long long)m->k);
    for (int64_t c = 0; c < count; c++) {
        const kin_scores *s = &classes[c].mean;
        kin_csv_put(stream, name[classes[c].label]);
        fprintf(stream, ",%lld", (long long)classes[c].queries);
        put_number(stream, s->ap), put_number(stream, s->ap_at_k);
        for (int r = 0; r < KIN_RECALL_RANKS && m->recall_at[r]; r++) put_number(stream, s->recall[r]);
        put_number(stream, s->ap_at_r), put_number(stream, s->r_precision),
            put_number(stream, s->reciprocal_rank), put_number(stream, s->inp), put_number(stream, s->ndcg);
        putc('\n', stream);
    }
}

bool kin_eval_write_classes(const kin_eval_details *d, const char *path, kin_error *err)
{
    kin_class_scores *classes = NULL;
    kin_file file;
    int64_t count, most = 0;
    if (!kin_class_means(d->each, d->query_code, d->query->count, &classes, &count, err)) return false;
    for (int64_t q = 0; q < d->query->count; q++)
        if (d->query_code[q] > most) most = d->query_code[q];
    const char **name = kin_alloc_zero((size_t)most + 1, sizeof *name);
    bool ok = name ? true : kin_fail_memory(err, "the labels", (unsigned long long)most * sizeof *name);
    for (int64_t q = 0; ok && q < d->query->count; q++)
        if (d->query_code[q] >= 0) name[d->query_code[q]] = label_of(d->query, q);
    ok = ok && kin_file_create(&file, path, err);
    if (ok) {
        qsort(classes, (size_t)count, sizeof *classes, worst_first);
        put_classes(d, classes, count, name, file.stream);
        ok = kin_file_commit(&file, err);
    }
    kin_free(classes), kin_free(name);
    return ok;
}
