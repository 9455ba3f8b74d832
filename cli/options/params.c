#include "cli/options/params.h"

#include "base/file.h"
#include "base/json.h"
#include "cli/options/options.h"

#include <stdio.h>
#include <string.h>

enum { LARGEST = 1 << 20 };

/* The value as it would be typed; NULL when options do not take such ones. */
static const char *typed(const kin_json *value, kin_arena *storage)
{
    char text[40];
    if (value->kind == KIN_JSON_STRING) return value->text;
    if (value->kind != KIN_JSON_NUMBER) return NULL;
    snprintf(text, sizeof text, "%.15g", value->number);
    return kin_arena_strdup(storage, text);
}

static bool apply(kin_cli *cli, const kin_json *file, kin_arena *storage, kin_error *err)
{
    if (file->kind != KIN_JSON_OBJECT)
        return kin_fail(err, KIN_ERR_DATA, "an object of options and their values was expected");
    const kin_json *method = kin_json_get(file, "method");
    if (method && method->kind == KIN_JSON_STRING && kin_option_given(cli, "method") &&
        strcmp(method->text, kin_option_string(cli, "method")) != 0)
        return kin_fail(err, KIN_ERR_ARGUMENT, "this was fitted for --method %s, and --method %s was given",
                        method->text, kin_option_string(cli, "method"));
    for (const kin_json *value = file->first; value; value = value->next) {
        if (strcmp(value->key, "about") == 0) continue;
        const char *text = typed(value, storage);
        if (!text) return kin_fail(err, KIN_ERR_DATA, "'%.40s' is neither a number nor a text", value->key);
        if (!kin_cli_offer(cli, value->key, text, err)) return false;
    }
    return true;
}

bool kin_params_apply(kin_cli *cli, kin_arena *storage, kin_error *err)
{
    const char *path = kin_option_string(cli, "params");
    kin_bytes bytes;
    if (!path) return true;
    if (!kin_read_file(path, LARGEST, &bytes, err)) return false;
    const kin_json *file = kin_json_parse((const char *)bytes.data, bytes.size, storage, err);
    bool ok = file && apply(cli, file, storage, err);
    kin_bytes_free(&bytes);
    if (!ok) kin_error_prefix(err, "%s", path);
    return ok;
}
