/* The silhouettes: each a function of four proportions in 0..1, in a square of side 2, y down. */
#include "data/shop/synth_parts.h"

#define CORNER true
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define NODES(...) (kin_node[]){__VA_ARGS__}, COUNT(((kin_node[]){__VA_ARGS__}))

static kin_path *part(kin_silhouette *s, kin_part_role role, double shade)
{
    kin_part *p = &s->parts[s->count++];
    *p = (kin_part){.role = role, .shade = shade};
    return &p->path;
}

static void line(kin_silhouette *s, kin_part_role role, double width, double x0, double y0, double x1,
                 double y1)
{
    kin_path_stroke(part(s, role, 1), (kin_point[]){{x0, y0}, {x1, y1}}, 2, width);
}

static void print_at(kin_silhouette *s, double x, double y, double radius)
{
    s->print_x = x, s->print_y = y, s->print_r = radius;
}

static void bottle(kin_silhouette *s, const double p[])
{
    double w = 0.34 + 0.12 * p[0], neck = 0.11 + 0.05 * p[1], shoulder = -0.3 + 0.2 * p[2];
    kin_path_turned(part(s, KIN_PART_BODY, 1),
                    NODES({neck, -0.85, CORNER}, {neck, shoulder - 0.22, false}, {w * 0.85, shoulder, false},
                          {w, shoulder + 0.25, false}, {w, 0.8, false}, {w - 0.07, 0.92, CORNER}));
    kin_path_round_rect(part(s, KIN_PART_TRIM, 1), -neck - 0.04, -0.95, neck + 0.04, -0.72 + 0.1 * p[3],
                        0.04);
    print_at(s, 0, 0.36, w * 0.86);
    s->round = w, s->gloss = 0.35;
}

static void mug(kin_silhouette *s, const double p[])
{
    double w = 0.5 + 0.1 * p[0], top = -0.62 + 0.2 * p[1], foot = w * (0.72 + 0.26 * p[2]), x = -0.14;
    kin_path_arc(part(s, KIN_PART_TRIM, 0.95), x + w - 0.04, 0.1, 0.3 + 0.06 * p[3], 0.34, -0.25, 0.25, 0.13);
    kin_path_outline(part(s, KIN_PART_BODY, 1),
                     NODES({x + w, top, CORNER}, {x + foot, 0.6, CORNER}, {x + foot * 0.6, 0.7, false},
                           {x - foot * 0.6, 0.7, false}, {x - foot, 0.6, CORNER}, {x - w, top, CORNER}));
    kin_path_ellipse(part(s, KIN_PART_LIGHT, 1), x, top, w, 0.13);
    kin_path_ellipse(part(s, KIN_PART_DARK, 1), x, top + 0.01, w * 0.88, 0.095);
    print_at(s, x, 0.12, w * 0.72);
    s->round = w + 0.1, s->gloss = 0.25;
}

static void shirt(kin_silhouette *s, const double p[])
{
    double sleeve = 0.78 + 0.14 * p[0], drop = -0.12 + 0.5 * p[1], w = 0.46 + 0.08 * p[2],
           neck = 0.17 + 0.08 * p[3];
    kin_path_turned(part(s, KIN_PART_BODY, 1),
                    NODES({0, -0.56, false}, {neck, -0.76, CORNER}, {0.46, -0.68, false},
                          {sleeve + 0.06, drop - 0.14, CORNER}, {sleeve - 0.16, drop + 0.02, CORNER},
                          {w, -0.2, CORNER}, {w * 0.96, 0.2, false}, {w + 0.02, 0.84, CORNER}));
    for (int side = -1; side <= 1; side += 2)
        line(s, KIN_PART_TRIM, 0.09, side * (sleeve + 0.02), drop - 0.12, side * (sleeve - 0.15),
             drop - 0.005);
    kin_path_arc(part(s, KIN_PART_TRIM, 1), 0, -0.76, neck, 0.2, 0.02, 0.48, 0.08);
    print_at(s, 0, 0.02, 0.36);
}

static void shoe(kin_silhouette *s, const double p[])
{
    double shaft = -0.25 - 0.4 * p[0], toe = 0.06 + 0.12 * p[1], heel = 0.06 + 0.08 * p[2],
           mouth = 0.02 - 0.16 * p[3];
    kin_path_outline(part(s, KIN_PART_BODY, 1),
                     NODES({-0.74, shaft, CORNER}, {-0.5, shaft + 0.06, false}, {mouth, shaft - 0.04, CORNER},
                           {mouth + 0.14, -0.12, false}, {0.55, toe, false}, {0.88, 0.36, false},
                           {0.86, 0.5, CORNER}, {-0.84, 0.5, CORNER}, {-0.82, 0.1, false}));
    kin_path_outline(part(s, KIN_PART_TRIM, 1), NODES({0.52, 0.42, CORNER}, {0.56, toe + 0.01, CORNER},
                                                      {0.8, 0.22, false}, {0.89, 0.44, CORNER}));
    kin_path_round_rect(part(s, KIN_PART_LIGHT, 1), -0.9, 0.42, 0.95, 0.56 + heel, 0.09);
    kin_path_round_rect(part(s, KIN_PART_TRIM, 0.85), -0.88, 0.5 + heel, 0.92, 0.58 + heel, 0.04);
    for (int i = 0; i < 3; i++)
        line(s, KIN_PART_LIGHT, 0.05, mouth - 0.02 + 0.13 * i, -0.2 + 0.09 * i, mouth + 0.18 + 0.12 * i,
             -0.24 + 0.13 * i);
    print_at(s, -0.36, 0.08, 0.31);
}

static void bag(kin_silhouette *s, const double p[])
{
    double top = 0.5 + 0.14 * p[0], bottom = 0.6 + 0.18 * p[1], y = -0.28 + 0.16 * p[2],
           handle = 0.36 + 0.14 * p[3];
    kin_path_arc(part(s, KIN_PART_TRIM, 0.9), 0, y + 0.02, 0.32, handle, 0.5, 1.0, 0.085);
    kin_path_outline(part(s, KIN_PART_BODY, 1),
                     NODES({top, y, CORNER}, {bottom, 0.72, CORNER}, {bottom - 0.1, 0.84, CORNER},
                           {-bottom + 0.1, 0.84, CORNER}, {-bottom, 0.72, CORNER}, {-top, y, CORNER}));
    line(s, KIN_PART_TRIM, 0.11, -top + 0.04, y + 0.02, top - 0.04, y + 0.02);
    for (int side = -1; side <= 1; side += 2)
        kin_path_ellipse(part(s, KIN_PART_METAL, 1), side * 0.32, y + 0.02, 0.05, 0.05);
    print_at(s, 0, 0.3, 0.4);
}

static void lamp(kin_silhouette *s, const double p[])
{
    double top = 0.2 + 0.2 * p[0], w = 0.62 + 0.16 * p[1], low = 0.06 + 0.14 * p[2],
           base = 0.28 + 0.14 * p[3];
    line(s, KIN_PART_METAL, 0.09, 0, low, 0, 0.84);
    kin_path_ellipse(part(s, KIN_PART_TRIM, 1), 0, 0.84, base, 0.1);
    kin_path_ellipse(part(s, KIN_PART_TRIM, 0.9), 0, 0.54, 0.12, 0.15);
    kin_path_turned(part(s, KIN_PART_BODY, 1), NODES({top, -0.86, CORNER}, {(top + w) * 0.46, -0.42, false},
                                                     {w, low, CORNER}, {w * 0.5, low + 0.07, false}));
    line(s, KIN_PART_TRIM, 0.06, -top, -0.86, top, -0.86);
    print_at(s, 0, -0.26, 0.36);
    s->round = w + 0.1, s->gloss = 0.1;
}

static void chair(kin_silhouette *s, const double p[])
{
    double w = 0.46 + 0.1 * p[0], top = -0.92 + 0.12 * p[1], seat = 0.22 + 0.1 * p[2],
           spread = 0.02 + 0.14 * p[3];
    for (int side = -1; side <= 1; side += 2) {
        line(s, KIN_PART_DARK, 0.08, side * (w - 0.14), seat, side * (w - 0.18), 0.76);
        line(s, KIN_PART_METAL, 0.1, side * (w + 0.02), seat + 0.08, side * (w + spread), 0.9);
    }
    kin_path_turned(part(s, KIN_PART_BODY, 1), NODES({0, top, false}, {w * 0.72, top + 0.04, false},
                                                     {w, top + 0.3, false}, {w - 0.04, seat + 0.04, CORNER}));
    kin_path_turned(part(s, KIN_PART_TRIM, 1),
                    NODES({w - 0.04, seat - 0.03, CORNER}, {w + 0.13, seat + 0.16, false},
                          {w + 0.08, seat + 0.24, CORNER}));
    print_at(s, 0, 0.5 * (top + seat) + 0.02, 0.38);
}

static void box(kin_silhouette *s, const double p[])
{
    double w = 0.5 + 0.12 * p[0], top = -0.5 + 0.3 * p[1], dx = 0.2 + 0.14 * p[2], dy = 0.16 + 0.12 * p[3],
           x = -0.12;
    kin_path_outline(part(s, KIN_PART_BODY, 0.62),
                     NODES({x + w, top, CORNER}, {x + w + dx, top - dy, CORNER},
                           {x + w + dx, 0.78 - dy, CORNER}, {x + w, 0.78, CORNER}));
    kin_path_outline(part(s, KIN_PART_TRIM, 1.05),
                     NODES({x - w, top, CORNER}, {x - w + dx, top - dy, CORNER},
                           {x + w + dx, top - dy, CORNER}, {x + w, top, CORNER}));
    kin_path_round_rect(part(s, KIN_PART_BODY, 1), x - w, top - 0.005, x + w + 0.005, 0.78, 0.01);
    line(s, KIN_PART_LIGHT, 0.05, x - w + 0.02, top + 0.02, x + w - 0.02, top + 0.02);
    print_at(s, x, 0.5 * (top + 0.78) + 0.02, 0.42);
}

static void vase(kin_silhouette *s, const double p[])
{
    double belly = 0.46 + 0.14 * p[0], neck = 0.12 + 0.1 * p[1], at = 0.12 + 0.2 * p[2],
           foot = 0.2 + 0.14 * p[3];
    kin_path_turned(part(s, KIN_PART_BODY, 1),
                    NODES({neck + 0.12, -0.88, CORNER}, {neck, -0.6, false}, {belly * 0.8, at - 0.32, false},
                          {belly, at, false}, {belly * 0.8, at + 0.34, false}, {foot, 0.9, CORNER}));
    kin_path_ellipse(part(s, KIN_PART_DARK, 1), 0, -0.88, neck + 0.12, 0.07);
    line(s, KIN_PART_TRIM, 0.1, -foot, 0.88, foot, 0.88);
    print_at(s, 0, at + 0.02, belly * 0.72);
    s->round = belly, s->gloss = 0.4;
}

static void hat(kin_silhouette *s, const double p[])
{
    double w = 0.5 + 0.1 * p[0], top = -0.66 + 0.16 * p[1], brim = 0.84 + 0.1 * p[2], dip = 0.1 * p[3];
    kin_path_ellipse(part(s, KIN_PART_TRIM, 1), 0, 0.42, brim, 0.19 + dip);
    kin_path_turned(part(s, KIN_PART_BODY, 1),
                    NODES({0, top + dip, false}, {w * 0.62, top, false}, {w, 0, false},
                          {w + 0.03, 0.38, CORNER}, {w * 0.6, 0.48, false}));
    kin_path_turned(part(s, KIN_PART_DARK, 1),
                    NODES({0, 0.33, false}, {w * 0.6, 0.31, false}, {w, 0.22, CORNER},
                          {w + 0.03, 0.4, CORNER}, {w * 0.6, 0.49, false}));
    print_at(s, 0, -0.14, 0.36);
    s->round = w + 0.15;
}

static void can(kin_silhouette *s, const double p[])
{
    double w = 0.4 + 0.12 * p[0], top = -0.72 + 0.24 * p[1], lid = 0.8 + 0.16 * p[2],
           foot = 0.84 + 0.12 * p[3];
    kin_path_ellipse(part(s, KIN_PART_METAL, 0.8), 0, 0.76, w * foot, 0.12);
    kin_path_turned(part(s, KIN_PART_BODY, 1),
                    NODES({w * lid, top, CORNER}, {w, top + 0.13, CORNER}, {w, 0.66, CORNER},
                          {w * foot, 0.78, CORNER}, {w * 0.5, 0.85, false}));
    kin_path_ellipse(part(s, KIN_PART_METAL, 1), 0, top, w * lid, 0.1);
    kin_path_ellipse(part(s, KIN_PART_TRIM, 1), 0, top - 0.01, w * lid * 0.45, 0.04);
    print_at(s, 0, 0.5 * (top + 0.8), w * 0.84);
    s->round = w, s->gloss = 0.45;
}

static void watch(kin_silhouette *s, const double p[])
{
    double r = 0.5 + 0.08 * p[0], strap = 0.26 + 0.08 * p[1], crown = 0.05 + 0.03 * p[2];
    kin_path_outline(part(s, KIN_PART_TRIM, 1),
                     NODES({strap, -0.4, CORNER}, {strap * 0.8, -0.98, CORNER}, {-strap * 0.8, -0.98, CORNER},
                           {-strap, -0.4, CORNER}, {-strap, 0.4, CORNER}, {-strap * 0.8, 0.98, CORNER},
                           {strap * 0.8, 0.98, CORNER}, {strap, 0.4, CORNER}));
    kin_path_round_rect(part(s, KIN_PART_METAL, 0.9), r - 0.02, -crown, r + 0.1, crown, 0.02);
    kin_path_ellipse(part(s, KIN_PART_METAL, 1), 0, 0, r, r);
    kin_path_ellipse(part(s, KIN_PART_BODY, 1), 0, 0, r - 0.07, r - 0.07);
    kin_path *ticks = part(s, KIN_PART_LIGHT, 1);
    for (int i = 0; i < 12; i++)
        kin_path_ellipse(ticks, (r - 0.13) * kin_cosine_turns(i / 12.0),
                         (r - 0.13) * kin_sine_turns(i / 12.0), 0.025, 0.025);
    print_at(s, 0, 0.02, 0.31 + 0.03 * p[3]);
}

static void backpack(kin_silhouette *s, const double p[])
{
    double w = 0.5 + 0.1 * p[0], top = -0.74 + 0.12 * p[1], pocket = 0.36 + 0.1 * p[2],
           inset = 0.1 + 0.06 * p[3];
    kin_path_arc(part(s, KIN_PART_DARK, 1), 0, top + 0.04, 0.16, 0.18, 0.5, 1.0, 0.07);
    for (int side = -1; side <= 1; side += 2)
        kin_path_arc(part(s, KIN_PART_TRIM, 0.8), side * (w - 0.02), 0.2, 0.18, 0.46, side > 0 ? -0.25 : 0.25,
                     side > 0 ? 0.25 : 0.75, 0.1);
    kin_path_turned(part(s, KIN_PART_BODY, 1),
                    NODES({0, top, false}, {w * 0.74, top + 0.1, false}, {w, top + 0.5, false},
                          {w + 0.02, 0.7, false}, {w * 0.8, 0.86, false}, {0, 0.88, false}));
    kin_path_round_rect(part(s, KIN_PART_TRIM, 1), -w + inset, pocket, w - inset, 0.8, 0.1);
    line(s, KIN_PART_METAL, 0.04, -w + inset + 0.1, pocket + 0.1, w - inset - 0.1, pocket + 0.1);
    print_at(s, 0, 0.5 * (top + pocket) + 0.04, 0.38);
}

static void cushion(kin_silhouette *s, const double p[])
{
    double w = 0.78 + 0.08 * p[0], h = 0.6 + 0.24 * p[1], pinch = 0.86 + 0.1 * p[2];
    for (int layer = 0; layer < 2; layer++) {
        double a = w - 0.06 * layer, b = h - 0.06 * layer;
        kin_path_outline(part(s, layer ? KIN_PART_BODY : KIN_PART_TRIM, 1),
                         NODES({a, -b, CORNER}, {a * pinch, 0, false}, {a, b, CORNER}, {0, b * pinch, false},
                               {-a, b, CORNER}, {-a * pinch, 0, false}, {-a, -b, CORNER},
                               {0, -b * pinch, false}));
    }
    print_at(s, 0, 0, 0.42 + 0.04 * p[3]);
}

static void teapot(kin_silhouette *s, const double p[])
{
    double w = 0.5 + 0.06 * p[0], h = 0.42 + 0.08 * p[1], rise = 0.1 + 0.16 * p[2], knob = 0.07 + 0.03 * p[3];
    kin_path_arc(part(s, KIN_PART_TRIM, 0.92), -w + 0.05, 0.14, 0.34, 0.3, 0.25, 0.75, 0.11);
    kin_path_outline(part(s, KIN_PART_TRIM, 1),
                     NODES({w - 0.14, 0.02, CORNER}, {w + 0.18, -0.1, false}, {0.84, -rise - 0.14, CORNER},
                           {0.96, -rise - 0.06, CORNER}, {w + 0.3, 0.16, false}, {w - 0.12, 0.42, CORNER}));
    kin_path_ellipse(part(s, KIN_PART_BODY, 1), 0, 0.2, w, h);
    kin_path_ellipse(part(s, KIN_PART_TRIM, 1), 0, 0.2 - h + 0.05, 0.26, 0.1);
    kin_path_ellipse(part(s, KIN_PART_TRIM, 1.05), 0, 0.2 - h - 0.1, knob, knob);
    kin_path_round_rect(part(s, KIN_PART_DARK, 1), -0.3, 0.18 + h, 0.3, 0.26 + h, 0.04);
    print_at(s, 0, 0.22, h * 0.84);
    s->round = w + 0.06, s->gloss = 0.35;
}

static void umbrella(kin_silhouette *s, const double p[])
{
    double w = 0.84 + 0.1 * p[0], top = -0.78 + 0.1 * p[1], hook = 0.12 + 0.05 * p[2],
           rim = 0.1 + 0.08 * p[3];
    line(s, KIN_PART_METAL, 0.07, 0, top - 0.1, 0, 0.72);
    kin_path_arc(part(s, KIN_PART_TRIM, 1), hook, 0.74, hook, 0.16, 0.0, 0.5, 0.1);
    kin_path_turned(part(s, KIN_PART_BODY, 1),
                    NODES({0, top, false}, {w * 0.62, top + 0.2, false}, {w, rim, CORNER},
                          {w * 0.78, rim - 0.07, false}, {w * 0.56, rim, CORNER},
                          {w * 0.36, rim - 0.06, false}, {w * 0.16, rim, CORNER}, {0, rim - 0.03, false}));
    print_at(s, 0, -0.28, 0.36);
    s->round = w + 0.2;
}

static const struct {
    const char *name;
    void (*make)(kin_silhouette *, const double *);
} kinds[] = {
    {"bottle", bottle},     {"mug", mug},         {"shirt", shirt},   {"shoe", shoe},
    {"bag", bag},           {"lamp", lamp},       {"chair", chair},   {"box", box},
    {"vase", vase},         {"hat", hat},         {"can", can},       {"watch", watch},
    {"backpack", backpack}, {"cushion", cushion}, {"teapot", teapot}, {"umbrella", umbrella},
};

int kin_silhouette_kinds(void) { return COUNT(kinds); }
const char *kin_silhouette_name(int kind) { return kinds[kind].name; }

void kin_silhouette_make(kin_silhouette *shape, int kind, const double proportions[KIN_SYNTH_PROPORTIONS])
{
    *shape = (kin_silhouette){0};
    kinds[kind].make(shape, proportions);
    for (int i = 0; i < shape->count; i++) shape->failed = shape->failed || shape->parts[i].path.failed;
}

void kin_silhouette_free(kin_silhouette *shape)
{
    for (int i = 0; i < shape->count; i++) kin_path_free(&shape->parts[i].path);
    *shape = (kin_silhouette){0};
}
