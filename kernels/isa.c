#include "kernels/isa.h"

#include <stddef.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[KIN_ISA_COUNT] = {"generic",      "avx2",         "avx512",
                                                 "neon-lowered", "avx2-lowered", "avx512-lowered"};
static atomic_int chosen = -1;

/* One table of each set tells whether the program has it. */
KIN_ISA_DECLARE(struct kin_tiles, kin_tiles);

static bool linked(kin_isa_kind kind)
{
    static const struct kin_tiles *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_tiles);
    return tables[kind] != NULL;
}

/* The compiler's test covers the operating system's support for the wider registers too. */
#if defined(__x86_64__)
static bool has_fma(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool available(kin_isa_kind kind)
{
    if (kind == KIN_ISA_GENERIC) return true;
    if (kind == KIN_ISA_AVX512)
        return has_fma() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return linked(kind) && has_fma(); /* to which the others are lowered */
}
#else
static bool available(kin_isa_kind kind)
{
    return kind == KIN_ISA_GENERIC || (kind >= KIN_ISA_REAL && linked(kind));
}
#endif

static int find(const char *name)
{
    for (int i = 0; name && i < KIN_ISA_COUNT; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return -1;
}

kin_isa_kind kin_isa(void)
{
    int kind = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (kind >= 0) return (kin_isa_kind)kind;
    kind = find(getenv("KIN_ISA"));
    if (kind < 0 || !available((kin_isa_kind)kind))
        for (kind = KIN_ISA_REAL - 1; kind > KIN_ISA_GENERIC && !available((kin_isa_kind)kind); kind--) {}
    atomic_store(&chosen, kind);
    return (kin_isa_kind)kind;
}

const char *kin_isa_name(void) { return names[kin_isa()]; }

const char *kin_isa_list(int index) { return index >= 0 && index < KIN_ISA_COUNT ? names[index] : NULL; }

bool kin_isa_has(const char *name)
{
    int kind = find(name);
    return kind >= 0 && available((kin_isa_kind)kind);
}

bool kin_isa_set(const char *name)
{
    int kind = find(name);
    if (!name) {
        atomic_store(&chosen, -1);
        return true;
    }
    if (kind < 0 || !available((kin_isa_kind)kind)) return false;
    atomic_store(&chosen, kind);
    return true;
}

const char *kin_isa_complaint(void)
{
    const char *wanted = getenv("KIN_ISA");
    int kind = find(wanted);
    if (!wanted || !*wanted) return NULL;
    if (kind < 0 || (kind >= KIN_ISA_REAL && !linked((kin_isa_kind)kind)))
        return "KIN_ISA is none of generic, avx2, avx512; the best set of this machine is used";
    return available((kin_isa_kind)kind)
               ? NULL
               : "KIN_ISA names an instruction set that this machine lacks; the best one it has is used";
}
