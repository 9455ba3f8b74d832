/* KIN_VERBOSE=1: the kernel chosen for each shape, on standard error. */
#ifndef KIN_CLI_TERMINAL_VERBOSE_H
#define KIN_CLI_TERMINAL_VERBOSE_H

/* Asks the kernels to tell when the environment wants it: each shape once. */
void kin_verbose_start(void);

#endif
