/*
 * chatter: lines with the time in them, and how old they are at the other end (both ends have one clock).
 *
 *   chatter say COUNT INTERVAL_MS       "@ NANOSECONDS" on stdout, COUNT times
 *   chatter hear COUNT SILENCE_S        reads what the other end prints; for each such line its age in µs on stdout;
 *                                       ends after COUNT of them, or SILENCE_S after the last, at end of input at once
 *   chatter grows FILE SECONDS          waits until FILE occupies more blocks than now; prints the µs that took
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    NS_PER_S = 1000000000,
    NS_PER_MS = 1000000,
    NS_PER_US = 1000,
    LINE_MAX_BYTES = 4096,
    LOOK_NS = 500000,
    USAGE = 2
};

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int say(long count, long interval_ms)
{
    const int64_t began = now_ns(CLOCK_MONOTONIC);
    for (long i = 0; i < count; i++) {
        const int64_t due = began + i * interval_ms * NS_PER_MS;
        const struct timespec until = {.tv_sec = due / NS_PER_S, .tv_nsec = due % NS_PER_S};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
        }
        if (printf("@ %" PRId64 "\n", now_ns(CLOCK_REALTIME)) < 0 || fflush(stdout) != 0)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

/* One line somebody said: "<NAME> @ NANOSECONDS". */
static bool note_age(const char *line, int64_t now)
{
    const char *at = strstr(line, "> @ ");
    if (line[0] != '<' || !at)
        return false;
    printf("%" PRId64 "\n", (now - (int64_t)strtoll(at + 4, NULL, 10)) / NS_PER_US);
    fflush(stdout);
    return true;
}

static int hear(long count, int silence_s)
{
    char buf[LINE_MAX_BYTES];
    size_t len = 0;
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    while (count > 0 && poll(&in, 1, silence_s * 1000) > 0) {
        ssize_t n = read(STDIN_FILENO, buf + len, sizeof buf - 1 - len);
        int64_t now = now_ns(CLOCK_REALTIME);
        if (n <= 0)
            break;
        len += (size_t)n;
        for (char *end; count > 0 && (end = memchr(buf, '\n', len)) != NULL;) {
            *end++ = '\0';
            count -= note_age(buf, now);
            len -= (size_t)(end - buf);
            memmove(buf, end, len);
        }
        if (len == sizeof buf - 1)
            len = 0; /* no line of ours is that long */
    }
    return EXIT_SUCCESS;
}

static int grows(const char *path, long seconds)
{
    const int64_t began = now_ns(CLOCK_MONOTONIC);
    const struct timespec look = {.tv_nsec = LOOK_NS};
    struct stat st;
    if (stat(path, &st) != 0)
        return EXIT_FAILURE;
    for (const blkcnt_t before = st.st_blocks; now_ns(CLOCK_MONOTONIC) - began < seconds * NS_PER_S;) {
        if (stat(path, &st) != 0)
            return EXIT_FAILURE;
        if (st.st_blocks > before) {
            printf("%" PRId64 "\n", (now_ns(CLOCK_MONOTONIC) - began) / NS_PER_US);
            return EXIT_SUCCESS;
        }
        nanosleep(&look, NULL);
    }
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "say") == 0)
        return say(strtol(argv[2], NULL, 10), strtol(argv[3], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "hear") == 0)
        return hear(strtol(argv[2], NULL, 10), (int)strtol(argv[3], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "grows") == 0)
        return grows(argv[2], strtol(argv[3], NULL, 10));
    fprintf(stderr, "usage: chatter say COUNT INTERVAL_MS | hear COUNT SILENCE_S | grows FILE SECONDS\n");
    return USAGE;
}
