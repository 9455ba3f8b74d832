/* Ctrl-C asked politely: work ends at the next step, with its files written. */
#ifndef KIN_CLI_INTERRUPT_H
#define KIN_CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on the first SIGINT or SIGTERM only sets a flag; a second one kills. For commands that look at the
 * flag; the others keep the system's behaviour. */
void kin_interrupt_catch(void);

/* Has a signal come? */
bool kin_interrupted(void);

#endif
