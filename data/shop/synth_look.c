/* Colours, textures and prints. */
#include "data/shop/synth_parts.h"

#include <math.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- palettes ---- */

enum { BODY, SECOND, TRIM, PRINT, LIGHT, DARK, PALETTE = 4 };

/* Stored values, 0xRRGGBB. Few, so that many products share each. */
static const unsigned palettes[][PALETTE] = {
    {0x1f4e79, 0xe8743b, 0xf2c14e, 0x5fa8d3}, /* harbour */
    {0x8c2f39, 0xf4a6a0, 0x2f4858, 0xe9c46a}, /* brick */
    {0x2d6a4f, 0xb7d67a, 0xd9843b, 0x74b3ce}, /* forest */
    {0x5b3a8c, 0xf08fc0, 0x36b5a2, 0xf6d155}, /* plum */
    {0x23395b, 0xd64550, 0x9fd3c7, 0xf3b562}, /* flag */
    {0x7a5230, 0xe6b17e, 0x3f7d6e, 0xc8553d}, /* leather */
    {0x176b87, 0x64ccc5, 0xee6f57, 0xffd56b}, /* lagoon */
    {0x444b59, 0xb0b7c3, 0xe4572e, 0x4fa3a5}, /* slate */
};
static const unsigned neutral_light = 0xf5efe3, neutral_dark = 0x2a2730;

/* Stored value to light: the canvas has a gamma of 2. */
static void light_of(unsigned rgb, float out[3])
{
    for (int c = 0; c < 3; c++) {
        float v = (float)(rgb >> (16 - 8 * c) & 255) / 255.0f;
        out[c] = v * v;
    }
}

void kin_look_any_colour(kin_stream *random, float rgb[3])
{
    const unsigned *palette = palettes[kin_stream_below(random, COUNT(palettes))];
    light_of(palette[kin_stream_below(random, PALETTE)], rgb);
}

/* Which colour of the palette has which role. */
static void assign_roles(uint64_t key, int order[PALETTE])
{
    for (int i = 0; i < PALETTE; i++) order[i] = i;
    for (int i = PALETTE - 1; i > 0; i--) {
        int j = (int)kin_random_below(key, (uint64_t)i, (uint64_t)i + 1), swap = order[i];
        order[i] = order[j], order[j] = swap;
    }
}

int kin_look_body(uint64_t roles)
{
    int order[PALETTE];
    assign_roles(roles, order);
    return order[BODY];
}

static void choose_colours(kin_look *look, uint64_t palette_key, uint64_t roles)
{
    const unsigned *palette = palettes[kin_random_below(palette_key, 0, COUNT(palettes))];
    int order[PALETTE];
    assign_roles(roles, order);
    for (int i = 0; i < PALETTE; i++) light_of(palette[order[i]], look->colours[i]);
    light_of(neutral_light, look->colours[LIGHT]);
    light_of(neutral_dark, look->colours[DARK]);
}

/* ---- textures ---- */

/* How much of a pixel of width `pixel` lies beyond an edge, `inside` units away. */
static double cover(double inside, double pixel)
{
    double c = inside / pixel + 0.5;
    return c < 0 ? 0 : c > 1 ? 1 : c;
}

static double fold(double t) { return t - floor(t + 0.5); } /* to [-1/2, 1/2) */

/* A band of width `duty` in every period, about the whole numbers. */
static double band(double t, double duty, double pixel) { return cover(0.5 * duty - fabs(fold(t)), pixel); }

/* Every texture tells how much of the second colour shows at (u, v), in periods turned as the look says. */
typedef double (*texture)(const kin_look *look, double u, double v, double pixel);

static double plain(const kin_look *look, double u, double v, double pixel)
{
    (void)look, (void)u, (void)v, (void)pixel;
    return 0;
}

static double stripes(const kin_look *look, double u, double v, double pixel)
{
    (void)u;
    return band(v, look->duty, pixel);
}

static double twin_stripes(const kin_look *look, double u, double v, double pixel)
{
    (void)u;
    double wide = band(0.7 * v, 0.8 * look->duty, 0.7 * pixel), thin = band(0.7 * v + 0.5, 0.22, 0.7 * pixel);
    return wide + thin - wide * thin;
}

static double dots(const kin_look *look, double u, double v, double pixel)
{
    double row = floor(1.15 * v), x = fold(u + 0.5 * row), y = (1.15 * v - row - 0.5) / 1.15;
    return cover(0.2 + 0.28 * look->duty - sqrt(x * x + y * y), pixel);
}

static double checks(const kin_look *look, double u, double v, double pixel)
{
    (void)look;
    double a = band(0.5 * u, 0.5, 0.5 * pixel), b = band(0.5 * v, 0.5, 0.5 * pixel);
    return a + b - 2 * a * b;
}

static double chevrons(const kin_look *look, double u, double v, double pixel)
{
    return band(v + 1.1 * fabs(fold(0.6 * u)), look->duty, 1.3 * pixel);
}

static double plaid(const kin_look *look, double u, double v, double pixel)
{
    double a = band(0.6 * u, look->duty, 0.6 * pixel), b = band(0.6 * v, look->duty, 0.6 * pixel);
    return 0.5 * (a + b);
}

static double diamonds(const kin_look *look, double u, double v, double pixel)
{
    return cover(0.24 + 0.25 * look->duty - fabs(fold(0.8 * u)) - 0.8 * fabs(fold(0.6 * v)), pixel);
}

static double waves(const kin_look *look, double u, double v, double pixel)
{
    return band(v + 0.3 * kin_sine_turns(0.6 * u), look->duty, 1.2 * pixel);
}

static double gradient(const kin_look *look, double u, double v, double pixel)
{
    (void)u, (void)pixel;
    double t = 0.5 + 0.7 * v * look->period;
    return t < 0 ? 0 : t > 1 ? 1 : t * t * (3 - 2 * t);
}

static double halves(const kin_look *look, double u, double v, double pixel)
{
    (void)look, (void)u;
    return cover(v, pixel);
}

static const struct {
    texture amount;
    int family;
} textures[] = {
    {plain, 0}, {gradient, 0}, {halves, 0}, {stripes, 1}, {twin_stripes, 1}, {chevrons, 1},
    {waves, 1}, {dots, 2},     {checks, 2}, {plaid, 2},   {diamonds, 2},
};

static int pattern(uint64_t key) { return (int)kin_random_below(key, 0, COUNT(textures)); }
int kin_look_family(uint64_t texture_key) { return textures[pattern(texture_key)].family; }

static void choose_texture(kin_look *look, uint64_t key)
{
    static const double periods[] = {0.30, 0.42, 0.56}, duties[] = {0.34, 0.5, 0.66},
                        turns[] = {0, 0.25, 0.125, -0.125};
    kin_stream random = {.key = key, .counter = 1};
    look->texture = pattern(key);
    look->period = periods[kin_stream_below(&random, COUNT(periods))];
    look->duty = duties[kin_stream_below(&random, COUNT(duties))];
    look->turns = turns[kin_stream_below(&random, COUNT(turns))];
    look->phase = kin_stream_uniform(&random);
    if (textures[look->texture].family == 0) look->phase = 0; /* the middle of the body */
}

void kin_look_texture(const kin_look *look, kin_place at, float rgb[3])
{
    double c = kin_cosine_turns(look->turns), s = kin_sine_turns(look->turns);
    double u = (c * at.x + s * at.y) / look->period, v = (c * at.y - s * at.x) / look->period + look->phase;
    float amount = (float)textures[look->texture].amount(look, u, v, at.pixel / look->period);
    for (int i = 0; i < 3; i++)
        rgb[i] = look->colours[BODY][i] + amount * (look->colours[SECOND][i] - look->colours[BODY][i]);
}

/* ---- prints ---- */

enum {
    DISC,
    SQUARE,
    TRIANGLE,
    STAR,
    CROSS,
    BAR,
    HEART,
    CRESCENT,
    BOLT,
    DROP,
    DIAMOND,
    RING,
    HEXAGON,
    FLOWER,
    FORMS
};

int kin_look_forms(void) { return FORMS; }

static void outline(kin_path *path, const double (*xy)[2], int count)
{
    for (int i = 0; i < count; i++) kin_path_point(path, xy[i][0], xy[i][1]);
    kin_path_close(path);
}

static void cross(kin_path *path)
{
    static const double xy[][2] = {{-0.32, -0.95}, {0.32, -0.95}, {0.32, -0.32},  {0.95, -0.32},
                                   {0.95, 0.32},   {0.32, 0.32},  {0.32, 0.95},   {-0.32, 0.95},
                                   {-0.32, 0.32},  {-0.95, 0.32}, {-0.95, -0.32}, {-0.32, -0.32}};
    outline(path, xy, COUNT(xy));
}

static void bolt(kin_path *path)
{
    static const double xy[][2] = {{0.25, -1}, {-0.6, 0.15}, {-0.08, 0.15},
                                   {-0.3, 1},  {0.6, -0.25}, {0.06, -0.25}};
    outline(path, xy, COUNT(xy));
}

static void heart(kin_path *path)
{
    static const kin_node nodes[] = {{0, -0.45, true},     {0.5, -0.82, false}, {0.95, -0.3, false},
                                     {0.6, 0.3, false},    {0, 0.92, true},     {-0.6, 0.3, false},
                                     {-0.95, -0.3, false}, {-0.5, -0.82, false}};
    kin_path_outline(path, nodes, COUNT(nodes));
}

static void drop(kin_path *path)
{
    static const kin_node nodes[] = {{0, -1, true},    {0.42, -0.1, false}, {0.6, 0.4, false},
                                     {0, 0.98, false}, {-0.6, 0.4, false},  {-0.42, -0.1, false}};
    kin_path_outline(path, nodes, COUNT(nodes));
}

/* The outer half circle there, an arc about a centre to the right of it back. */
static void crescent(kin_path *path)
{
    for (int i = 0; i <= 24; i++)
        kin_path_point(path, 0.95 * kin_cosine_turns(0.12 + 0.76 * i / 24),
                       0.95 * kin_sine_turns(0.12 + 0.76 * i / 24));
    for (int i = 23; i > 0; i--)
        kin_path_point(path, 0.42 + 0.7 * kin_cosine_turns(0.2 + 0.6 * i / 24),
                       0.7 * kin_sine_turns(0.2 + 0.6 * i / 24));
    kin_path_close(path);
}

static void flower(kin_path *path)
{
    for (int i = 0; i < 5; i++)
        kin_path_ellipse(path, 0.56 * kin_cosine_turns(i / 5.0 - 0.25), 0.56 * kin_sine_turns(i / 5.0 - 0.25),
                         0.4, 0.4);
}

void kin_look_form(kin_path *path, int form)
{
    switch (form) {
    case DISC: kin_path_ellipse(path, 0, 0, 0.9, 0.9); break;
    case SQUARE: kin_path_round_rect(path, -0.8, -0.8, 0.8, 0.8, 0.12); break;
    case TRIANGLE: kin_path_star(path, 0, 0.15, 1.05, 3, 0, 0); break;
    case STAR: kin_path_star(path, 0, 0.05, 1.05, 5, 0.45, 0); break;
    case CROSS: cross(path); break;
    case BAR: kin_path_round_rect(path, -1, -0.3, 1, 0.3, 0.12); break;
    case HEART: heart(path); break;
    case CRESCENT: crescent(path); break;
    case BOLT: bolt(path); break;
    case DROP: drop(path); break;
    case DIAMOND: kin_path_star(path, 0, 0, 1, 4, 0, 0); break;
    case RING: kin_path_arc(path, 0, 0, 0.7, 0.7, 0, 1, 0.44); break;
    case HEXAGON: kin_path_star(path, 0, 0, 0.95, 6, 0, 0); break;
    default: flower(path); break;
    }
}

static void mark(kin_look *look, int form, int colour, double x, double y, double radius, double turns)
{
    look->marks[look->marks_count++] = (kin_mark){form, colour, x, y, radius, turns};
}

static int any_form(kin_stream *random) { return (int)kin_stream_below(random, FORMS); }

/* A badge first (or none), then one to five forms in a layout. The badge takes the neutral that stands out
 * from the body, the forms colours that stand out from the badge. */
static void choose_print(kin_look *look, kin_stream *random)
{
    static const int badges[] = {DISC, SQUARE, HEXAGON, DIAMOND};
    static const double turns[] = {0, 0.125, 0.25, -0.125};
    bool badge = kin_stream_uniform(random) < 0.7;
    int ground = kin_stream_uniform(random) < 0.6 ? LIGHT : DARK, other = ground == LIGHT ? DARK : LIGHT;
    int inks[] = {PRINT, other, TRIM}, first = (int)kin_stream_below(random, COUNT(inks)), ink = inks[first];
    int second = inks[(first + 1 + (int)kin_stream_below(random, 2)) % COUNT(inks)];
    if (badge) mark(look, badges[kin_stream_below(random, COUNT(badges))], ground, 0, 0, 1, 0);
    double size = badge ? 0.66 : 0.92, turn = turns[kin_stream_below(random, COUNT(turns))];
    int form = any_form(random), small = any_form(random);
    switch (kin_stream_below(random, 6)) {
    case 0: /* one in another */
        mark(look, form, ink, 0, 0, size, turn);
        mark(look, small, badge ? ground : other, 0, 0.05 * size, 0.45 * size, 0);
        break;
    case 1: /* side by side */
        mark(look, form, ink, -0.52 * size, 0, 0.5 * size, turn);
        mark(look, small, second, 0.52 * size, 0, 0.5 * size, 0);
        break;
    case 2: /* one over another */
        mark(look, form, ink, 0, -0.5 * size, 0.52 * size, turn);
        mark(look, small, second, 0, 0.54 * size, 0.46 * size, 0);
        break;
    case 3: /* three about the middle */
        for (int i = 0; i < 3; i++)
            mark(look, form, i ? ink : second, 0.6 * size * kin_sine_turns(i / 3.0),
                 -0.6 * size * kin_cosine_turns(i / 3.0), 0.46 * size, turn);
        break;
    case 4: /* a form on a bar */
        mark(look, form, ink, 0, -0.24 * size, 0.7 * size, turn);
        mark(look, BAR, second, 0, 0.78 * size, 0.72 * size, 0);
        break;
    default: mark(look, form, ink, 0, 0, size, turn); break;
    }
}

void kin_look_make(kin_look *look, const kin_look_keys *keys)
{
    *look = (kin_look){0};
    choose_colours(look, keys->palette, keys->roles);
    choose_texture(look, keys->texture);
    choose_print(look, &(kin_stream){.key = keys->print});
}
