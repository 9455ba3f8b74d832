/* Times the work on pictures, one thread, from memory to memory. Without arguments a table of kin's own
 * times on noise; `pictures serve` answers one request a line with the CPU seconds of each run (the least
 * of a few), or why it was refused:
 *   resize WIDTH HEIGHT CHANNELS NEW_WIDTH NEW_HEIGHT bilinear|bicubic
 *   zlib FILE, gzip FILE              unpacks the file
 *   decode LIST, prepare LIST SIZE    decodes the pictures that the file LIST names, one a line;
 *                                     and resizes them (bilinear)
 * bench/pictures_peers.py asks in turn with timing Pillow, torchvision and zlib. */
#define _POSIX_C_SOURCE 200809L
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "data/images/image.h"
#include "data/images/inflate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_FILES = 4096, RUNS = 3 };

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

typedef struct job {
    kin_bytes files[MAX_FILES];
    int count, size; /* size: what `prepare` resizes to, 0: nothing */
    kin_image noise;
    int width, height; /* what `resize` resizes to */
    kin_filter filter;
    bool gzip;
} job;

static void job_free(job *j)
{
    for (int i = 0; i < j->count; i++) kin_bytes_free(&j->files[i]);
    kin_image_free(&j->noise);
    *j = (job){.count = 0};
}

typedef bool work(const job *j, kin_error *err);

static bool resize(const job *j, kin_error *err)
{
    kin_image out;
    if (!kin_image_resize(&j->noise, j->width, j->height, j->filter, &out, err)) return false;
    kin_image_free(&out);
    return true;
}

static bool unpack(const job *j, kin_error *err)
{
    kin_bytes out;
    if (!(j->gzip ? kin_gunzip : kin_zlib_unpack)(j->files[0].data, j->files[0].size, 0, &out, err))
        return false;
    kin_bytes_free(&out);
    return true;
}

static bool pictures(const job *j, kin_error *err)
{
    for (int i = 0; i < j->count; i++) {
        kin_image image, small = {0};
        if (!kin_image_decode(j->files[i].data, j->files[i].size, NULL, &image, err)) return false;
        bool ok = !j->size || kin_image_resize(&image, j->size, j->size, KIN_FILTER_BILINEAR, &small, err);
        kin_image_free(&image), kin_image_free(&small);
        if (!ok) return false;
    }
    return true;
}

/* The least of a few runs, in seconds; below 0 when refused. */
static double timed(work *fn, const job *j, int runs, kin_error *err)
{
    double least = 1e9;
    for (int i = 0; i < runs; i++) {
        double began = cpu();
        if (!fn(j, err)) return -1;
        double took = cpu() - began;
        if (took < least) least = took;
    }
    return least;
}

static bool make_noise(job *j, int width, int height, int channels, kin_error *err)
{
    if (!kin_image_new(&j->noise, width, height, channels, err)) return false;
    for (size_t i = 0; i < (size_t)width * (size_t)height * (size_t)channels; i++)
        j->noise.data[i] = (uint8_t)kin_random_bits(1, i);
    return true;
}

static bool load(job *j, const char *path, kin_error *err)
{
    if (j->count == MAX_FILES) return kin_fail(err, KIN_ERR_ARGUMENT, "more than %d files", MAX_FILES);
    if (!kin_read_file(path, 0, &j->files[j->count], err)) return false;
    j->count++;
    return true;
}

static bool load_list(job *j, const char *path, kin_error *err)
{
    char line[4096];
    FILE *list = fopen(path, "r");
    bool ok = list || kin_fail(err, KIN_ERR_IO, "%s cannot be read", path);
    while (ok && fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = 0;
        ok = load(j, line, err);
    }
    if (list) fclose(list);
    return ok;
}

static double answer(job *j, const char *request, kin_error *err)
{
    int w, h, c, nw, nh;
    char word[16], path[4096];
    if (sscanf(request, "resize %d %d %d %d %d %15s", &w, &h, &c, &nw, &nh, word) == 6) {
        j->width = nw, j->height = nh,
        j->filter = strcmp(word, "bicubic") == 0 ? KIN_FILTER_BICUBIC : KIN_FILTER_BILINEAR;
        return make_noise(j, w, h, c, err) ? timed(resize, j, RUNS, err) : -1;
    }
    if (sscanf(request, "prepare %4095s %d", path, &j->size) == 2)
        return load_list(j, path, err) ? timed(pictures, j, 1, err) : -1;
    if (sscanf(request, "%15s %4095s", word, path) != 2)
        return kin_fail(err, KIN_ERR_ARGUMENT, "an unknown request"), -1;
    if (strcmp(word, "decode") == 0) return load_list(j, path, err) ? timed(pictures, j, 1, err) : -1;
    j->gzip = strcmp(word, "gzip") == 0;
    return load(j, path, err) ? timed(unpack, j, RUNS, err) : -1;
}

static int serve(job *j)
{
    char line[8192];
    while (fgets(line, sizeof line, stdin)) {
        kin_error err = {0};
        double seconds = answer(j, line, &err);
        if (seconds < 0) printf("error %s\n", err.message);
        else printf("%.9f\n", seconds);
        fflush(stdout);
        job_free(j);
    }
    return 0;
}

static int table(job *j)
{
    static const char *const rows[] = {
        "resize 348 348 3 224 224 bilinear",   "resize 348 348 3 224 224 bicubic",
        "resize 1200 1600 3 224 224 bilinear", "resize 1200 1600 3 224 224 bicubic",
        "resize 224 224 3 600 600 bilinear",   "resize 224 224 3 600 600 bicubic"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        kin_error err = {0};
        double least = 1e9;
        for (int round = 0; round < 5; round++) {
            double seconds = answer(j, rows[i], &err);
            job_free(j);
            if (seconds < 0) return fprintf(stderr, "%s\n", err.message), 1;
            if (seconds < least) least = seconds;
        }
        printf("%-40s %9.3f ms\n", rows[i], least * 1e3);
    }
    return 0;
}

int main(int argc, char **argv)
{
    job *j = kin_alloc_zero(1, sizeof *j);
    if (!j) return 1;
    kin_set_threads(1);
    int status = argc > 1 && strcmp(argv[1], "serve") == 0 ? serve(j) : table(j);
    kin_free(j);
    return status;
}
