/*
 * sim: runs seeds.  A seed picks a scenario and every parameter of it, so a
 * failure is told by its seed and comes again with it.
 *
 *   build/test/sim --seeds N [--seed FIRST] [--scenario NAME] [--list] [-v [-v]]
 *   build/test/sim --perf ...                      the performance table, see perf.h
 */
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "perf.h"
#include "scenario.h"

#define TWICE_EVERY 16 /* every so many seeds run twice and must come out alike */
#define HANG_S 120     /* real seconds for one seed (the sanitizers are slow) */
#define ROUND_STRIDE UINT64_C(1000000007)

struct options {
    uint64_t seeds, first;
    const struct scenario *only;
    int verbose;
};

struct outcome {
    bool failed;
    uint64_t hash, datagrams, virtual_us;
};

/* For the handler of crashes, which may use nothing else. */
static struct {
    uint64_t seed, passed, failed;
    const char *scenario;
} current;

static void print_failure(const char *why)
{
    printf("FAILED seed=%llu scenario=%s: %s\n", (unsigned long long)current.seed, current.scenario, why);
    printf("  replay: build/test/sim --seeds 1 --seed %llu --scenario %s -v\n", (unsigned long long)current.seed,
           current.scenario);
}

/* An assertion or a crash takes the process along, but not the seed's number. */
static void on_crash(int number)
{
    char text[64];

    snprintf(text, sizeof(text), "crashed with signal %d", number);
    print_failure(number == SIGALRM ? "hangs" : text);
    printf("%llu passed, %llu failed\n", (unsigned long long)current.passed, (unsigned long long)current.failed + 1);
    fflush(stdout);
    signal(SIGABRT, SIG_DFL);
    abort();
}

static struct outcome run_world(const struct scenario *s, uint64_t seed, int verbose)
{
    struct world *w = world_new(s, seed, verbose);

    s->setup(w);
    world_run(w);
    if (!w->failed && s->check != NULL)
        s->check(w);
    struct outcome out = {.failed = w->failed, .hash = w->hash, .datagrams = w->datagrams, .virtual_us = w->now.us};
    if (w->failed)
        print_failure(w->failure);
    world_free(w);
    return out;
}

static struct outcome run_rounds(const struct scenario *s, uint64_t seed, int verbose)
{
    struct outcome sum = {0};
    unsigned rounds = s->rounds != 0 ? s->rounds : 1;

    for (unsigned i = 0; i < rounds && !sum.failed; i++) {
        if (verbose > 0)
            printf("-- %s seed %llu round %u\n", s->name, (unsigned long long)seed, i);
        struct outcome one = run_world(s, seed + i * ROUND_STRIDE, verbose);
        sum.failed = one.failed;
        sum.hash = sum.hash * 31 + one.hash;
        sum.datagrams += one.datagrams;
        sum.virtual_us += one.virtual_us;
    }
    return sum;
}

static bool run_seed(const struct options *o, uint64_t seed)
{
    const struct scenario *s = o->only != NULL ? o->only : scenario_for_seed(seed);

    current.seed = seed;
    current.scenario = s->name;
    alarm(HANG_S);
    struct outcome out = run_rounds(s, seed, o->verbose);
    if (!out.failed && seed % TWICE_EVERY == 0) {
        struct outcome again = run_rounds(s, seed, 0);
        if (again.failed || again.hash != out.hash || again.datagrams != out.datagrams) {
            print_failure("a second run of the same seed came out differently");
            out.failed = true;
        }
    }
    alarm(0);
    if (o->verbose > 0)
        printf("%s %llu: %s, %llu datagrams, %.3f s, hash %016llx\n", s->name, (unsigned long long)seed,
               out.failed ? "failed" : "passed", (unsigned long long)out.datagrams, (double)out.virtual_us / 1e6,
               (unsigned long long)out.hash);
    return !out.failed;
}

static void list(void)
{
    for (size_t i = 0; i < scenario_count(); i++)
        printf("%s (weight %u)\n", scenario_at(i)->name, scenario_at(i)->weight);
}

static int usage(void)
{
    fprintf(stderr, "usage: sim [--seeds N] [--seed FIRST] [--scenario NAME] [--list] [-v [-v]] | --perf ...\n");
    return 2;
}

/* 0: run; 1: nothing to run; 2: not understood. */
static int parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "-v") == 0) {
            o->verbose++;
        } else if (strcmp(argv[i], "--list") == 0) {
            list();
            return 1;
        } else if (value == NULL) {
            return usage();
        } else if (strcmp(argv[i], "--seeds") == 0) {
            o->seeds = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0) {
            o->first = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--scenario") == 0 && (o->only = scenario_by_name(value)) != NULL) {
            i++;
        } else {
            return usage();
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct options o = {.seeds = 1, .first = 1};

    if (argc > 1 && strcmp(argv[1], "--perf") == 0)
        return sodium_init() < 0 ? 1 : perf_main(argc - 2, argv + 2);
    int status = parse(&o, argc, argv);
    if (status != 0)
        return status == 1 ? 0 : status;
    if (sodium_init() < 0)
        return 1;
    signal(SIGABRT, on_crash);
    signal(SIGSEGV, on_crash);
    signal(SIGALRM, on_crash);
    for (uint64_t i = 0; i < o.seeds; i++) {
        if (run_seed(&o, o.first + i))
            current.passed++;
        else
            current.failed++;
        fflush(stdout);
    }
    printf("%llu passed, %llu failed\n", (unsigned long long)current.passed, (unsigned long long)current.failed);
    return current.failed == 0 ? 0 : 1;
}
