#include "base/version.h"

const char *kin_version(void) { return KIN_VERSION; }
