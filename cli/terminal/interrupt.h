/* Ctrl-C asked politely: work ends at the next step, with its files written. */
#ifndef KIN_CLI_TERMINAL_INTERRUPT_H
#define KIN_CLI_TERMINAL_INTERRUPT_H

#include <stdbool.h>

/* For every command, from the start: SIGINT, SIGTERM and SIGHUP end it at once, by the signal, and what it
 * was writing is removed; a file that grows beyond the process's limit is an error of writing. */
void kin_interrupt_start(void);

/* From now on the first of these signals only sets a flag; a second one kills, and so does a second that
 * passes after the first. For commands that look at the flag. A reader that closes its pipe ends them no
 * more. */
void kin_interrupt_catch(void);

/* What is being done may last longer than that second and is worth the wait: `line`, a literal, is said
 * when the signal comes. NULL: no more of that. */
void kin_interrupt_lasts(const char *line);

/* A child that runs in a process group of its own: signals that end this program are handed on to the group first.
 * 0: no more of that. */
void kin_interrupt_forward(long group);

/* Has a signal come? */
bool kin_interrupted(void);

/* The exit status that says so: 128 and the signal's number. */
int kin_interrupt_status(void);

#endif
