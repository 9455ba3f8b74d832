/* Checkpoints: layouts and number formats, files of other programs, the optimiser's state, and what
 * happens when memory ends. Refusals of malformed headers are in tests/test_golden.c and the fuzzer. */
#include "base/file.h"
#include "base/memory.h"
#include "nn/files/fit.h"
#include "nn/layers.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static kin_tensor *small(kin_scope *s, kin_tensor *x, void *arg)
{
    x = kin_conv(kin_sub(s, "conv"), x, &(kin_conv_opt){.out = 5, .kernel = 3, .pad = 1});
    return kin_linear(kin_sub(s, "fc"), kin_global_avg_pool(x),
                      &(kin_linear_opt){.out = arg ? *(int *)arg : 2});
}

static kin_module *network(kin_ctx *ctx, int *out, uint64_t seed)
{
    return kin_module_new(ctx, small, out, KIN_SHAPE(1, 4, 4, 2), seed);
}

/* A file in memory: the header as written, then the data. */
static size_t build(uint8_t *file, const char *header, const void *data, size_t size)
{
    size_t length = strlen(header);
    for (int i = 0; i < 8; i++) file[i] = (uint8_t)(length >> (8 * i));
    memcpy(file + 8, header, length);
    if (size) memcpy(file + 8 + length, data, size);
    return 8 + length + size;
}

static void layout(void)
{
    check_begin("checkpoints: OIHW in files is HWIO in memory, both ways");
    kin_ctx *ctx = kin_ctx_new();
    kin_error err = {0};
    kin_module *m = network(ctx, NULL, 1);
    float numbers[90];
    static uint8_t file[1024];
    for (int i = 0; i < 90; i++) numbers[i] = (float)i;
    size_t size = build(file,
                        "{\"conv.weight\":{\"dtype\":\"F32\",\"shape\":[5,2,3,3],\"data_offsets\":[0,360]}}",
                        numbers, sizeof numbers);
    kin_checkpoint *c = NULL;
    CHECK(kin_checkpoint_parse(file, size, &c, &err) && kin_checkpoint_load(c, m, "fc.*", &err));
    const kin_real *w = kin_data(kin_module_find(m, "conv.weight")->tensor);
    for (int o = 0; o < 5; o++)
        for (int i = 0; i < 2; i++)
            for (int tap = 0; tap < 9; tap++) CHECK_CLOSE(w[(tap * 2 + i) * 5 + o], (o * 2 + i) * 9 + tap, 0);
    CHECK(!kin_checkpoint_load(c, m, NULL, &err));
    CHECK_TEXT(err.message, "fc.weight");
    kin_checkpoint_free(c);
    kin_error_clear(&err);
    kin_bytes written = {0};
    CHECK(kin_checkpoint_save(check_path("layout.safetensors"), m, NULL, NULL, 0, &err) &&
          kin_read_file(check_path("layout.safetensors"), 0, &written, &err));
    size_t header = written.size > 8 ? written.data[0] + 256u * written.data[1] : 0;
    CHECK_MSG(header % 8 == 0 && memcmp(written.data + 8 + header, numbers, sizeof numbers) == 0,
              "the file's first 90 numbers are not in OIHW");
    kin_bytes_free(&written);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static kin_tensor *bias_only(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    return kin_add(x, kin_param(s, "b", &(kin_param_opt){.shape = KIN_SHAPE(4)}));
}

/* 1.5, −2, and the smallest and a large number of half precision; the rest of the format
 * has room for them too. */
static void formats(void)
{
    check_begin("checkpoints: float64, float16 and bfloat16 are read");
    static const double wide[] = {1.5, -2, 0x1p-24, 32768};
    static const uint8_t half[] = {0x00, 0x3e, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x78};
    static const uint8_t brain[] = {0xc0, 0x3f, 0x00, 0xc0, 0x80, 0x33, 0x00, 0x47};
    static const struct {
        const char *dtype;
        const void *data;
        size_t size;
    } cases[] = {{"F64", wide, 32}, {"F16", half, 8}, {"BF16", brain, 8}};
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, bias_only, NULL, KIN_SHAPE(1, 4), 1);
    for (int i = 0; i < 3; i++) {
        kin_error err = {0};
        kin_checkpoint *c = NULL;
        char header[128];
        uint8_t file[256];
        snprintf(header, sizeof header, "{\"b\":{\"dtype\":\"%s\",\"shape\":[4],\"data_offsets\":[0,%zu]}}",
                 cases[i].dtype, cases[i].size);
        CHECK_MSG(kin_checkpoint_parse(file, build(file, header, cases[i].data, cases[i].size), &c, &err) &&
                      kin_checkpoint_load(c, m, NULL, &err),
                  "%s", err.message);
        const kin_real *b = kin_data(kin_module_find(m, "b")->tensor);
        for (int k = 0; k < 4; k++)
            CHECK_MSG((double)b[k] == wide[k], "%s: number %d is %g", cases[i].dtype, k, (double)b[k]);
        kin_checkpoint_free(c);
    }
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void of_others(void)
{
    static const char *const names[] = {"weights/resnet20-cifar10.safetensors",
                                        "weights/resnet56-cifar10.safetensors",
                                        "weights/efficientnet_lite0-imagenet.safetensors"};
    check_begin("checkpoints: files of other programs open");
    for (int i = 0; i < 3; i++) {
        const char *path = check_data(names[i]);
        if (!path) {
            check_skip("%s is not here", names[i]);
            return;
        }
        kin_error err = {0};
        kin_checkpoint *c = NULL;
        CHECK_MSG(kin_checkpoint_open(path, &c, &err) && kin_checkpoint_count(c) > 50, "%s", err.message);
        kin_checkpoint_free(c);
    }
    check_end();
}

/* Two steps, a save, and two more are the same bits as two steps, a load elsewhere, and two more. */
static void resumed(void)
{
    check_begin(
        "checkpoints: an optimiser's state goes on with the same bits; absurd step counts are refused");
    kin_ctx *ctx = kin_ctx_new();
    kin_error err = {0};
    kin_module *m[2] = {network(ctx, NULL, 1), network(ctx, NULL, 2)};
    kin_optim *o[2];
    for (int i = 0; i < 2; i++) o[i] = kin_optim_new(m[i], &(kin_optim_opt){.kind = KIN_ADAM, .ema = 0.9});
    kin_checkpoint *c = NULL;
    for (int step = 0; step < 4; step++) {
        if (step == 2)
            CHECK_MSG(kin_checkpoint_save(check_path("run.safetensors"), m[0], o[0], NULL, 0, &err) &&
                          kin_checkpoint_open(check_path("run.safetensors"), &c, &err) &&
                          kin_checkpoint_load(c, m[1], NULL, &err) &&
                          kin_checkpoint_load_optim(c, o[1], &err),
                      "%s", err.message);
        for (int i = 0; i < 2; i++) {
            for (int64_t k = 0; k < kin_module_slab_count(m[i]); k++)
                kin_module_grads(m[i])[k] = (kin_real)sin(0.3 * (double)k + step);
            CHECK(kin_optim_step(o[i], 1e-2));
        }
    }
    size_t bytes = (size_t)kin_module_slab_count(m[0]) * sizeof(kin_real);
    CHECK(memcmp(kin_module_values(m[0]), kin_module_values(m[1]), bytes) == 0 && kin_optim_steps(o[1]) == 4);
    for (int slab = 0; slab < kin_optim_slabs(o[0]); slab++)
        CHECK(memcmp(kin_optim_slab(o[0], slab), kin_optim_slab(o[1], slab), bytes) == 0);
    kin_checkpoint_free(c);
    static const char *const counts[] = {"9223372036854775807", "-1", "two", ""};
    for (int i = 0; i < 4; i++) {
        uint8_t file[256];
        char header[128];
        snprintf(header, sizeof header, "{\"__metadata__\":{\"optimizer.steps\":\"%s\"}}", counts[i]);
        CHECK(kin_checkpoint_parse(file, build(file, header, NULL, 0), &c, &err));
        CHECK(!kin_checkpoint_load_optim(c, o[1], &err));
        CHECK_TEXT(err.message, "no optimiser state");
        kin_error_clear(&err);
        kin_checkpoint_free(c);
    }
    for (int i = 0; i < 2; i++) kin_optim_free(o[i]), kin_module_free(m[i]);
    kin_ctx_free(ctx);
    check_end();
}

/* A checkpoint of another network must be refused also when there is no memory to list the differences. */
static void memory_ends(void)
{
    check_begin("checkpoints: when memory ends nothing is accepted, changed, leaked or waited for");
    kin_ctx *ctx = kin_ctx_new();
    int other = 9;
    kin_module *m = network(ctx, NULL, 1), *wide = network(ctx, &other, 1);
    kin_optim *o = kin_optim_new(m, &(kin_optim_opt){.kind = KIN_ADAM});
    const char *path = check_path("memory.safetensors");
    kin_error err = {0};
    kin_checkpoint *c = NULL;
    CHECK(kin_checkpoint_save(path, m, o, NULL, 0, &err) && kin_checkpoint_open(path, &c, &err));
    long alive = kin_alloc_live();
    for (long n = 1, more = 1; more && n < 1000; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        CHECK_MSG(!kin_checkpoint_load(c, wide, NULL, &err) && kin_failed(&err),
                  "another network's checkpoint was accepted (allocation %ld failed)", n);
        more = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK(kin_alloc_live() == alive);
    }
    for (long n = 1, more = 1; more && n < 1000; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        bool ok = kin_checkpoint_save(path, m, o, NULL, 0, &err);
        more = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK(ok != kin_failed(&err) && (more || ok) && kin_alloc_live() == alive);
        kin_checkpoint *again = NULL;
        kin_error_clear(&err);
        CHECK_MSG(kin_checkpoint_open(path, &again, &err), "after failed allocation %ld: %s", n, err.message);
        kin_checkpoint_free(again);
    }
    kin_checkpoint_free(c);
    kin_optim_free(o);
    kin_module_free(m), kin_module_free(wide);
    kin_ctx_free(ctx);
    check_end();
}

/* Beside the refusals in tests/test_golden.c. */
static void hostile_headers(void)
{
    check_begin("checkpoints: names in disguise, too many axes, and huge headers are refused");
#define ONE(NAME, FROM, TO) \
    "\"" NAME "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" #FROM "," #TO "]}"
    static const struct {
        const char *header, *part;
    } cases[] = {
        {"{" ONE("a", 0, 4) "," ONE("\\u0061", 4, 8) "}", "a"},
        {"{" ONE("a\\u0000b", 0, 4) "}", ""},
        {"{" ONE("a", 0, 4) "," ONE("b", 3, 7) "}", "overlap"},
        {"{" ONE("a", 0, 4) "," ONE("b", 0, 4) "}", "overlap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", "has 9 axes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1152921504606846976,0],\"data_offsets\":[0,0]}}",
         "impossible shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,4294967296],\"data_offsets\":[0,0]}}",
         "impossible shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", "impossible shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[9007199254740992,9007199254740996]}}",
         "outside the file"},
        {"{" ONE("a", 0, 4) "," ONE("b", 8, 12) "," ONE("c", 12, 16) "}",
         "4 bytes before b belong to no array"},
        {"{" ONE("a", 4, 8) "," ONE("b", 8, 12) "," ONE("c", 12, 16) "}",
         "4 bytes before a belong to no array"},
        {"{" ONE("a", 0, 4) "," ONE("b", 4, 8) "," ONE("c", 8, 12) "}", "4 bytes behind the last array"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4.0],\"data_offsets\":[0,16]}}", "impossible shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4e0],\"data_offsets\":[0,16]}}", "impossible shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-0],\"data_offsets\":[0,0]}}", "impossible shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16.0]}}", "outside the file"},
        {"{\"__metadata__\":{\"steps\":7}}", "__metadata__ holds \"steps\", which is no string"},
        {"{\"__metadata__\":[\"pt\"]}", "__metadata__ is no object of strings"},
        {" {}", "does not begin with '{'"},
    };
#undef ONE
    static const float numbers[4];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t file[512];
        kin_checkpoint *c = NULL;
        kin_error err = {0};
        CHECK_MSG(!kin_checkpoint_parse(file, build(file, cases[i].header, numbers, sizeof numbers), &c,
                                        &err),
                  "%s was taken", cases[i].header);
        CHECK_TEXT(err.message, cases[i].part);
    }
    size_t huge = ((size_t)17 << 20) + 8;
    uint8_t *file = kin_alloc(huge);
    kin_checkpoint *c = NULL;
    kin_error err = {0};
    memset(file, ' ', huge);
    for (int i = 0; i < 8; i++) file[i] = (uint8_t)((huge - 8) >> (8 * i));
    memcpy(file + 8, "{}", 2);
    CHECK(!kin_checkpoint_parse(file, huge, &c, &err));
    CHECK_TEXT(err.message, "its header would be");
    kin_free(file);
    check_end();
}

/* What stands in the place of a header is told by what it is. */
static void no_headers(void)
{
    check_begin("checkpoints: text, other files and truncated ones are told apart");
    static const struct {
        const char *bytes;
        size_t size;
        const char *part;
    } cases[] = {
        {"{\"a\": 1}\n", 9, "a file of text"},
        {"epoch,loss\n1,2\n", 15, "a file of text"},
        {"\x40\0\0\0\0\0\0\0{\"a\":", 13, "truncated safetensors file: its header is 64 bytes long, and 5"},
        {"\x89PNG\r\n\x1a\nIHDR", 12, "first eight bytes would be a header's length"},
        {"\x01\0\0", 3, "shorter than its first eight bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kin_checkpoint *c = NULL;
        kin_error err = {0};
        CHECK(!kin_checkpoint_parse((const uint8_t *)cases[i].bytes, cases[i].size, &c, &err));
        CHECK_TEXT(err.message, cases[i].part);
    }
    check_end();
}

/* A training that diverged leaves them; what is computed with them is NaN too, or, behind a ReLU, zero. */
static void not_finite(void)
{
    check_begin(
        "checkpoints: NaN, infinity and what float32 cannot hold are refused, and nothing is changed");
    static const double odd[] = {NAN, INFINITY, -INFINITY, 1e300};
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, bias_only, NULL, KIN_SHAPE(1, 4), 1);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        kin_error err = {0};
        kin_checkpoint *c = NULL;
        uint8_t file[256];
        double numbers[] = {1, 2, odd[i], 3};
        CHECK(kin_checkpoint_parse(file,
                                   build(file,
                                         "{\"b\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,32]}}",
                                         numbers, 32),
                                   &c, &err) &&
              !kin_checkpoint_load(c, m, NULL, &err) && err.code == KIN_ERR_NUMERIC);
        CHECK_TEXT(err.message, "1 of the 4 numbers of b are NaN or infinite");
        CHECK(kin_data(kin_module_find(m, "b")->tensor)[0] != 1);
        kin_checkpoint_free(c);
    }
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

/* ---- other programs' names and shapes ---- */

static kin_tensor *grey_network(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    x = kin_conv(kin_sub(s, "conv"), x, &(kin_conv_opt){.out = 2, .kernel = 1});
    return kin_linear(kin_sub(s, "fc"), kin_global_avg_pool(x), &(kin_linear_opt){.out = 1});
}

#define AT(NAME, SHAPE, FROM, TO) \
    "\"" NAME "\":{\"dtype\":\"F32\",\"shape\":" SHAPE ",\"data_offsets\":[" #FROM "," #TO "]}"

static void fitted_names(void)
{
    check_begin("checkpoints: a prefix before the network's names is found, taken off and told");
    static const struct {
        const char *header, *prefix, *refusal;
        int left_out, found;
    } cases[] = {
        {"{" AT("conv.weight", "[2,1,1,1]", 0, 8) "," AT("fc.weight", "[1,2]", 8, 16) "}", "", NULL, 0, 2},
        {"{" AT("net.trunk.conv.weight", "[2,1,1,1]", 0, 8) "," AT("net.trunk.fc.weight", "[1,2]", 8, 16) "}",
         "net.trunk.", NULL, 0, 2},
        {"{" AT("backbone.conv.weight", "[2,1,1,1]", 0, 8) "," AT("queue", "[2]", 8, 16) "}", "backbone.",
         NULL, 1, 1},
        {"{" AT("q.conv.weight", "[2,1,1,1]", 0, 8) "," AT("k.conv.weight", "[2,1,1,1]", 8, 16) "}", "",
         "behind 'k.' and 'q.'; choose with --prefix", 0, 0},
        /* the network's own names stand: nothing is guessed */
        {"{" AT("conv.weight", "[2,1,1,1]", 0, 8) "," AT("ema.conv.weight", "[2,1,1,1]", 8, 16) "}", "", NULL,
         0, 1},
        {"{" AT("preconv.weight", "[2,1,1,1]", 0, 8) "," AT("other", "[2]", 8, 16) "}", "", NULL, 0, 0},
    };
    static const float numbers[4] = {1, 2, 3, 4};
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, grey_network, NULL, KIN_SHAPE(1, 2, 2, 1), 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t file[512];
        kin_checkpoint *c = NULL;
        kin_import_info info = {0};
        kin_error err = {0};
        CHECK(kin_checkpoint_parse(file, build(file, cases[i].header, numbers, 16), &c, &err));
        bool ok = kin_import_fit(c, m, &info, &err);
        CHECK_MSG(ok == !cases[i].refusal, "%s: %s", cases[i].header, err.message);
        if (cases[i].refusal) CHECK_TEXT(err.message, cases[i].refusal);
        else
            CHECK_MSG(strcmp(info.prefix, cases[i].prefix) == 0 && info.left_out == cases[i].left_out,
                      "'%s' was taken off, and %d left out", info.prefix, info.left_out);
        kin_import_count n = kin_import_tensors(c, m, "fc.bias,conv.bias");
        CHECK_MSG(n.of == 2 && (cases[i].refusal || n.found == cases[i].found), "%d of %d", n.found, n.of);
        kin_checkpoint_free(c);
    }
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

/* A name of today and its old form in one file: only the old one changes, and only where torchvision's does. */
static void old_names(void)
{
    static const float numbers[4] = {1, 2, 3, 4};
    static const char header[] = "{" AT("a.denselayer12.norm.1.weight", "[1]", 0, 4) "," AT(
        "denselayer1.conv.2.weight", "[1]", 4, 8) "," AT("denselayer1.norm.3.weight", "[1]", 8,
                                                         12) "," AT("denselayer.norm.1.weight", "[1]", 12,
                                                                    16) "}";
    static const char *const expected[] = {"a.denselayer12.norm1.weight", "denselayer1.conv2.weight",
                                           "denselayer1.norm.3.weight", "denselayer.norm.1.weight"};
    uint8_t file[512];
    kin_checkpoint *c = NULL;
    kin_error err = {0};
    check_begin("checkpoints: DenseNet's names of PyTorch before 0.4");
    CHECK_MSG(kin_checkpoint_parse(file, build(file, header, numbers, 16), &c, &err), "%s", err.message);
    CHECK(kin_import_old_names(c) == 2 && kin_import_old_names(c) == 0);
    for (int i = 0; i < 4; i++)
        CHECK_MSG(strcmp(kin_checkpoint_name(c, i), expected[i]) == 0, "%s", kin_checkpoint_name(c, i));
    kin_checkpoint_free(c);
    check_end();
}

static void grey_stem(void)
{
    check_begin("checkpoints: kernels of RGB pictures are summed for a network of grey ones");
    static const float numbers[] = {1, 20, 300, 4, 50, 600, 7, 8};
    uint8_t file[512];
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, grey_network, NULL, KIN_SHAPE(1, 2, 2, 1), 1);
    kin_checkpoint *c = NULL;
    kin_error err = {0};
    int summed = 0;
    CHECK(kin_checkpoint_parse(
        file,
        build(file, "{" AT("conv.weight", "[2,3,1,1]", 0, 24) "," AT("fc.weight", "[1,2]", 24, 32) "}",
              numbers, 32),
        &c, &err));
    const char *stem = kin_import_grey_stem(c, m);
    CHECK(stem && strcmp(stem, "conv.weight") == 0);
    CHECK(!kin_checkpoint_load(c, m, "*.bias", &err));
    kin_error_clear(&err);
    CHECK_MSG(kin_import_sum_channels(c, m, &summed, &err) && summed == 1 && !kin_import_grey_stem(c, m) &&
                  kin_checkpoint_load(c, m, "*.bias", &err),
              "%s", err.message);
    const kin_real *w = kin_data(kin_module_find(m, "conv.weight")->tensor);
    CHECK(w[0] == 321 && w[1] == 654);
    kin_checkpoint_free(c);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}
#undef AT

/* All names, however many, one a line; nothing when there is no difference. */
static void differences(void)
{
    check_begin("checkpoints: all differences are listed, and none where there are none");
    kin_ctx *ctx = kin_ctx_new();
    int other = 9;
    kin_module *m = network(ctx, NULL, 1), *wide = network(ctx, &other, 1);
    kin_error err = {0};
    kin_checkpoint *c = NULL;
    kin_text list = {0};
    CHECK(kin_checkpoint_save(check_path("differences.safetensors"), m, NULL, NULL, 0, &err) &&
          kin_checkpoint_open(check_path("differences.safetensors"), &c, &err));
    CHECK(kin_checkpoint_differences(c, m, NULL, &list) == 0 && list.size == 0);
    CHECK(kin_checkpoint_differences(c, wide, NULL, &list) == 2);
    CHECK_TEXT(list.data, "2 of another shape:\n  fc.weight is F32 [2, 5] here and [9, 5] in the network\n  "
                          "fc.bias is F32 [2] here and [9] in the network\n");
    kin_checkpoint_free(c);
    kin_text_free(&list);
    uint8_t file[256];
    CHECK(kin_checkpoint_parse(
        file,
        build(file, "{\"more\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}}", "12345678", 8), &c,
        &err));
    CHECK(kin_checkpoint_differences(c, m, "fc.*", &list) == 2);
    CHECK_TEXT(list.data, "1 missing:\n  conv.weight\n");
    CHECK_TEXT(list.data, "1 unexpected:\n  more\n");
    kin_checkpoint_free(c);
    kin_text_free(&list);
    kin_module_free(m), kin_module_free(wide);
    kin_ctx_free(ctx);
    check_end();
}

int main(void)
{
    hostile_headers();
    no_headers();
    not_finite();
    fitted_names();
    old_names();
    grey_stem();
    differences();
    layout();
    formats();
    of_others();
    resumed();
    memory_ends();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
