#include "cli/training/ladder.h"

#include "base/file.h"
#include "base/json.h"

#include <math.h>
#include <string.h>

enum { JOURNAL_LIMIT = 64 << 20 };

static const char *text_of(const kin_json *line, const char *key)
{
    const kin_json *value = kin_json_get(line, key);
    return value && value->kind == KIN_JSON_STRING && strlen(value->text) == value->length ? value->text
                                                                                           : NULL;
}

static double number_of(const kin_json *line, const char *key)
{
    const kin_json *value = kin_json_get(line, key);
    return value && value->kind == KIN_JSON_NUMBER ? value->number : NAN;
}

static void take_seeds(kin_rung *r, const kin_json *seeds)
{
    double low = INFINITY, high = -INFINITY;
    for (const kin_json *one = seeds ? seeds->first : NULL; one; one = one->next) {
        if (one->kind != KIN_JSON_NUMBER) continue;
        low = fmin(low, one->number), high = fmax(high, one->number), r->seeds++;
    }
    r->spread = r->seeds > 1 ? high - low : NAN;
}

static const kin_rung *find(const kin_ladder *l, const char *name)
{
    for (int i = 0; i < l->count; i++)
        if (strcmp(l->rungs[i].name, name) == 0) return &l->rungs[i];
    return NULL;
}

/* NULL, or what is wrong with the line. */
static const char *take(kin_ladder *l, const kin_json *line)
{
    kin_rung r = {.name = text_of(line, "row"),
                  .title = text_of(line, "title"),
                  .reason = text_of(line, "reason"),
                  .on = text_of(line, "on"),
                  .command = text_of(line, "command"),
                  .map = number_of(line, "mAP"),
                  .recall_1 = number_of(line, "R@1"),
                  .low = number_of(line, "low"),
                  .high = number_of(line, "high"),
                  .validation = number_of(line, "validation"),
                  .split_map = number_of(line, "split mAP"),
                  .split_recall_1 = number_of(line, "split R@1"),
                  .seconds = number_of(line, "seconds"),
                  .memory = number_of(line, "memory"),
                  .gain = NAN};
    const char *data = text_of(line, "data");
    if (!data || !r.name || !r.title) return "lacks \"data\", \"row\" or \"title\"";
    if (l->data && strcmp(l->data, data) != 0) return "is of another data set than the first";
    if (find(l, r.name)) return "is of a row that was there already";
    if (!r.reason && !(r.map >= 0 && r.map <= 1 && r.low >= 0 && r.high <= 1 && r.low <= r.high))
        return "has neither a reason nor figures between 0 and 1 (\"mAP\", \"low\", \"high\")";
    take_seeds(&r, kin_json_get(line, "seeds"));
    const kin_rung *below = r.on && !r.reason ? find(l, r.on) : NULL;
    if (below && !below->reason) r.gain = r.map - below->map;
    l->data = data;
    l->rungs[l->count++] = r;
    return NULL;
}

static bool read_lines(const char *path, const kin_bytes *bytes, kin_ladder *l, kin_error *err)
{
    const char *line = (const char *)bytes->data, *end = line + bytes->size;
    size_t lines = 0;
    for (const char *c = line; c < end; c++) lines += *c == '\n';
    l->rungs = kin_arena_alloc_zero(&l->texts, (lines + 1) * sizeof *l->rungs);
    if (!l->rungs) return kin_fail_memory(err, path, (lines + 1) * sizeof *l->rungs);
    for (const char *stop; line < end; line = stop + 1) {
        stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop) break; /* half a line, of a ladder that was killed or still goes on */
        const kin_json *tree = kin_json_parse(line, (size_t)(stop - line), &l->texts, err);
        if (!tree) return kin_error_prefix(err, "%s:%d", path, l->count + 1), false;
        const char *wrong = take(l, tree);
        if (wrong) return kin_fail(err, KIN_ERR_DATA, "%s:%d: the line %s", path, l->count + 1, wrong);
    }
    return l->count || kin_fail(err, KIN_ERR_DATA, "%s: no row is finished yet", path);
}

bool kin_ladder_read(const char *path, kin_ladder *l, kin_error *err)
{
    kin_bytes bytes;
    *l = (kin_ladder){0};
    if (!kin_read_file(path, JOURNAL_LIMIT, &bytes, err)) return false;
    bool ok = read_lines(path, &bytes, l, err);
    kin_bytes_free(&bytes);
    if (!ok) kin_ladder_free(l);
    return ok;
}

void kin_ladder_free(kin_ladder *l)
{
    kin_arena_free(&l->texts);
    *l = (kin_ladder){0};
}

/* Half the interval is what another draw of queries may change; the seeds' spread what another training may. */
const char *kin_rung_remark(const kin_rung *r)
{
    if (!isfinite(r->gain)) return "";
    if (r->gain <= 0) return "no gain";
    double chance = (r->high - r->low) / 2;
    if (isfinite(r->spread)) chance = fmax(chance, r->spread);
    return r->gain <= chance ? "within chance" : "";
}

/* ---- the table ---- */

/* ".1234", as the documents have it. */
static void add_digits(kin_text *out, double x)
{
    char text[32];
    snprintf(text, sizeof text, "%.4f", x);
    kin_text_add(out, text[0] == '0' ? text + 1 : text);
}

static void add_share(kin_text *out, double x)
{
    if (isfinite(x)) kin_text_add(out, " "), add_digits(out, x);
    kin_text_add(out, " |");
}

/* What a command took. */
static void add_taken(kin_text *out, double x, const char *unit)
{
    if (isfinite(x)) kin_text_format(out, " %.0f %s", x, unit);
    kin_text_add(out, " |");
}

static void add_gain(kin_text *out, const kin_rung *r)
{
    const char *remark = kin_rung_remark(r);
    if (!isfinite(r->gain)) kin_text_add(out, " |");
    else {
        kin_text_add(out, r->gain < 0 ? " −" : " +");
        add_digits(out, fabs(r->gain));
        kin_text_format(out, "%s%s |", *remark ? ", " : "", remark);
    }
}

/* A bar would end the cell. */
static void add_cell(kin_text *out, const char *string)
{
    kin_text_add(out, " ");
    for (; *string; string++)
        kin_text_format(out, *string == '|' ? "\\%c" : "%c", *string == '\n' ? ' ' : *string);
    kin_text_add(out, " |");
}

static bool any_split(const kin_ladder *l)
{
    for (int i = 0; i < l->count; i++)
        if (isfinite(l->rungs[i].split_map)) return true;
    return false;
}

static void add_row(kin_text *out, const kin_rung *r, bool split)
{
    kin_text_add(out, "|");
    add_cell(out, r->title);
    if (r->reason) {
        kin_text_add(out, " — |");
        add_cell(out, r->reason);
        for (int i = 0; i < (split ? 8 : 6); i++) kin_text_add(out, " |");
        kin_text_add(out, "\n");
        return;
    }
    add_share(out, r->map);
    add_gain(out, r);
    char interval[32];
    snprintf(interval, sizeof interval, " ±%.3f |", (r->high - r->low) / 2);
    kin_text_add(out, interval);
    add_share(out, r->spread);
    add_share(out, r->recall_1);
    if (split) add_share(out, r->split_map), add_share(out, r->split_recall_1);
    add_share(out, r->validation);
    add_taken(out, r->seconds, "s"), add_taken(out, r->memory / 1e6, "MB");
    kin_text_add(out, "\n");
}

void kin_ladder_markdown(kin_text *out, const kin_ladder *l)
{
    bool split = any_split(l);
    kin_text_format(
        out, "| %s | mAP | gain | 95 %% | seeds' spread | R@1 |%s validation's mAP | time | memory |\n",
        l->data, split ? " split: mAP | R@1 |" : "");
    kin_text_format(out, "|---|---|---|---|---|---|%s---|---|---|\n", split ? "---|---|" : "");
    for (int i = 0; i < l->count; i++) add_row(out, &l->rungs[i], split);
}
