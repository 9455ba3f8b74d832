/* JSON: what is valid is read, what is not is refused, what is written can be read. */
#include "base/json.h"
#include "base/memory.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

static kin_arena arena;

static const kin_json *parse(const char *text) { return kin_json_parse(text, strlen(text), &arena, NULL); }

static void valid(void)
{
    check_begin("json: values of every kind");
    const kin_json *v = parse(
        " {\"a\": [1, -2.5e-1, 0, true, false, null, \"x\"], \"b\\n\": {}, \"\": [] }\r\n");
    CHECK(v && v->kind == KIN_JSON_OBJECT && v->count == 3);
    const kin_json *a = kin_json_get(v, "a");
    CHECK(a && a->kind == KIN_JSON_ARRAY && a->count == 7 && a->first->number == 1 &&
          a->first->next->number == -0.25);
    CHECK(kin_json_get(v, "b\n") && kin_json_get(v, "") && !kin_json_get(v, "c") && !kin_json_get(a, "a") &&
          !kin_json_get(NULL, "a"));
    int64_t n = 0;
    CHECK(kin_json_integer(parse("9007199254740992"), 0, 1e16, &n) && n == 9007199254740992);
    CHECK(!kin_json_integer(parse("1.5"), 0, 9, &n) && !kin_json_integer(parse("10"), 0, 9, &n) &&
          !kin_json_integer(parse("\"1\""), 0, 9, &n) && !kin_json_integer(NULL, 0, 9, &n));
    check_end();

    check_begin("json: escapes and UTF-8");
    v = parse("\"\\u0041\\u00e9\\u20ac\\ud834\\udd1e \\\"\\\\\\/\\b\\f\\n\\r\\t é€𝄞\"");
    CHECK(v && strcmp(v->text, "Aé€𝄞 \"\\/\b\f\n\r\t é€𝄞") == 0 && v->length == strlen(v->text));
    check_end();
}

static void invalid(void)
{
    check_begin("json: what is not valid is refused, with the place");
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "[1]]",
        "1 2",
        "tru",
        "truee",
        "nul",
        "True",
        "NaN",
        "Infinity",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "1e999",
        "\"",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\\u0000\"",
        "\"a\nb\"",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xe2\x82\"",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "// x\n1",
        "[1]\v",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        kin_error err = {0};
        const kin_json *v = kin_json_parse(texts[i], strlen(texts[i]), &arena, &err);
        CHECK_MSG(!v && err.code == KIN_ERR_DATA, "accepted: %s", texts[i]);
    }
    kin_error err = {0};
    CHECK(!kin_json_parse("[1, x]", 6, &arena, &err));
    CHECK_TEXT(err.message, "byte 4");
    kin_error_clear(&err);
    CHECK(!kin_json_parse("{\"weight\":1,\"b\":2,\"weight\":3}", 30, &arena, &err));
    CHECK_TEXT(err.message, "\"weight\" stands twice");
    check_end();

    check_begin("json: nesting has an end, input is not read past its size");
    char deep[200];
    for (int levels = 60; levels <= 70; levels++) {
        memset(deep, '[', (size_t)levels);
        memset(deep + levels, ']', (size_t)levels);
        CHECK((kin_json_parse(deep, 2 * (size_t)levels, &arena, NULL) != NULL) == (levels <= 64));
    }
    CHECK(kin_json_parse("12345", 3, &arena, NULL)->number == 123 &&
          !kin_json_parse("\"ab\"", 3, &arena, NULL) && !kin_json_parse("true", 3, &arena, NULL));
    check_end();
}

static void written(void)
{
    check_begin("json: numbers and strings survive being written");
    static const double numbers[] = {0,
                                     1,
                                     -1,
                                     0.1,
                                     1.0 / 3,
                                     1e-320,
                                     5e-324,
                                     1.7976931348623157e308,
                                     123456789,
                                     9007199254740993.0,
                                     0.30000000000000004,
                                     3.0517578125e-05};
    kin_text text = {0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        kin_json_add_number(&text, numbers[i]);
        const kin_json *v = parse(text.data);
        CHECK_MSG(v && v->number == numbers[i], "%s", text.data);
        kin_text_free(&text);
    }
    kin_json_add_number(&text, NAN);
    CHECK(strcmp(text.data, "null") == 0);
    kin_text_free(&text);
    char all[256];
    for (int i = 1; i < 128; i++) all[i - 1] = (char)i;
    strncpy(all + 127, "é€𝄞", sizeof all - 127);
    kin_json_add_string(&text, all);
    const kin_json *v = parse(text.data);
    CHECK(v && strcmp(v->text, all) == 0);
    kin_text_free(&text);
    kin_json_add_string(&text, "a\xff"
                               "b\xe2\x82");
    v = parse(text.data);
    CHECK(v && strcmp(v->text, "a\xef\xbf\xbd"
                               "b\xef\xbf\xbd\xef\xbf\xbd") == 0);
    kin_text_free(&text);
    check_end();
}

static void memory(void)
{
    check_begin("json: any allocation may fail");
    kin_arena_free(&arena);
    bool ok = false;
    for (int n = 1; !ok && n < 50; n++) {
        kin_error err = {0};
        kin_arena fresh = {0};
        kin_alloc_fail_at(n);
        ok = kin_json_parse("{\"a\":[1,\"b\"]}", 13, &fresh, &err) != NULL;
        kin_alloc_fail_at(0);
        CHECK(ok || err.code == KIN_ERR_MEMORY);
        kin_arena_free(&fresh);
    }
    CHECK(ok && kin_alloc_live() == 0);
    check_end();
}

int main(void)
{
    valid();
    invalid();
    written();
    memory();
    kin_arena_free(&arena);
    return check_result();
}
