#include "cli/terminal/deadline.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_AFTER 0.3  /* seconds at a pace, and ... */
#define LOOK_SHARE 0.02 /* ... the share of the work, after which it tells something */

double kin_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double unit_of(char c) { return c == 'h' ? 3600 : c == 'm' ? 60 : c == 's' || !c ? 1 : 0; }

bool kin_duration_read(const char *text, double *seconds, kin_error *err)
{
    const char *at = text;
    double sum = 0, last = INFINITY;
    do {
        char *end;
        double number = *at >= '0' && *at <= '9' ? strtod(at, &end) : -1,
               unit = number >= 0 ? unit_of(*end) : 0;
        if (!(number >= 0) || unit <= 0 || unit >= last || (!*end && at != text))
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "'%.40s' is not a length of time; write it as 3600s, 60m, 1h or 1h30m", text);
        sum += number * unit;
        last = unit;
        at = *end ? end + 1 : end;
    } while (*at);
    *seconds = sum;
    if (sum > 0 && sum < 1e9) return true;
    return kin_fail(
        err, KIN_ERR_ARGUMENT,
        "a time of '%.40s' is not possible; more than nothing and less than 30 years was expected", text);
}

double kin_pace_foretell(kin_pace *pace, double took, double share)
{
    if (!(share > 0)) return 0;
    if (pace->share <= 0) *pace = (kin_pace){took, share};
    double seconds = took - pace->took, done = share - pace->share;
    if (seconds < LOOK_AFTER || done < LOOK_SHARE) return 0;
    return took + seconds / done * (1 - share);
}
