/* Base64 (RFC 4648, the standard alphabet, padded): pictures inside a page. */
#ifndef KIN_BASE_BASE64_H
#define KIN_BASE_BASE64_H

#include "base/text.h"

/* Appends `size` bytes as text, without line breaks. */
void kin_base64_add(kin_text *text, const void *bytes, size_t size);

#endif
