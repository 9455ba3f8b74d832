/* What the programs of bench/ have in common, so that bench/run.py can let kin and its rivals take turns:
 * a program is started with the work and the number of threads (`BUILD/bench/networks resnet18 2`),
 * prepares, and then measures once for each line on its standard input. Every measurement is one line
 *
 *     work,threads,unit,who,value
 *
 * on standard output, and when the input ends, one more gives the memory at its largest:
 *
 *     int main(int argc, char **argv)
 *     {
 *         ... prepare argv[1] with argv[2] threads ...
 *         while (bench_turn()) {
 *             double began = bench_now();
 *             ... the work ...
 *             bench_row(argv[1], threads, "img/s", "kin", pictures / (bench_now() - began));
 *         }
 *         bench_memory(argv[1], threads, "kin");
 *     }
 *
 * By hand, at a terminal or with BENCH_TURNS=n, the turns come by themselves. The first turn is a
 * rehearsal: nobody counts it. The units are GFLOP/s and img/s, of which more is better, and ms, s and MB
 * (10⁶ bytes), of which less is. bench/turns.py is the same for Python. */
#ifndef KIN_BENCH_TURNS_H
#define KIN_BENCH_TURNS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Seconds that a turn of what takes less lasts: its beginning is caches to be filled and threads that
 * wake. bench/turns.py has the same. */
#define BENCH_SECONDS 0.5

static inline double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Waits for the next turn; false when there are no more. */
static inline bool bench_turn(void)
{
    static long left = -1; /* turns by hand; below 0: not known yet */
    char line[64];
    const char *turns = getenv("BENCH_TURNS");
    if (!turns && !isatty(STDIN_FILENO)) return fgets(line, sizeof line, stdin) != NULL;
    if (left < 0) left = turns ? strtol(turns, NULL, 10) : 6;
    return left-- > 0;
}

/* Prints a measurement at once. */
static inline void bench_row(const char *work, int threads, const char *unit, const char *who, double value)
{
    printf("%s,%d,%s,%s,%.6g\n", work, threads, unit, who, value);
    fflush(stdout);
}

/* Prints the largest memory that the process has had (VmHWM; Linux alone tells it). */
static inline void bench_memory(const char *work, int threads, const char *who)
{
    char line[256];
    long kibibytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld", &kibibytes) == 1) break;
    if (status) fclose(status);
    if (kibibytes) bench_row(work, threads, "MB", who, (double)kibibytes * 1024 * 1e-6);
}

#endif
