/* Lessons: docs/learn/NN-NAME.md, which the Makefile makes strings of the program. A lesson is cut into
 * blocks once; the terminal and the page are two ways to show them. What it takes of Markdown is little: headings,
 * paragraphs, lists, fenced code, pictures and <details>, each beginning a line; `code`, **bold**, *emphasis* and
 * [links](there) within one. */
#ifndef KIN_CLI_LEARN_LESSON_H
#define KIN_CLI_LEARN_LESSON_H

#include "base/text.h"
#include "cli/options/conf.h"

extern const kin_builtin kin_lessons[]; /* in their order; ends with {0} */

typedef enum {
    KIN_BLOCK_HEADING,
    KIN_BLOCK_PARAGRAPH,
    KIN_BLOCK_ITEM,    /* of a list, with its number or dash */
    KIN_BLOCK_CODE,    /* `word` is what stands behind the fence */
    KIN_BLOCK_PICTURE, /* `text` is the caption, `word` the file */
    KIN_BLOCK_DETAILS, /* begins; `text` is the summary */
    KIN_BLOCK_END,     /* of details */
} kin_block_kind;

typedef struct kin_span {
    const char *at;
    size_t size;
} kin_span;

typedef struct kin_block {
    kin_block_kind kind;
    kin_span text, word;
    kin_text output; /* of a command that was run */
    bool ran;
} kin_block;

typedef struct kin_lesson {
    const char *name, *text;
    kin_block *blocks;
    size_t count, capacity;
} kin_lesson;

bool kin_lesson_open(const kin_builtin *from, kin_lesson *out, kin_error *err);
void kin_lesson_free(kin_lesson *lesson);

/* The title, without its mark. */
kin_span kin_lesson_title(const char *text);
/* Whether a block is a command of the lesson itself (not one to be tried), or the output that the page
 * promises of it. */
bool kin_block_is_command(const kin_block *b);
bool kin_block_is_tried(const kin_block *b); /* one to be tried */
bool kin_block_is_output(const kin_block *b);

/* Runs a block by sh in `folder`, `kin` being this program; what it prints goes to `output` and to standard
 * output. */
bool kin_lesson_run(const kin_block *b, const char *folder, kin_text *output, kin_error *err);

/* Prints a block for the terminal; false: no memory for it. */
bool kin_lesson_print(const kin_block *b, const char *folder, kin_error *err);

/* Writes the lesson as a page to `path`, with the outputs and the pictures of this run, which lie in `folder`. */
bool kin_lesson_page(const kin_lesson *lesson, const char *folder, const char *path, kin_error *err);

/* Writes the list of all lessons; `pages`: of each the page that was read last, NULL: not yet. */
bool kin_lessons_page(const char *const *pages, const char *path, kin_error *err);

#endif
