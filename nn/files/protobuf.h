/* Writing protocol buffers: a message is a run of fields, each a number with the kind of what follows, and
 * a message inside another is a field of bytes. A kin_text serves as the buffer. */
#ifndef KIN_NN_FILES_PROTOBUF_H
#define KIN_NN_FILES_PROTOBUF_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

void kin_pb_int(kin_text *to, int field, int64_t value);
void kin_pb_float(kin_text *to, int field, float value);
void kin_pb_bytes(kin_text *to, int field, const void *bytes, size_t size);
void kin_pb_text(kin_text *to, int field, const char *text);
/* Appends `message` as a field and frees it; its failure becomes that of `to`. */
void kin_pb_message(kin_text *to, int field, kin_text *message);

#endif
