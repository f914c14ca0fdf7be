/*
 * timed: runs a command and writes what it took, children it waited for included, as one line of numbers:
 *
 *   timed FILE COMMAND...       wall_us cpu_us peak_kib status began_us
 *
 * began_us is CLOCK_REALTIME, to be compared with the times of files.
 *
 * A TERM, INT or HUP goes on to the command, and the line is written all the same, so whoever holds timed's pid holds
 * the command.  Ends with the command's status (128 + n for signal n).
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { US_PER_S = 1000000, NS_PER_US = 1000, EXIT_USAGE = 2, EXIT_NO_EXEC = 127, EXIT_SIGNAL = 128 };

static int64_t now_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / NS_PER_US;
}

static int64_t us_of(struct timeval t)
{
    return (int64_t)t.tv_sec * US_PER_S + t.tv_usec;
}

static pid_t start(char **command, const sigset_t *old)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        sigprocmask(SIG_SETMASK, old, NULL);
        execvp(command[0], command);
        fprintf(stderr, "timed: %s: %s\n", command[0], strerror(errno));
        _exit(EXIT_NO_EXEC);
    }
    return pid;
}

/* Signals reach us only here. */
static int wait_for(pid_t pid, const sigset_t *awaited, struct rusage *used)
{
    for (int status, number;;) {
        pid_t ended = wait4(pid, &status, WNOHANG, used);
        if (ended == pid)
            return WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
        if (ended < 0 && errno != EINTR)
            return EXIT_FAILURE;
        if (sigwait(awaited, &number) == 0 && number != SIGCHLD)
            kill(pid, number);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: timed FILE COMMAND...\n");
        return EXIT_USAGE;
    }
    sigset_t awaited, old;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGINT);
    sigaddset(&awaited, SIGHUP);
    sigprocmask(SIG_BLOCK, &awaited, &old);
    /* A shell's background job ignores SIGINT, and an ignored signal would never be seen. */
    signal(SIGINT, SIG_DFL);
    int64_t began_at = now_us(CLOCK_REALTIME), began = now_us(CLOCK_MONOTONIC);
    pid_t pid = start(argv + 2, &old);
    if (pid < 0) {
        perror("timed: fork");
        return EXIT_FAILURE;
    }
    struct rusage used;
    memset(&used, 0, sizeof used);
    int status = wait_for(pid, &awaited, &used);
    int64_t wall = now_us(CLOCK_MONOTONIC) - began;
    FILE *out = fopen(argv[1], "w");
    if (!out) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    fprintf(out, "%" PRId64 " %" PRId64 " %ld %d %" PRId64 "\n", wall, us_of(used.ru_utime) + us_of(used.ru_stime),
            used.ru_maxrss, status, began_at);
    return fclose(out) == 0 ? status : EXIT_FAILURE;
}
