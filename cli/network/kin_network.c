#include "cli/network/kin_network.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double by_hand = 4; /* beside 1 of the network */
enum { NUMBERS = 256 };

const char kin_network_name[] = "kin";

/* models/default/weights.S */
extern const unsigned char kin_network_file[], kin_network_file_end[];

const unsigned char *kin_network_bytes(size_t *size)
{
    *size = (size_t)((uintptr_t)kin_network_file_end - (uintptr_t)kin_network_file);
    return kin_network_file;
}

bool kin_network_own(kin_ctx *ctx, kin_network *network, kin_module **module, kin_error *err)
{
    size_t size;
    const unsigned char *bytes = kin_network_bytes(&size);
    kin_config *c = kin_alloc_zero(1, sizeof *c);
    kin_checkpoint *file = NULL;
    const kin_model *model = kin_model_find("lite0_front");
    *module = NULL;
    if (!c) return kin_fail_memory(err, "a network's settings", sizeof *c);
    snprintf(c->model, sizeof c->model, "%s", model->name);
    snprintf(c->loss, sizeof c->loss, "triplet-hard"); /* has no parameters */
    c->embedding = NUMBERS;
    kin_config_complete(c, model, true);
    bool ok = kin_network_describe(network, c, err);
    ok = ok && ((*module = kin_network_module(network, ctx)) || kin_take_error(ctx, err));
    ok = ok && kin_checkpoint_parse(bytes, size, &file, err) && kin_checkpoint_load(file, *module, NULL, err);
    if (!ok) {
        kin_module_free(*module);
        *module = NULL;
        kin_error_prefix(err, "kin's own network");
    }
    kin_checkpoint_free(file);
    kin_free(c);
    return ok;
}

/* ---- rows ---- */

static double length_of(const float *row, int64_t dim)
{
    double sum = 0;
    for (int64_t i = 0; i < dim; i++) sum += (double)row[i] * (double)row[i];
    return sqrt(sum);
}

static void scale(const float *from, int64_t dim, double factor, float *to)
{
    for (int64_t i = 0; i < dim; i++) to[i] = (float)((double)from[i] * factor);
}

bool kin_network_joined_row(float *row, const float *network, int64_t dim)
{
    double length = length_of(network, dim);
    if (!(length > 0) || !isfinite(length)) return false;
    scale(row, KIN_LOOK_DIM, sqrt(by_hand / (1 + by_hand)), row);
    scale(network, dim, sqrt(1 / (1 + by_hand)) / length, row + KIN_LOOK_DIM);
    return true;
}

void kin_network_by_hand(const float *row, float *out)
{
    double length = length_of(row, KIN_LOOK_DIM);
    scale(row, KIN_LOOK_DIM, length > 0 ? 1 / length : 0, out);
}

bool kin_network_joined_grey(float *row)
{
    float look[KIN_LOOK_DIM];
    kin_network_by_hand(row, look);
    if (!kin_look_grey(look)) return false;
    scale(look, KIN_LOOK_DIM, sqrt((1 + by_hand) / by_hand), row);
    for (int64_t i = 0; i < NUMBERS; i++) row[KIN_LOOK_DIM + i] = 0;
    return true;
}
