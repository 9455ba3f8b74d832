#include "cli/pages/compare_page.h"

#include "base/memory.h"
#include "cli/pages/page.h"

#include <stdio.h>

/* A table with a column for each run; `differing`: of the rows that differ alone. */
static void add_table(kin_page *page, const kin_compared *c, const char *first, const kin_compared_row *rows,
                      int n_rows, bool differing, const char *summary)
{
    int columns = c->n_runs + 1, n = 0;
    const char **heads = kin_alloc_array((size_t)columns, sizeof *heads),
               **cells = kin_alloc_array((size_t)n_rows, (size_t)columns * sizeof *cells);
    if (heads && cells) {
        heads[0] = first;
        for (int r = 0; r < c->n_runs; r++) heads[r + 1] = c->runs[r].name;
        for (int i = 0; i < n_rows; i++) {
            if (differing && !rows[i].differs) continue;
            cells[n * columns] = rows[i].name;
            for (int r = 0; r < c->n_runs; r++) cells[n * columns + r + 1] = rows[i].values[r];
            n++;
        }
        kin_page_table_add(page, &(kin_page_table){summary, heads, columns, n, cells});
    } else
        kin_fail_memory(&page->err, "a table",
                        (unsigned long long)n_rows * (unsigned)columns * sizeof *cells);
    kin_free(heads), kin_free(cells);
}

typedef enum { LOSS, HELD, RATE } curve_kind;

static kin_curve curve_of(const kin_compared_run *r, curve_kind kind)
{
    const kin_run_log *log = &r->log;
    if (kind == HELD) return (kin_curve){r->name, log->at, log->map, log->validations, false};
    return (kin_curve){r->name, log->step, kind == LOSS ? log->loss : log->rate, log->steps, kind == LOSS};
}

static void add_curves(kin_page *page, const kin_compared *c)
{
    static const char
        *const titles[] = {[LOSS] = "Loss", [HELD] = "Validation mAP", [RATE] = "Learning rate"},
               *const axes[] = {[LOSS] = "loss", [HELD] = "mAP on what was held out", [RATE] = "rate"};
    kin_curve *curves = kin_alloc_array((size_t)c->n_runs, 3 * sizeof *curves);
    kin_curves charts[3];
    if (!curves) {
        kin_fail_memory(&page->err, "the curves", (unsigned long long)c->n_runs * 3 * sizeof *curves);
        return;
    }
    for (int k = LOSS; k <= RATE; k++) {
        kin_curve *own = curves + (size_t)k * (size_t)c->n_runs;
        for (int r = 0; r < c->n_runs; r++) own[r] = curve_of(&c->runs[r], (curve_kind)k);
        charts[k] = (kin_curves){.title = titles[k],
                                 .x_label = "training step",
                                 .y_label = axes[k],
                                 .curves = own,
                                 .n_curves = c->n_runs};
    }
    kin_page_curves(page, charts, 3);
    kin_free(curves);
}

bool kin_compare_page_write(const char *path, const kin_compared *c, kin_error *err)
{
    kin_page page;
    char lead[200];
    int differ = 0;
    for (int i = 0; i < c->n_settings; i++) differ += c->settings[i].differs;
    snprintf(lead, sizeof lead, "%d training runs, %d of whose %d settings differ.", c->n_runs, differ,
             c->n_settings);
    kin_page_begin(&page, path, "Runs compared", lead);
    kin_page_section(
        &page, "What came of them",
        "mAP: how early the right pictures come in a list; R@1: how often the first one is right; both of "
        "what was held out from training. The loss at the end is a mean of the last hundredth of the "
        "steps; losses of different kinds cannot be compared.");
    if (kin_compared_remark(c)) kin_page_text(&page, kin_compared_remark(c));
    add_table(&page, c, "", c->figures, c->n_figures, false, NULL);
    kin_page_section(
        &page, "How they learned",
        "Losses are drawn as moving averages, with the single steps pale behind them where there are few "
        "runs.");
    add_curves(&page, c);
    kin_page_section(&page, "What was set",
                     differ ? "The settings that differ, by the names of kin train's options."
                            : "All settings are the same.");
    if (differ) add_table(&page, c, "", c->settings, c->n_settings, true, NULL);
    add_table(&page, c, "", c->settings, c->n_settings, false, "All settings");
    bool ok = kin_page_write(&page, err);
    kin_page_free(&page);
    return ok;
}
