/* What this program has beyond kin: the catalogue that kin_main was given. */
#ifndef KIN_CLI_OPTIONS_OWN_H
#define KIN_CLI_OPTIONS_OWN_H

#include "train/catalogue.h"

/* Never NULL; its tables may be. */
const kin_catalogue *kin_own(void);
void kin_own_set(const kin_catalogue *own);

#endif
