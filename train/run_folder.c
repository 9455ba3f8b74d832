#include "train/run_folder.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "nn/files/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

bool kin_run_own(const char *run, int *lock, kin_error *err)
{
    *lock = -1;
    if (!kin_make_folders(run, err)) return false;
    int folder = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return kin_fail(err, KIN_ERR_IO, "%s: cannot be opened: %s", run, strerror(errno));
    if (flock(folder, LOCK_EX | LOCK_NB) == 0) {
        *lock = folder;
        return true;
    }
    int why = errno;
    close(folder);
    return why != EWOULDBLOCK ||
           kin_fail(err, KIN_ERR_BUSY,
                    "%s: another training writes this run; wait for it, or name another folder", run);
}

void kin_run_release(int *lock)
{
    if (*lock >= 0) close(*lock);
    *lock = -1;
}

static char *file_of(const char *run, const char *name, kin_error *err)
{
    char *path = kin_path_join(run, name);
    if (!path) kin_fail_memory(err, name, strlen(name));
    return path;
}

static bool forget(const char *run, const char *name, kin_error *err)
{
    char *path = file_of(run, name, err);
    bool ok = path && (unlink(path) == 0 || errno == ENOENT ||
                       kin_fail(err, KIN_ERR_IO, "%s: cannot be removed: %s", path, strerror(errno)));
    kin_free(path);
    return ok;
}

bool kin_run_begin(const char *run, kin_error *err)
{
    return forget(run, KIN_RUN_STATE, err) && forget(run, KIN_RUN_NEXT, err) &&
           forget(run, KIN_RUN_TEACHER, err) && kin_sync_folder(run, err);
}

bool kin_run_put_model(const char *run, kin_error *err)
{
    char *next = file_of(run, KIN_RUN_NEXT, err), *model = next ? file_of(run, KIN_RUN_MODEL, err) : NULL;
    bool ok = model && (rename(next, model) == 0 ||
                        kin_fail(err, KIN_ERR_IO, "%s: cannot be put in place: %s", model, strerror(errno)));
    ok = ok && kin_sync_folder(run, err);
    kin_free(next);
    kin_free(model);
    return ok;
}

/* Whether a file is the network of `step`. One that cannot be read is not, but a machine's fault is none
 * of the file's. */
static bool is_of_step(const char *run, const char *name, int64_t step, bool *is, kin_error *err)
{
    kin_checkpoint *checkpoint = NULL;
    kin_error why = {0};
    int64_t written = -1;
    char *path = file_of(run, name, err);
    if (!path) return false;
    if (kin_exists(path) && kin_checkpoint_open(path, &checkpoint, &why)) {
        const char *note = kin_checkpoint_note(checkpoint, "step");
        if (!note || !kin_parse_int(note, 0, INT64_MAX, &written)) written = -1;
    }
    kin_checkpoint_free(checkpoint);
    kin_free(path);
    *is = written == step;
    return (why.code != KIN_ERR_MEMORY && why.code != KIN_ERR_IO) ||
           kin_fail(err, why.code, "%s", why.message);
}

bool kin_run_mend(const char *run, int64_t step, bool *there, kin_error *err)
{
    bool next;
    if (!is_of_step(run, KIN_RUN_NEXT, step, &next, err)) return false;
    if (!(next ? kin_run_put_model(run, err) : forget(run, KIN_RUN_NEXT, err))) return false;
    return is_of_step(run, KIN_RUN_MODEL, step, there, err);
}

char *kin_run_model(const char *run)
{
    char *model = kin_path_join(run, KIN_RUN_MODEL), *next = kin_path_join(run, KIN_RUN_NEXT);
    bool before_the_first = model && next && !kin_exists(model) && kin_exists(next);
    kin_free(before_the_first ? model : next);
    return before_the_first ? next : model;
}
