/* The inside of a checkpoint, for the readers of its formats alone. */
#ifndef KIN_NN_FILES_CHECKPOINT_PARTS_H
#define KIN_NN_FILES_CHECKPOINT_PARTS_H

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/zip.h"
#include "nn/files/arrays.h"
#include "nn/files/checkpoint.h"

struct kin_checkpoint {
    kin_bytes file;
    kin_arena arena; /* names, and numbers that are not as they lie in the file */
    kin_array *arrays;
    size_t count, capacity;
    const kin_json *metadata;
    kin_checkpoint **parts; /* files of an index, in which the numbers lie */
    size_t n_parts, parts_capacity;
    uint64_t source; /* bytes of the file or files it was read from */
    uint64_t made;   /* bytes of numbers in the arena */
};

/* Takes the file over, also when it fails (NULL). */
kin_checkpoint *kin_checkpoint_new(kin_bytes *file, kin_error *err);
/* One more array; the name is copied. NULL when out of memory, or when the name is no sound UTF-8 (a name
 * of `length` bytes). */
kin_array *kin_checkpoint_add(kin_checkpoint *c, const char *name, size_t length, kin_error *err);
/* Memory for numbers, for as long as the checkpoint lives. What one file may make of itself is bounded: by
 * 256 MB and sixteen times its size. NULL on error. */
uint8_t *kin_checkpoint_alloc(kin_checkpoint *c, const char *name, size_t bytes, kin_error *err);
/* Points array `a`, whose dtype, shape and count are set, at numbers with these strides that begin at
 * `from`; copies them unless they lie in C order and little-endian. The caller has checked that all lie
 * where they may. */
bool kin_checkpoint_place(kin_checkpoint *c, kin_array *a, const uint8_t *from, const int64_t *stride,
                          bool big_endian, kin_error *err);
/* The bytes of an archive's entry, unpacked into the checkpoint's memory unless they are stored as they
 * are. */
bool kin_checkpoint_unpack(kin_checkpoint *c, const kin_zip_entry *e, const kin_unpacker *unpacker,
                           const uint8_t **data, kin_error *err);
/* Fails when a name stands twice. */
bool kin_checkpoint_names(kin_checkpoint *c, kin_error *err);

#endif
