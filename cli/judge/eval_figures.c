/* What is told of a judgement, once for the table and for JSON. */
#include "cli/judge/eval_figures.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void add_figure(const kin_evaluation *e, kin_eval_figure *f, int *n, const char *name, int64_t rank,
                       const double *at, const char *about)
{
    const kin_metrics *m = &e->metrics;
    kin_eval_figure *to = &f[(*n)++];
    *to = (kin_eval_figure){.value = *at, .about = about, .at = at};
    if (rank) snprintf(to->name, sizeof to->name, "%s@%lld", name, (long long)rank);
    else snprintf(to->name, sizeof to->name, "%s", name);
    if (!isnan(*at)) return;
    if (rank)
        snprintf(to->why, sizeof to->why,
                 "not available: needs lists of %lld, and the shortest has %lld left", (long long)rank,
                 (long long)m->shortest);
    else
        snprintf(to->why, sizeof to->why, "not available: needs %s, and the shortest list has %lld left",
                 about, (long long)m->shortest);
}

/* The means with ties broken against the system; without intervals, but for the two that each query has. */
static void add_pessimistic(const kin_evaluation *e, kin_eval_figure *f, int *n)
{
    const kin_metrics *m = &e->metrics;
    const kin_scores *s = &m->pessimistic;
    const struct {
        const char *name;
        int64_t rank;
        double value;
        const double *at;
    } rows[] = {{"mAP", 0, s->ap, &m->mean.ap_pessimistic},
                {"mAP", m->k, s->ap_at_k, NULL},
                {"mAP@R", 0, s->ap_at_r, NULL},
                {"R", m->recall_at[0], s->recall[0], &m->mean.recall1_pessimistic},
                {"R", m->recall_at[1], s->recall[1], NULL},
                {"R", m->recall_at[2], s->recall[2], NULL}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        kin_eval_figure *to = &f[*n];
        if (isnan(rows[r].value)) continue; /* what is not available stands above */
        *to = (kin_eval_figure){.value = rows[r].value,
                                .about = *n && r ? "" : "with ties broken against the system",
                                .at = rows[r].at};
        if (rows[r].rank)
            snprintf(to->name, sizeof to->name, "%s@%lld-pessimistic", rows[r].name, (long long)rows[r].rank);
        else snprintf(to->name, sizeof to->name, "%s-pessimistic", rows[r].name);
        ++*n;
    }
}

/* Lists alone do not tell which items were equally near. */
static bool knows_ties(const kin_evaluation *e) { return !e->ranks.offset || e->distances.data; }

int kin_eval_figures(const kin_evaluation *e, bool ties, kin_eval_figure *f)
{
    const kin_metrics *m = &e->metrics;
    const kin_scores *s = &m->mean;
    int n = 0;
    add_figure(e, f, &n, "mAP", 0, &s->ap,
               isnan(s->ap) ? "something in every list"
               : m->complete
                   ? "mean average precision"
                   : "mean average precision, at least: what lies beyond the lists counts as missed");
    add_figure(e, f, &n, "mAP", m->k, &s->ap_at_k, "divided by min(R, K)");
    for (int c = 0; c < KIN_RECALL_RANKS && m->recall_at[c]; c++)
        add_figure(e, f, &n, "R", m->recall_at[c], &s->recall[c],
                   c ? "" : "queries with a hit among the first");
    add_figure(e, f, &n, "mAP@R", 0, &s->ap_at_r,
               isnan(s->ap_at_r) ? "the first R" : "as in metric learning");
    add_figure(e, f, &n, "R-precision", 0, &s->r_precision,
               isnan(s->r_precision) ? "the first R" : "hits among the first R");
    add_figure(e, f, &n, "MRR", 0, &s->reciprocal_rank,
               isnan(s->reciprocal_rank) ? "a hit in every list" : "mean of 1 / rank of the first hit");
    add_figure(e, f, &n, "mINP", 0, &s->inp,
               m->complete ? "mean of R / rank of the last hit" : "all hits in every list");
    add_figure(e, f, &n, "nDCG", m->k, &s->ndcg, "");
    add_figure(e, f, &n, "AP-trapezoid", 0, &s->ap_trapezoid,
               isnan(s->ap) ? "something in every list" : "the Oxford/Paris and Market-1501 rule");
    if (ties) add_pessimistic(e, f, &n);
    return n;
}

static double end_of(const kin_evaluation *e, const kin_eval_figure *f, const kin_scores *ends)
{
    double value;
    memcpy(&value, (const char *)ends + ((const char *)f->at - (const char *)&e->metrics.mean), sizeof value);
    return value;
}

void kin_eval_print_table(const kin_evaluation *e)
{
    kin_eval_figure f[KIN_EVAL_FIGURES];
    int n = kin_eval_figures(e, e->distances.data || kin_metrics_tied(&e->metrics), f);
    const kin_metrics *m = &e->metrics;
    printf("%lld queries, %lld gallery items, lists of %lld\n", (long long)(m->evaluated + m->skipped),
           (long long)e->gallery.count, (long long)m->longest);
    if (e->gallery_camera) printf("gallery items of the query's label and camera are dropped\n");
    if (m->skipped) printf("%lld queries have no relevant item and are left out\n", (long long)m->skipped);
    for (int i = 0; i < n; i++) {
        if (isnan(f[i].value)) printf("%-16s     -   %s\n", f[i].name, f[i].why);
        else if (e->rounds && f[i].at)
            printf("%-16s %.4f   %.4f to %.4f\n", f[i].name, f[i].value, end_of(e, &f[i], &e->low),
                   end_of(e, &f[i], &e->high));
        else
            printf(f[i].about[0] ? "%-16s %.4f   %s\n" : "%-16s %.4f%s\n", f[i].name, f[i].value, f[i].about);
    }
    if (!knows_ties(e)) printf("ties are not known: --distances, the array of the same search, tells them\n");
    if (e->rounds)
        printf("intervals of 95 %% by %lld bootstrap rounds over the queries\n", (long long)e->rounds);
    if (!e->has_threshold) return;
    const kin_threshold *t = &e->threshold;
    printf("--max-distance %.9g accepts %.4f of %lld impostors; %.4f of %lld queries find a relevant item "
           "first within it, %.4f at any distance\n",
           t->distance, t->false_accept, (long long)t->impostors, t->found, (long long)t->queries, t->first);
}

bool kin_eval_print_json(const kin_evaluation *e, kin_error *err)
{
    kin_eval_figure f[KIN_EVAL_FIGURES];
    int n = kin_eval_figures(e, knows_ties(e), f);
    kin_text text = {0};
    kin_text_format(
        &text,
        "{\"queries\": %lld, \"skipped\": %lld, \"gallery\": %lld, \"self matches\": %lld, \"K\": "
        "%lld, \"complete\": %s",
        (long long)e->metrics.evaluated, (long long)e->metrics.skipped, (long long)e->gallery.count,
        (long long)e->selves.count, (long long)e->metrics.k, e->metrics.complete ? "true" : "false");
    for (int i = 0; i < n; i++) {
        kin_text_add(&text, ", ");
        kin_json_add_string(&text, f[i].name);
        kin_text_add(&text, ": ");
        kin_json_add_number(&text, f[i].value);
        if (!e->rounds || !f[i].at || isnan(f[i].value)) continue;
        kin_text_format(&text, ", \"%s interval\": [", f[i].name);
        kin_json_add_number(&text, end_of(e, &f[i], &e->low));
        kin_text_add(&text, ", ");
        kin_json_add_number(&text, end_of(e, &f[i], &e->high));
        kin_text_add(&text, "]");
    }
    bool lacks = false;
    for (int i = 0; i < n; i++) {
        if (!isnan(f[i].value)) continue;
        kin_text_add(&text, lacks ? ", " : ", \"unavailable\": {");
        kin_json_add_string(&text, f[i].name);
        kin_text_add(&text, ": ");
        kin_json_add_string(&text, f[i].why + strlen("not available: "));
        lacks = true;
    }
    if (lacks) kin_text_add(&text, "}");
    if (e->has_threshold) {
        const kin_threshold *t = &e->threshold;
        const struct {
            const char *name;
            double value;
        } more[] = {{"threshold", t->distance},
                    {"threshold false accepts", t->false_accept},
                    {"threshold found first", t->found}};
        for (size_t i = 0; i < 3; i++) {
            kin_text_format(&text, ", \"%s\": ", more[i].name);
            kin_json_add_number(&text, more[i].value);
        }
    }
    kin_text_add(&text, "}\n");
    if (!text.failed) fputs(text.data, stdout);
    bool ok = !text.failed;
    kin_text_free(&text);
    return ok ? true : kin_fail_memory(err, "the figures", 4096);
}
