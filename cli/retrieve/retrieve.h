/* What `kin search` and `kin rerank` share: reading both sets, expansion, progress, writing the lists. */
#ifndef KIN_CLI_RETRIEVE_RETRIEVE_H
#define KIN_CLI_RETRIEVE_RETRIEVE_H

#include "cli/options/command.h"
#include "cli/pages/ranks_page.h"
#include "cli/terminal/progress.h"
#include "retrieval/lists/selves.h"
#include "retrieval/search/search.h"

/* What the values beside the lists are, and what distance they stand for: the one that --max-distance
 * takes. */
typedef enum {
    KIN_VALUE_DISTANCE = 0, /* themselves */
    KIN_VALUE_COSINE,       /* 1 − s */
    KIN_VALUE_PRODUCT,      /* −s */
} kin_list_value;

typedef struct kin_retrieve {
    const kin_cli *cli;
    kin_embeddings query, gallery; /* query is empty when each gallery item is searched among the others */
    bool leave_one_out;
    kin_selves selves; /* which gallery row a query is; none with --keep-self, and when leaving one out */
    kin_metric metric;
    int64_t top;
    int64_t depth; /* of the lists that methods make: top, or what --group-by label needs for so many */
    int64_t *label, labels; /* with --group-by label, of the gallery; NULL: each item counts */
    const char *out, *indices, *distances, *similarities; /* NULL: not wanted */
    kin_list_value value;                                 /* of the lists that are written */
    const char *stage;                                    /* that the meter shows; NULL: none */
    kin_meter meter;
} kin_retrieve;

extern const char *const kin_retrieve_groups[];

/* Those of top-M augmentation (retrieval/rerank/top_m.h). */
#define KIN_TOP_M_OPTIONS \
    {.name = "first", \
     .kind = KIN_OPTION_INT, \
     .value = "M", \
     .low = 1, \
     .high = 20000, \
     .fallback = "400", \
     .help = "How many of a list top-m re-orders; the others keep their places."}, \
        {.name = "neighbours", \
         .kind = KIN_OPTION_INT, \
         .value = "N", \
         .low = 0, \
         .high = 20000, \
         .fallback = "9", \
         .help = "Each of those takes in its N nearest among them."}, \
    { \
        .name = "beta", .kind = KIN_OPTION_REAL, .value = "X", .low = 0, .high = 100, .fallback = "0.15", \
        .help = "With this weight, times their similarity." \
    }

/* Rows of the commands' option tables. */
#define KIN_RETRIEVE_OPTIONS \
    {.name = "gallery", \
     .kind = KIN_OPTION_STRING, \
     .value = "G", \
     .required = true, \
     .help = "What is searched: the name given to `kin embed --out`, or any .npy matrix, whose ids are " \
             "then its row numbers, or a .csv with a column `embedding` of vectors such as [1,2.5], as a " \
             "database writes it."}, \
        {.name = "query", \
         .kind = KIN_OPTION_STRING, \
         .value = "Q", \
         .help = "What is looked for, in the same form. Without it each gallery item is looked for among " \
                 "the others."}, \
        {.name = "top", \
         .kind = KIN_OPTION_INT, \
         .value = "K", \
         .low = 1, \
         .high = -1, \
         .fallback_shown = "1000, or the whole gallery if that is smaller", \
         .help = "Length of the lists."}, \
        {.name = "out", \
         .kind = KIN_OPTION_STRING, \
         .writes = KIN_WRITES_LIST, \
         .value = "FILE", \
         .fallback_shown = "standard output, unless arrays or a page are written", \
         .help = "Where the lists go, as `id,images`; - is standard output."}, \
        {.name = "indices", \
         .kind = KIN_OPTION_STRING, \
         .writes = KIN_WRITES_FILE, \
         .value = "FILE", \
         .help = "Write gallery rows as an int64 .npy, in the layout of FAISS."}, \
        {.name = "distances", \
         .kind = KIN_OPTION_STRING, \
         .writes = KIN_WRITES_FILE, \
         .value = "FILE", \
         .help = \
             "Write the distances beside them as a float32 .npy, smaller is nearer: 1 - cosine, squared " \
             "Euclid, minus the inner product, or what re-ranking orders by."}, \
        {.name = "similarities", \
         .kind = KIN_OPTION_STRING, \
         .value = "FILE", \
         .help = "Write cosines or inner products instead, as FAISS's inner-product indexes return them; " \
                 "larger " \
                 "is nearer."}, \
        {.name = "expand", \
         .kind = KIN_OPTION_INT, \
         .value = "N", \
         .low = 1, \
         .high = -1, \
         .help = "First replace each query by a mean over its N nearest gallery items; without --query, " \
                 "each item by a mean over N items, itself among them."}, \
        {.name = "augment", \
         .kind = KIN_OPTION_INT, \
         .value = "N", \
         .low = 1, \
         .high = -1, \
         .help = "First replace each gallery item by a mean over N gallery items, itself among them " \
                 "(database augmentation)."}, \
        {.name = "group-by", \
         .kind = KIN_OPTION_CHOICE, \
         .value = "WHAT", \
         .choices = kin_retrieve_groups, \
         .fallback_shown = "every item", \
         .help = "Of several gallery items of one label only the nearest: --top then counts labels. Items " \
                 "without a label count each."}, \
        {.name = "keep-self", \
         .help = "Queries that are gallery items find themselves, too; without it they are dropped from " \
                 "their own lists, which stay as long."}, \
        KIN_RANKS_PAGE_OPTIONS("How many queries the page shows, the first of them."), \
    { \
        .name = "alpha", .kind = KIN_OPTION_REAL, .value = "A", .low = 0, .high = 100, .fallback = "3", \
        .help = "Means are weighted by cosine similarity to this power; 0 weights all alike." \
    }

/* How a set is read: kin_embeddings_read, or what makes embeddings of pictures. */
typedef bool (*kin_set_reader)(void *user, const char *name, kin_embeddings *out, kin_error *err);

/* Reads and checks everything there is to check before long work: options that exclude each other, both
 * sets, the output's folders. On failure *code is the exit code, with the message printed. */
bool kin_retrieve_open(kin_retrieve *r, kin_cli *cli, int *code);
/* The same with sets that `read` reads, the queries first. */
bool kin_retrieve_open_with(kin_retrieve *r, kin_cli *cli, kin_set_reader read, void *user, int *code);
void kin_retrieve_close(kin_retrieve *r);

/* For the library: the gallery row that each query is. */
static inline const int64_t *kin_retrieve_self(const kin_retrieve *r) { return r->selves.row; }

kin_vectors kin_retrieve_query(const kin_retrieve *r); /* the gallery itself when leaving one out */
kin_vectors kin_retrieve_gallery(const kin_retrieve *r);

/* A remark where a set's numbers are wider than float32, for what takes them as float32. */
void kin_retrieve_tell_rounding(const kin_retrieve *r);

/* Replaces both sets by unit vectors (for --metric cosine), then by their means where --expand or
 * --augment ask. */
bool kin_retrieve_normalize(kin_retrieve *r, kin_error *err);
bool kin_retrieve_expand(kin_retrieve *r, kin_error *err);
/* its parts: the gallery's means, ... */
bool kin_retrieve_augment(kin_retrieve *r, kin_progress progress, kin_error *err);
/* ... and the queries', or without queries the gallery's */
bool kin_retrieve_expand_queries(kin_retrieve *r, kin_progress progress, kin_error *err);

/* For the library's long calls: a meter, and Ctrl-C. `r` must stay where it is. */
kin_progress kin_retrieve_progress(kin_retrieve *r);

/* A remark where half the labels have fewer gallery items than k1 asks for mutual neighbours: re-ranking
 * then does harm. */
void kin_retrieve_warn_of_small_classes(const kin_retrieve *r, int64_t k1);

/* With the page, where --html asks for one. With --group-by label, here as below, of each label what comes first. */
bool kin_retrieve_write(kin_retrieve *r, const kin_neighbours *lists, kin_error *err);
/* That page alone; `of_pictures`: the sets' names are those of pictures. */
bool kin_retrieve_page(const kin_retrieve *r, const kin_neighbours *lists, bool of_pictures, kin_error *err);
/* the lists without a page and a remark */
bool kin_retrieve_write_quietly(const kin_retrieve *r, const kin_neighbours *lists, kin_error *err);

#endif
