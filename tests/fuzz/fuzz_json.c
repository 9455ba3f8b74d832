/* What is parsed can be written and parsed again, and is the same. */
#include "base/json.h"
#include "tests/fuzz/long.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_survive(const kin_json *value)
{
    kin_arena arena = {0};
    kin_text text = {0};
    if (value->kind == KIN_JSON_STRING) kin_json_add_string(&text, value->text);
    else kin_json_add_number(&text, value->number);
    const kin_json *again = kin_json_parse(text.data, text.size, &arena, NULL);
    if (!again || again->kind != value->kind) abort();
    if (value->kind == KIN_JSON_STRING ? strcmp(again->text, value->text) != 0
                                       : again->number != value->number)
        abort();
    kin_text_free(&text);
    kin_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_arena arena = {0};
    kin_error err = {0};
    kin_bytes b = kin_lengthened(data, size, 1 << 20);
    const kin_json *value = kin_json_parse((const char *)b.data, b.size, &arena, &err);
    if (!value != kin_failed(&err)) abort();
    for (const kin_json *child = value ? value->first : NULL; child; child = child->next) {
        if (child->kind == KIN_JSON_STRING || child->kind == KIN_JSON_NUMBER) must_survive(child);
    }
    kin_arena_free(&arena);
    kin_bytes_free(&b);
    return 0;
}
