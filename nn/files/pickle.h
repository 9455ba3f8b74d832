/* Python's pickles, protocol 2 to 5, as plain data. A pickle is a program for a small stack machine that
 * makes objects and calls functions; here nothing is ever called. "Call f with these arguments" becomes a
 * node that says so, and whoever asked for the pickle decides what the few calls it knows mean. Names it
 * does not know are refused as they are met. */
#ifndef KIN_NN_FILES_PICKLE_H
#define KIN_NN_FILES_PICKLE_H

#include "base/arena.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef enum {
    KIN_PICKLE_NONE,
    KIN_PICKLE_BOOL,   /* integer */
    KIN_PICKLE_INT,    /* integer */
    KIN_PICKLE_LONG,   /* an integer of more than 64 bits: text, little-endian two's complement */
    KIN_PICKLE_REAL,   /* real */
    KIN_PICKLE_TEXT,   /* text: UTF-8 or bytes, zero-terminated; may hold zeros */
    KIN_PICKLE_TUPLE,  /* items */
    KIN_PICKLE_LIST,   /* items; sets too */
    KIN_PICKLE_DICT,   /* items: key, value, key, value, .. */
    KIN_PICKLE_GLOBAL, /* text: "module.name" */
    KIN_PICKLE_CALL,   /* callee(args), then `state` and items put into it */
    /* args: what the writer put in the place of an object kept elsewhere; state: the one met before it */
    KIN_PICKLE_PERSISTENT,
} kin_pickle_kind;

/* Nodes may be shared and, through lists and dictionaries, even hold themselves: whoever walks them bounds
 * the walk. */
typedef struct kin_pickle {
    kin_pickle_kind kind;
    int64_t integer;
    double real;
    const char *text;
    size_t length;
    struct kin_pickle **items;
    size_t count, capacity;
    struct kin_pickle *callee, *args, *state;
} kin_pickle;

/* Reads one pickle from the front of the bytes; *used is where it ended. `known` says which globals
 * ("collections.OrderedDict") may occur. *last (may be NULL) is the persistent object met last. The tree
 * lives in `arena`. NULL on error. */
const kin_pickle *kin_pickle_parse(const uint8_t *bytes, size_t size, size_t *used,
                                   bool (*known)(const char *global), const kin_pickle **last,
                                   kin_arena *arena, kin_error *err);

/* The value of a dictionary's last pair with this key (also of an OrderedDict); NULL when there is none. */
const kin_pickle *kin_pickle_get(const kin_pickle *dict, const char *key);
bool kin_pickle_is(const kin_pickle *p, const char *global); /* a global of this name */
/* a call of it with at least so many arguments */
bool kin_pickle_is_call(const kin_pickle *p, const char *global, size_t least_args);
/* A dictionary, or a call of collections.OrderedDict. */
bool kin_pickle_is_dict(const kin_pickle *p);

#endif
