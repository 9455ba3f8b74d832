/* Memory by whole pages: files mapped instead of read, and pages given back to the system before their
 * owner goes. */
#ifndef KIN_BASE_PAGES_H
#define KIN_BASE_PAGES_H

#include "base/file.h"

/* As kin_read_file without a limit, but a large regular file is mapped: its pages come from the disk when
 * they are looked at, and writing to them does not change the file. A file that another program shortens
 * meanwhile ends this one. Freed as all kin_bytes are. */
bool kin_map_file(const char *path, kin_bytes *out, kin_error *err);

/* Nobody will read these bytes again: the pages that lie in them entirely go back to the system. Those of
 * a mapped file are as they were when they are read after all; other memory is zero then, or what it was. */
void kin_discard(void *from, size_t bytes);

#endif
