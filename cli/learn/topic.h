/* Words of the field: docs/glossary.md, which the Makefile makes a string of the program. A section is
 * "## WORD", a line "also: OTHER WORD, ANOTHER; in code ..." and paragraphs. */
#ifndef KIN_CLI_LEARN_TOPIC_H
#define KIN_CLI_LEARN_TOPIC_H

#include "base/text.h"

/* Prints the section of a word or one of its others: as it is written (mAP is no map), else whatever its case,
 * blanks and hyphens. False where there is none, with the nearest word proposed to `nearest`, or without memory (err). */
bool kin_topic_print(const char *word, kin_nearest *nearest, kin_error *err);
/* All words, one a line with their others. */
void kin_topics_list(void);

#endif
