#include "cli/judge/selves.h"

void kin_selves_tell(const kin_cli *cli, const kin_selves *s, int64_t queries)
{
    if (s->count)
        kin_cli_note(cli, "%lld of %lld queries %s", (long long)s->count, (long long)queries,
                     s->count == 1 ? "is a gallery item itself, and does not find itself"
                                   : "are gallery items themselves; none finds itself");
    if (s->same_id)
        kin_cli_note(
            cli,
            "%lld of %lld queries have the id of a gallery item of another set; they are taken for other "
            "pictures, and find it",
            (long long)s->same_id, (long long)queries);
    if (s->same_numbers)
        kin_cli_note(
            cli,
            "%lld of %lld queries have the very descriptor of a gallery item of another name, and find it: "
            "the same pictures twice?",
            (long long)s->same_numbers, (long long)queries);
}
