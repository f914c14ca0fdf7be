/* The runner of the unit tests: unit [-j N] [--filter SUITE/NAME] [--list] [--here] [--verbose]
 *
 * Forks once for each test, as many at once as there are processors, and waits.  What a test writes is kept and shown
 * when it fails.  Forked and not executed: the child is what the program was before any test, and costs no loading.
 *
 * --filter takes a pattern of the shell over SUITE/NAME.  --here runs in this very process, for a debugger.  The last
 * line is "N passed, N failed[, N skipped]"; the exit status is 0 when none failed and some ran. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

/* For tests that hang: the longest takes some seconds, under ASan on a slow machine that others use half a minute. */
#define UNIT_HANG_S 600
#define UNIT_JOBS_MAX 64
#define UNIT_SKIPPED 77

struct job {
    const struct unit_test *test; /* NULL: free */
    pid_t pid;
    int output;
    struct timespec started;
};

static struct unit_test *tests, **tests_end = &tests; /* in the order of the files, and in them of the lines */
static struct job jobs[UNIT_JOBS_MAX];
static int passed, failed, skipped;
static bool verbose;

/* In a test's process. */
static atomic_int failures;
static int report_fd = STDERR_FILENO; /* where failures are told, whatever became of stderr */
static int kept_stderr = -1;

void unit_add(struct unit_test *test)
{
    *tests_end = test;
    tests_end = &test->next;
}

/* ---- in a test ---- */

void unit_fail(const char *file, int line, const char *what, const char *fmt, ...)
{
    char message[2000];
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    failures++;
    dprintf(report_fd, "%s:%d: not so: %s%s%s\n", file, line, what, message[1] != '\0' ? ":" : "",
            message[1] != '\0' ? message : "");
}

/* At once and without atexit handlers: other threads may still be running, and what is left behind is no leak. */
void unit_end_failed(void)
{
    fflush(NULL);
    _exit(1);
}

void unit_skip(const char *why, ...)
{
    va_list args;

    va_start(args, why);
    vdprintf(report_fd, why, args);
    va_end(args);
    fflush(NULL);
    _exit(UNIT_SKIPPED);
}

bool unit_str_eq(const char *a, const char *b)
{
    const bool same = strcmp(a, b) == 0;

    if (!same)
        dprintf(report_fd, "  \"%s\"\n  \"%s\"\n", a, b);
    return same;
}

void cr_redirect_stderr(void)
{
    kept_stderr = memfd_create("stderr", MFD_CLOEXEC);
    cr_assert(kept_stderr >= 0 && dup2(kept_stderr, STDERR_FILENO) == STDERR_FILENO);
}

const char *unit_stderr(void)
{
    static char text[65536];
    static off_t read_to;
    ssize_t n;

    fflush(stderr);
    n = pread(kept_stderr, text, sizeof(text) - 1, read_to);
    text[n > 0 ? n : 0] = '\0';
    read_to += n > 0 ? n : 0;
    return text;
}

static const struct unit_test *suite_of(const struct unit_test *test)
{
    const struct unit_test *t = tests;

    while (t != NULL && (t->name != NULL || strcmp(t->suite, test->suite) != 0))
        t = t->next;
    return t;
}

static void run_test(const struct unit_test *test)
{
    const struct unit_test *suite = suite_of(test);

    if (suite != NULL && suite->init != NULL)
        suite->init();
    if (test->init != NULL)
        test->init();
    test->run();
    if (test->fini != NULL)
        test->fini();
    if (suite != NULL && suite->fini != NULL)
        suite->fini();
}

/* ---- the processes ---- */

/* AddressSanitizer's; without it there is none. */
__attribute__((weak)) size_t __sanitizer_get_current_allocated_bytes(void);

static size_t allocated_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes != NULL ? __sanitizer_get_current_allocated_bytes() : 0;
}

/* LeakSanitizer looks in exit(), which takes ten times as long as most tests: not after one that has nothing left. */
__attribute__((noreturn)) static void be_the_test(const struct unit_test *test, int output, const sigset_t *mask)
{
    size_t before;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    report_fd = output;
    if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0 ||
        dup2(open("/dev/null", O_RDONLY), STDIN_FILENO) < 0)
        _exit(1);
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigprocmask(SIG_SETMASK, mask, NULL);
    before = allocated_bytes();
    run_test(test);
    fflush(NULL);
    if (allocated_bytes() <= before)
        _exit(failures > 0);
    exit(failures > 0);
}

static void start_job(struct job *job, const struct unit_test *test, const sigset_t *mask)
{
    job->output = memfd_create(test->name, MFD_CLOEXEC);
    clock_gettime(CLOCK_MONOTONIC, &job->started);
    fflush(NULL);
    job->pid = fork();
    if (job->output < 0 || job->pid < 0) {
        perror("unit: cannot start a test");
        exit(1);
    }
    if (job->pid == 0)
        be_the_test(test, job->output, mask);
    job->test = test;
}

static double seconds_since(const struct timespec *then)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

static void show_output(int output)
{
    char text[4096];
    off_t at = 0;
    ssize_t n;

    for (; (n = pread(output, text, sizeof(text), at)) > 0; at += n)
        fwrite(text, 1, (size_t)n, stdout);
}

static void judge(struct job *job, int status)
{
    const struct unit_test *test = job->test;
    const int died = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    const double s = seconds_since(&job->started);

    if (code == UNIT_SKIPPED) {
        skipped++;
        printf("skip %s/%s: ", test->suite, test->name);
        show_output(job->output);
        printf("\n");
    } else if (died == test->signal && (died != 0 || code == 0)) {
        passed++;
        if (verbose)
            printf("ok %s/%s (%.2f s)\n", test->suite, test->name, s);
    } else {
        failed++;
        show_output(job->output);
        printf("not ok %s/%s: ", test->suite, test->name);
        if (died != 0)
            printf("%s after %.1f s\n", strsignal(died), s);
        else
            printf("exit %d\n", code);
    }
    close(job->output);
    job->test = NULL;
}

/* Waits until one has ended, or a second is over. */
static void reap(int n, const sigset_t *child)
{
    const struct timespec second = {.tv_sec = 1};
    int status;

    sigtimedwait(child, NULL, &second);
    for (struct job *job = jobs; job < jobs + n; job++) {
        if (job->test == NULL)
            continue;
        if (waitpid(job->pid, &status, WNOHANG) == job->pid) {
            judge(job, status);
        } else if (seconds_since(&job->started) > UNIT_HANG_S) {
            printf("%s/%s hangs\n", job->test->suite, job->test->name);
            kill(-job->pid, SIGKILL);
        }
    }
}

static bool is_wanted(const struct unit_test *test, const char *filter)
{
    char name[300];

    if (test->name == NULL)
        return false;
    snprintf(name, sizeof(name), "%s/%s", test->suite, test->name);
    return filter == NULL || fnmatch(filter, name, 0) == 0;
}

static void run_all(const char *filter, int n)
{
    const struct unit_test *test = tests;
    sigset_t child, before;
    bool busy = true;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before);
    while (busy) {
        busy = false;
        for (struct job *job = jobs; job < jobs + n; job++) {
            while (test != NULL && !is_wanted(test, filter))
                test = test->next;
            if (job->test == NULL && test != NULL) {
                start_job(job, test, &before);
                test = test->next;
            }
            busy = busy || job->test != NULL;
        }
        if (busy)
            reap(n, &child);
    }
}

int main(int argc, char **argv)
{
    enum { FILTER = 256, LIST, HERE, VERBOSE };
    static const struct option options[] = {
        {"filter", required_argument, NULL, FILTER}, {"list", no_argument, NULL, LIST},
        {"here", no_argument, NULL, HERE},           {"verbose", no_argument, NULL, VERBOSE},
        {"jobs", required_argument, NULL, 'j'},      {0}};
    const char *filter = NULL;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    bool list = false, here = false;
    int c;

    while ((c = getopt_long(argc, argv, "j:", options, NULL)) != -1) {
        switch (c) {
        case FILTER:
            filter = optarg;
            break;
        case LIST:
            list = true;
            break;
        case HERE:
            here = true;
            break;
        case VERBOSE:
            verbose = true;
            break;
        case 'j':
            n = strtol(optarg, NULL, 10);
            break;
        default:
            fprintf(stderr, "usage: unit [-j N] [--filter 'SUITE/NAME'] [--list] [--here] [--verbose]\n");
            return 2;
        }
    }
    if (list || here) {
        for (const struct unit_test *test = tests; test != NULL; test = test->next) {
            if (!is_wanted(test, filter))
                continue;
            printf("%s/%s\n", test->suite, test->name);
            if (here)
                run_test(test);
        }
        return failures > 0;
    }
    run_all(filter, n < 1 ? 1 : n > UNIT_JOBS_MAX ? UNIT_JOBS_MAX : (int)n);
    printf("%d passed, %d failed", passed, failed);
    if (skipped > 0)
        printf(", %d skipped", skipped);
    printf("\n");
    return failed > 0 || passed + skipped == 0;
}
