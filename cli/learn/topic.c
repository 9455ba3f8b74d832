#include "cli/learn/topic.h"

#include "cli/learn/lesson.h"
#include "cli/options/conf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

extern const kin_builtin kin_glossary[];

static const char *next_section(const char *p)
{
    const char *found = strstr(p, "\n## ");
    return found ? found + 4 : NULL;
}

/* Letters and digits alone count, in lower case: "Re-ranking" is "reranking", "mAP@R" is "map@r". */
static void plain(const char *from, size_t size, char *out, size_t room)
{
    size_t used = 0;
    for (size_t i = 0; i < size && used + 1 < room; i++)
        if (from[i] != ' ' && from[i] != '-' && from[i] != '_')
            out[used++] = (char)tolower((unsigned char)from[i]);
    out[used] = 0;
}

/* From the word itself over "also: a, b" to the ';' or the line's end, one after the other; NULL at the end. */
static const char *next_word(const char *section, const char *before, size_t *size)
{
    const char *p = before;
    if (!p) return *size = strcspn(section, "\n"), section;
    if (p == section) {
        p = section + strcspn(section, "\n");
        if (strncmp(p, "\nalso: ", 7) != 0) return NULL;
        p += 7;
    } else {
        p += *size;
        if (*p != ',') return NULL;
        p += 1 + strspn(p + 1, " ");
    }
    *size = strcspn(p, ",;\n");
    return p;
}

static bool is_written(const char *section, const char *wanted)
{
    size_t size = 0;
    for (const char *w = next_word(section, NULL, &size); w; w = next_word(section, w, &size))
        if (strlen(wanted) == size && memcmp(w, wanted, size) == 0) return true;
    return false;
}

static bool is_called(const char *section, const char *wanted, kin_nearest *nearest)
{
    char name[64];
    static char proposals[4][64]; /* what `nearest` points to must stay */
    static int turn;
    size_t size = 0;
    for (const char *w = next_word(section, NULL, &size); w; w = next_word(section, w, &size)) {
        plain(w, size, name, sizeof name);
        if (strcmp(name, wanted) == 0) return true;
        const char *kept = nearest->name;
        snprintf(proposals[turn], sizeof *proposals, "%.*s", (int)size, w);
        kin_nearest_try(nearest, wanted, proposals[turn]);
        if (nearest->name != kept) turn = (turn + 1) % 4;
    }
    return false;
}

static bool print_section(const char *section, kin_error *err)
{
    const char *end = strstr(section, "\n## ");
    kin_text text = {0};
    kin_lesson lesson;
    kin_text_add_bytes(&text, section, end ? (size_t)(end + 1 - section) : strlen(section));
    if (text.failed) return kin_fail_memory(err, "the text", strlen(section));
    size_t title = strcspn(section, "\n");
    kin_builtin part = {"word", text.data + title};
    bool ok = kin_lesson_open(&part, &lesson, err);
    if (ok) {
        printf("%.*s\n", (int)title, section);
        for (size_t i = 0; ok && i < lesson.count; i++) ok = kin_lesson_print(&lesson.blocks[i], "", err);
        kin_lesson_free(&lesson);
    }
    kin_text_free(&text);
    return ok;
}

bool kin_topic_print(const char *word, kin_nearest *nearest, kin_error *err)
{
    char wanted[64];
    plain(word, strlen(word), wanted, sizeof wanted);
    for (const char *s = next_section(kin_glossary[0].text); s; s = next_section(s))
        if (is_written(s, word)) return print_section(s, err);
    for (const char *s = next_section(kin_glossary[0].text); s; s = next_section(s))
        if (is_called(s, wanted, nearest)) return print_section(s, err);
    return false;
}

void kin_topics_list(void)
{
    for (const char *s = next_section(kin_glossary[0].text); s; s = next_section(s)) {
        size_t size = 0;
        bool first = true;
        for (const char *w = next_word(s, NULL, &size); w; w = next_word(s, w, &size)) {
            if (w == s) printf("%-16.*s", (int)size, w);
            else printf("%s%.*s", first ? "" : ", ", (int)size, w), first = false;
        }
        printf("\n");
    }
}
