/* The whole program kin as a function, for programs that add networks, heads and losses of their own to it:
 *
 *     int main(int argc, char **argv)
 *     {
 *         return kin_main(argc, argv, &(kin_catalogue){.losses = (const kin_loss *const[]){&mine, NULL}});
 *     }
 *
 * links with libkin_cli.a (pkg-config --static kin-cli) and is a kin that trains, embeds and explains with them. Unlike
 * libkin it prints, catches signals, and sets the number of threads. */
#ifndef KIN_CLI_MAIN_H
#define KIN_CLI_MAIN_H

#include "train/catalogue.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What main is to return: 0, 1 for a failure, 2 for a command line that makes no sense, 128 and a signal's number. Once a
 * process. `own` may be NULL; what it points to must last as long as the process. */
int kin_main(int argc, char **argv, const kin_catalogue *own);

#ifdef __cplusplus
}
#endif

#endif
