/* Pickles made to do harm: tensors that lie about their storage, opcodes and names that are not known, objects without
 * end. */
#include "base/memory.h"
#include "tests/support/check.h"
#include "tests/support/made.h"

#include <stdlib.h>
#include <string.h>

static void put_string(made_bytes *b, const char *text)
{
    made_text(b, "X");
    made_number(b, strlen(text), 4);
    made_text(b, text);
}

static void put_integer(made_bytes *b, int64_t value)
{
    made_text(b, "\x8a\x08");
    made_number(b, (uint64_t)value, 8);
}

/* _rebuild_tensor_v2 of storage "0", which holds `held` float32 numbers. */
static void put_tensor(made_bytes *b, int64_t held, int64_t offset, const int64_t *shape,
                       const int64_t *stride, int ndim)
{
    made_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    put_string(b, "storage");
    made_text(b, "ctorch\nFloatStorage\n");
    put_string(b, "0");
    put_string(b, "cpu");
    put_integer(b, held);
    made_text(b, "tQ");
    put_integer(b, offset);
    made_text(b, "(");
    for (int i = 0; i < ndim; i++) put_integer(b, shape[i]);
    made_text(b, "t(");
    for (int i = 0; i < ndim; i++) put_integer(b, stride[i]);
    made_text(b, "t\x89NtR");
}

static const char begin_pickle[] = "\x80\x02";

/* A legacy file of this object, with one storage "0" of `count` numbers (as told) in `size` bytes; with
 * none when count is 0. */
static made_bytes legacy(const made_bytes *object, uint64_t count, size_t size)
{
    made_bytes b = {0};
    made_text(&b, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.");
    made_put(&b, object->data, object->size);
    made_text(&b, "\x80\x02](");
    if (count) put_string(&b, "0");
    made_text(&b, "e.");
    if (count) made_number(&b, count, 8);
    for (size_t i = 0; i < size; i++) made_put(&b, "\0", 1);
    return b;
}

static void refused_object(const char *what, made_bytes *object, uint64_t count, size_t size,
                           const char *part)
{
    made_bytes file = legacy(object, count, size);
    free(object->data);
    *object = (made_bytes){0};
    made_refused(what, &file, part);
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
        made_bytes b = {0};
        made_text(&b, begin_pickle);
        made_text(&b, "}");
        put_string(&b, "w");
        put_tensor(&b, cases[i].held, cases[i].offset, cases[i].shape, cases[i].stride, cases[i].ndim);
        made_text(&b, "s.");
        refused_object(cases[i].what, &b, cases[i].count, cases[i].size, cases[i].part);
    }
    made_bytes b = {0};
    made_text(&b, begin_pickle);
    made_text(&b, "}(");
    for (int i = 0; i < 2; i++) put_string(&b, "w"), put_tensor(&b, 6, 0, (int64_t[]){6}, (int64_t[]){1}, 1);
    made_text(&b, "u.");
    refused_object("a name that stands twice", &b, 6, 24, "w stands twice in it");
    made_text(&b, begin_pickle);
    made_text(&b, "}(");
    for (int i = 0; i < 2; i++)
        put_string(&b, i ? "w" : "v"), put_tensor(&b, i ? 6 : 5, 0, (int64_t[]){5}, (int64_t[]){1}, 1);
    made_text(&b, "u.");
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
        made_bytes b = {0};
        made_put(&b, cases[i].pickle, cases[i].size);
        refused_object(cases[i].what, &b, 0, 0, cases[i].part);
    }
    made_bytes b = {0};
    made_text(&b, begin_pickle);
    made_text(&b, "}(");
    put_string(&b, "w"), put_tensor(&b, 6, 0, (int64_t[]){6}, (int64_t[]){1}, 1);
    put_string(&b, "doubled");
    made_text(&b, "]q");
    made_number(&b, 0, 1);
    for (int i = 0; i < 100; i++)
        made_text(&b, "](h"), made_number(&b, (uint64_t)i, 1), made_text(&b, "h"),
            made_number(&b, (uint64_t)i, 1), made_text(&b, "eq"), made_number(&b, (uint64_t)i + 1, 1);
    for (int i = 0; i < 100; i++) made_text(&b, "0");
    made_text(&b, "u.");
    refused_object("a list doubled a hundred times", &b, 6, 24, NULL);
    made_text(&b, begin_pickle);
    for (int i = 0; i < 200000; i++) made_text(&b, "]");
    for (int i = 0; i < 199999; i++) made_text(&b, "a");
    made_text(&b, ".");
    refused_object("lists nested 200000 deep", &b, 0, 0, "holds no dictionary of tensors");
    made_text(&b, begin_pickle);
    for (int i = 0; i < 3 << 20; i++) made_text(&b, "(");
    refused_object("three million marks", &b, 0, 0, "its stack grows too high");
    made_text(&b, begin_pickle);
    for (int i = 0; i < 2 << 20; i++) made_text(&b, "N0");
    refused_object("two million objects", &b, 0, 0, "more objects than any network has");
    check_end();
}

int main(void)
{
    tensors();
    pickles();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
