#include "cli/options/descriptors.h"

bool kin_cli_read_embeddings(const kin_cli *cli, const char *name, kin_embeddings *out, kin_error *err)
{
    if (!kin_embeddings_read(name, out, err)) return false;
    if (out->names_missing)
        kin_cli_note(cli,
                     "%s: the .csv that was written with it is missing; ids are row numbers, without labels",
                     out->name);
    return true;
}

bool kin_cli_read_rounded(const kin_cli *cli, const char *name, kin_embeddings *out, kin_error *err)
{
    if (!kin_cli_read_embeddings(cli, name, out, err)) return false;
    kin_cli_tell_rounding(cli, out);
    return true;
}

void kin_cli_tell_rounding(const kin_cli *cli, const kin_embeddings *set)
{
    if (set->file.wide)
        kin_cli_note(cli,
                     "%s holds numbers that are rounded to float32 here; kin search alone compares them as "
                     "they are",
                     set->name);
}
