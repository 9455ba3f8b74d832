/* Text for pages and drawings. */
#ifndef KIN_CLI_PAGES_MARKUP_H
#define KIN_CLI_PAGES_MARKUP_H

#include "base/text.h"

/* Appends `string` so that it is plain text between tags and inside quoted attributes, whatever it holds:
 * < > & " ' become references, control characters and bytes that are not UTF-8 become U+FFFD. NULL adds
 * nothing. */
void kin_markup_add(kin_text *text, const char *string);

/* The same for prose: an option as one types it, --out, stays in one piece, where lines else break behind its hyphens. */
void kin_markup_add_prose(kin_text *text, const char *string);

/* The same for what files are called: a line may break behind / and _, before it breaks within a word. */
void kin_markup_add_path(kin_text *text, const char *string);

#endif
