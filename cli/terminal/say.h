/* Strings from outside, as a terminal may have them. */
#ifndef KIN_CLI_TERMINAL_SAY_H
#define KIN_CLI_TERMINAL_SAY_H

#include <stdio.h>

/* Prints it without what a terminal would take for commands. */
void kin_say(FILE *to, const char *string);

#endif
