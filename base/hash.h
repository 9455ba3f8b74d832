/* A hash for tables of strings that strangers may choose: SipHash-2-4 (Aumasson and Bernstein 2012) under a key that
 * each process draws for itself, so that nobody can write a list whose ids all fall on one slot. Never stored, and
 * nothing that is seen may depend on it. */
#ifndef KIN_BASE_HASH_H
#define KIN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t kin_hash(const void *bytes, size_t size);

/* The same under a given key. */
uint64_t kin_hash_keyed(const uint64_t key[2], const void *bytes, size_t size);

#endif
