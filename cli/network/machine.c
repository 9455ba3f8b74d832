/* Linux tells most of it in files of /proc and /sys; elsewhere rows say "unknown". */
#include "cli/network/machine.h"

#include "base/error.h"
#include "base/parallel.h"
#include "base/version.h"
#include "kernels/isa.h"
#include "kernels/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CACHE_FOLDER "/sys/devices/system/cpu/cpu0/cache"
#define HUGE_FOLDER "/sys/kernel/mm/transparent_hugepage"

/* ---- rows ---- */

/* A row too many is left out: the table is larger than any machine needs. */
static kin_fact *row(kin_facts *f, const char *label, const char *key)
{
    static kin_fact spare;
    kin_fact *r = f->count < KIN_FACTS ? &f->row[f->count++] : &spare;
    *r = (kin_fact){.label = label};
    snprintf(r->key, sizeof r->key, "%s", key);
    return r;
}

static void KIN_PRINTF(4, 5) say(kin_facts *f, const char *label, const char *key, const char *format, ...)
{
    kin_fact *r = row(f, label, key);
    va_list args;
    va_start(args, format);
    vsnprintf(r->text, sizeof r->text, format, args);
    va_end(args);
}

static void KIN_PRINTF(5, 6)
    count(kin_facts *f, const char *label, const char *key, double number, const char *format, ...)
{
    kin_fact *r = row(f, label, key);
    va_list args;
    va_start(args, format);
    vsnprintf(r->text, sizeof r->text, format, args);
    va_end(args);
    r->is_number = true;
    r->number = number;
}

/* "48 KB", "23.4 GB": units of 1024. */
static const char *bytes_shown(double bytes, char out[32])
{
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++) bytes /= 1024;
    snprintf(out, 32, bytes == (double)(int64_t)bytes ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return out;
}

static void amount(kin_facts *f, const char *label, const char *key, double bytes, const char *remark)
{
    char shown[32];
    count(f, label, key, bytes, "%s%s", bytes_shown(bytes, shown), remark);
}

/* ---- files of one line, and lines of "name: value" ---- */

/* False when there is no such file, or it is empty. */
static bool first_line(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    bool ok = file && fgets(out, (int)size, file);
    if (file) fclose(file);
    if (ok) out[strcspn(out, "\n")] = 0;
    return ok && out[0];
}

/* The first line that begins with `name`: what follows its colon. */
static bool line_of(const char *path, const char *name, char *out, size_t size)
{
    char line[512];
    bool found = false;
    FILE *file = fopen(path, "r");
    while (file && !found && fgets(line, sizeof line, file)) {
        const char *after = line + strlen(name);
        if (strncmp(line, name, strlen(name)) != 0) continue;
        after += strspn(after, " \t");
        if (*after != ':') continue;
        after += 1 + strspn(after + 1, " \t");
        snprintf(out, size, "%s", after);
        out[strcspn(out, "\n")] = 0;
        found = out[0] != 0;
    }
    if (file) fclose(file);
    return found;
}

/* "32K", "16777216 kB", "123": bytes. 0 when it is no number. */
static double parse_bytes(const char *text)
{
    char *end;
    double n = strtod(text, &end);
    end += strspn(end, " ");
    if (*end == 'k' || *end == 'K') return n * 1024;
    if (*end == 'm' || *end == 'M') return n * 1048576;
    return n > 0 ? n : 0;
}

/* ---- the program ---- */

static void tell_program(kin_facts *f)
{
    say(f, "version", "version", "kin " KIN_VERSION);
#if defined(__clang__)
    say(f, "compiler", "compiler", "clang %d.%d.%d", __clang_major__, __clang_minor__, __clang_patchlevel__);
#elif defined(__GNUC__)
    say(f, "compiler", "compiler", "gcc %d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#else
    say(f, "compiler", "compiler", "unknown");
#endif
#if defined(__GLIBC__)
    say(f, "C library", "libc", "glibc %d.%d", __GLIBC__, __GLIBC_MINOR__);
#else
    say(f, "C library", "libc", "musl, or another that does not name itself");
#endif
#if defined(NDEBUG)
    const char *build = "optimised";
#else
    const char *build = "with assertions";
#endif
#if defined(__SANITIZE_ADDRESS__)
    build = "with the address sanitizer";
#elif defined(__SANITIZE_THREAD__)
    build = "with the thread sanitizer";
#endif
    say(f, "build", "build", "%s, threads by %s", build, kin_parallel_backend());
}

/* ---- the machine ---- */

static void tell_system(kin_facts *f)
{
    struct utsname u;
    int bits = (int)sizeof(void *) * 8;
    if (uname(&u) == 0)
        say(f, "system", "system", "%.60s %.60s, %.30s, a program of %d bits", u.sysname, u.release,
            u.machine, bits);
    else say(f, "system", "system", "unknown, a program of %d bits", bits);
}

static void tell_processor(kin_facts *f)
{
    const char *info = "/proc/cpuinfo";
    char name[120], family[16], model[16], part[16];
    if (line_of(info, "model name", name, sizeof name) || line_of(info, "Model", name, sizeof name)) {
        if (line_of(info, "cpu family", family, sizeof family) && line_of(info, "model", model, sizeof model))
            say(f, "processor", "processor", "%s, family %s, model %s", name, family, model);
        else say(f, "processor", "processor", "%s", name);
    } else if (line_of(info, "CPU implementer", name, sizeof name) &&
               line_of(info, "CPU part", part, sizeof part))
        say(f, "processor", "processor", "implementer %.20s, part %s", name, part);
    else say(f, "processor", "processor", "unknown");
}

/* The share of the processors that this program's control group may use; 0 where there is no limit. */
static double processors_allowed(void)
{
    char line[64], *end;
    if (!first_line("/sys/fs/cgroup/cpu.max", line, sizeof line)) return 0;
    double quota = strtod(line, &end), period = strtod(end, NULL);
    return quota > 0 && period > 0 ? quota / period : 0;
}

static void tell_cores(kin_facts *f, const char *threads_why)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN), built = sysconf(_SC_NPROCESSORS_CONF);
    double allowed = processors_allowed();
    char list[64];
    count(f, "processors", "processors", (double)online, "%ld of %ld are on line", online, built);
    if (line_of("/proc/self/status", "Cpus_allowed_list", list, sizeof list))
        say(f, "  allowed", "processors allowed", "%s", list);
    if (allowed > 0)
        count(f, "  share", "processors share", allowed, "of the time of %.2f, by the control group",
              allowed);
    count(f, "threads", "threads", kin_threads(), "%d, %s", kin_threads(), threads_why);
}

/* Returns the bytes of the last level. */
static double tell_caches(kin_facts *f)
{
    double last = 0;
    for (int i = 0; i < 8; i++) {
        char path[96], level[8], type[16], size[16], key[32];
        snprintf(path, sizeof path, CACHE_FOLDER "/index%d/level", i);
        if (!first_line(path, level, sizeof level)) break;
        snprintf(path, sizeof path, CACHE_FOLDER "/index%d/type", i);
        if (!first_line(path, type, sizeof type) || strcmp(type, "Instruction") == 0) continue;
        snprintf(path, sizeof path, CACHE_FOLDER "/index%d/size", i);
        if (!first_line(path, size, sizeof size)) continue;
        char remark[40];
        last = parse_bytes(size);
        snprintf(key, sizeof key, "cache %s", level);
        snprintf(remark, sizeof remark, ", level %s", level);
        amount(f, "cache", key, last, remark);
    }
    if (last == 0) say(f, "cache", "cache", "unknown");
    return last;
}

static void tell_memory(kin_facts *f)
{
    char text[64];
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0) amount(f, "memory", "memory", (double)pages * (double)page, "");
    else say(f, "memory", "memory", "unknown");
    if (line_of("/proc/meminfo", "MemAvailable", text, sizeof text))
        amount(f, "  available", "memory available", parse_bytes(text), "");
    if (first_line("/sys/fs/cgroup/memory.max", text, sizeof text) && parse_bytes(text) > 0)
        amount(f, "  limit", "memory limit", parse_bytes(text), ", of the control group");
}

/* "always [madvise] never": the word in brackets. */
static void tell_huge_pages(kin_facts *f)
{
    char line[64], size[32];
    char *chosen = first_line(HUGE_FOLDER "/enabled", line, sizeof line) ? strchr(line, '[') : NULL;
    if (chosen) chosen++, chosen[strcspn(chosen, "]")] = 0;
    say(f, "huge pages", "huge pages", "%s", chosen ? chosen : "unknown");
    if (line_of("/proc/meminfo", "Hugepagesize", size, sizeof size))
        amount(f, "  of", "huge page", parse_bytes(size), "");
}

/* ---- the kernels ---- */

static const char *why_this_set(void)
{
    const char *wanted = getenv("KIN_ISA");
    if (kin_isa_complaint()) return "the best that runs here: KIN_ISA names none that does";
    return wanted && *wanted ? "as KIN_ISA asks" : "the best that runs here";
}

static void tell_sets(kin_facts *f)
{
    const char *used = kin_isa_name();
    say(f, "instructions", "instruction set", "%s", used);
    say(f, "  why", "instruction set why", "%s", why_this_set());
    for (int i = 0; kin_isa_list(i); i++) {
        char key[32];
        bool runs = kin_isa_set(kin_isa_list(i)); /* asked by trying: the set in use is put back below */
        snprintf(key, sizeof key, "set %.24s", kin_isa_list(i));
        say(f, "  set", key, "%s: %s", kin_isa_list(i), runs ? "runs here" : "does not run here");
    }
    kin_isa_set(used);
}

static void tell_limits(kin_facts *f, double last_cache)
{
    kin_limits limits;
    if (!kin_limits_measure(&limits)) {
        say(f, "limits", "limits", "not measured: no memory for it");
        return;
    }
    bool cached = last_cache >= KIN_LIMITS_BYTES;
    count(f, "arithmetic", "flops", limits.flops, "%.1f GFLOP/s, measured on all threads",
          limits.flops * 1e-9);
    count(f, "traffic", "bytes per second", limits.bytes, "%.1f GB/s, measured on all threads%s",
          limits.bytes * 1e-9, cached ? "; the last cache holds all that was read" : "");
}

void kin_facts_collect(kin_facts *f, const kin_facts_opt *opt)
{
    *f = (kin_facts){0};
    tell_program(f);
    tell_system(f);
    tell_processor(f);
    tell_cores(f, opt->threads_why);
    tell_sets(f);
    double last_cache = tell_caches(f);
    tell_memory(f);
    tell_huge_pages(f);
    if (opt->measure) tell_limits(f, last_cache);
}
