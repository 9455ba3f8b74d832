/* kin import: other programs' checkpoints as safetensors. */
#include "base/memory.h"
#include "cli/options/outputs.h"
#include "train/weights.h"

#include <stdio.h>

static const kin_option options[] = {
    {"key", KIN_OPTION_STRING, "NAME",
     "the dictionary to take out of a PyTorch file: model, or ema.model for one inside another",
     .fallback_shown = "the state dict, where training programs keep it"},
    {"prefix", KIN_OPTION_STRING, "TEXT", "take only the names that begin with this, and take it off",
     .fallback_shown = "module. where all have it"},
    {0},
};

static void tell(const kin_cli *cli, const kin_checkpoint *c, const kin_import_info *info)
{
    unsigned long long numbers = 0;
    for (int i = 0; i < kin_checkpoint_count(c); i++)
        if (kin_dtype_is_real(kin_checkpoint_array(c, i)->dtype))
            numbers += kin_checkpoint_array(c, i)->count;
    if (info->member[0]) kin_cli_note(cli, "taken from %s, a file of the archive", info->member);
    if (info->key[0]) kin_cli_note(cli, "taken from the dictionary '%s'", info->key);
    if (info->also[0]) kin_cli_note(cli, "it also holds %s: --key NAME takes one of them", info->also);
    if (info->files) kin_cli_note(cli, "read from the %d files of the index", info->files);
    if (info->prefix[0]) kin_cli_note(cli, "the prefix '%s' was taken off", info->prefix);
    if (info->left_out)
        kin_cli_note(cli, "%d entries were left out: without the prefix, or no arrays of numbers",
                     info->left_out);
    if (info->integers)
        kin_cli_note(cli, "integers stay as they are: %d of the arrays, such as num_batches_tracked",
                     info->integers);
    printf("%s: %d arrays from %s, %llu numbers as float32\n", cli->positional[1], kin_checkpoint_count(c),
           info->form, numbers);
}

/* A file of kin's says in its notes what network it is: the whole of it stays one. Of a part the notes would not be
 * true. */
static bool write(const kin_checkpoint *c, const kin_import_info *info, const char *out, kin_error *err)
{
    bool whole = !info->left_out && !info->prefix[0];
    size_t count = whole ? kin_checkpoint_notes(c, NULL, 0) : 0;
    kin_note *notes = kin_alloc_array(count, sizeof *notes);
    if (!notes) return kin_fail_memory(err, "the notes", count * sizeof *notes);
    kin_checkpoint_notes(c, notes, count);
    bool ok = kin_checkpoint_write(c, out, notes, (int)count, err);
    kin_free(notes);
    return ok;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_checkpoint *c = NULL;
    kin_import_info info;
    bool ok = kin_output_apart(cli, cli->positional[1], cli->positional[0], &err) &&
              kin_file_creatable(cli->positional[1], &err);
    ok = ok && kin_weights_open(cli->positional[0], kin_option_string(cli, "key"),
                                kin_option_string(cli, "prefix"), &c, &info, &err);
    ok = ok && write(c, &info, cli->positional[1], &err);
    if (ok) tell(cli, c, &info);
    kin_checkpoint_free(c);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_import = {
    .name = "import",
    .summary = "read weights of PyTorch or NumPy, write safetensors",
    .usage = "kin import FILE OUT [--key NAME] [--prefix TEXT]",
    .about =
        "FILE is what torch.save wrote (.pth, .pt; the form since PyTorch 1.6 and the one before), a "
        ".npz, a .npy, a folder of .npy files, or safetensors, "
        "whose notes stay (a network of kin train is one still) where all of it is taken; or an archive with "
        "such a file in it, as a wheel of PyPI (where there are several, FILE:NAME). "
        "Real numbers of any width become float32, integers stay as they are. Nothing in the file is "
        "run: a pickle that asks for more than tensors and plain "
        "values is refused, and what it asked for is named. Whole models cannot be read, only their "
        "state dicts.",
    .examples = "kin import resnet50.pth resnet50.safetensors\n"
                "# one of several networks in a file, and its trunk alone\n"
                "kin import run.pt trunk.safetensors --key ema --prefix backbone.",
    .arguments = {{"FILE", "the weights"}, {"OUT", "the safetensors to write"}},
    .arguments_min = 2,
    .arguments_max = 2,
    .options = options,
    .run = run,
};
