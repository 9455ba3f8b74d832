#include "train/run_data.h"

#include "base/blake2b.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* The last part of a name: the same from wherever the set is looked at. */
static const char *last_part(const char *id)
{
    const char *slash = id ? strrchr(id, '/') : NULL;
    return slash ? slash + 1 : id ? id : "";
}

static void add_items(kin_blake2b *b, const kin_dataset *set)
{
    char label[16];
    for (int64_t i = 0; set && i < set->count; i++) {
        int length = snprintf(label, sizeof label, "%d ", set->items[i].label);
        kin_blake2b_add(b, label, (size_t)length);
        const char *name = last_part(set->items[i].id);
        kin_blake2b_add(b, name, strlen(name) + 1);
    }
}

bool kin_run_data_of(kin_run_data *d, const kin_dataset *set, const kin_dataset *validation, kin_error *err)
{
    kin_text names = {0};
    kin_blake2b b;
    uint8_t hash[KIN_BLAKE2B_BYTES];
    *d = (kin_run_data){.pictures = set->count, .held = validation ? validation->count : 0};
    kin_text_add(&names, "");
    for (int i = 0; set->class_names && i < set->classes; i++)
        kin_text_format(&names, "%s\n", set->class_names[i]);
    if (names.failed) {
        kin_text_free(&names);
        return kin_fail_memory(err, "the names of the classes", (size_t)set->classes);
    }
    d->classes = names.data;
    kin_blake2b_begin(&b);
    add_items(&b, set);
    add_items(&b, validation);
    kin_blake2b_end(&b, hash);
    kin_hex(hash, sizeof d->digest / 2, d->digest);
    return true;
}

void kin_run_data_free(kin_run_data *d)
{
    kin_free(d->classes);
    *d = (kin_run_data){0};
}

bool kin_run_data_to_notes(const kin_run_data *d, kin_note *notes, kin_arena *storage)
{
    char pictures[24], held[24];
    snprintf(pictures, sizeof pictures, "%lld", (long long)d->pictures);
    snprintf(held, sizeof held, "%lld", (long long)d->held);
    notes[0] = (kin_note){"data.pictures", kin_arena_strdup(storage, pictures)};
    notes[1] = (kin_note){"data.held", kin_arena_strdup(storage, held)};
    notes[2] = (kin_note){"data.classes", kin_arena_strdup(storage, d->classes ? d->classes : "")};
    notes[3] = (kin_note){"data.digest", kin_arena_strdup(storage, d->digest)};
    return notes[0].value && notes[1].value && notes[2].value && notes[3].value;
}

static bool differs(const char *path, kin_error *err, const char *what)
{
    return kin_fail(err, KIN_ERR_DATA, "%s: the data are others than those it was trained on: %s", path,
                    what);
}

static bool same_counts(const kin_run_data *d, const kin_checkpoint *was, const char *path, kin_error *err)
{
    const char *pictures = kin_checkpoint_note(was, "data.pictures"),
               *held = kin_checkpoint_note(was, "data.held");
    int64_t before, held_before;
    char what[160];
    if (!pictures || !held || !kin_parse_int(pictures, 0, INT64_MAX, &before) ||
        !kin_parse_int(held, 0, INT64_MAX, &held_before) || (before == d->pictures && held_before == d->held))
        return true;
    snprintf(what, sizeof what, "%lld pictures and %lld held out, where there were %lld and %lld",
             (long long)d->pictures, (long long)d->held, (long long)before, (long long)held_before);
    return differs(path, err, what);
}

/* The first line that differs. */
static bool same_classes(const kin_run_data *d, const kin_checkpoint *was, const char *path, kin_error *err)
{
    const char *before = kin_checkpoint_note(was, "data.classes"), *now = d->classes ? d->classes : "";
    char what[240];
    if (!before || strcmp(before, now) == 0) return true;
    for (int line = 0;; line++) {
        size_t a = strcspn(before, "\n"), b = strcspn(now, "\n");
        if (!*before || !*now || a != b || memcmp(before, now, a) != 0) {
            if (!*now)
                snprintf(what, sizeof what, "class %d, '%.*s', is missing", line, a < 80 ? (int)a : 80,
                         before);
            else if (!*before)
                snprintf(what, sizeof what, "class %d, '%.*s', is new", line, b < 80 ? (int)b : 80, now);
            else
                snprintf(what, sizeof what, "class %d is '%.*s', where it was '%.*s'", line,
                         b < 80 ? (int)b : 80, now, a < 80 ? (int)a : 80, before);
            return differs(path, err, what);
        }
        before += a + (before[a] == '\n'), now += b + (now[b] == '\n');
    }
}

bool kin_run_data_same(const kin_run_data *d, const kin_checkpoint *was, const char *path, kin_error *err)
{
    const char *digest = kin_checkpoint_note(was, "data.digest");
    if (!same_classes(d, was, path, err) || !same_counts(d, was, path, err)) return false;
    return !digest || strcmp(digest, d->digest) == 0 ||
           differs(path, err, "as many pictures, but other names or labels");
}
