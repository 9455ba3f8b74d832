/* kin index: a folder of one's own photographs, known once and brought up to date; or descriptors as an index
 * for another program. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "base/csv.h"
#include "base/memory.h"
#include "cli/options/descriptors.h"
#include "cli/options/metric.h"
#include "cli/options/source.h"
#include "cli/photos/album.h"
#include "cli/terminal/deadline.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "retrieval/lists/faiss.h"
#include "retrieval/lists/items.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

static const kin_option options[] = {
    {"model", KIN_OPTION_STRING, "RUN",
     "what describes pictures: \"handmade\" (colours and gradients); \"kin\", that and its own small network "
     "together; a run's folder or a checkpoint; or a network of kin models, with --weights",
     "kin"},
    KIN_CHOSEN_OPTIONS,
    {"out", KIN_OPTION_STRING, "FILE", "where the index goes", .fallback_shown = ".kin-index in the folder"},
    {"exclude", KIN_OPTION_STRING, "GLOB",
     "leave out folders and files whose name, or path below the folder, fits the pattern, or one of several "
     "with "
     "commas between, as in 'trash,2019/*'; to be said each time",
     .fallback_shown = "none"},
    {"broken", KIN_OPTION_STRING, "FILE",
     "a list of the pictures that cannot be read: a column `path`; kin data FOLDER --check tells why",
     .writes = KIN_WRITES_FILE},
    {"verify", KIN_OPTION_FLAG, NULL,
     "look at the contents of all files, not only of those whose size or time of change is another"},
    KIN_PICTURE_OPTIONS,
    {.name = "faiss",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_FILE,
     .value = "FILE",
     .help = "descriptors as an index that faiss.read_index takes; its ids are row numbers"},
    {.name = "metric",
     .kind = KIN_OPTION_CHOICE,
     .value = "M",
     .choices = kin_metric_names,
     .fallback = "cosine",
     .help =
         "with --faiss: cosine: an IndexFlatIP of unit vectors, to be asked with unit vectors; euclid: an "
         "IndexFlatL2; inner: an IndexFlatIP of the vectors as they are"},
    {0},
};

static bool for_faiss(const kin_cli *cli, kin_error *err)
{
    const char *out = kin_option_string(cli, "faiss");
    kin_embeddings set = {0};
    bool ok = kin_cli_read_rounded(cli, cli->positional[0], &set, err) &&
              kin_faiss_write_flat(out, kin_embeddings_vectors(&set), kin_option_metric(cli), err);
    if (ok)
        kin_cli_note(cli, "%lld vectors of %lld numbers in %s", (long long)set.items.count,
                     (long long)set.dim, out);
    kin_embeddings_free(&set);
    return ok;
}

typedef struct updating {
    kin_describer describer;
    kin_meter meter;
    const char *file;
    const char *model; /* that describes, and the options that it was opened with, owned */
    char *options;
    double began; /* reading; the meter is told of it behind the first pictures */
    bool begun, quiet;
} updating;

static bool show(void *user, int64_t done, int64_t total)
{
    updating *u = user;
    if (!u->begun) kin_meter_start(&u->meter, "indexing", "pictures", 0, total, u->quiet || total < 500);
    if (!u->begun) u->meter.started = u->began;
    u->begun = true;
    kin_meter_update(&u->meter, done, NULL);
    return !kin_interrupted();
}

static bool keep(void *user, const kin_photos *so_far, kin_error *err)
{
    return kin_photos_write(so_far, ((updating *)user)->file, err);
}

static bool describe(void *user, const char *const *path, int64_t count, float *rows, bool *made,
                     kin_error *err)
{
    return kin_describer_files(&((updating *)user)->describer, path, count, rows, made, err);
}

/* What is known already; without options where nothing is, or --force says so. */
static bool read_known(const kin_cli *cli, const char *file, kin_photos *known, kin_error *err)
{
    if (kin_option_flag(cli, "force") || !kin_exists(file)) return true;
    kin_error inner = {0};
    if (kin_photos_read(file, known, &inner)) return true;
    return kin_fail(err, inner.code, "%s%s", inner.message,
                    inner.code == KIN_ERR_DATA && !strstr(inner.message, "--force")
                        ? "; kin index FOLDER --force makes it anew"
                        : "");
}

/* As was typed, which has to be what the index was made by; as it was made where nothing of that was. */
static bool open_describer(const kin_cli *cli, const kin_photos *known, updating *u, kin_error *err)
{
    const char *model = kin_option_string(cli, "model");
    bool as_made = known->options && !kin_describer_given(cli);
    u->model = as_made ? known->model : model;
    u->options = as_made ? kin_strdup(known->options) : kin_describer_options(cli);
    if (!u->options) return kin_fail_memory(err, "options", 64);
    if (as_made) return kin_describer_open_like(cli->command, cli, known, &u->describer, err);
    if (!kin_describer_open(cli, &u->describer, err)) return false;
    if (!known->options ||
        (strcmp(known->options, u->options) == 0 && strcmp(known->weights, u->describer.weights) == 0 &&
         known->dim == u->describer.dim))
        return true;
    return kin_fail(
        err, KIN_ERR_ARGUMENT,
        "%s was made by --model %s%s; say the same options or none, or --force, which makes it anew "
        "by %s",
        u->file, known->model, strcmp(known->model, model) == 0 ? " with other options or weights" : "",
        model);
}

static void tell(const kin_cli *cli, const kin_photos *p, const kin_photos_told *t, const char *file)
{
    if (*t->remark) kin_cli_note(cli, "%s", t->remark);
    if (t->broken)
        kin_cli_note(
            cli,
            "%lld pictures cannot be read and are left out%s%s; --broken FILE lists them, and kin data %s "
            "--check tells why",
            (long long)t->broken, *t->first_broken ? "; the first: " : "", t->first_broken,
            cli->positional[0]);
    if (t->kept)
        kin_cli_note(
            cli,
            "%lld pictures, or their folders, may not be opened now; what the index knows of them stays "
            "(the first: %s)",
            (long long)t->kept, t->first_kept);
    if (t->went)
        kin_cli_note(
            cli,
            "%lld pictures went or changed while the folder was read (the first: %s); the same command "
            "again takes what is there",
            (long long)t->went, t->first_went);
    printf("%lld pictures: %lld as before, %lld new", (long long)p->count, (long long)t->same,
           (long long)t->added);
    if (t->copied) printf(" (%lld of known content)", (long long)t->copied);
    printf(", %lld changed, %lld moved, %lld gone; described by %s; ", (long long)t->changed,
           (long long)t->moved, (long long)t->removed, p->model);
    kin_say(stdout, file);
    putchar('\n');
}

/* What an index of so many pictures takes, beside the room that the disk has: known before an hour of reading. */
static bool begins(void *user, int64_t pictures, kin_error *err)
{
    enum { MORE = 160 /* bytes a picture: digest, numbers, path */ };
    updating *u = user;
    struct statvfs disk;
    char *folder = kin_parent_folder(u->file);
    u->began = kin_clock();
    bool known = folder && statvfs(folder, &disk) == 0;
    double needed = (double)pictures * ((double)u->describer.dim * sizeof(float) + MORE),
           room = known ? (double)disk.f_bavail * (double)disk.f_frsize : 0;
    kin_free(folder);
    return !known || needed <= room ||
           kin_fail(err, KIN_ERR_IO,
                    "%s: the index of %lld pictures takes %.1f MB, and its disk has room for %.1f MB; "
                    "nothing was read. "
                    "--out FILE puts it elsewhere",
                    u->file, (long long)pictures, needed / 1e6, room / 1e6);
}

/* Those that no descriptor was made of, by path. */
static bool write_broken(const kin_photos *p, const char *folder, const char *name, kin_error *err)
{
    kin_file file;
    bool ok = true;
    if (!kin_file_create(&file, name, err)) return false;
    fputs("path\n", file.stream);
    for (int64_t i = p->count; ok && i < p->count + p->broken; i++) {
        char *path = kin_path_join(folder, p->item[i].path);
        if (path) kin_csv_put(file.stream, path), fputc('\n', file.stream);
        else ok = kin_fail_memory(err, "a path", 4096);
        kin_free(path);
    }
    if (ok) return kin_file_commit(&file, err);
    kin_file_abandon(&file);
    return false;
}

static bool stops(void *user)
{
    (void)user;
    return kin_interrupted();
}

/* With the index locked. */
static bool update(const kin_cli *cli, updating *u, const char *root, kin_error *err)
{
    kin_photos known = {0}, now = {0};
    kin_photos_told told;
    const char *folder = cli->positional[0];
    bool ok = read_known(cli, u->file, &known, err) && open_describer(cli, &known, u, err);
    kin_photos_opt opt = {.model = u->model,
                          .weights = u->describer.weights,
                          .options = u->options,
                          .root = root,
                          .dim = u->describer.dim,
                          .describe = u->describer.module ? describe : NULL,
                          .by_hand = u->describer.joined,
                          .exclude = kin_option_string(cli, "exclude"),
                          .begins = begins,
                          .retry = kin_option_given(cli, "max-pixels"),
                          .verify = kin_option_flag(cli, "verify"),
                          .limits = u->describer.limits,
                          .progress = show,
                          .stops = stops,
                          .keep = keep,
                          .user = u};
    /* What was read is worth the wait: it is written first. */
    kin_interrupt_lasts(
        u->describer.module
            ? "\nkin: stops after these pictures, which the index keeps; once more ends at once\n"
            : "");
    ok = ok && kin_photos_update(&known, folder, &opt, &now, &told, err);
    if (ok && now.count == 0 && known.count == 0)
        ok = kin_fail(err, KIN_ERR_DATA, "%s: holds no pictures that can be read%s%s", folder,
                      *told.first_broken ? "; the first: " : "", told.first_broken);
    if (ok && now.count == 0 && known.count > 0)
        ok = kin_fail(
            err, KIN_ERR_DATA,
            "%s: none of the %lld pictures of the index is there any more; it stays as it was. If they are "
            "gone for good, delete %s",
            folder, (long long)known.count, u->file);
    if (u->begun) kin_meter_end(&u->meter);
    ok = ok && kin_photos_write(&now, u->file, err);
    const char *broken = kin_option_string(cli, "broken");
    ok = ok && (!broken || write_broken(&now, folder, broken, err));
    if (ok) tell(cli, &now, &told, u->file);
    kin_photos_free(&known), kin_photos_free(&now);
    return ok;
}

static bool of_folder(const kin_cli *cli, kin_error *err)
{
    const char *folder = cli->positional[0], *out = kin_option_string(cli, "out");
    if (!kin_is_folder(folder))
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "%s is no folder; kin index FOLDER indexes pictures, and kin index SET --faiss FILE hands "
            "descriptors over",
            folder);
    updating u = {.quiet = cli->quiet};
    char *beside = out ? NULL : kin_path_join(folder, kin_index_name),
         *root = out ? realpath(folder, NULL) : NULL;
    u.file = out ? out : beside;
    bool ok = (u.file && (!out || root)) || kin_fail_memory(err, folder, strlen(folder));
    int lock = ok ? kin_index_lock(cli, u.file, err) : -1;
    ok = ok && lock >= 0 && kin_file_creatable(u.file, err) && update(cli, &u, root ? root : ".", err);
    kin_index_unlock(lock);
    kin_describer_close(&u.describer);
    kin_free(u.options), kin_free(beside), free(root);
    return ok;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    bool faiss = kin_option_given(cli, "faiss");
    if (kin_option_given(cli, "metric") && !faiss) return kin_cli_usage(cli, "--metric goes with --faiss");
    for (int i = 0; faiss && options[i].name; i++)
        if (cli->values[i] && strcmp(options[i].name, "faiss") != 0 && strcmp(options[i].name, "metric") != 0)
            return kin_cli_usage(cli, "--%s does nothing with --faiss", options[i].name);
    if (!faiss) kin_interrupt_catch();
    bool ok = faiss ? for_faiss(cli, &err) : of_folder(cli, &err);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_index = {
    .name = "index",
    .summary = "know a folder of photographs; or hand descriptors to FAISS",
    .usage = "kin index FOLDER [--model M] [--out FILE] [--exclude GLOB] [--verify]\n"
             "kin index SET --faiss FILE [--metric M]",
    .about =
        "Reads every picture below a folder once: its descriptor, a perceptual hash, a digest of its "
        "content, its "
        "size and the date it was taken. Said again, only what is new or changed is read; what was moved or "
        "copied "
        "is known by its content. The index is one file, written aside and renamed; two that update it at "
        "once wait "
        "for each other, and after an interruption the same command goes on. Pictures themselves are never "
        "written. Said again without --model, it goes on as the index was made; one that cannot be read, or "
        "is to be made otherwise, is made anew with --force. A folder "
        "that may "
        "not be opened is passed over, and named.\n\n"
        "With --faiss, writes descriptors as an exact index that FAISS reads, to be searched or built upon "
        "there. "
        "What kin itself found goes over with `kin search --indices labels.npy --distances distances.npy`: "
        "int64 "
        "rows of the gallery and float32 values, a row a query, as FAISS's search returns them.",
    .examples =
        "kin index ~/photos\n"
        "kin find picture.jpg --index ~/photos\n"
        "# by a network, and kept elsewhere\n"
        "kin index ~/photos --model runs/mine --out photos.index\n"
        "kin index shop --faiss shop.index\n"
        "kin search --query queries --gallery shop --top 10 --indices labels.npy --distances distances.npy",
    .arguments = {{"FOLDER",
                   "pictures; with --faiss descriptors, as written by `kin embed`, or any .npy matrix"}},
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
