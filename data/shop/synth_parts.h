/* What data/synth*.c share: the parts of a product. Products live in a square of side 2 about the origin. */
#ifndef KIN_DATA_SHOP_SYNTH_PARTS_H
#define KIN_DATA_SHOP_SYNTH_PARTS_H

#include "base/random.h"
#include "data/shop/draw.h"

/* ---- silhouettes: synth_shapes.c ---- */

enum { KIN_SYNTH_PARTS = 14, KIN_SYNTH_PROPORTIONS = 4 };

typedef enum {
    KIN_PART_BODY, /* the textured one */
    KIN_PART_TRIM, /* soles, lids, handles: the palette's accent */
    KIN_PART_DARK,
    KIN_PART_LIGHT,
    KIN_PART_METAL,
} kin_part_role;

typedef struct kin_part {
    kin_path path;
    kin_part_role role;
    double shade; /* factor on the light: 0.8 for a side turned away */
} kin_part;

/* A product's outline, painted part by part in this order. */
typedef struct kin_silhouette {
    kin_part parts[KIN_SYNTH_PARTS];
    int count;
    double print_x, print_y, print_r; /* the disc that holds the print */
    double round;                     /* half width of a turned body, shaded as a cylinder; 0: flat */
    double gloss;                     /* strength of the streak of light on it */
    bool failed;                      /* out of memory */
} kin_silhouette;

int kin_silhouette_kinds(void);
const char *kin_silhouette_name(int kind);
void kin_silhouette_make(kin_silhouette *shape, int kind, const double proportions[KIN_SYNTH_PROPORTIONS]);
void kin_silhouette_free(kin_silhouette *shape);

/* ---- textures and prints: synth_look.c ---- */

enum { KIN_LOOK_COLOURS = 6, KIN_LOOK_MARKS = 8 };

/* A form of the print, in the units of its disc; `colour` indexes the look's colours. */
typedef struct kin_mark {
    int form, colour;
    double x, y, radius, turns;
} kin_mark;

typedef struct kin_look {
    float colours[KIN_LOOK_COLOURS][3]; /* body, texture, trim, print, light, dark */
    int texture;
    double period, duty, phase, turns;
    kin_mark marks[KIN_LOOK_MARKS];
    int marks_count;
} kin_look;

/* Each part of the look comes from a key of its own, so that products may share some and not others. */
typedef struct kin_look_keys {
    uint64_t palette, roles, texture, print;
} kin_look_keys;
void kin_look_make(kin_look *look, const kin_look_keys *keys);
/* Which of the palette's colours such a key gives to the body, and which family of textures: areas, lines
 * or cells. */
int kin_look_body(uint64_t roles);
int kin_look_family(uint64_t texture);
/* The textured body's light at a place. */
void kin_look_texture(const kin_look *look, kin_place at, float rgb[3]);
/* The outline of a mark's form, radius 1 about the origin. */
void kin_look_form(kin_path *path, int form);
int kin_look_forms(void);
/* A colour of some palette, for what stands around. */
void kin_look_any_colour(kin_stream *random, float rgb[3]);

#endif
