/* Which instruction set the kernels use. Sources named *.simd.c are compiled once for each; the best one that
 * this machine has is picked at the first call, or the one that KIN_ISA names. */
#ifndef KIN_KERNELS_ISA_H
#define KIN_KERNELS_ISA_H

#include <stdbool.h>

typedef enum { KIN_ISA_GENERIC, KIN_ISA_AVX2, KIN_ISA_AVX512, KIN_ISA_COUNT } kin_isa_kind;

kin_isa_kind kin_isa(void);
const char *kin_isa_name(void); /* "generic", "avx2", "avx512" */
/* False, and no change, when unknown or not available here; NULL goes back to the default. Not while
 * kernels run. */
bool kin_isa_set(const char *name);
/* The index-th name, whether or not this machine has it; NULL outside the list. */
const char *kin_isa_list(int index);
/* What was wrong with KIN_ISA, for programs to print; NULL when nothing was. */
const char *kin_isa_complaint(void);

/* Bytes of the widest vectors that this source is compiled for. */
#if defined(__AVX512F__)
enum { KIN_VECTOR_BYTES = 64 };
#elif defined(__AVX2__)
enum { KIN_VECTOR_BYTES = 32 };
#else
enum { KIN_VECTOR_BYTES = 16 };
#endif

/* For the kernels' sources: KIN_ISA_NAME(table) is table_avx2 in the compilation for AVX2. */
#define KIN_PASTE_(a, b) a##_##b
#define KIN_PASTE(a, b) KIN_PASTE_(a, b)
#define KIN_ISA_NAME(name) KIN_PASTE(name, KIN_ISA)

#if defined(__x86_64__)
#define KIN_ISA_TABLES(name) \
    { \
        &name##_generic, &name##_avx2, &name##_avx512 \
    }
#else
#define KIN_ISA_TABLES(name) \
    { \
        &name##_generic, &name##_generic, &name##_generic \
    }
#endif

#endif
