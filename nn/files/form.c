/* Which form a file of weights has, told by its first bytes. */
#include "nn/files/import_parts.h"

#include <string.h>

/* A file of weights in the archive. Its bytes lie in the archive or in the checkpoint's memory, and stay
 * there. */
static bool read_member(kin_checkpoint *c, const kin_zip *zip, const kin_import_opt *opt,
                        kin_import_info *info, kin_error *err)
{
    kin_bytes whole = c->file, member;
    kin_import_opt inside = *opt;
    kin_error why = {0};
    if (!kin_archive_member(c, zip, opt, info, &member, err)) return false;
    inside.member = NULL;
    c->file = member;
    bool ok = kin_import_form(c, &inside, info, &why);
    c->file = whole;
    if (!ok) kin_error_prefix(&why, "%s", info->member);
    return ok || kin_fail(err, why.code, "%s", why.message);
}

static bool read_archive(kin_checkpoint *c, const kin_import_opt *opt, kin_import_info *info, kin_error *err)
{
    kin_zip zip;
    bool ok = kin_zip_open(c->file.data, c->file.size, &zip, err);
    bool chosen = (opt->member && *opt->member) || kin_archive_is_wheel(&zip);
    if (ok && !chosen && kin_pth_is_archive(&zip)) ok = kin_pth_read_zip(c, &zip, opt, info, err);
    else if (ok && (chosen || (!kin_npz_is(&zip) && kin_archive_has_weights(&zip))))
        ok = read_member(c, &zip, opt, info, err);
    else if (ok) ok = kin_npz_read(c, &zip, opt, info, err);
    kin_zip_free(&zip);
    return ok;
}

bool kin_import_form(kin_checkpoint *c, const kin_import_opt *opt, kin_import_info *info, kin_error *err)
{
    const uint8_t *bytes = c->file.data;
    size_t size = c->file.size;
    if (kin_zip_is(bytes, size)) return read_archive(c, opt, info, err);
    if (opt->member && *opt->member)
        return kin_fail(err, KIN_ERR_ARGUMENT, "no archive, so that there is no '%.100s' in it", opt->member);
    if (size >= 2 && bytes[0] == 0x80 && bytes[1] <= 5) return kin_pth_read_legacy(c, opt, info, err);
    if (size >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0) {
        info->form = "NumPy (.npy)";
        return kin_npy_add(c, "array", strlen("array"), bytes, size, err);
    }
    if (size >= 262 && memcmp(bytes + 257, "ustar", 5) == 0)
        return kin_fail(
            err, KIN_ERR_DATA,
            "a tar archive, as PyTorch wrote before 0.2; load and save it again with a newer one");
    info->form = "safetensors";
    return kin_safetensors_read(c, err);
}
