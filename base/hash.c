#include "base/hash.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t key[2];
static pthread_once_t drawn = PTHREAD_ONCE_INIT;

/* Without a source of randomness, what differs from process to process anyway. */
static void draw(void)
{
    struct timespec now;
    int file = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t got = file >= 0 ? read(file, key, sizeof key) : -1;
    if (file >= 0) close(file);
    if (got == (ssize_t)sizeof key) return;
    clock_gettime(CLOCK_REALTIME, &now);
    key[0] = (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec;
    key[1] = (uint64_t)(uintptr_t)&now ^ (uint64_t)getpid() << 40;
}

static inline uint64_t turned(uint64_t x, int by) { return x << by | x >> (64 - by); }

static inline void rounds(uint64_t v[4], int n)
{
    for (; n > 0; n--) {
        v[0] += v[1], v[2] += v[3];
        v[1] = turned(v[1], 13) ^ v[0], v[3] = turned(v[3], 16) ^ v[2];
        v[0] = turned(v[0], 32);
        v[2] += v[1], v[0] += v[3];
        v[1] = turned(v[1], 17) ^ v[2], v[3] = turned(v[3], 21) ^ v[0];
        v[2] = turned(v[2], 32);
    }
}

static inline void take(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    rounds(v, 2);
    v[0] ^= word;
}

uint64_t kin_hash_keyed(const uint64_t k[2], const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t v[4] = {k[0] ^ UINT64_C(0x736f6d6570736575), k[1] ^ UINT64_C(0x646f72616e646f6d),
                     k[0] ^ UINT64_C(0x6c7967656e657261), k[1] ^ UINT64_C(0x7465646279746573)};
    uint64_t word, last = (uint64_t)size << 56;
    size_t left = size;
    for (; left >= 8; at += 8, left -= 8) {
        memcpy(&word, at, 8);
        take(v, word);
    }
    for (size_t i = 0; i < left; i++) last |= (uint64_t)at[i] << (8 * i);
    take(v, last);
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t kin_hash(const void *bytes, size_t size)
{
    pthread_once(&drawn, draw);
    return kin_hash_keyed(key, bytes, size);
}
