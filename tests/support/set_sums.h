/* Checksums of what all kernels of tests/both_sets.c compute, by shapes: bit for bit what these compilers
 * make of them on any x86-64, and gcc on 64-bit ARM too. `build/cc/tests/both_sets print` prints them anew,
 * for a compiler or a kernel whose order of operations changed. Debug builds have none. */
#ifndef KIN_TESTS_SUPPORT_SET_SUMS_H
#define KIN_TESTS_SUPPORT_SET_SUMS_H

#include <stdint.h>

typedef struct set_sum {
    const char *shapes; /* NULL: none are kept */
    uint64_t kernels[8];
} set_sum;

#if defined(__x86_64__) && defined(NDEBUG) && defined(__clang__) && __clang_major__ == 14
#define SET_COMPILER "clang 14"
static const set_sum set_sums[] = {
#if !defined(KIN_DOUBLE)
    {"generic",
     {UINT64_C(0x34dcfeebc3132b2f), UINT64_C(0xbf353cf805e93e08), UINT64_C(0x57a6c61aaa58bc1a),
      UINT64_C(0x27e664767cdf570e), UINT64_C(0xfc0a5e7667a5b5dd), UINT64_C(0xdba0520463113443),
      UINT64_C(0xa5b74eb02df6a3c6), UINT64_C(0xcb6e6fef292de641)}},
    {"neon",
     {UINT64_C(0x3c6eb390a27dd3f9), UINT64_C(0x62915a7d46531323), UINT64_C(0xad246687b27dc8f0),
      UINT64_C(0xc5389110a13ff94b), UINT64_C(0x7b8b2a3622635b7e), UINT64_C(0x0ecb9280cfe70c25),
      UINT64_C(0xa5b74eb02df6a3c6), UINT64_C(0xc45d8d41adc0c25d)}},
    {"avx2",
     {UINT64_C(0x3c6eb390a27dd3f9), UINT64_C(0x237fc9d1bed599f9), UINT64_C(0xad246687b27dc8f0),
      UINT64_C(0xc5389110a13ff94b), UINT64_C(0x7b8b2a3622635b7e), UINT64_C(0x0ecb9280cfe70c25),
      UINT64_C(0xe3df5c945a64af75), UINT64_C(0xe774480cf09b8a21)}},
    {"avx512",
     {UINT64_C(0x3c6eb390a27dd3f9), UINT64_C(0x95256f9970f8f321), UINT64_C(0xad246687b27dc8f0),
      UINT64_C(0xc5389110a13ff94b), UINT64_C(0x7b8b2a3622635b7e), UINT64_C(0x0ecb9280cfe70c25),
      UINT64_C(0x7db7a3545136f711), UINT64_C(0x16cf6d6283c3f1ca)}},
#else
    {"generic",
     {UINT64_C(0x7ead7ad0bd59562b), UINT64_C(0x09f05ad3f69ecc48), UINT64_C(0x8a6b6097ddaeea1b),
      UINT64_C(0x581e79bf57133e64), UINT64_C(0xe7f63ca0765c3efb), UINT64_C(0x29251077ef4ae2d4),
      UINT64_C(0xa5b74eb02df6a3c6)}},
    {"neon",
     {UINT64_C(0x094d0b4bd5f9f4bd), UINT64_C(0xf864c6bdef80bca9), UINT64_C(0x072dd3f41af6bb2f),
      UINT64_C(0xed6b4a4f9b854b65), UINT64_C(0x3afbde10a6166560), UINT64_C(0x547537759b451204),
      UINT64_C(0xa5b74eb02df6a3c6)}},
    {"avx2",
     {UINT64_C(0x094d0b4bd5f9f4bd), UINT64_C(0xbc145e98c4888129), UINT64_C(0x072dd3f41af6bb2f),
      UINT64_C(0xed6b4a4f9b854b65), UINT64_C(0x3afbde10a6166560), UINT64_C(0x547537759b451204),
      UINT64_C(0xe3df5c945a64af75)}},
    {"avx512",
     {UINT64_C(0x094d0b4bd5f9f4bd), UINT64_C(0x94400d6492167158), UINT64_C(0x072dd3f41af6bb2f),
      UINT64_C(0xed6b4a4f9b854b65), UINT64_C(0x3afbde10a6166560), UINT64_C(0x547537759b451204),
      UINT64_C(0x7db7a3545136f711)}},
#endif
};
#elif (defined(__x86_64__) || defined(__aarch64__)) && defined(NDEBUG) && !defined(__clang__) && \
    defined(__GNUC__) && __GNUC__ == 12
#define SET_COMPILER "gcc 12"
static const set_sum set_sums[] = {
#if !defined(KIN_DOUBLE)
    {"generic",
     {UINT64_C(0x34dcfeebc3132b2f), UINT64_C(0xbf353cf805e93e08), UINT64_C(0x57a6c61aaa58bc1a),
      UINT64_C(0x27e664767cdf570e), UINT64_C(0xfc0a5e7667a5b5dd), UINT64_C(0xdba0520463113443),
      UINT64_C(0xa5b74eb02df6a3c6), UINT64_C(0xcb6e6fef292de641)}},
    {"neon",
     {UINT64_C(0x3c6eb390a27dd3f9), UINT64_C(0x9b7d005c01de57f6), UINT64_C(0xad246687b27dc8f0),
      UINT64_C(0xc5389110a13ff94b), UINT64_C(0x7b8b2a3622635b7e), UINT64_C(0x0ecb9280cfe70c25),
      UINT64_C(0xa5b74eb02df6a3c6), UINT64_C(0xc45d8d41adc0c25d)}},
    {"avx2",
     {UINT64_C(0x3c6eb390a27dd3f9), UINT64_C(0xd82f1559e6002b03), UINT64_C(0xad246687b27dc8f0),
      UINT64_C(0xc5389110a13ff94b), UINT64_C(0x7b8b2a3622635b7e), UINT64_C(0x0ecb9280cfe70c25),
      UINT64_C(0xe3df5c945a64af75), UINT64_C(0xe774480cf09b8a21)}},
    {"avx512",
     {UINT64_C(0x3c6eb390a27dd3f9), UINT64_C(0x5369d060af55d336), UINT64_C(0xad246687b27dc8f0),
      UINT64_C(0xc5389110a13ff94b), UINT64_C(0x7b8b2a3622635b7e), UINT64_C(0x0ecb9280cfe70c25),
      UINT64_C(0x7db7a3545136f711), UINT64_C(0x16cf6d6283c3f1ca)}},
#else
    {"generic",
     {UINT64_C(0x7ead7ad0bd59562b), UINT64_C(0x09f05ad3f69ecc48), UINT64_C(0x8a6b6097ddaeea1b),
      UINT64_C(0x581e79bf57133e64), UINT64_C(0xe7f63ca0765c3efb), UINT64_C(0x29251077ef4ae2d4),
      UINT64_C(0xa5b74eb02df6a3c6)}},
    {"neon",
     {UINT64_C(0x094d0b4bd5f9f4bd), UINT64_C(0x70fcc3e85fef4aa3), UINT64_C(0x072dd3f41af6bb2f),
      UINT64_C(0xed6b4a4f9b854b65), UINT64_C(0x3afbde10a6166560), UINT64_C(0x547537759b451204),
      UINT64_C(0xa5b74eb02df6a3c6)}},
    {"avx2",
     {UINT64_C(0x094d0b4bd5f9f4bd), UINT64_C(0xc08721cf8a2dad25), UINT64_C(0x072dd3f41af6bb2f),
      UINT64_C(0xed6b4a4f9b854b65), UINT64_C(0x3afbde10a6166560), UINT64_C(0x547537759b451204),
      UINT64_C(0xe3df5c945a64af75)}},
    {"avx512",
     {UINT64_C(0x094d0b4bd5f9f4bd), UINT64_C(0xec1b9238e6f10508), UINT64_C(0x072dd3f41af6bb2f),
      UINT64_C(0xed6b4a4f9b854b65), UINT64_C(0x3afbde10a6166560), UINT64_C(0x547537759b451204),
      UINT64_C(0x7db7a3545136f711)}},
#endif
};
#else
#define SET_COMPILER "another compiler"
static const set_sum set_sums[] = {{NULL, {0}}};
#endif

#endif
