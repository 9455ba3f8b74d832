/* The program kin. */
#include "cli/main.h"

#include <stddef.h>

int main(int argc, char **argv) { return kin_main(argc, argv, NULL); }
