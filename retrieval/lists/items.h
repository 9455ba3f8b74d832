/* What the rows of a matrix of embeddings are: `E.npy` holds the numbers, `E.csv` (id,label,path, and
 * where they are known camera,role and box) the names. */
#ifndef KIN_RETRIEVAL_LISTS_ITEMS_H
#define KIN_RETRIEVAL_LISTS_ITEMS_H

#include "base/error.h"
#include "base/npy.h"
#include "retrieval/vectors.h"

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_items {
    int64_t count;
    char **id;            /* [count]: unique, not empty */
    char **label;         /* [count] or NULL: none; an empty string: this one has none */
    char **path;          /* [count] or NULL */
    char **camera;        /* [count] or NULL; an empty string: not known */
    char **role;          /* [count] or NULL: "query", "gallery" or empty */
    char **box;           /* [count] or NULL: "x_1 y_1 x_2 y_2" of what was cut out, or empty */
    char *storage;        /* all of the above are owned */
    int64_t *slot, slots; /* hash table of the ids */
} kin_items;

typedef struct kin_embeddings {
    float *data; /* [items.count, dim]; replaced by kin_embeddings_take alone */
    int64_t dim;
    /* what `data` lies in, where it was read; with the numbers as doubles where float32 rounds them */
    kin_npy file;
    kin_items items;
    char *name;         /* as given, for messages */
    bool names_missing; /* E.csv was written beside E.npy, and is not there: the ids are row numbers */
} kin_embeddings;

static inline kin_vectors kin_embeddings_vectors(const kin_embeddings *e)
{
    kin_vectors v = {e->data, e->items.count, e->dim};
    return v;
}

/* The columns that items are made of, [count] each; all but the ids may be NULL. */
typedef struct kin_item_texts {
    const char *const *id, *const *label, *const *path, *const *camera, *const *role, *const *box;
    /* how the rows were made, as a number: rows that were made differently are not compared; 0: nothing is said */
    uint32_t made;
} kin_item_texts;

/* `name` is "E" or "E.npy"; with ":query" or ":gallery" behind it, the rows of that role alone are taken.
 * Beside E.npy, E.csv is read where it exists, and must be the one that was written with it; else ids are row
 * numbers from 0, without labels. Refuses
 * NaN, row counts that differ, and ids that repeat, by line. "E.csv" is a table that has the numbers itself, in a
 * column `embedding`, as [1,2.5,-3]: what comes out of a database. */
bool kin_embeddings_read(const char *name, kin_embeddings *out, kin_error *err);
/* Such a table in memory, which is taken apart in place; the byte at text[size] must be writable. */
bool kin_embeddings_parse(const char *name, char *text, size_t size, kin_embeddings *out, kin_error *err);
/* Writes name.npy and name.csv (`name` may end in .npy). `label` and `path` may be NULL. */
bool kin_embeddings_write(const char *name, kin_vectors vectors, const char *const *id,
                          const char *const *label, const char *const *path, kin_error *err);
/* the same with all columns */
bool kin_embeddings_write_texts(const char *name, kin_vectors vectors, const kin_item_texts *texts,
                                kin_error *err);
/* the same with another set's columns */
bool kin_embeddings_write_items(const char *name, kin_vectors vectors, const kin_items *items,
                                kin_error *err);
void kin_embeddings_free(kin_embeddings *embeddings);
/* `data` [items.count, dim], from kin_alloc, takes the place of the numbers, and is owned from then on. */
void kin_embeddings_take(kin_embeddings *embeddings, float *data, int64_t dim);

/* Copies the strings; checks that ids are unique and not empty. */
bool kin_items_make(kin_items *out, int64_t count, const char *const *id, const char *const *label,
                    const char *const *path, kin_error *err);
bool kin_items_make_texts(kin_items *out, int64_t count, const kin_item_texts *texts, kin_error *err);
bool kin_items_numbered(kin_items *out, int64_t count, kin_error *err);
bool kin_items_read(const char *path, kin_items *out, kin_error *err);
bool kin_items_parse(const char *name, const char *text, size_t size, kin_items *out, kin_error *err);
/* The items alone of "E" or "E.npy", as kin_embeddings_read would name them, or of a list "E.csv";
 * ":query" and ":gallery" as there. */
bool kin_items_open(const char *name, kin_items *out, kin_error *err);
void kin_items_free(kin_items *items);

/* The row that has this id, or -1. */
int64_t kin_items_find(const kin_items *items, const char *id, size_t length);

/* Numbers the labels of two sets alike (b may be NULL): equal strings, equal numbers; -1 for an empty one. */
bool kin_items_label_codes(const kin_items *a, int64_t *a_code, const kin_items *b, int64_t *b_code,
                           kin_error *err);
/* Whether labels can tell good lists from bad ones: some item has one, and not all have the same, for then
 * any order is right. Refused with what is missing. `query` may be NULL. */
bool kin_items_judgeable(const kin_items *gallery, const kin_items *query, kin_error *err);
/* The same for the cameras. */
bool kin_items_camera_codes(const kin_items *a, int64_t *a_code, const kin_items *b, int64_t *b_code,
                            kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
