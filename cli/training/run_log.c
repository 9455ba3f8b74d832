#include "cli/training/run_log.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

static double number_of(const kin_json *entry, const char *name)
{
    const kin_json *value = kin_json_get(entry, name);
    return value && value->kind == KIN_JSON_NUMBER ? value->number : NAN;
}

/* A validation stands at the step that it came after, but for a look before the first one, which begins the log. Where
 * vectors tie, the figure with ties against it counts, as in training. */
static void take_line(kin_run_log *log, const kin_json *entry, bool first)
{
    double step = number_of(entry, "step");
    if (isnan(step)) return;
    if (kin_json_get(entry, "validation_mAP")) {
        double tied = number_of(entry, "validation_mAP-pessimistic");
        log->at[log->validations] = step + !first;
        log->map[log->validations] = isnan(tied) ? number_of(entry, "validation_mAP") : tied;
        log->recall_1[log->validations++] = number_of(entry, "validation_R@1");
    } else if (kin_json_get(entry, "loss")) {
        log->step[log->steps] = step;
        log->loss[log->steps] = number_of(entry, "loss");
        log->rate[log->steps++] = number_of(entry, "lr");
    }
}

static bool is_validation(const char *line, size_t length)
{
    static const char word[] = "\"validation_mAP\"";
    for (size_t i = 0; i + sizeof word - 1 <= length; i++)
        if (line[i] == '"' && memcmp(line + i, word, sizeof word - 1) == 0) return true;
    return false;
}

static bool make_room(kin_run_log *log, const kin_bytes *bytes, bool validations_only, const char *path,
                      kin_error *err)
{
    enum { COLUMNS = 6 };
    size_t lines = 0;
    const char *text = (const char *)bytes->data, *end = text + bytes->size;
    for (const char *line = text, *stop; line < end && (stop = memchr(line, '\n', (size_t)(end - line)));
         line = stop + 1)
        lines += !validations_only || is_validation(line, (size_t)(stop - line));
    log->storage = kin_alloc_array(lines, COLUMNS * sizeof *log->storage);
    if (!log->storage)
        return kin_fail_memory(err, path, (unsigned long long)lines * COLUMNS * sizeof *log->storage);
    double **columns[COLUMNS] = {&log->step, &log->loss, &log->rate, &log->at, &log->map, &log->recall_1};
    for (size_t c = 0; c < COLUMNS; c++) *columns[c] = log->storage + c * lines;
    return true;
}

bool kin_run_log_read(const char *path, bool validations_only, kin_run_log *out, kin_error *err)
{
    kin_bytes bytes;
    kin_arena arena = {0};
    *out = (kin_run_log){0};
    if (!kin_read_file(path, (size_t)1 << 30, &bytes, err)) return false;
    bool ok = make_room(out, &bytes, validations_only, path, err);
    const char *line = (const char *)bytes.data, *end = line + bytes.size;
    for (const char *stop; ok && line < end && (stop = memchr(line, '\n', (size_t)(end - line)));
         line = stop + 1) {
        kin_error why = {0}; /* a line that was cut short is passed over */
        size_t length = (size_t)(stop - line);
        if (validations_only && !is_validation(line, length)) continue;
        kin_arena_reset(&arena);
        take_line(out, kin_json_parse(line, length, &arena, &why), line == (const char *)bytes.data);
        ok = why.code != KIN_ERR_MEMORY || kin_fail(err, why.code, "%s: %s", path, why.message);
    }
    kin_arena_free(&arena);
    kin_bytes_free(&bytes);
    if (ok && !validations_only && !out->steps)
        ok = kin_fail(err, KIN_ERR_DATA,
                      "%s: tells of no training step; it was expected to be the log of kin train", path);
    if (!ok) kin_run_log_free(out);
    return ok;
}

void kin_run_log_free(kin_run_log *log)
{
    kin_free(log->storage);
    *log = (kin_run_log){0};
}
