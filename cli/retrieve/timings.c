#include "cli/retrieve/timings.h"

#include "base/file.h"
#include "base/json.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t at;
} sizes[] = {
    {"pictures", offsetof(kin_job_size, pictures)},
    {"queries", offsetof(kin_job_size, queries)},
    {"gallery", offsetof(kin_job_size, gallery)},
    {"dim", offsetof(kin_job_size, dim)},
    {"top", offsetof(kin_job_size, top)},
    {"augment", offsetof(kin_job_size, augment)},
    {"expand", offsetof(kin_job_size, expand)},
    {"k1", offsetof(kin_job_size, k1)},
    {"k2", offsetof(kin_job_size, k2)},
};
enum { SIZES = sizeof sizes / sizeof *sizes, FILE_LIMIT = 1 << 20 };

static int64_t *size_at(const kin_job_size *job, int i)
{
    return (int64_t *)(void *)((char *)(uintptr_t)job + sizes[i].at);
}

bool kin_timings_write(const char *path, const kin_timings *t, kin_error *err)
{
    kin_text text = {0};
    kin_text_add(&text, "{\"job\": {");
    for (int i = 0; i < SIZES; i++)
        kin_text_format(&text, "%s\"%s\": %lld", i ? ", " : "", sizes[i].name,
                        (long long)*size_at(&t->job, i));
    kin_text_add(&text, "},\n \"seconds\": {");
    const char *comma = "";
    for (int c = 0; c < KIN_COSTS; c++) {
        if (t->seconds[c] < 0) continue;
        kin_text_format(&text, "%s\"%s\": %.6f", comma, kin_cost_names[c], t->seconds[c]);
        comma = ", ";
    }
    kin_text_format(&text, "},\n \"memory\": %.0f}\n", t->memory);
    bool ok = text.failed ? kin_fail_memory(err, path, text.size)
                          : kin_write_file(path, text.data, text.size, err);
    kin_text_free(&text);
    return ok;
}

static bool take(const kin_json *tree, const char *path, kin_timings *t, kin_error *err)
{
    const kin_json *job = kin_json_get(tree, "job"), *seconds = kin_json_get(tree, "seconds"),
                   *memory = kin_json_get(tree, "memory");
    if (!job || !seconds)
        return kin_fail(
            err, KIN_ERR_DATA,
            "%s: no timings; what kin retrieve --timings writes was expected, with \"job\" and \"seconds\"",
            path);
    for (int i = 0; i < SIZES; i++)
        if (!kin_json_integer(kin_json_get(job, sizes[i].name), 0, 1e12, size_at(&t->job, i)))
            return kin_fail(err, KIN_ERR_DATA, "%s: \"%s\" is missing in \"job\", or no whole number", path,
                            sizes[i].name);
    for (int c = 0; c < KIN_COSTS; c++) {
        const kin_json *s = kin_json_get(seconds, kin_cost_names[c]);
        if (s && (s->kind != KIN_JSON_NUMBER || !(s->number >= 0)))
            return kin_fail(err, KIN_ERR_DATA, "%s: the seconds of \"%s\" are no number from 0", path,
                            kin_cost_names[c]);
        t->seconds[c] = s ? s->number : -1;
    }
    t->memory = memory && memory->kind == KIN_JSON_NUMBER ? memory->number : 0;
    return true;
}

bool kin_timings_read(const char *path, kin_timings *t, kin_error *err)
{
    kin_bytes bytes;
    kin_arena arena = {0};
    *t = (kin_timings){0};
    if (!kin_read_file(path, FILE_LIMIT, &bytes, err)) return false;
    const kin_json *tree = kin_json_parse((const char *)bytes.data, bytes.size, &arena, err);
    if (!tree) kin_error_prefix(err, "%s", path);
    bool ok = tree && take(tree, path, t, err);
    kin_arena_free(&arena);
    kin_bytes_free(&bytes);
    return ok;
}

double kin_memory_peak(void)
{
    char line[128];
    double kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0) kib = strtod(line + 6, NULL);
    if (status) fclose(status);
    return kib * 1024;
}
