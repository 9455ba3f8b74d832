#include "cli/retrieve/retrieve.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/judge/selves.h"
#include "cli/options/descriptors.h"
#include "cli/options/metric.h"
#include "cli/retrieve/retrieve_labels.h"
#include "cli/terminal/interrupt.h"
#include "retrieval/describe/expand.h"
#include "retrieval/lists/ranks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL_TOP = 1000 };

const char *const kin_retrieve_groups[] = {"label", NULL};

kin_vectors kin_retrieve_gallery(const kin_retrieve *r) { return kin_embeddings_vectors(&r->gallery); }
kin_vectors kin_retrieve_query(const kin_retrieve *r)
{
    return kin_embeddings_vectors(r->leave_one_out ? &r->gallery : &r->query);
}

void kin_retrieve_close(kin_retrieve *r)
{
    kin_embeddings_free(&r->query);
    kin_embeddings_free(&r->gallery);
    kin_selves_free(&r->selves);
    kin_free(r->label);
}

static bool read_all(kin_retrieve *r, kin_set_reader read, void *user, kin_error *err)
{
    const char *query = kin_option_string(r->cli, "query"), *gallery = kin_option_string(r->cli, "gallery");
    if (!kin_file_creatable(r->out, err) || !kin_file_creatable(r->indices, err) ||
        !kin_file_creatable(r->distances, err) || !kin_file_creatable(r->similarities, err))
        return false;
    if ((query && !read(user, query, &r->query, err)) || !read(user, gallery, &r->gallery, err)) return false;
    if (query && r->query.dim != r->gallery.dim)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "%s has %lld dimensions, %s has %lld; both must come from one model", query,
                        (long long)r->query.dim, gallery, (long long)r->gallery.dim);
    if (query && !kin_option_flag(r->cli, "keep-self") &&
        !kin_selves_find(&r->query, &r->gallery, &r->selves, err))
        return false;
    int64_t most = r->gallery.items.count - (r->leave_one_out || r->selves.count ? 1 : 0);
    if (most < 1 && query)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s holds one item, which is the query itself", gallery);
    if (most < 1)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s holds one item; to search it, give --query", gallery);
    if (r->top > most)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "--top %lld: each query can find %lld items in %s; leave --top out, or take at most that",
            (long long)r->top, (long long)most, gallery);
    if (!r->top) r->top = most < USUAL_TOP ? most : USUAL_TOP;
    r->depth = r->top;
    return !kin_option_given(r->cli, "group-by") || kin_retrieve_take_labels(r, most, err);
}

static int check_options(kin_retrieve *r)
{
    const kin_cli *cli = r->cli;
    bool means = kin_option_given(cli, "expand") || kin_option_given(cli, "augment");
    if (means && r->metric != KIN_COSINE)
        return kin_cli_usage(cli, "--expand and --augment average unit vectors, which needs --metric cosine");
    if (kin_option_given(cli, "augment") && r->leave_one_out)
        return kin_cli_usage(cli,
                             "without --query, --expand averages the gallery already; leave --augment out");
    if (r->similarities && r->metric == KIN_EUCLID)
        return kin_cli_usage(cli, "--metric euclid has distances only; take --distances");
    if (kin_option_given(cli, "html-queries") && !kin_option_given(cli, "html"))
        return kin_cli_usage(cli, "--html-queries is about the page; give --html too");
    if (kin_option_given(cli, "alpha") && !means)
        return kin_cli_usage(cli, "--alpha weights the means of --expand or --augment; give one of them");
    return 0;
}

static bool read_embeddings(void *user, const char *name, kin_embeddings *out, kin_error *err)
{
    return kin_cli_read_embeddings(user, name, out, err);
}

bool kin_retrieve_open(kin_retrieve *r, kin_cli *cli, int *code)
{
    return kin_retrieve_open_with(r, cli, read_embeddings, cli, code);
}

bool kin_retrieve_open_with(kin_retrieve *r, kin_cli *cli, kin_set_reader read, void *user, int *code)
{
    const char *query = kin_option_string(cli, "query");
    *r = (kin_retrieve){.cli = cli,
                        .leave_one_out = !query,
                        .metric = kin_option_metric(cli),
                        .top = kin_option_int(cli, "top"),
                        .out = kin_option_string(cli, "out"),
                        .indices = kin_option_string(cli, "indices"),
                        .distances = kin_option_string(cli, "distances"),
                        .similarities = kin_option_string(cli, "similarities")};
    static const kin_list_value values[] = {
        [KIN_EUCLID] = KIN_VALUE_DISTANCE, [KIN_COSINE] = KIN_VALUE_COSINE, [KIN_INNER] = KIN_VALUE_PRODUCT};
    r->value = values[r->metric];
    bool elsewhere = r->indices || r->distances || r->similarities || kin_option_given(cli, "html");
    if (!r->out && !elsewhere) r->out = "-";
    *code = check_options(r);
    if (*code) return false;
    kin_interrupt_catch();
    kin_error err = {0};
    if (!read_all(r, read, user, &err)) {
        kin_retrieve_close(r);
        *code = kin_cli_fail(cli, &err);
        return false;
    }
    kin_selves_tell(cli, &r->selves, r->query.items.count);
    if (!query && r->gallery.items.role && !strrchr(r->gallery.name, ':'))
        kin_cli_note(
            cli,
            "%s tells queries from gallery; to keep them apart, give --query %s:query --gallery %s:gallery",
            r->gallery.name, r->gallery.name, r->gallery.name);
    return true;
}

static bool show(void *user, const char *stage, int64_t done, int64_t total)
{
    kin_retrieve *r = user;
    if (!r->stage || strcmp(r->stage, stage) != 0) {
        if (r->stage) kin_meter_break();
        r->stage = stage;
        kin_meter_start(&r->meter, stage, "rows", 0, total, r->cli->quiet);
    }
    kin_meter_update(&r->meter, done, NULL);
    return !kin_interrupted();
}

kin_progress kin_retrieve_progress(kin_retrieve *r) { return (kin_progress){show, r}; }

void kin_retrieve_tell_rounding(const kin_retrieve *r)
{
    kin_cli_tell_rounding(r->cli, &r->query);
    kin_cli_tell_rounding(r->cli, &r->gallery);
}

bool kin_retrieve_normalize(kin_retrieve *r, kin_error *err)
{
    kin_retrieve_tell_rounding(r);
    if (r->metric != KIN_COSINE) return true;
    return kin_normalize_rows(r->gallery.data, r->gallery.items.count, r->gallery.dim, r->gallery.name,
                              err) &&
           (r->leave_one_out ||
            kin_normalize_rows(r->query.data, r->query.items.count, r->query.dim, r->query.name, err));
}

/* `set` becomes means over itself. */
static bool average_itself(kin_retrieve *r, kin_embeddings *set, const char *option, kin_progress progress,
                           kin_error *err)
{
    kin_expand_opt opt = {
        .n = kin_option_int(r->cli, option), .alpha = kin_option_real(r->cli, "alpha"), .progress = progress};
    float *means = kin_alloc_array((size_t)set->items.count * (size_t)set->dim, sizeof *means);
    if (!means)
        return kin_fail_memory(err, set->name,
                               (unsigned long long)set->items.count * (unsigned long long)set->dim *
                                   sizeof *means);
    bool ok = kin_expand_database(kin_embeddings_vectors(set), &opt, means, err);
    kin_error_prefix(err, "--%s", option);
    if (ok) kin_embeddings_take(set, means, set->dim);
    else kin_free(means);
    return ok;
}

bool kin_retrieve_augment(kin_retrieve *r, kin_progress progress, kin_error *err)
{
    return average_itself(r, &r->gallery, "augment", progress, err);
}

bool kin_retrieve_expand(kin_retrieve *r, kin_error *err)
{
    kin_progress progress = kin_retrieve_progress(r);
    if (kin_option_given(r->cli, "augment") && !kin_retrieve_augment(r, progress, err)) return false;
    return !kin_option_given(r->cli, "expand") || kin_retrieve_expand_queries(r, progress, err);
}

bool kin_retrieve_expand_queries(kin_retrieve *r, kin_progress progress, kin_error *err)
{
    if (r->leave_one_out) return average_itself(r, &r->gallery, "expand", progress, err);
    kin_expand_opt opt = {.n = kin_option_int(r->cli, "expand"),
                          .alpha = kin_option_real(r->cli, "alpha"),
                          .self = kin_retrieve_self(r),
                          .progress = progress};
    bool ok = kin_expand_queries(kin_retrieve_query(r), kin_retrieve_gallery(r), &opt, r->query.data, err);
    kin_error_prefix(err, "--expand");
    return ok;
}

/* The distances that the values stand for, in their place. */
static bool write_distances(const kin_retrieve *r, const kin_neighbours *lists, kin_error *err)
{
    int64_t count = lists->queries * lists->k;
    kin_neighbours far = *lists;
    if (r->value == KIN_VALUE_DISTANCE) return kin_ranks_write_arrays(NULL, r->distances, lists, err);
    far.value = kin_alloc_array((size_t)count, sizeof *far.value);
    if (!far.value) return kin_fail_memory(err, r->distances, (unsigned long long)count * sizeof *far.value);
    for (int64_t i = 0; i < count; i++)
        far.value[i] = (float)((r->value == KIN_VALUE_COSINE) - (double)lists->value[i]);
    bool ok = kin_ranks_write_arrays(NULL, r->distances, &far, err);
    kin_free(far.value);
    return ok;
}

static bool write_lists(const kin_retrieve *r, const kin_neighbours *lists, kin_error *err)
{
    const kin_items *gallery = &r->gallery.items, *query = r->leave_one_out ? gallery : &r->query.items;
    if (r->out && !kin_ranks_write(r->out, lists, query, gallery, err)) return false;
    return kin_ranks_write_arrays(r->indices, r->similarities, lists, err) &&
           (!r->distances || write_distances(r, lists, err));
}

typedef bool (*lists_writer)(const kin_retrieve *r, const kin_neighbours *lists, kin_error *err);

/* As they are, or of each label the first. */
static bool with_labels(const kin_retrieve *r, const kin_neighbours *lists, lists_writer write,
                        kin_error *err)
{
    int64_t shortest;
    kin_neighbours once = {0};
    if (!r->label) return write(r, lists, err);
    bool ok = kin_retrieve_by_label(r, lists, &once, &shortest, err) && write(r, &once, err);
    kin_neighbours_free(&once);
    return ok;
}

bool kin_retrieve_write_quietly(const kin_retrieve *r, const kin_neighbours *lists, kin_error *err)
{
    return with_labels(r, lists, write_lists, err);
}

static const char *written_to(const kin_retrieve *r)
{
    if (r->out) return strcmp(r->out, "-") == 0 ? "standard output" : r->out;
    return r->indices ? r->indices : r->distances ? r->distances : r->similarities;
}

bool kin_retrieve_write(kin_retrieve *r, const kin_neighbours *lists, kin_error *err)
{
    kin_meter_break();
    if (!kin_retrieve_write_quietly(r, lists, err)) return false;
    if (written_to(r))
        kin_cli_note(r->cli, "%lld lists of %lld in %s", (long long)lists->queries,
                     (long long)(r->label ? r->top : lists->k), written_to(r));
    return kin_retrieve_page(r, lists, false, err);
}

/* ---- the page ---- */

static const char *const value_names[] = {
    [KIN_VALUE_DISTANCE] = "distance", [KIN_VALUE_COSINE] = "similarity", [KIN_VALUE_PRODUCT] = "score"};

/* The first `n` lists as a page takes them. */
static void cut_lists(const kin_neighbours *lists, int64_t n, int64_t *asked, int64_t *found, float *values)
{
    for (int64_t q = 0; q < n; q++) {
        asked[q] = q;
        for (int64_t r = 0; r < KIN_RANKS_PAGE_TOP; r++) {
            bool there = r < lists->k && lists->index[q * lists->k + r] >= 0;
            found[q * KIN_RANKS_PAGE_TOP + r] = there ? lists->index[q * lists->k + r] : -1;
            values[q * KIN_RANKS_PAGE_TOP + r] = there ? lists->value[q * lists->k + r] : NAN;
        }
    }
}

static bool write_page(const kin_retrieve *r, const kin_neighbours *lists, int64_t n, const int64_t *asked,
                       const int64_t *found, const float *values, bool of_pictures, kin_error *err)
{
    char shown[64], queries[32], gallery[32], lead[400];
    const char *path = kin_option_string(r->cli, "html"), *name = kin_option_string(r->cli, "gallery");
    snprintf(queries, sizeof queries, "%lld", (long long)lists->queries);
    snprintf(gallery, sizeof gallery, "%lld", (long long)r->gallery.items.count);
    snprintf(shown, sizeof shown, "the first %lld queries", (long long)n);
    snprintf(lead, sizeof lead, "For each picture the nearest ones in %.200s, as kin %s orders them.", name,
             r->cli->command->name);
    kin_page_fact facts[] = {
        {"Queries", queries}, {"Gallery", gallery}, {"Shown", n < lists->queries ? shown : NULL}};
    kin_ranks_page page = {
        .path = path,
        .title = "What is nearest",
        .lead = lead,
        .facts = facts,
        .n_facts = 3,
        .note = r->value == KIN_VALUE_DISTANCE
                    ? "Left the query, then its list, best first. Below each its distance: "
                      "smaller is nearer."
                    : "Left the query, then its list, best first. Below each what it is "
                      "ordered by: larger is nearer.",
        .query_name = kin_option_string(r->cli, "query"),
        .gallery_name = name,
        .of_pictures = of_pictures,
        .query = r->leave_one_out ? NULL : &r->query.items,
        .gallery = &r->gallery.items,
        .n = n,
        .asked = asked,
        .found = found,
        .values = values,
        .value_name = value_names[r->value],
        .self = kin_retrieve_self(r)};
    return kin_ranks_page_write(&page, r->cli, err);
}

static bool make_page(const kin_retrieve *r, const kin_neighbours *lists, bool of_pictures, kin_error *err)
{
    const char *path = kin_option_string(r->cli, "html");
    int64_t most = kin_option_int(r->cli, "html-queries"), n = most < lists->queries ? most : lists->queries;
    size_t places = (size_t)n * KIN_RANKS_PAGE_TOP;
    int64_t *asked = kin_alloc_array((size_t)n, sizeof *asked),
            *found = kin_alloc_array(places, sizeof *found);
    float *values = kin_alloc_array(places, sizeof *values);
    bool ok = (asked && found && values) || kin_fail_memory(err, path, places * sizeof *found);
    if (ok) cut_lists(lists, n, asked, found, values);
    ok = ok && write_page(r, lists, n, asked, found, values, of_pictures, err);
    kin_free(asked), kin_free(found), kin_free(values);
    return ok;
}

static bool page_of_pictures(const kin_retrieve *r, const kin_neighbours *lists, kin_error *err)
{
    return make_page(r, lists, true, err);
}

static bool page_of_vectors(const kin_retrieve *r, const kin_neighbours *lists, kin_error *err)
{
    return make_page(r, lists, false, err);
}

bool kin_retrieve_page(const kin_retrieve *r, const kin_neighbours *lists, bool of_pictures, kin_error *err)
{
    return !kin_option_given(r->cli, "html") ||
           with_labels(r, lists, of_pictures ? page_of_pictures : page_of_vectors, err);
}

/* ---- classes too small for k1 ---- */

static int ascending(const void *a, const void *b)
{
    return *(const int64_t *)a < *(const int64_t *)b ? -1 : *(const int64_t *)a > *(const int64_t *)b;
}

/* The median number of gallery items a label has; 0 without labels. */
static int64_t median_class(const kin_items *items)
{
    if (!items->label) return 0;
    int64_t *code = kin_alloc_array((size_t)items->count, sizeof *code),
            *size = kin_alloc_zero((size_t)items->count, sizeof *size), classes = 0, median = 0;
    if (code && size && kin_items_label_codes(items, code, NULL, NULL, NULL)) {
        for (int64_t i = 0; i < items->count; i++) {
            if (code[i] < 0) continue;
            size[code[i]]++;
            if (code[i] >= classes) classes = code[i] + 1;
        }
        if (classes) qsort(size, (size_t)classes, sizeof *size, ascending);
        if (classes) median = size[classes / 2];
    }
    kin_free(code), kin_free(size);
    return median;
}

void kin_retrieve_warn_of_small_classes(const kin_retrieve *r, int64_t k1)
{
    int64_t median = median_class(&r->gallery.items);
    if (median > 0 && median < k1)
        kin_cli_note(r->cli,
                     "half the labels have %lld gallery items or fewer, less than --k1 %lld: mutual "
                     "neighbours will mix them; try --k1 %lld --k2 %lld",
                     (long long)median, (long long)k1, (long long)median,
                     (long long)(median / 3 > 1 ? median / 3 : 1));
}
