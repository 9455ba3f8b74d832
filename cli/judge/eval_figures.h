/* The figures of `kin eval`, as a table, as JSON, and for its page. */
#ifndef KIN_CLI_JUDGE_EVAL_FIGURES_H
#define KIN_CLI_JUDGE_EVAL_FIGURES_H

#include "cli/judge/evaluation.h"

/* `at` is the figure's place in the means; its interval's ends have the same one. NULL: it has no
 * interval. */
typedef struct kin_eval_figure {
    char name[40];
    double value;
    const char *about;
    const double *at;
    char why[200]; /* it is not available */
} kin_eval_figure;
enum { KIN_EVAL_FIGURES = 32 };

/* All of them in their order, those that are not available too; how many. `ties`: also with ties broken
 * against the system. */
int kin_eval_figures(const kin_evaluation *e, bool ties, kin_eval_figure *f);
void kin_eval_print_table(const kin_evaluation *e);
bool kin_eval_print_json(const kin_evaluation *e, kin_error *err);

#endif
