#include "cli/terminal/interrupt.h"

#include "base/file.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LIMIT = 1,    /* second from a signal to the end */
    ECHO_MS = 250 /* timeout(1) signals its child, then the child's group: one wish, told twice */
};

static volatile sig_atomic_t interrupted, polite;
static struct timespec first;        /* when interrupted was set; written and read in the handler alone */
static volatile pid_t forwarded;     /* the group of a child; 0: none */
static const char *volatile lasting; /* what is said of work that takes longer; NULL: it does not */

/* By the signal itself, as the caller's shell expects; nothing half written stays behind. */
static void die_of(int number)
{
    kin_file_remove_temporaries();
    signal(number, SIG_DFL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
}

static void say(const char *text) { (void)!write(STDERR_FILENO, text, strlen(text)); }

static bool is_echo(int number)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long passed = (long long)(now.tv_sec - first.tv_sec) * 1000 +
                       (now.tv_nsec - first.tv_nsec) / 1000000;
    return number == interrupted && passed < ECHO_MS;
}

static void on_signal(int number)
{
    int kept = errno;
    if (interrupted && is_echo(number)) return;
    if (forwarded) kill(-forwarded, number);
    if (!polite || interrupted) die_of(number);
    interrupted = number;
    clock_gettime(CLOCK_MONOTONIC, &first);
    if (lasting) say(lasting);
    else alarm(LIMIT);
    errno = kept;
}

static void on_alarm(int number)
{
    (void)number;
    if (!lasting) die_of((int)interrupted);
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action, before;
    /* A signal that a parent chose to ignore (nohup, a background job) stays ignored. */
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN) return;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    action.sa_flags = (int)SA_RESTART; /* reads and writes stay whole */
    sigaction(number, &action, NULL);
}

void kin_interrupt_start(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) handle(numbers[i], on_signal);
    handle(SIGALRM, on_alarm);
#ifdef SIGXFSZ
    handle(SIGXFSZ, SIG_IGN); /* a write beyond the limit fails then, and is told like any other */
#endif
}

void kin_interrupt_catch(void)
{
    kin_interrupt_start();
    polite = 1;
    /* Whoever read the messages may go; the files are what was asked for. */
    handle(SIGPIPE, SIG_IGN);
}

void kin_interrupt_lasts(const char *line) { lasting = line; }

void kin_interrupt_forward(long group) { forwarded = (pid_t)group; }

bool kin_interrupted(void) { return interrupted != 0; }

int kin_interrupt_status(void) { return 128 + (interrupted ? (int)interrupted : SIGINT); }
