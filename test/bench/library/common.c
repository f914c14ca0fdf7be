#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000
#define NS_PER_US 1000
#define US_PER_SECOND 1000000

enum { EXIT_USAGE = 2, ARGUMENTS = 5, FILLER = 0x5a, DISCARD_PORT = 9 };

void need_or(bool fine, const char *what, const char *why)
{
    if (fine)
        return;
    fprintf(stderr, "%s: %s: %s\n", library_name, what, why);
    exit(EXIT_FAILURE);
}

void need(bool fine, const char *what)
{
    need_or(fine, what, errno != 0 ? strerror(errno) : "unexpected");
}

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void say_ready(void)
{
    need(puts("ready") >= 0 && fflush(stdout) == 0, "stdout");
}

struct sockaddr_in local_address(const struct sockaddr_in *to)
{
    struct sockaddr_in there = *to, here;
    socklen_t len = sizeof(here);
    const int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    there.sin_port = htons(DISCARD_PORT);
    need(sock >= 0 && connect(sock, (struct sockaddr *)&there, sizeof(there)) == 0 &&
             getsockname(sock, (struct sockaddr *)&here, &len) == 0,
         "local address");
    close(sock);
    here.sin_port = 0;
    return here;
}

/* ---- the bytes of a stream ---- */

void source_init(struct source *s, uint64_t total, size_t slots)
{
    *s = (struct source){.bytes = malloc(slots * MARK_EVERY),
                         .marked = calloc(slots, sizeof(*s->marked)),
                         .slots = slots,
                         .total = total};
    need(s->bytes != NULL && s->marked != NULL, "memory");
    memset(s->bytes, FILLER, slots * MARK_EVERY);
}

uint8_t *source_at(struct source *s, uint64_t offset, size_t *len)
{
    const uint64_t block = offset / MARK_EVERY, left = s->total - offset;
    const size_t slot = (size_t)(block % s->slots), at = (size_t)(offset % MARK_EVERY);
    uint8_t *bytes = s->bytes + slot * MARK_EVERY;

    if (s->marked[slot] != block + 1) {
        memcpy(bytes, &block, sizeof(block));
        s->marked[slot] = block + 1;
    }
    *len = left < MARK_EVERY - at ? (size_t)left : MARK_EVERY - at;
    return bytes + at;
}

void sink_take(struct sink *s, uint64_t offset, const uint8_t *bytes, size_t len)
{
    s->received += len;
    while (len > 0) {
        const uint64_t block = offset / MARK_EVERY;
        const size_t at = (size_t)(offset % MARK_EVERY);
        size_t piece = MARK_EVERY - at;

        /* A mark may come in two pieces. */
        if (at < sizeof(block)) {
            piece = sizeof(block) - at < len ? sizeof(block) - at : len;
            need_or(memcmp(bytes, (const uint8_t *)&block + at, piece) == 0, "stream", "wrong bytes arrived");
        }
        piece = piece < len ? piece : len;
        bytes += piece;
        offset += piece;
        len -= piece;
    }
}

/* ---- figures ---- */

static uint64_t us_of(struct timeval t)
{
    return (uint64_t)t.tv_sec * US_PER_SECOND + (uint64_t)t.tv_usec;
}

static uint64_t cpu_us(void)
{
    struct rusage used;

    need(getrusage(RUSAGE_SELF, &used) == 0, "getrusage");
    return us_of(used.ru_utime) + us_of(used.ru_stime);
}

struct stopwatch stopwatch_start(void)
{
    return (struct stopwatch){.began_ns = now_ns(), .cpu_us = cpu_us()};
}

/* The members that every line has, without the closing brace. */
static void print_head(const struct task *t, double cpu_s)
{
    static const char *const works[] = {[WORK_STREAM] = "stream", [WORK_PING] = "ping", [WORK_CONNS] = "conns"};

    printf("{\"library\":\"%s\",\"role\":\"%s\",\"work\":\"%s\",\"amount\":%" PRIu64 ",\"secret\":%s,\"cpu_s\":%.6f",
           library_name, t->serves ? "server" : "client", works[t->work], t->amount, t->secret ? "true" : "false",
           cpu_s);
}

static void print_end(void)
{
    need(puts("}") >= 0 && fflush(stdout) == 0, "stdout");
}

static double cpu_since(const struct stopwatch *since)
{
    return (double)(cpu_us() - since->cpu_us) / US_PER_SECOND;
}

void report_stream(const struct task *t, const struct stopwatch *since)
{
    const double s = (double)(now_ns() - since->began_ns) / NS_PER_S;

    print_head(t, cpu_since(since));
    printf(",\"seconds\":%.6f,\"gbit_per_s\":%.6g", s, (double)t->amount * 8 / s / NS_PER_S);
    print_end();
}

void report_server(const struct task *t, const struct stopwatch *since)
{
    print_head(t, cpu_since(since));
    print_end();
}

void pings_init(struct pings *p, size_t count)
{
    *p = (struct pings){.took_ns = calloc(count, sizeof(*p->took_ns)), .count = count};
    need(p->took_ns != NULL, "memory");
}

void pings_sent(struct pings *p)
{
    p->began_ns = now_ns();
}

bool pings_returned(struct pings *p)
{
    p->took_ns[p->sent_at++] = now_ns() - p->began_ns;
    return p->sent_at < p->count;
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* The nearest rank. */
static double percentile_us(const struct pings *p, size_t percent)
{
    const size_t rank = (p->sent_at * percent + 99) / 100;

    return (double)p->took_ns[rank > 0 ? rank - 1 : 0] / NS_PER_US;
}

void report_pings(const struct task *t, struct pings *p, const struct stopwatch *since)
{
    const double cpu_s = cpu_since(since);

    qsort(p->took_ns, p->sent_at, sizeof(*p->took_ns), compare);
    print_head(t, cpu_s);
    printf(",\"p50_us\":%.6g,\"p99_us\":%.6g", percentile_us(p, 50), percentile_us(p, 99));
    print_end();
}

size_t memory_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    size_t pages = 0;

    need(f != NULL && fscanf(f, "%*s %zu", &pages) == 1, "/proc/self/statm");
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

void report_conns(const struct task *t, uint64_t began_ns, uint64_t stood_ns, size_t memory_before)
{
    const double cpu_s = (double)cpu_us() / US_PER_SECOND;
    const size_t memory = memory_bytes();

    print_head(t, cpu_s);
    printf(",\"began_ns\":%" PRIu64 ",\"stood_ns\":%" PRIu64 ",\"bytes_each\":%.6g", began_ns, stood_ns,
           ((double)memory - (double)memory_before) / (double)t->amount);
    print_end();
}

/* ---- command line ---- */

static bool parse_work(const char *word, enum work *out)
{
    static const struct {
        const char *word;
        enum work work;
    } works[] = {{"stream", WORK_STREAM}, {"ping", WORK_PING}, {"conns", WORK_CONNS}};

    for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
        if (strcmp(word, works[i].word) == 0) {
            *out = works[i].work;
            return true;
        }
    return false;
}

static bool parse(int argc, char **argv, struct task *t)
{
    static const struct option table[] = {{"packet", required_argument, NULL, 'p'},
                                          {"secret", no_argument, NULL, 's'},
                                          {"bulk", no_argument, NULL, 'b'},
                                          {NULL, 0, NULL, 0}};

    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c == 'p')
            t->packet_bytes = strtoul(optarg, NULL, 10);
        else if (c == 's')
            t->secret = true;
        else if (c == 'b')
            t->bulk = true;
        else
            return false;
    }
    if (argc - optind != ARGUMENTS)
        return false;
    char **arg = argv + optind;

    t->serves = strcmp(arg[0], "serve") == 0;
    t->at = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(arg[3], NULL, 10))};
    t->amount = strtoull(arg[4], NULL, 10);
    return (t->serves || strcmp(arg[0], "call") == 0) && parse_work(arg[1], &t->work) && t->amount > 0 &&
           inet_pton(AF_INET, arg[2], &t->at.sin_addr) == 1;
}

int main(int argc, char **argv)
{
    static struct task t;

    if (!parse(argc, argv, &t)) {
        fprintf(stderr,
                "usage: %s [--packet BYTES] [--secret] [--bulk] serve|call stream|ping|conns ADDRESS PORT AMOUNT\n",
                library_name);
        return EXIT_USAGE;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    alarm(TIME_LIMIT_S);
    errno = 0;
    if (t.serves)
        library_serve(&t);
    else
        library_call(&t);
    return EXIT_SUCCESS;
}
