/* KIN_USAGE=FILE: what a command took, for who adds up many of them (examples/ladder.sh). */
#ifndef KIN_CLI_HELP_USAGE_H
#define KIN_CLI_HELP_USAGE_H

/* Before the command runs: looks at the clock when the environment wants it. */
void kin_usage_start(void);

/* Behind it: one line more in the file, {"command": "kin ...", "status": 0, "seconds": 1.25, "memory": 52428800}; the memory is the most
 * held, in bytes (0: the system does not tell). A file that cannot be written is a remark: the command's result stands. */
void kin_usage_end(int argc, char **argv, int status);

#endif
