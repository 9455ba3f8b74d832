/* A picture: background, clutter, shadow, product, something in front of it; then blur, light and noise. */
#include "data/shop/synth.h"

#include "base/memory.h"
#include "data/shop/synth_parts.h"

#include <math.h>

enum { SUPERSAMPLE = 2 };

typedef struct scene {
    kin_canvas canvas;
    kin_path path;
    kin_transform view;      /* product units to canvas pixels */
    double unit;             /* canvas pixels per half side */
    double light_x, light_y; /* where the light comes from, in product units */
    const kin_look *look;
    kin_stream random;
} scene;

static double uniform(scene *s, double low, double high) { return kin_stream_range(&s->random, low, high); }
static bool chance(scene *s, double p) { return kin_stream_uniform(&s->random) < p; }

/* ---- paints ---- */

typedef struct flat {
    float rgb[3], alpha;
} flat;

static void paint_flat(const void *arg, kin_place at, float rgba[4])
{
    (void)at;
    const flat *f = arg;
    for (int c = 0; c < 3; c++) rgba[c] = f->rgb[c];
    rgba[3] = f->alpha;
}

typedef struct fade {
    float from[3], to[3];
    double x, y, offset;
} fade;

static void paint_fade(const void *arg, kin_place at, float rgba[4])
{
    const fade *f = arg;
    double t = f->x * at.x + f->y * at.y + f->offset;
    float amount = (float)(t < 0 ? 0 : t > 1 ? 1 : t);
    for (int c = 0; c < 3; c++) rgba[c] = f->from[c] + amount * (f->to[c] - f->from[c]);
    rgba[3] = 1;
}

typedef struct surface {
    const scene *scene;
    const kin_silhouette *shape;
    float rgb[3];
    bool textured;
    double shade;
} surface;

/* A turned body is shaded as a cylinder lit from the side and ahead, with a streak of light where it
 * mirrors the lamp; a flat one gets the light's fall-off alone. */
static void paint_surface(const void *arg, kin_place at, float rgba[4])
{
    const surface *f = arg;
    const scene *s = f->scene;
    for (int c = 0; c < 3; c++) rgba[c] = f->rgb[c];
    if (f->textured) kin_look_texture(s->look, at, rgba);
    double light = f->shade * (1 + 0.16 * (s->light_x * at.x + s->light_y * at.y)), streak = 0;
    if (f->shape->round > 0) {
        double n = at.x / f->shape->round, from = (n - 0.55 * s->light_x) / 0.13;
        light *= 1.06 - 0.42 * n * n + 0.22 * n * s->light_x;
        streak = f->textured ? f->shape->gloss / (1 + from * from) : 0;
    }
    if (light < 0.25) light = 0.25;
    for (int c = 0; c < 3; c++) {
        double v = rgba[c] * light;
        rgba[c] = (float)(v + 0.5 * streak * (1 - v));
    }
    rgba[3] = 1;
}

/* ---- the product ---- */

static void part_colour(const kin_look *look, kin_part_role role, float rgb[3])
{
    static const float metal[3] = {0.52f, 0.54f, 0.57f};
    static const int index[] = {
        [KIN_PART_BODY] = 0, [KIN_PART_TRIM] = 2, [KIN_PART_LIGHT] = 4, [KIN_PART_DARK] = 5};
    for (int c = 0; c < 3; c++) rgb[c] = role == KIN_PART_METAL ? metal[c] : look->colours[index[role]][c];
}

static void fill(scene *s, const kin_path *path, const kin_transform *t, kin_paint paint, const void *arg)
{
    kin_draw_mask(&s->canvas, path, t);
    kin_draw_paint(&s->canvas, t, paint, arg);
}

static void draw_shadow(scene *s, const kin_silhouette *shape)
{
    kin_path_clear(&s->path);
    for (int i = 0; i < shape->count; i++) kin_path_append(&s->path, &shape->parts[i].path);
    double reach = 0.09 * s->unit;
    kin_transform t = kin_transform_then(s->view,
                                         kin_transform_make(1, 0, -s->light_x * reach, 0, 1, 0.8 * reach));
    kin_draw_mask(&s->canvas, &s->path, &t);
    kin_draw_soften(&s->canvas, 0.03 * s->unit);
    kin_draw_paint(&s->canvas, &t, paint_flat, &(flat){{0.01f, 0.01f, 0.02f}, 0.55f});
}

static void draw_print(scene *s, const kin_silhouette *shape)
{
    for (int i = 0; i < s->look->marks_count; i++) {
        const kin_mark *m = &s->look->marks[i];
        double r = m->radius * shape->print_r;
        kin_path_clear(&s->path);
        kin_look_form(&s->path, m->form);
        kin_transform place = kin_transform_make(r, 0, shape->print_x + m->x * shape->print_r, 0, r,
                                                 shape->print_y + m->y * shape->print_r);
        kin_transform own = kin_transform_then(kin_transform_turn(m->turns), place),
                      t = kin_transform_then(own, s->view);
        surface paint = {.scene = s, .shape = shape, .shade = 1};
        for (int c = 0; c < 3; c++) paint.rgb[c] = s->look->colours[m->colour][c];
        kin_draw_mask(&s->canvas, &s->path, &t);
        kin_draw_paint(&s->canvas, &s->view, paint_surface, &paint);
    }
}

static void draw_product(scene *s, const kin_silhouette *shape)
{
    for (int i = 0; i < shape->count; i++) {
        const kin_part *part = &shape->parts[i];
        surface paint = {
            .scene = s, .shape = shape, .textured = part->role == KIN_PART_BODY, .shade = part->shade};
        part_colour(s->look, part->role, paint.rgb);
        fill(s, &part->path, &s->view, paint_surface, &paint);
    }
    draw_print(s, shape);
}

/* ---- around it ---- C leaves open in which order the arguments of a call are worked out, so every number
 * is drawn by a statement of its own: another compiler must not draw another picture. */

static kin_transform placed(const scene *s, double x, double y, double rx, double ry, double turns)
{
    kin_transform t = kin_transform_then(kin_transform_make(rx, 0, 0, 0, ry, 0), kin_transform_turn(turns));
    return kin_transform_then(t, kin_transform_make(s->unit, 0, s->unit * (1 + x), 0, s->unit,
                                                    s->unit * (1 + y)));
}

/* A thing at (x, y) in the picture's units, -1 to 1. */
static void draw_thing(scene *s, double x, double y, double size, double alpha)
{
    flat thing = {.alpha = (float)alpha};
    kin_look_any_colour(&s->random, thing.rgb);
    double squeeze = uniform(s, 0.5, 1), turn = kin_stream_uniform(&s->random);
    kin_transform t = placed(s, x, y, size, size * squeeze, turn);
    kin_path_clear(&s->path);
    kin_look_form(&s->path, (int)kin_stream_below(&s->random, (uint64_t)kin_look_forms()));
    fill(s, &s->path, &t, paint_flat, &thing);
}

static void draw_rectangle(scene *s, kin_transform t, kin_paint paint, const void *arg)
{
    kin_path_clear(&s->path);
    kin_path_round_rect(&s->path, -1, -1, 1, 1, 0);
    fill(s, &s->path, &t, paint, arg);
}

/* Takes colour away: at keep = 0 only the grey is left. */
static void mute(float rgb[3], double grey, double keep)
{
    for (int c = 0; c < 3; c++) rgb[c] = (float)(grey + keep * (rgb[c] - grey));
}

/* A wall between two muted colours. */
static void draw_wall(scene *s)
{
    fade wall = {.offset = 0.5};
    kin_look_any_colour(&s->random, wall.from);
    kin_look_any_colour(&s->random, wall.to);
    double dim = uniform(s, 0.02, 0.25), lit = uniform(s, 0.35, 0.85), keep = uniform(s, 0.05, 0.35);
    mute(wall.from, dim, keep);
    mute(wall.to, lit, keep);
    double from = kin_stream_uniform(&s->random);
    wall.x = 0.4 * kin_cosine_turns(from);
    wall.y = 0.4 * kin_sine_turns(from);
    draw_rectangle(s, placed(s, 0, 0, 1, 1, 0), paint_fade, &wall);
}

/* The edge of a table before the wall. */
static void draw_table(scene *s)
{
    flat table = {.alpha = 0.85f};
    kin_look_any_colour(&s->random, table.rgb);
    mute(table.rgb, 0.3, uniform(s, 0.1, 0.7));
    double y = uniform(s, 1.1, 1.6), slope = uniform(s, -0.03, 0.03);
    draw_rectangle(s, placed(s, 0, y, 2, 1, slope), paint_flat, &table);
}

static void draw_clutter(scene *s)
{
    double x = uniform(s, -1, 1), y = uniform(s, -1, 1), size = uniform(s, 0.1, 0.4),
           alpha = uniform(s, 0.6, 1);
    draw_thing(s, x, y, size, alpha);
}

static void draw_background(scene *s)
{
    draw_wall(s);
    if (chance(s, 0.5)) draw_table(s);
    int things = 2 + (int)kin_stream_below(&s->random, 5);
    for (int i = 0; i < things; i++) draw_clutter(s);
}

/* Something in front of the product, reaching in from a side. */
static void draw_occluder(scene *s)
{
    double from = kin_stream_uniform(&s->random), far = uniform(s, 0.55, 0.95), size = uniform(s, 0.24, 0.44);
    draw_thing(s, far * kin_cosine_turns(from), far * kin_sine_turns(from), size, 1);
}

/* `more` things by numbers of their own, so that what is drawn afterwards is as it would be without them. */
static void draw_more(scene *s, int more, const char *what, void (*one)(scene *s))
{
    kin_stream kept = s->random;
    s->random = kin_stream_new(kin_key_text(kept.key, what));
    for (int i = 0; i < more; i++) one(s);
    s->random = kept;
}

/* ---- the camera ---- */

static void choose_view(scene *s)
{
    double turn = uniform(s, -25.0 / 360, 25.0 / 360), scale = uniform(s, 0.8, 1.06),
           shear = uniform(s, -0.16, 0.16), squeeze = uniform(s, 0.86, 1);
    double x = uniform(s, -0.12, 0.12), y = uniform(s, -0.12, 0.12), tilt = uniform(s, -0.16, 0.16),
           lean = uniform(s, -0.16, 0.16);
    kin_transform t = {{1, 0, 0, 0, 1, 0, tilt, lean, 1}};
    t = kin_transform_then(t, kin_transform_make(scale * squeeze, scale * shear, 0, 0, scale, 0));
    t = kin_transform_then(t, kin_transform_turn(turn));
    s->view = kin_transform_then(t, kin_transform_make(s->unit, 0, s->unit * (1 + x), 0, s->unit,
                                                       s->unit * (1 + y)));
    double light = kin_stream_uniform(&s->random);
    s->light_x = kin_cosine_turns(light), s->light_y = kin_sine_turns(light);
}

/* The sum of four uniforms, of variance 1: near enough to a normal number for a pixel's noise, and without
 * the logarithm that Box-Muller takes from libm. */
static double grain(uint64_t key, uint64_t counter)
{
    uint64_t bits = kin_random_bits(key, counter);
    double sum = 0;
    for (int i = 0; i < 4; i++) sum += (double)(bits >> (16 * i) & 0xffff) / 65536.0;
    return (sum - 2.0) * 1.7320508075688772;
}

typedef struct camera {
    double gain[3], across_x, across_y, contrast, noise;
} camera;

static camera choose_camera(scene *s)
{
    double brightness = uniform(s, 0.68, 1.3), warmth = uniform(s, -0.16, 0.16),
           tint = uniform(s, -0.04, 0.04);
    camera c = {.gain = {brightness * (1 + warmth), brightness * (1 + tint), brightness * (1 - warmth)}};
    double slope = uniform(s, 0, 0.25), from = kin_stream_uniform(&s->random);
    c.across_x = slope * kin_cosine_turns(from), c.across_y = slope * kin_sine_turns(from);
    c.contrast = uniform(s, 0.85, 1.15);
    c.noise = uniform(s, 0.005, 0.03);
    return c;
}

/* Averages the canvas down, then the light's gain, the root that makes stored values, contrast, grain. */
static void develop(const scene *s, const camera *cam, kin_image *out)
{
    int size = out->width;
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            double across = 1 + cam->across_x * (2.0 * x / size - 1) + cam->across_y * (2.0 * y / size - 1);
            for (int c = 0; c < 3; c++) {
                double sum = 0;
                for (int i = 0; i < SUPERSAMPLE * SUPERSAMPLE; i++)
                    sum +=
                        s->canvas.rgb[((size_t)(y * SUPERSAMPLE + i / SUPERSAMPLE) * (size_t)s->canvas.width +
                                       (size_t)(x * SUPERSAMPLE + i % SUPERSAMPLE)) *
                                          3 +
                                      (size_t)c];
                double light = sum / (SUPERSAMPLE * SUPERSAMPLE) * cam->gain[c] * across;
                size_t at = ((size_t)y * (size_t)size + (size_t)x) * 3 + (size_t)c;
                double v = 255 * ((sqrt(light > 0 ? light : 0) - 0.5) * cam->contrast + 0.5 +
                                  cam->noise * grain(s->random.key, 1000 + at));
                out->data[at] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5 > 255 ? 255 : v + 0.5);
            }
        }
}

/* ---- public ---- */

/* Products come in lines of four: one; the same with another print; with the colours in other
 * roles; with another texture.
 * So the nearest wrong answer shares all but one cue. Lines of one kind share two sets of proportions. */
enum { LINE = 4, VARIANTS = 2 };
typedef enum { KIND, MODEL, PALETTE, ROLES, TEXTURE, PRINT } trait;

static uint64_t line_key(const kin_synth_opt *opt, int product, trait t, uint64_t salt)
{
    return kin_key(kin_key(kin_key_text(opt->seed, "synth line"), (uint64_t)(product / LINE), t), salt, 0);
}

/* The number behind one trait of a product: its line's or, where the product is the odd one out, its own,
 * which must lead to another colour of the body or another family of textures. */
static uint64_t trait_key(const kin_synth_opt *opt, int product, trait t)
{
    static const trait own[LINE] = {KIND, PRINT, ROLES, TEXTURE};
    uint64_t common = line_key(opt, product, t, 0), key = common;
    if (t == KIND || own[product % LINE] != t) return common;
    for (uint64_t salt = 1; salt < 100; salt++) {
        key = line_key(opt, product, t, salt);
        if (t == PRINT || (t == ROLES ? kin_look_body(key) != kin_look_body(common)
                                      : kin_look_family(key) != kin_look_family(common)))
            break;
    }
    return key;
}

static int product_kind(const kin_synth_opt *opt, int product)
{
    return (int)kin_random_below(trait_key(opt, product, KIND), 0, (uint64_t)kin_silhouette_kinds());
}

static void make_product(const kin_synth_opt *opt, int product, kin_silhouette *shape, kin_look *look)
{
    int kind = product_kind(opt, product);
    uint64_t variant = kin_random_below(trait_key(opt, product, MODEL), 0, VARIANTS);
    kin_stream model = kin_stream_new(
        kin_key(kin_key_text(opt->seed, "synth model"), (uint64_t)kind, variant));
    double proportions[KIN_SYNTH_PROPORTIONS];
    for (int i = 0; i < KIN_SYNTH_PROPORTIONS; i++) proportions[i] = kin_stream_uniform(&model);
    kin_silhouette_make(shape, kind, proportions);
    kin_look_make(look, &(kin_look_keys){trait_key(opt, product, PALETTE), trait_key(opt, product, ROLES),
                                         trait_key(opt, product, TEXTURE), trait_key(opt, product, PRINT)});
}

const char *kin_synth_kind(const kin_synth_opt *opt, int product)
{
    return kin_silhouette_name(product_kind(opt, product));
}

static bool draw(scene *s, const kin_synth_opt *opt, const kin_silhouette *shape, kin_image *out,
                 kin_error *err)
{
    draw_background(s);
    draw_more(s, opt->clutter, "clutter", draw_clutter);
    choose_view(s);
    draw_shadow(s, shape);
    draw_product(s, shape);
    if (chance(s, 0.5)) draw_occluder(s);
    draw_more(s, opt->occluders, "occluders", draw_occluder);
    if (chance(s, 0.4)) kin_canvas_blur(&s->canvas, uniform(s, 0, 0.016) * s->unit);
    if (shape->failed || s->path.failed) return kin_fail_memory(err, "a product's outlines", sizeof *shape);
    camera cam = choose_camera(s);
    develop(s, &cam, out);
    return true;
}

bool kin_synth_image(const kin_synth_opt *opt, int product, int view, kin_image *out, kin_error *err)
{
    *out = (kin_image){0};
    int size = opt->size ? opt->size : 64;
    if (size < KIN_SYNTH_SIZE_MIN || size > KIN_SYNTH_SIZE_MAX)
        return kin_fail(err, KIN_ERR_ARGUMENT, "size %d: pictures are drawn from %d to %d pixels wide", size,
                        KIN_SYNTH_SIZE_MIN, KIN_SYNTH_SIZE_MAX);
    if (opt->clutter < 0 || opt->clutter > KIN_SYNTH_MORE_MAX || opt->occluders < 0 ||
        opt->occluders > KIN_SYNTH_MORE_MAX)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%d more things behind and %d in front: each 0 to %d",
                        opt->clutter, opt->occluders, KIN_SYNTH_MORE_MAX);
    if (product < 0 || view < 0)
        return kin_fail(err, KIN_ERR_ARGUMENT, "product %d, view %d: both count from 0", product, view);
    kin_look look;
    kin_silhouette shape;
    scene s = {.look = &look, .unit = 0.5 * size * SUPERSAMPLE};
    s.random = kin_stream_new(
        kin_key(kin_key_text(opt->seed, "synth view"), (uint64_t)product, (uint64_t)view));
    make_product(opt, product, &shape, &look);
    bool ok = kin_canvas_new(&s.canvas, size * SUPERSAMPLE, size * SUPERSAMPLE, err) &&
              kin_image_new(out, size, size, 3, err) && draw(&s, opt, &shape, out, err);
    if (!ok) kin_image_free(out);
    kin_canvas_free(&s.canvas);
    kin_path_free(&s.path);
    kin_silhouette_free(&shape);
    return ok;
}
