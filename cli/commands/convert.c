/* kin convert: what kin sees of a picture, for anyone to check. */
#include "base/memory.h"
#include "base/npy.h"
#include "base/text.h"
#include "cli/options/command.h"
#include "cli/options/outputs.h"
#include "cli/options/places.h"
#include "cli/options/source.h"
#include "cli/terminal/interrupt.h"
#include "data/pictures.h"

#include <stdio.h>
#include <string.h>

static const char *const filters[] = {"box", "bilinear", "bicubic", "lanczos", NULL};

static const kin_option options[] = {
    {"out", KIN_OPTION_STRING, "FILE",
     "one picture: X.png, .jpg, .ppm, .pgm, .pam or .npy; several: a folder, in which they keep the folders "
     "below the one that holds all of them; or one .npy that stacks pictures of one size",
     .required = true},
    {"format", KIN_OPTION_CHOICE, "KIND",
     "what is written, where the name does not tell: for a folder, or for standard output", "png",
     .choices = kin_image_kinds},
    {"resize", KIN_OPTION_STRING, "SIZE", "N brings the short side to N; WxH exactly to that, width first"},
    {"filter", KIN_OPTION_CHOICE, "NAME", "how pictures are resized, always with antialiasing", "bilinear",
     .choices = filters},
    {"crop", KIN_OPTION_STRING, "SIZE",
     "then cut N x N, or WxH, out of the middle; zeros around a picture that is smaller"},
    {"grey", KIN_OPTION_FLAG, NULL, "to one channel"},
    {"rgb", KIN_OPTION_FLAG, NULL, "to three channels; alpha is dropped"},
    {"quality", KIN_OPTION_INT, "Q", "of JPEGs that are written", "75", .low = 1, .high = 100},
    {"reduce", KIN_OPTION_FLAG, NULL,
     "decode JPEGs at 1/2, 1/4 or 1/8 where --resize makes them that small anyway: faster, slightly other "
     "values"},
    KIN_PICTURE_OPTIONS,
    {0},
};

typedef struct box {
    int width, height;
    bool given, square;
} box;

typedef struct job {
    kin_cli *cli;
    box resize, crop;
    kin_filter filter;
    kin_image_limits limits;
    kin_jpeg_opt jpeg;
} job;

/* "224" or "320x240". */
static bool read_box(const char *option, const char *text, box *out, kin_error *err)
{
    char first[16];
    int64_t w, h;
    if (!text) return true;
    const char *x = strchr(text, 'x');
    size_t length = x ? (size_t)(x - text) : strlen(text);
    bool ok = length < sizeof first;
    if (ok) {
        memcpy(first, text, length);
        first[length] = 0;
        ok = kin_parse_int(first, 1, 100000, &w) && (!x || kin_parse_int(x + 1, 1, 100000, &h));
    }
    if (!ok)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "--%s takes a size such as 224 or 320x240 (width first), not \"%.40s\"", option,
                        text);
    *out = (box){(int)w, x ? (int)h : (int)w, true, x == NULL};
    return true;
}

static bool resized(const job *j, kin_image *image, kin_error *err)
{
    kin_image out;
    if (!j->resize.given) return true;
    if (j->resize.square && j->crop.given)
        return kin_picture_resize_crop(image, j->resize.width, j->crop.width, j->crop.height, j->filter, err);
    if (j->resize.square) return kin_picture_resize_short(image, j->resize.width, j->filter, err);
    if (!kin_image_resize(image, j->resize.width, j->resize.height, j->filter, &out, err)) return false;
    kin_image_free(image);
    *image = out;
    return true;
}

static bool prepare(const job *j, const char *path, kin_image *image, kin_error *err)
{
    if (!kin_image_read(path, &j->limits, image, err)) return false;
    if (image->remark) kin_cli_note(j->cli, "%s: %s", path, image->remark);
    bool ok = true;
    if (kin_option_flag(j->cli, "grey")) ok = kin_image_convert(image, 1, err);
    if (kin_option_flag(j->cli, "rgb")) ok = kin_image_convert(image, 3, err);
    ok = ok && resized(j, image, err) &&
         (!j->crop.given || kin_picture_crop(image, j->crop.width, j->crop.height, err));
    if (!ok) {
        kin_image_free(image);
        kin_error_prefix(err, "%s", path);
    }
    return ok;
}

/* A JPEG and a PPM hold no alpha. */
static bool drop_alpha(const char *kind, kin_image *image, kin_error *err)
{
    bool holds = strcmp(kind, "png") == 0 || strcmp(kind, "pam") == 0 || strcmp(kind, "npy") == 0;
    return holds || image->channels % 2 || kin_image_convert(image, image->channels - 1, err);
}

static bool convert_one(const job *j, const char *from, const char *to, const char *kind, kin_error *err)
{
    kin_image image;
    const char *dot = strrchr(to, '.');
    if (!kind) kind = dot && !strchr(dot, '/') ? dot + 1 : kin_option_string(j->cli, "format");
    if (!prepare(j, from, &image, err)) return false;
    bool ok = drop_alpha(kind, &image, err) && kin_image_write(to, kind, &image, &j->jpeg, err);
    kin_image_free(&image);
    return ok;
}

static bool same_shape(const kin_image *a, const kin_image *b)
{
    return a->width == b->width && a->height == b->height && a->channels == b->channels;
}

/* All pictures behind one another as [n, h, w, c]. A broken one ends it: rows would no longer be the
 * pictures given. */
static bool stack(const job *j, const char *out, kin_error *err)
{
    kin_image first = {0}, image;
    uint8_t *all = NULL;
    size_t bytes = 0;
    int n = j->cli->positionals;
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        ok = prepare(j, j->cli->positional[i], &image, err);
        if (ok && i == 0) {
            first = image;
            bytes = (size_t)image.width * (size_t)image.height * (size_t)image.channels;
            ok = (all = kin_alloc_array((size_t)n, bytes)) ||
                 kin_fail_memory(err, "the pictures", (size_t)n * bytes);
        }
        if (ok && !same_shape(&first, &image))
            ok = kin_fail(err, KIN_ERR_DATA,
                          "%s is %d x %d x %d where the first picture is %d x %d x %d; one .npy holds one "
                          "size: use --resize with --crop, and --rgb or --grey",
                          j->cli->positional[i], image.width, image.height, image.channels, first.width,
                          first.height, first.channels);
        if (ok) memcpy(all + (size_t)i * bytes, image.data, bytes);
        if (i > 0) kin_image_free(&image);
        if (ok && kin_interrupted())
            ok = kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted; nothing was written");
    }
    ok = ok &&
         kin_npy_write_bytes(out, all, 4, (int64_t[]){n, first.height, first.width, first.channels}, err);
    kin_image_free(&first);
    kin_free(all);
    return ok;
}

/* Each to a file of its own; a broken one is told, and the others are still converted. */
static int to_folder(const job *j, const char *folder)
{
    kin_error err = {0};
    const char *kind = kin_option_string(j->cli, "format");
    kin_places places;
    int failed = 0, n = j->cli->positionals;
    if (!kin_places_find(j->cli, folder, kind, &places, &err)) return kin_cli_fail(j->cli, &err);
    for (int i = 0; i < n; i++) {
        kin_error one = {0};
        bool ok = kin_places_make_folder(&places, i, &one) &&
                  convert_one(j, j->cli->positional[i], places.to[i], kind, &one);
        if (!ok && ++failed) kin_cli_fail(j->cli, &one);
        if (!kin_interrupted()) continue;
        kin_places_free(&places);
        kin_fail(&err, KIN_ERR_INTERRUPTED, "interrupted after %d of %d pictures", i + 1, n);
        return kin_cli_fail(j->cli, &err);
    }
    kin_places_free(&places);
    if (failed) kin_cli_note(j->cli, "%d of %d pictures could not be converted", failed, n);
    return failed ? 1 : 0;
}

static bool ends_in_npy(const char *path)
{
    return strlen(path) > 4 && strcmp(path + strlen(path) - 4, ".npy") == 0;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    job j = {.cli = cli,
             .filter = (kin_filter)kin_option_choice(cli, "filter"),
             .jpeg = {.quality = (int)kin_option_int(cli, "quality")}};
    const char *out = kin_option_string(cli, "out");
    bool several = cli->positionals > 1 || kin_is_folder(out);
    if (kin_option_flag(cli, "grey") && kin_option_flag(cli, "rgb"))
        return kin_cli_usage(cli, "--grey and --rgb exclude one another");
    if (!kin_picture_limits(cli, &j.limits, &err) ||
        !read_box("resize", kin_option_string(cli, "resize"), &j.resize, &err) ||
        !read_box("crop", kin_option_string(cli, "crop"), &j.crop, &err))
        return kin_cli_usage(cli, "%s", err.message);
    if (kin_option_flag(cli, "reduce") && j.resize.given)
        j.limits.reduce_to = j.resize.width > j.resize.height ? j.resize.width : j.resize.height;
    kin_interrupt_catch();
    if (several && !ends_in_npy(out)) return to_folder(&j, out);
    bool ok = true;
    for (int i = 0; ok && i < cli->positionals; i++)
        ok = kin_output_apart(cli, out, cli->positional[i], &err);
    if (ok) ok = kin_file_creatable(out, &err);
    if (ok)
        ok = several ? stack(&j, out, &err)
                     : convert_one(&j, cli->positional[0], out,
                                   strcmp(out, "-") == 0 ? kin_option_string(cli, "format") : NULL, &err);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_convert = {
    .name = "convert",
    .summary = "read, resize, crop and write pictures as kin sees them",
    .usage = "kin convert IN... --out FILE [--resize SIZE] [--crop SIZE] [--filter NAME]",
    .about = "Reads JPEG, PNG, WebP, GIF (of moving ones the first picture), BMP and PNM/PAM, known by their "
             "content, and turns photographs the right way up. --resize and --crop round as torchvision's "
             "Resize and CenterCrop "
             "do, and resizing gives Pillow's values. IN may be -, standard input.\n\n"
             "What a reader put up with (a file cut short) is told and the picture still converted; a file "
             "that cannot be read is told in one line, and the exit status is 1.",
    .examples = "# what a network of 224 x 224 sees\n"
                "kin convert photo.jpg --resize 256 --filter bicubic --crop 224 --out seen.png\n"
                "# as numbers, [n, 224, 224, 3] bytes\n"
                "kin convert a.jpg b.png --resize 224 --crop 224 --rgb --out both.npy\n"
                "# a folder of smaller JPEGs\n"
                "kin convert photos/*.jpg --resize 512 --format jpg --quality 85 --out small",
    .arguments = {{"IN", "pictures to read; - is standard input"}},
    .arguments_min = 1,
    .arguments_max = 100000,
    .options = options,
    .run = run,
};
