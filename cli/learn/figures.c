/* The drawings by name. */
#include "cli/learn/figure.h"

/* clang-format off */
const kin_figure kin_figures[] = {
    {"tape", "a loss of four numbers, its gradient by the tape and by differences", false, kin_figure_tape},
    {"conv", "a convolution of 5 x 5 numbers, and what flows back", false, kin_figure_conv},
    {"norm", "six numbers of two channels before and behind a batch norm", false, kin_figure_norm},
    {"lists", "pictures and what was found for them, right and wrong", true, kin_figure_lists},
    {"distances", "how far pictures of one thing lie apart, and from others", true, kin_figure_distances},
    {"map", "descriptors on a plane by t-SNE, a colour a class", true, kin_figure_map},
    {"flow", "what becomes of a picture, from its file to a page", true, kin_figure_flow},
    {"reciprocal", "a few pictures and which are among each other's nearest", true, kin_figure_reciprocal},
    {0},
};
/* clang-format on */
