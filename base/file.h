/* Files: read whole within a limit, written aside and renamed, so that a full disk or a kill leaves
 * either the old file or the new one, never half of one. */
#ifndef KIN_BASE_FILE_H
#define KIN_BASE_FILE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_bytes {
    uint8_t *data; /* owned; free with kin_bytes_free; one zero byte follows the last, unless it is mapped */
    size_t size;
    bool mapped; /* by kin_map_file (base/pages.h) */
} kin_bytes;

/* Reads a whole file ("-" is standard input). More than `limit` bytes is an error (0: no limit). */
bool kin_read_file(const char *path, size_t limit, kin_bytes *out, kin_error *err);
void kin_bytes_free(kin_bytes *bytes);

/* A file being written: `path.tmp-kin-PID` until kin_file_commit flushes, syncs and renames it. What is no
 * file, like a pipe, is written as it is. A symbolic link stays, and what it points to is replaced; a file
 * that is replaced hands its mode on. What a killed process left in the same folder is removed first. */
typedef struct kin_file {
    FILE *stream; /* write here; "-" is standard output */
    char *path;   /* as named */
    char *target, *temporary;
} kin_file;
bool kin_file_create(kin_file *file, const char *path, kin_error *err);

/* Whether kin_file_create would succeed now: a folder that is missing or read-only is better known before
 * long work than after it. NULL and "-" are fine. A pipe is not opened for this: whoever reads it would
 * take the first close for the end. */
bool kin_file_creatable(const char *path, kin_error *err);
/* All that can go wrong but the renaming: flushed, synced, closed. For files that belong together: each is
 * completed before the first is committed. On failure the temporary is removed. */
bool kin_file_complete(kin_file *file, kin_error *err);
/* on failure the temporary is removed; the old file stays */
bool kin_file_commit(kin_file *file, kin_error *err);
void kin_file_abandon(kin_file *file); /* removes the temporary; harmless after a commit */

/* Removes the temporaries of all files that are being written; for a signal's handler, after which the
 * process ends (it calls only what a handler may). */
void kin_file_remove_temporaries(void);

/* What is on the disk of a folder, its names, outlives a power cut too. */
bool kin_sync_folder(const char *folder, kin_error *err);
/* The same for the folder that holds `path`. */
bool kin_sync_parent(const char *path, kin_error *err);

/* Whether "NAME.tmp-kin-PID" is a name of the kind above and nobody writes it any more. */
bool kin_is_stale(const char *folder, const char *name);

/* The kind of an error of opening or reading: KIN_ERR_ABSENT where the file itself is the reason and would be
 * tomorrow, KIN_ERR_IO where the machine is. */
kin_code kin_code_of_errno(int number);

/* A file opened, patiently where there is no descriptor for a moment; NULL with the reason. */
FILE *kin_open_for_reading(const char *path, kin_error *err);
/* fread that a signal does not cut short; errno says why where ferror does. */
size_t kin_read_on(FILE *stream, void *data, size_t size);
bool kin_fail_reading(kin_error *err, const char *name, int number);

/* The next name in a folder (a DIR *), in no order; NULL at its end. An error of reading is none. */
bool kin_next_name(void *dir, const char *folder, const char **name, kin_error *err);

/* Both in one: writes `size` bytes to `path`. */
bool kin_write_file(const char *path, const void *data, size_t size, kin_error *err);

/* Makes a folder and its parents; an existing folder is fine. */
bool kin_make_folders(const char *path, kin_error *err);
bool kin_is_folder(const char *path);
bool kin_exists(const char *path);
/* Where the difference matters: whether a file is there, or an error where that cannot be known. */
bool kin_look_for(const char *path, bool *there, kin_error *err);

/* "folder/name", allocated; NULL when out of memory. */
char *kin_path_join(const char *folder, const char *name);
/* The folder that holds `path`, "." where it names none, owned by the caller; NULL when out of memory. */
char *kin_parent_folder(const char *path);

#ifdef __cplusplus
}
#endif

#endif
