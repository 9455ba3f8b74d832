// Somebody else's C++17 program: a gradient through ops of kin's and its own, and a search.
#include <kin/kin.h>

#include <cmath>
#include <cstdio>
#include <cstring>

KIN_UNARY_OP(cube, x *x *x, 3 * x * x);

static_assert(KIN_VERSION_MAJOR >= 0 && KIN_VERSION_MINOR >= 0 && KIN_VERSION_PATCH >= 0, "the version in three numbers");

// What an own op needs for `kin export`; a cube is a product of three.
[[maybe_unused]] static const char *cube_onnx(kin_onnx_graph *g, const kin_call *c)
{
    const char *x = kin_onnx_name(g, c->in[0]);
    const char *square = KIN_ONNX_NODE(g, "Mul", nullptr, nullptr, x, x);
    return KIN_ONNX_NODE(g, "Mul", nullptr, kin_onnx_out(g, c), square, x);
}

static bool gradient_is_right()
{
    kin_ctx *ctx = kin_ctx_new();
    const kin_real numbers[] = {1, -2, 3};
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(3), numbers);
    kin_tensor *f = kin_sum(kin_apply(&cube_op, nullptr, 0, x), 0);
    kin_backward(f);
    bool right = kin_ok(ctx) && kin_item(f) == 20 && kin_grad(x)[1] == 12;
    right = right && kin_shape_equal(KIN_SHAPE(1, 2, 3, 4), kin_shape{4, {1, 2, 3, 4}});
    kin_ctx_free(ctx);
    return right;
}

static bool search_is_right()
{
    const float gallery[] = {0, 0, 1, 0, 0, 2}, query[] = {.1f, 1.5f};
    kin_search_opt opt{};
    kin_neighbours found{};
    kin_error err{};
    opt.k = 3;
    bool right = kin_search(kin_vectors{query, 1, 2}, kin_vectors{gallery, 3, 2}, &opt, &found, &err) &&
                 found.index[0] == 2 && found.index[1] == 0 && found.index[2] == 1;
    kin_neighbours_free(&found);
    return right;
}

// Defaults are designated initialisers, which C++ takes in the order of the fields alone.
static bool defaults_are_right()
{
    kin_rerank_opt rerank = {.k = 10, KIN_RERANK_DEFAULTS};
    kin_rerank_graph_opt graph = {.k = 10, KIN_RERANK_GRAPH_DEFAULTS};
    kin_top_m_opt top = {.k = 10, KIN_TOP_M_DEFAULTS};
    kin_diffusion_opt diffusion = {.k = 10, KIN_DIFFUSION_DEFAULTS};
    return rerank.k1 == 20 && graph.layers == 2 && top.first == 400 && diffusion.iterations == 20;
}

int main()
{
    if (std::strcmp(kin_version(), KIN_VERSION)) return std::puts("the header's version is not the library's"), 1;
    if (!gradient_is_right()) return std::puts("the gradient is wrong"), 1;
    if (!search_is_right()) return std::puts("the search is wrong"), 1;
    if (!defaults_are_right()) return std::puts("the defaults are wrong"), 1;
    std::puts(kin_version());
    return 0;
}
