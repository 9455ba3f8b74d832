#define _POSIX_C_SOURCE 200809L
#include "photos/candidates.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* ---- the scratch file ---- */

/* Without a name from the beginning on: whatever ends the process, nothing is left. */
static int make_scratch(const char *folder, int64_t items)
{
    enum { ROOM = 2 /* times what may be written: the disk is others', too */ };
    struct statvfs disk;
    char *path = folder ? kin_path_join(folder, ".kin-scratch-XXXXXX") : NULL;
    double room = path && statvfs(folder, &disk) == 0 ? (double)disk.f_bavail * (double)disk.f_frsize : 0;
    bool fits = (double)items * (double)sizeof(kin_overlay) * ROOM < room;
    int file = fits ? mkstemp(path) : -1;
    if (file >= 0) unlink(path);
    kin_free(path);
    return file;
}

static bool write_all(int file, const void *data, size_t size, int64_t at)
{
    const uint8_t *bytes = data;
    for (size_t done = 0; done < size;) {
        ssize_t more = pwrite(file, bytes + done, size - done, (off_t)at + (off_t)done);
        if (more <= 0) return false;
        done += (size_t)more;
    }
    return true;
}

static bool read_all(int file, void *data, size_t size, int64_t at)
{
    uint8_t *bytes = data;
    for (size_t done = 0; done < size;) {
        ssize_t more = pread(file, bytes + done, size - done, (off_t)at + (off_t)done);
        if (more <= 0) return false;
        done += (size_t)more;
    }
    return true;
}

/* Where nothing can be written any more overlays are made again from then on. */
static void keep(kin_candidates *c, kin_candidate *of, const kin_overlay *overlay)
{
    if (of->scratch >= 0 || c->file < 0) return;
    int64_t at = c->written * (int64_t)sizeof *overlay;
    if (!write_all(c->file, overlay, sizeof *overlay, at)) {
        close(c->file);
        c->file = -1;
        return;
    }
    of->scratch = at, c->written++;
}

/* ---- slots ---- */

static void free_slot(kin_candidates *c, int64_t slot)
{
    if (c->owner[slot] >= 0) c->of[c->owner[slot]].slot = -1;
    c->owner[slot] = -1;
}

/* One that nobody has, or that this call does not want. */
static int64_t take_slot(kin_candidates *c)
{
    int64_t slot = c->hand;
    while (c->owner[slot] >= 0 && c->asked[slot] == c->calls) slot = (slot + 1) % c->most;
    if (c->owner[slot] >= 0) keep(c, &c->of[c->owner[slot]], &c->overlay[slot]);
    free_slot(c, slot);
    c->hand = (slot + 1) % c->most;
    return slot;
}

static void make_one(void *arg, int64_t index, int worker)
{
    (void)worker;
    kin_candidates *c = arg;
    kin_candidate *of = &c->of[c->missing[index]];
    kin_overlay *overlay = &c->overlay[of->slot];
    kin_error *err = &c->errors[index];
    kin_image image;
    kin_error_clear(err);
    if (!c->read(c->user, c->missing[index], &image, err)) return;
    if (kin_image_convert(&image, 3, err) && kin_overlay_make(&image, overlay, err))
        of->coloured = overlay->coloured, of->framed = kin_overlay_framed(overlay);
    kin_image_free(&image);
}

static bool make(kin_candidates *c, int64_t count, kin_error *err)
{
    kin_parallel_for(count, make_one, c);
    for (int64_t k = 0; k < count; k++) {
        kin_candidate *of = &c->of[c->missing[k]];
        if (kin_failed(&c->errors[k]) && !kin_error_is_of_file(&c->errors[k]))
            return kin_fail(err, c->errors[k].code, "%s", c->errors[k].message);
        c->looked += !of->looked, c->made++;
        of->looked = true, of->unread = kin_failed(&c->errors[k]);
        if (!of->unread) continue;
        c->unread++;
        free_slot(c, of->slot);
    }
    return true;
}

bool kin_candidates_want(kin_candidates *c, const int64_t *item, int64_t count, kin_error *err)
{
    int64_t missing = 0;
    c->calls++;
    for (int64_t k = 0; k < count; k++)
        if (c->of[item[k]].slot >= 0) c->asked[c->of[item[k]].slot] = c->calls;
    for (int64_t k = 0; k < count; k++) {
        kin_candidate *of = &c->of[item[k]];
        if (of->slot >= 0 || of->unread) continue;
        int64_t slot = take_slot(c);
        c->owner[slot] = item[k], c->asked[slot] = c->calls, of->slot = (int32_t)slot;
        if (of->scratch < 0 || c->file < 0 ||
            !read_all(c->file, &c->overlay[slot], sizeof *c->overlay, of->scratch))
            c->missing[missing++] = item[k];
    }
    return make(c, missing, err);
}

const kin_overlay *kin_candidates_overlay(const kin_candidates *c, int64_t item)
{
    return c->of[item].slot < 0 ? NULL : &c->overlay[c->of[item].slot];
}

void kin_candidates_drop(kin_candidates *c, int64_t item)
{
    if (c->of[item].slot >= 0) free_slot(c, c->of[item].slot);
}

bool kin_candidates_begin(kin_candidates *c, int64_t items, int64_t most, const char *folder,
                          kin_candidate_reader *read, void *user, kin_error *err)
{
    bool all = items <= most;
    size_t slots = (size_t)(all ? items : most);
    *c = (kin_candidates){.read = read, .user = user, .most = (int64_t)slots, .file = -1};
    c->of = kin_alloc_zero((size_t)items, sizeof *c->of);
    c->overlay = kin_alloc_array(slots, sizeof *c->overlay);
    c->owner = kin_alloc_array(slots, sizeof *c->owner);
    c->asked = kin_alloc_zero(slots, sizeof *c->asked);
    c->missing = kin_alloc_array(slots, sizeof *c->missing);
    c->errors = kin_alloc_array(slots, sizeof *c->errors);
    if (!c->of || !c->overlay || !c->owner || !c->asked || !c->missing || !c->errors)
        return kin_fail_memory(err, "candidates", slots * sizeof *c->overlay);
    for (int64_t i = 0; i < items; i++) c->of[i].slot = -1, c->of[i].scratch = -1;
    for (size_t k = 0; k < slots; k++) c->owner[k] = -1;
    if (!all) c->file = make_scratch(folder, items);
    return true;
}

void kin_candidates_end(kin_candidates *c)
{
    if (c->file >= 0) close(c->file);
    kin_free(c->of), kin_free(c->overlay), kin_free(c->owner), kin_free(c->asked), kin_free(c->missing);
    kin_free(c->errors);
    *c = (kin_candidates){.file = -1};
}
