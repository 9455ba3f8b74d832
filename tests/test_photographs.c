/* Photographs through kin's own decoder, resizing and network beside PyTorch's and Pillow's: the features
 * of EfficientNet-Lite0. */
#include "base/memory.h"
#include "base/npy.h"
#include "train/encoder.h"
#include "data/sets/dataset.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 64 };

static double cosine(const float *a, const float *b, int64_t dim)
{
    double ab = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < dim; i++)
        ab += (double)a[i] * (double)b[i], aa += (double)a[i] * (double)a[i],
            bb += (double)b[i] * (double)b[i];
    return ab / sqrt(aa * bb);
}

/* The golden file's pictures, in its order, as a set of one class. */
static int open_set(kin_sample *items, char paths[MOST][512])
{
    int count = 0;
    FILE *list = fopen("tests/golden/photographs.txt", "r");
    char line[400];
    while (list && count < MOST && fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = 0;
        snprintf(paths[count], sizeof paths[count], "%s", check_data(line));
        items[count] = (kin_sample){.id = paths[count], .path = paths[count], .index = -1, .camera = -1};
        count++;
    }
    if (list) fclose(list);
    return count;
}

int main(void)
{
    check_begin("photographs: features of EfficientNet-Lite0 as PyTorch and Pillow make them, cosine at "
                "least .999 each");
    if (!check_data("grocery") || !check_data("weights/efficientnet_lite0-imagenet.safetensors")) {
        check_skip("the grocery pictures or the weights are not here");
        return check_result();
    }
    static kin_sample items[MOST];
    static char paths[MOST][512];
    kin_dataset set = {.classes = 1, .items = items, .count = open_set(items, paths)};
    kin_config config = {.loss = "triplet-hard", .model = "efficientnet_lite0"};
    kin_network network;
    kin_module *module;
    kin_encoded encoded;
    kin_npy want;
    kin_error err = {0};
    kin_ctx *ctx = kin_ctx_new();
    snprintf(config.weights, sizeof config.weights, "%s",
             check_data("weights/efficientnet_lite0-imagenet.safetensors"));
    kin_config_complete(&config, kin_model_find(config.model), true);
    CHECK(config.size == 224 && config.resize == 256 && strcmp(config.filter, "bicubic") == 0 &&
          strcmp(config.normalize, "lite") == 0);
    CHECK_MSG(kin_npy_read("tests/golden/photographs.npy", &want, &err) &&
                  kin_network_published(&config, ctx, &network, &module, &err),
              "%s", err.message);
    if (!kin_failed(&err)) {
        CHECK_MSG(kin_encode(module, &network, &set, NULL, &encoded, &err), "%s", err.message);
        CHECK(set.count >= 10 && encoded.count == set.count && encoded.dim == 1280 &&
              want.count == set.count * 1280 && encoded.broken == 0);
        for (int64_t i = 0; i < encoded.count && want.count == encoded.count * encoded.dim; i++) {
            double like = cosine(encoded.rows + i * encoded.dim, (const float *)want.data + i * encoded.dim,
                                 encoded.dim);
            CHECK_MSG(like > 0.99999, "%s: cosine %.6f", paths[i], like);
        }
        kin_encoded_free(&encoded);
        kin_npy_free(&want);
        kin_module_free(module);
    }
    kin_ctx_free(ctx);
    check_end();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
