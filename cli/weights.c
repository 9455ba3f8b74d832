#include "cli/weights.h"

#include "data/images/inflate.h"

bool kin_weights_open(const char *path, const char *key, const char *prefix, kin_checkpoint **out,
                      kin_import_info *info, kin_error *err)
{
    return kin_import(path,
                      &(kin_import_opt){.key = key, .prefix = prefix, .unpacker = {kin_inflate, kin_crc32}},
                      out, info, err);
}
