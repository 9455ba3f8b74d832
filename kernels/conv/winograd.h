/* Convolution of 3×3 kernels at every pixel by Winograd's minimal filtering [Winograd 1980; Lavin and Gray
 * 2016]: the output is cut into tiles of m × m pixels, which need (m + 2)² products a channel where the
 * sum from the definition needs 9·m². With m = 4 that is 4 times fewer, with m = 2 it is 2.25 times.
 *
 *   y = Aᵀ [ Σ_channels (G g Gᵀ) ⊙ (Bᵀ d B) ] A
 *
 * with g the 3 × 3 weights and d the (m + 2) × (m + 2) pixels under a tile
 *
 * Why: a tile's row is the product of two polynomials, the row of weights and the row of pixels, read
 * backwards. A product of degree m + 1 is known from its values at m + 2 points, and values multiply one
 * by one. G and Aᵀ evaluate at the points 0, ±p, ±q, ∞ and Bᵀ is the transposed interpolation through
 * them. In two dimensions rows and columns are treated in turn.
 *
 * Rounding. The points decide how much larger the numbers between are than the result. For m = 4 they are
 * 0, ±1/√2, ±√2, ∞, in which float32's root mean square error was half, and its largest error a quarter,
 * of that in the customary 0, ±1, ±2, ∞ over random shapes. Against sums in double, over 64 … 512
 * channels, the root mean square error is at most 2 times that of float32 sums added one by one for m = 4,
 * and less than theirs for m = 2. For every output, with all sums taken over absolute values,
 *
 *   |error| ≤ 8·ε·( |Aᵀ| [ Σ_channels (|G| |g| |Gᵀ|) ⊙ (|Bᵀ| |d| |B|) ] |A| ),    ε = 2⁻²³ (2⁻⁵² in double),
 *
 * which tests/both_winograd.c holds. As all pixels of a tile share numbers, an infinity or NaN in x
 * spreads over the tile.
 *
 * Nothing here allocates; results are bit-identical for any number of threads. */
#ifndef KIN_KERNELS_CONV_WINOGRAD_H
#define KIN_KERNELS_CONV_WINOGRAD_H

#include "kernels/conv/cut.h"
#include "kernels/conv/shape.h"

/* Whether it is one that can be: `m`, the tile, is 2 or 4, by the choice (kernels/conv/choose.h). */
bool kin_winograd_possible(const kin_conv_shape *s);
/* The convolution whose output is the gradient of the input: dx from dy, the weights being turned by 180°
 * with in and out exchanged. */
kin_conv_shape kin_winograd_backward(const kin_conv_shape *s);

/* Numbers of transformed weights, for the instruction set in use. */
int64_t kin_winograd_packed_count(const kin_conv_shape *s, int m);
/* Transforms w, HWIO; scale [out_c] multiplies each output channel's weights, NULL for none. */
void kin_winograd_pack(const kin_conv_shape *s, int m, const kin_real *w, const kin_real *scale,
                       kin_real *packed);

/* Numbers of workspace for kin_winograd_run. */
int64_t kin_winograd_numbers(const kin_conv_shape *s, int m, const kin_conv_machine *machine);
/* y = act((y +) conv(x) + bias + add); `accumulate` takes the place of end->add. */
void kin_winograd_run(const kin_conv_shape *s, int m, const kin_real *x, const kin_real *packed,
                      const kin_conv_end *end, bool accumulate, kin_real *y, kin_real *workspace);

/* The same from weights that are not transformed yet and will not be used again. `turned`: they are those
 * of the convolution whose kin_winograd_backward s is. And the numbers of workspace. */
int64_t kin_winograd_once_numbers(const kin_conv_shape *s, int m, const kin_conv_machine *machine);
void kin_winograd_once(const kin_conv_shape *s, int m, const kin_real *x, const kin_real *weights,
                       bool turned, const kin_conv_end *end, bool accumulate, kin_real *y,
                       kin_real *workspace);

/* dw (+)= the gradient of the weights, HWIO (kernels/conv/winograd_weight.c), and the numbers of workspace
 * that it needs. With all sums over absolute values, |error| ≤ 8·ε·|Gᵀ| [ Σ_tiles (|Bᵀ| |d| |B|) ⊙ (|A|
 * |dy| |Aᵀ|) ] |G|. */
int64_t kin_winograd_weight_numbers(const kin_conv_shape *s, int m);
void kin_winograd_weight(const kin_conv_shape *s, int m, const kin_real *x, const kin_real *dy, kin_real *dw,
                         bool accumulate, kin_real *workspace);

#endif
