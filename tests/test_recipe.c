/* Recipes: what is understood and refused, text and back, sizes, draws by key, threads. */
#include "base/memory.h"
#include "base/parallel.h"
#include "data/images/inflate.h"
#include "data/transforms/pick.h"
#include "data/transforms/randaugment.h"
#include "data/transforms/recipe.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

static kin_image photo(int width, int height, int channels)
{
    kin_image image;
    kin_error err = {0};
    kin_image_new(&image, width, height, channels, &err);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++)
                image.data[(y * width + x) * channels + c] =
                    (uint8_t)((x * (3 + c) + y * (5 - c) + (x / 9 + y / 7) * 40) % 240 +
                              (int)kin_random_below(3, (uint64_t)((y * width + x) * channels + c), 16));
    return image;
}

static uint32_t sum_of(const kin_image *image)
{
    return kin_crc32(0, image->data, (size_t)image->width * (size_t)image->height * (size_t)image->channels);
}

static kin_recipe parse(const char *text)
{
    kin_recipe recipe;
    kin_error err = {0};
    CHECK_MSG(kin_recipe_parse(text, &recipe, &err), "%s: %s", text, err.message);
    return recipe;
}

static void understood(void)
{
    check_begin("recipe: text, canonical text, and back");
    static const char *const cases[][2] = {
        {"", ""},
        {"rrc(224,scale=.08-1) flip jitter(.4,.4,.4,.1) grey(.2) blur(23,.1-2) erase(.25)",
         "rrc(224) flip jitter(0.4,0.4,0.4,0.1) grey(0.2) blur(23) erase(0.25)"},
        {"RandomResizedCrop( 224 , ratio=1-2 ),RandomHorizontalFlip()", "rrc(224,ratio=1-2) flip"},
        {"Gray(p=1)\n center(32x16)", "grey(1) centre(32x16)"},
        {"resize(0x20)", NULL},
        {"rotate(-30--10,bilinear,fill=1/2/3)", "rotate(-30--10,bilinear,1/2/3)"},
        {"rotate(1e1)", "rotate(10)"},
        {"affine(10,translate=.1x.2,scale=.8-1.2,shear-y=3,p=.5)",
         "affine(10,0.1x0.2,0.8-1.2,p=0.5,shear-y=3)"},
        {"jitter(.6-1.4,hue=-.1-.2)", "jitter(0.6-1.4,hue=-0.1-0.2)"},
        {"erase(.5,value=random) erase(value=0) erase(value=1/2/3) erase(value=mean)",
         "erase(value=random) erase(value=0) erase(value=1/2/3) erase"},
        {"normalize normalize", NULL},
        {"normalise(LITE)", "normalize(lite)"},
        {"normalize(.5,.25)", "normalize(0.5,0.25)"},
        {"randaugment(3,5) trivial", "randaugment(3,5) trivial"},
        {"imagenet-train(160)", "rrc(160) flip normalize"},
        {"imagenet-eval", "resize(256) centre(224) normalize"},
        {"reid", "resize(256x128,bicubic) flip crop(256x128,10) erase(scale=0.02-0.4,ratio=0.3-3.33)"},
        {"rrc(64,scale=0.30000000000000004-1)", "rrc(64,0.30000000000000004-1)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kin_recipe recipe, again;
        kin_error err = {0};
        kin_text text = {0}, same = {0};
        bool ok = kin_recipe_parse(cases[i][0], &recipe, &err);
        CHECK_MSG(ok == (cases[i][1] != NULL), "'%s': %s", cases[i][0], err.message);
        if (!ok || !cases[i][1]) continue;
        kin_recipe_print(&recipe, &text);
        CHECK_MSG(strcmp(text.data ? text.data : "", cases[i][1]) == 0, "'%s' became '%s'", cases[i][0],
                  text.data);
        CHECK(kin_recipe_parse(text.data ? text.data : "", &again, &err));
        kin_recipe_print(&again, &same);
        CHECK(again.count == recipe.count &&
              strcmp(text.data ? text.data : "", same.data ? same.data : "") == 0);
        kin_text_free(&text), kin_text_free(&same);
    }
    kin_recipe lite = parse("normalize(lite)"), none = parse("flip"), both = parse("normalize(.5/.4/.3,.2)");
    CHECK_CLOSE((1.0 - lite.mean[0]) / lite.std[0], (255 - 127) / 128.0, 1e-6);
    CHECK(none.mean[1] == 0 && none.std[1] == 1 && !none.normalizes);
    CHECK_CLOSE(both.mean[2], .3, 1e-6);
    CHECK_CLOSE(both.std[2], .2, 1e-6);
    check_end();
}

static void refused(void)
{
    check_begin("recipe: what is wrong is said in one line");
    static const char *const cases[][2] = {
        {"rcc(224)", "unknown transform 'rcc' (did you mean 'rrc'?)"},
        {"randomcrp(3)", "did you mean 'RandomCrop'?"},
        {"imagenet-trian", "did you mean 'imagenet-train'?"},
        {"xyzzy", "unknown transform 'xyzzy'; kin augment --list"},
        {"rrc", "rrc: size is missing"},
        {"rrc(224", "expected ',' or ')'"},
        {"rrc(224,scal=.1-1)", "rrc: no parameter 'scal' (did you mean 'scale'?)"},
        {"rrc(224,q=.1-1)", "no parameter 'q'; it has size, scale, ratio, filter"},
        {"rrc(224,scale=1-.5)", "scale is a number or a range low-high, each from 1e-06 to 1, not '1-.5'"},
        {"rrc(224,filter=linear)", "filter is one of box, bilinear, bicubic, lanczos, not 'linear'"},
        {"flip(2)", "flip: p is a number, each from 0 to 1, not '2'"},
        {"flip(.5,.5)", "'.5' is one parameter too many; it takes 1"},
        {"flip(p=.5,p=.5)", "p is given twice"},
        {"blur(sigma=1,3)", "'3' comes after a named parameter"},
        {"blur(4)", "kernel is an odd number, not 4"},
        {"blur(2.5)", "a whole number"},
        {"rotate(nan)", "not 'nan'"},
        {"rotate(0x10)", "not '0x10'"},
        {"randaugment(2,31)", "magnitude is one of the bins, 0 to 30, not 31"},
        {"normalize(.5)", "both numbers"},
        {"normalize(half,lite)", "half and lite: one name stands for both"},
        {"normalize normalize", "once only"},
        {"erase(value=1/2)", "R/G/B"},
        {"(", "expected a transform's name at '('"},
        {"flip) flip", "expected a transform's name at ') flip'"},
        {"train(9999999)", "train: size is a whole number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kin_recipe recipe;
        kin_error err = {0};
        CHECK_MSG(!kin_recipe_parse(cases[i][0], &recipe, &err), "'%s' was understood", cases[i][0]);
        CHECK_TEXT(err.message, cases[i][1]);
        CHECK_TEXT(err.message, "recipe: ");
        CHECK(err.code == KIN_ERR_ARGUMENT && !strchr(err.message, '\n'));
    }
    char many[40 * 5 + 1] = "";
    for (int i = 0; i < 40; i++) memcpy(many + 5 * i, "flip ", 5);
    kin_recipe recipe;
    kin_error err = {0};
    CHECK(!kin_recipe_parse(many, &recipe, &err));
    CHECK_TEXT(err.message, "more than 32 transforms");
    check_end();
}

static void table(void)
{
    check_begin(
        "recipe: every default in the table can be read, every preset has one size, the list names all");
    kin_text list = {0};
    kin_recipe_list(&list);
    for (const kin_transform_info *t = kin_transforms; t->name; t++) {
        for (int k = 0; t->params[k].name; k++) {
            kin_value v;
            kin_error err = {0};
            const char *fallback = t->params[k].fallback;
            CHECK_MSG(k < KIN_TRANSFORM_PARAMS, "%s has too many parameters", t->name);
            if (fallback)
                CHECK_MSG(kin_param_parse(&t->params[k], fallback, strlen(fallback), &v, &err), "%s: %s",
                          t->name, err.message);
        }
        CHECK_TEXT(list.data, t->torch);
    }
    for (const kin_recipe_preset *p = kin_recipe_presets; p->name; p++) {
        kin_recipe recipe = parse(p->name);
        int width = 0, height = 0;
        CHECK_MSG(kin_recipe_output_size(&recipe, &width, &height) || strstr(p->text, "resize("),
                  "%s has no size", p->name);
        width = 640, height = 480;
        CHECK(kin_recipe_output_size(&recipe, &width, &height) && height == p->size &&
              recipe.normalizes == (strncmp(p->name, "imagenet", 8) == 0));
    }
    kin_text_free(&list);
    check_end();
}

static void sizes(void)
{
    check_begin("recipe: sizes foretold are those that come");
    static const struct {
        const char *text;
        int width, height;
        bool known;
    } cases[] = {{"", 0, 0, false},
                 {"resize(50)", 66, 50, true},
                 {"resize(20x30)", 30, 20, true},
                 {"pad(3x5)", 90, 66, true},
                 {"crop(40x44,4)", 44, 40, true},
                 {"rrc(9)", 9, 9, true},
                 {"centre(100x7)", 7, 100, true},
                 {"resize(31) centre(24) rotate(10) blur(5) trivial", 24, 24, true},
                 {"affine(10,.1,.5-2,5,shear-y=5) perspective(p=1) jitter(.5,.5,.5,.5) randaugment(5,30) "
                  "erase(1,value=random)",
                  80, 60, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int channels = 1; channels <= 4; channels++) {
            kin_recipe recipe = parse(cases[i].text);
            kin_image image = photo(80, 60, channels);
            kin_error err = {0};
            int width = 80, height = 60;
            bool known = kin_recipe_output_size(&recipe, &width, &height);
            CHECK(known && (!cases[i].known || (width == cases[i].width && height == cases[i].height)));
            CHECK_MSG(kin_recipe_apply(&recipe, 1 + i, &image, &err), "%s", err.message);
            CHECK_MSG(image.width == width && image.height == height &&
                          image.channels == (channels <= 2 ? 1 : 3),
                      "'%s' gives %d x %d x %d", cases[i].text, image.width, image.height, image.channels);
            kin_image_free(&image);
        }
    kin_recipe unknown = parse("resize(40) flip pad(2)");
    int width = 0, height = 0;
    CHECK(!kin_recipe_output_size(&unknown, &width, &height));
    kin_recipe large = parse("crop(64)");
    kin_image image = photo(80, 60, 3);
    kin_error err = {0};
    CHECK(!kin_recipe_apply(&large, 1, &image, &err));
    CHECK_TEXT(err.message, "crop: a crop of 64x64 (height first) is larger than the picture's 60x80");
    kin_image_free(&image);
    check_end();
}

static const char everything[] =
    "rrc(48) flip vflip rotate(20,bilinear) affine(10,.1,.9-1.1,5) perspective jitter(.4,.4,.4,.1) grey "
    "blur(9) invert(.2) posterize solarize sharpness autocontrast equalize "
    "randaugment trivial pad(2) crop(48) erase(.5,value=random) normalize";

typedef struct job {
    kin_recipe recipe;
    uint32_t sums[64];
} job;

static void one_picture(void *arg, int64_t i, int worker)
{
    (void)worker;
    job *j = arg;
    kin_image image = photo(70, 60, 3);
    kin_error err = {0};
    j->sums[i] = kin_recipe_apply(&j->recipe, kin_recipe_key(1, 2, (uint64_t)i), &image, &err)
                     ? sum_of(&image)
                     : 0;
    kin_image_free(&image);
}

static void keyed(void)
{
    check_begin("recipe: a picture's draw depends on its key alone, with any number of threads");
    static job serial, parallel;
    serial.recipe = parallel.recipe = parse(everything);
    for (int i = 63; i >= 0; i--) one_picture(&serial, i, 0);
    kin_set_threads(4);
    kin_parallel_for(64, one_picture, &parallel);
    kin_set_threads(0);
    CHECK(memcmp(serial.sums, parallel.sums, sizeof serial.sums) == 0);
    int equal = 0;
    for (int i = 0; i < 64; i++)
        for (int j = 0; j < i; j++) equal += serial.sums[i] == serial.sums[j];
    CHECK_MSG(equal == 0 && serial.sums[0] != 0, "%d pairs of pictures came out the same", equal);
    CHECK(kin_recipe_key(1, 2, 3) != kin_recipe_key(1, 3, 2) &&
          kin_recipe_key(1, 2, 3) != kin_recipe_key(2, 2, 3));
    check_end();
}

static void likelihoods(void)
{
    check_begin("recipe: what happens sometimes happens as often as said");
    static const struct {
        const char *text;
        double p;
    } cases[] = {{"flip", .5},
                 {"vflip(.3)", .3},
                 {"grey(.2)", .2},
                 {"invert(.1)", .1},
                 {"blur(5,1,p=.6)", .6},
                 {"jitter(hue=.4-.4,p=.8)", .8},
                 {"erase(.25)", .25},
                 {"posterize(1,.7)", .7},
                 {"solarize(1)", .5},
                 {"sharpness(0)", .5},
                 {"rotate(5-9,p=.4)", .4},
                 {"perspective(1,.5)", .5},
                 {"flip(0)", 0},
                 {"flip(1)", 1}};
    enum { DRAWS = 2000 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kin_recipe recipe = parse(cases[i].text);
        int changed = 0;
        for (int n = 0; n < DRAWS; n++) {
            kin_image image = photo(12, 9, 3);
            kin_error err = {0};
            uint32_t before = sum_of(&image);
            CHECK(kin_recipe_apply(&recipe, kin_recipe_key(9, 0, (uint64_t)n), &image, &err));
            changed += sum_of(&image) != before;
            kin_image_free(&image);
        }
        double p = cases[i].p;
        CHECK_MSG(fabs(changed / (double)DRAWS - p) <= 4.5 * sqrt(p * (1 - p) / DRAWS),
                  "'%s' happened %d times in %d", cases[i].text, changed, DRAWS);
    }
    check_end();
}

static void out_of_memory(void)
{
    check_begin("recipe: every failed allocation is an error, and nothing leaks");
    kin_recipe recipe = parse(everything);
    for (long n = 1; n < 400; n++) {
        long alive = kin_alloc_live();
        kin_image image = photo(70, 60, 4);
        kin_error err = {0};
        kin_alloc_fail_at(n);
        bool ok = kin_recipe_apply(&recipe, 77, &image, &err), reached = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK_MSG(ok == !reached && (ok || err.code == KIN_ERR_MEMORY), "allocation %ld: %s", n, err.message);
        kin_image_free(&image);
        CHECK(kin_alloc_live() == alive);
        if (!reached) break;
    }
    check_end();
}

/* Pictures of a pixel or two go through everything that does not need more. */
static void tiny(void)
{
    check_begin("recipe: the smallest pictures");
    kin_recipe recipe = parse(
        "flip vflip rotate(20,bilinear) rotate(90) affine(10,1,.5-2,80,bilinear,shear-y=80) affine(5) "
        "perspective(1,1) jitter(.4,.4,.4,.5) grey blur(9) sharpness(p=1) autocontrast equalize "
        "randaugment(14,9) trivial erase(1) rrc(3) centre(5)");
    for (int width = 1; width <= 4; width++)
        for (int height = 1; height <= 4; height++)
            for (uint64_t key = 1; key < 40; key++) {
                kin_image image = photo(width, height, key % 2 ? 3 : 1);
                kin_error err = {0};
                CHECK_MSG(kin_recipe_apply(&recipe, key, &image, &err), "%d x %d: %s", width, height,
                          err.message);
                kin_image_free(&image);
            }
    check_end();
}

int main(void)
{
    understood();
    refused();
    table();
    sizes();
    keyed();
    likelihoods();
    out_of_memory();
    tiny();
    return check_result();
}
