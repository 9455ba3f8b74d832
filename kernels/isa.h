/* Which instruction set the kernels use. Sources named *.simd.c are compiled once for each; the best one that
 * this machine has is picked at the first call, or the one that KIN_ISA names.
 *
 * A set's shapes, the width of its vectors and the rows of its register tile, are those of its Makefile's
 * KIN_SHAPES, whatever instructions the compiler may use. So the shapes of a set that the machine at hand
 * lacks can be compiled all the same, lowered to the instructions that it has: the tests alone have such
 * sets, and run all kernels with them. With fused multiply-adds they give the same bits as the real set, for
 * what is summed, and in which order, follows from the shapes. A lowered set is never chosen by itself. */
#ifndef KIN_KERNELS_ISA_H
#define KIN_KERNELS_ISA_H

#include <stdbool.h>

typedef enum {
    KIN_ISA_GENERIC,
    KIN_ISA_AVX2,
    KIN_ISA_AVX512,
    KIN_ISA_REAL, /* so many; then those that the tests have */
    KIN_ISA_NEON_LOWERED = KIN_ISA_REAL,
    KIN_ISA_AVX2_LOWERED,
    KIN_ISA_AVX512_LOWERED,
    KIN_ISA_COUNT
} kin_isa_kind;

kin_isa_kind kin_isa(void);
const char *kin_isa_name(void); /* "generic", "avx2", "avx512"; in tests "avx512-lowered" and its like too */
/* False, and no change, when unknown or not available here; NULL goes back to the default. Not while
 * kernels run. */
bool kin_isa_set(const char *name);
/* The index-th name, whether or not this machine has it; NULL outside the list. The first KIN_ISA_REAL are
 * instruction sets, the others lowered ones. */
const char *kin_isa_list(int index);
/* Whether this program and this machine have it. */
bool kin_isa_has(const char *name);
/* What was wrong with KIN_ISA, for programs to print; NULL when nothing was. */
const char *kin_isa_complaint(void);

/* Bits of the vectors that this source is compiled for, of its set; other sources have none. */
#if !defined(KIN_SHAPES)
#define KIN_SHAPES 128
#endif
enum { KIN_VECTOR_BYTES = KIN_SHAPES / 8 };

/* Whether the compiler has registers so wide. */
#if defined(__AVX512F__) || (defined(__AVX__) && KIN_SHAPES <= 256) || KIN_SHAPES == 128
#define KIN_SHAPES_NATIVE
#endif

/* For the kernels' sources: KIN_ISA_NAME(table) is table_avx2 in the compilation for AVX2. */
#define KIN_PASTE_(a, b) a##_##b
#define KIN_PASTE(a, b) KIN_PASTE_(a, b)
#define KIN_ISA_NAME(name) KIN_PASTE(name, KIN_ISA)

/* The tables of all sets: their declarations, and pointers to them by kind. Those of lowered sets are NULL
 * where the program was linked without. */
#define KIN_ISA_DECLARE(type, name) \
    extern const type name##_generic, name##_avx2, name##_avx512; \
    extern const type name##_neon_lowered __attribute__((weak)); \
    extern const type name##_avx2_lowered __attribute__((weak)); \
    extern const type name##_avx512_lowered __attribute__((weak))
#if defined(__x86_64__)
#define KIN_ISA_TABLES(name) \
    { \
        &name##_generic, &name##_avx2, &name##_avx512, &name##_neon_lowered, &name##_avx2_lowered, \
            &name##_avx512_lowered \
    }
#else
#define KIN_ISA_TABLES(name) \
    { \
        &name##_generic, &name##_generic, &name##_generic, &name##_neon_lowered, &name##_avx2_lowered, \
            &name##_avx512_lowered \
    }
#endif

#endif
