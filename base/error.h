/* Errors as values. A kin_error is sticky: the first failure is kept, later ones are ignored, so a
 * caller may make several calls and look once. Nothing in the library prints, aborts or exits. */
#ifndef KIN_BASE_ERROR_H
#define KIN_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    KIN_OK = 0,
    KIN_ERR_ARGUMENT, /* a shape, an option or a call that makes no sense */
    KIN_ERR_DATA,     /* something read from outside is malformed */
    KIN_ERR_ABSENT,   /* a file is missing, may not be read, or is none: of itself, and again next time */
    KIN_ERR_IO, /* the machine failed: a full disk, a bad block, no descriptor left; says nothing of data */
    KIN_ERR_MEMORY,      /* an allocation failed */
    KIN_ERR_NUMERIC,     /* NaN or infinity where a number was needed */
    KIN_ERR_INTERRUPTED, /* the caller asked to stop */
    KIN_ERR_BUSY,        /* another process works on it */
} kin_code;

typedef struct kin_error {
    kin_code code;
    char message[1000];
} kin_error;

#if defined(__GNUC__)
#define KIN_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#else
#define KIN_PRINTF(format_at, args_at)
#endif

/* Records a failure unless one stands already. Always returns false, so that a function can end
 * with `return kin_fail(err, ...)`. `err` may be NULL: the failure is then only returned. The message is
 * one line: what happened, what was expected, what to do; name the file or tensor. */
bool kin_fail(kin_error *err, kin_code code, const char *format, ...) KIN_PRINTF(3, 4);

/* The same for a failed allocation of `bytes`, needed for `what`. */
bool kin_fail_memory(kin_error *err, const char *what, unsigned long long bytes);

/* Puts "prefix: " in front of a standing message, for callers that know the context (a file's name). */
void kin_error_prefix(kin_error *err, const char *format, ...) KIN_PRINTF(2, 3);

static inline bool kin_failed(const kin_error *err) { return err && err->code != KIN_OK; }
/* Whether a picture, or another one of many, may be left out for it: its own file is the reason, not the
 * machine, which may be well again, nor the call. */
static inline bool kin_error_is_of_file(const kin_error *err)
{
    return err->code == KIN_ERR_DATA || err->code == KIN_ERR_ABSENT;
}
static inline void kin_error_clear(kin_error *err)
{
    if (err) {
        err->code = KIN_OK;
        err->message[0] = '\0';
    }
}

#ifdef __cplusplus
}
#endif

#endif
