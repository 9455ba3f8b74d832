/* A lesson's commands, run in its folder as a person would type them. */
#include "cli/learn/lesson.h"
#include "cli/terminal/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child does; returns only when it could not. `kin` is this very program, wherever it lies and
 * whatever it is called. */
static void become(const char *folder, const char *script, int to)
{
    char self[4096];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size > 0) self[size] = 0;
    if (chdir(folder) != 0 || dup2(to, STDOUT_FILENO) < 0 ||
        (size > 0 && setenv("KIN_PROGRAM", self, 1) != 0))
        return;
    execl("/bin/sh", "sh", "-eu", "-c", script, (char *)NULL);
}

/* The commands are a group by themselves, so that whatever signal ends the lesson ends all of them. Said by parent
 * and child, for nobody knows who of them comes first. */
static void own_group(pid_t child)
{
    setpgid(child, 0);
    if (child) kin_interrupt_forward(child);
}

/* A signal in between comes when the parent knows whom to hand it to. */
static pid_t fork_group(void)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t child = fork();
    if (child >= 0) own_group(child);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return child;
}

static bool copy(int from, kin_text *output)
{
    char buffer[4096];
    for (;;) {
        ssize_t got = read(from, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got == 0;
        kin_text_add_bytes(output, buffer, (size_t)got);
        fwrite(buffer, 1, (size_t)got, stdout);
        fflush(stdout);
    }
}

static bool ended_well(pid_t child, kin_error *err)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return kin_fail(err, KIN_ERR_IO, "cannot wait for the command: %s", strerror(errno));
    kin_interrupt_forward(0);
    if (WIFSIGNALED(status))
        return kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted; the same command begins the lesson again");
    if (WEXITSTATUS(status) == 0) return true;
    return kin_fail(err, KIN_ERR_IO,
                    "a command of the lesson ended with status %d; what it said stands above",
                    WEXITSTATUS(status));
}

bool kin_lesson_run(const kin_block *b, const char *folder, kin_text *output, kin_error *err)
{
    int ends[2];
    kin_text script = {0};
    kin_text_add(&script, "if [ -n \"${KIN_PROGRAM:-}\" ]; then kin() { \"$KIN_PROGRAM\" \"$@\"; }; fi\n");
    kin_text_add_bytes(&script, b->text.at, b->text.size);
    if (script.failed) return kin_text_free(&script), kin_fail_memory(err, "a command", b->text.size);
    if (pipe(ends) != 0)
        return kin_text_free(&script), kin_fail(err, KIN_ERR_IO, "cannot make a pipe: %s", strerror(errno));
    fflush(stdout);
    pid_t child = fork_group();
    if (child == 0) {
        close(ends[0]);
        become(folder, script.data, ends[1]);
        fprintf(stderr, "kin learn: %s: cannot run /bin/sh there: %s\n", folder, strerror(errno));
        _exit(127);
    }
    close(ends[1]);
    kin_text_free(&script);
    bool ok = child > 0
                  ? copy(ends[0], output) ||
                        kin_fail(err, KIN_ERR_IO, "cannot read what the command prints: %s", strerror(errno))
                  : kin_fail(err, KIN_ERR_IO, "cannot start a process: %s", strerror(errno));
    close(ends[0]);
    if (child > 0 && !ended_well(child, ok ? err : NULL)) ok = false;
    if (ok && output->failed) ok = kin_fail_memory(err, "a command's output", output->capacity);
    return ok;
}
