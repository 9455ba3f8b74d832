#include "kernels/isa.h"
#include "kernels/pool_kernels.h"
#include "kernels/vector.h"

/* The lanes are channels. The winner's number is kept as a number among numbers, so that one mask chooses
 * both. */
static void maximum(const kin_pool_window *w, int64_t channels, kin_real *best, int32_t *winner)
{
    int64_t c = 0;
    for (; c + LANES <= channels; c += LANES) {
        vector most = load(w->first + c), place = (vector){0} + (kin_real)w->place;
        for (int64_t i = 0; i < w->rows; i++)
            for (int64_t j = 0; j < w->columns; j++) {
                vector v = load(w->first + i * w->row_step + j * w->column_step + c),
                       here = (vector){0} + (kin_real)(w->place + i * w->kernel + j);
                vector_mask wins = ~(v <= most) & (most == most); /* NaN over all, the first of equals */
                most = (vector)(((vector_mask)v & wins) | ((vector_mask)most & ~wins));
                place = (vector)(((vector_mask)here & wins) | ((vector_mask)place & ~wins));
            }
        kin_real line[LANES];
        store(best + c, most);
        store(line, place);
        for (int l = 0; l < LANES; l++) winner[c + l] = (int32_t)line[l];
    }
    for (; c < channels; c++) {
        kin_real most = w->first[c];
        int32_t place = (int32_t)w->place;
        for (int64_t i = 0; i < w->rows; i++)
            for (int64_t j = 0; j < w->columns; j++) {
                kin_real v = w->first[i * w->row_step + j * w->column_step + c];
                if (v <= most || most != most) continue;
                most = v;
                place = (int32_t)(w->place + i * w->kernel + j);
            }
        best[c] = most;
        winner[c] = place;
    }
}

/* `act` is a constant where this is called. */
INLINE void norm_mean_with(const kin_pool_window *w, int64_t channels, const kin_real *scale,
                           const kin_real *shift, const kin_norm_act act, kin_real share, kin_real *mean)
{
    for (int64_t c = 0; c < channels; c += LANES) {
        int64_t lanes = channels - c < LANES ? channels - c : LANES;
        vector sum = {0}, by = load_some(scale + c, lanes), plus = load_some(shift + c, lanes);
        for (int64_t i = 0; i < w->rows; i++)
            for (int64_t j = 0; j < w->columns; j++) {
                const kin_real *x = w->first + i * w->row_step + j * w->column_step + c;
                vector z = (lanes == LANES ? load(x) : load_some(x, lanes)) * by + plus;
                sum += act == KIN_NORM_LINEAR ? z : activated(z, act);
            }
        if (lanes == LANES) store(mean + c, sum * share);
        else store_some(mean + c, sum * share, lanes);
    }
}

static void norm_mean(const kin_pool_window *w, int64_t channels, const kin_conv_begin *b, kin_real share,
                      kin_real *mean)
{
    if (b->act == KIN_NORM_RELU) norm_mean_with(w, channels, b->scale, b->shift, KIN_NORM_RELU, share, mean);
    else if (b->act == KIN_NORM_RELU6)
        norm_mean_with(w, channels, b->scale, b->shift, KIN_NORM_RELU6, share, mean);
    else norm_mean_with(w, channels, b->scale, b->shift, KIN_NORM_LINEAR, share, mean);
}

static void spread(const kin_real *restrict g, const int32_t *restrict winner, int32_t place,
                   int64_t channels, kin_real *restrict dx)
{
    for (int64_t c = 0; c < channels; c++) dx[c] += winner[c] == place ? g[c] : 0;
}

extern const kin_pool_kernels KIN_ISA_NAME(kin_pool_kernels);
const kin_pool_kernels KIN_ISA_NAME(kin_pool_kernels) = {maximum, norm_mean, spread};
