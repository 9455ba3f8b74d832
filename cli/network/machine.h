/* What a machine is, as far as it tells: the rows of `kin machine`, and of a bug report. */
#ifndef KIN_CLI_NETWORK_MACHINE_H
#define KIN_CLI_NETWORK_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

enum { KIN_FACTS = 48, KIN_FACT_TEXT = 200 };

/* One row: a line of the table, a member of the JSON object. */
typedef struct kin_fact {
    const char *label;
    char key[32];
    char text[KIN_FACT_TEXT]; /* as a person reads it */
    bool is_number;           /* JSON has `number`, in bytes, operations or pieces, instead of the text */
    double number;
} kin_fact;

typedef struct kin_facts {
    kin_fact row[KIN_FACTS];
    int count;
} kin_facts;

typedef struct kin_facts_opt {
    bool measure;            /* the limits of arithmetic and memory too: a second, and 144 MB */
    const char *threads_why; /* who chose the number of threads */
} kin_facts_opt;

/* Never fails: what cannot be found out is said to be unknown. */
void kin_facts_collect(kin_facts *facts, const kin_facts_opt *opt);

#endif
