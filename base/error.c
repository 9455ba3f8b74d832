#include "base/error.h"

#include <stdio.h>
#include <string.h>

bool kin_fail(kin_error *err, kin_code code, const char *format, ...)
{
    if (!err || err->code != KIN_OK) return false;
    err->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return false;
}

bool kin_fail_memory(kin_error *err, const char *what, unsigned long long bytes)
{
    return kin_fail(err, KIN_ERR_MEMORY,
                    "out of memory: %s needs %llu bytes; try a smaller batch or image size", what, bytes);
}

void kin_error_prefix(kin_error *err, const char *format, ...)
{
    if (!kin_failed(err)) return;
    char prefix[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix - 2, format, args);
    va_end(args);
    size_t size = strlen(prefix), keep = strlen(err->message), room = sizeof err->message - 1;
    memcpy(prefix + size, ": ", 3);
    size += 2;
    if (size + keep > room) keep = room - size;
    memmove(err->message + size, err->message, keep);
    memcpy(err->message, prefix, size);
    err->message[size + keep] = '\0';
}
