#include "perf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *words;
    int decimals;
    bool is_floor;
} metrics[METRICS] = {
#define X(name, words, decimals, is_floor) {words, decimals, is_floor},
    METRIC_LIST(X)
#undef X
};

struct options {
    const char *only, *cc;
    uint64_t seed;
    bool with_hashes; /* of each row: two programs that send the same bytes at the same times agree on it */
};

struct lab_setup perf_setup(const struct lab_setup *given)
{
    struct lab_setup s = *given;

    s.rate_mbit = s.rate_mbit > 0 ? s.rate_mbit : 100;
    s.rtt_ms = s.rtt_ms > 0 ? s.rtt_ms : 50;
    s.queue_bdp = s.queue_bdp > 0 ? s.queue_bdp : 1;
    s.mb = s.mb > 0 ? s.mb : 100;
    s.limit_s = s.limit_s > 0 ? s.limit_s : 120;
    s.window_bytes = s.window_bytes > 0 ? s.window_bytes : PERF_WINDOW_BYTES;
    s.seed = s.seed > 0 ? s.seed : 1;
    s.flows = s.flows > 0 ? s.flows : 1;
    s.burst_packets = s.burst_packets > 1 ? s.burst_packets : 1;
    return s;
}

/* What was measured */

static void measure(const struct lab_setup *s, const struct lab_result *r, double v[METRICS])
{
    double total = 0, squares = 0, least = r->mbit[0];

    for (int i = 0; i < s->flows; i++) {
        total += r->mbit[i];
        squares += r->mbit[i] * r->mbit[i];
        least = r->mbit[i] < least ? r->mbit[i] : least;
    }
    v[METRIC_NONE] = v[SLOWEST] = v[OF_TCP] = 0;
    v[MBIT] = total;
    v[WASTE] = 100 * r->waste;
    v[SPURIOUS] = 100 * r->spurious;
    v[QUEUE_PEAK] = r->queue_peak_bdp;
    v[QUEUE_MEAN] = r->queue_mean_bdp;
    v[CHAT_P50] = r->chat_p50_ms;
    v[CHAT_P99] = r->chat_p99_ms;
    v[CHAT_MISSING] = r->chats_missing;
    v[STALL] = r->stall_ms;
    v[RESUME] = r->resume_ms;
    v[RECOVERY] = r->hole_recovery_ms < 0 ? 1e9 : r->hole_recovery_ms;
    v[JAIN] = squares > 0 ? total * total / (s->flows * squares) : 0;
    v[LESS_SHARE] = total > 0 ? least / total : 0;
    v[ACKS] = r->acks;
    v[BACK] = r->back_bytes;
    v[WORK] = r->work;
    v[HELD] = r->held_mb;
    v[OVERFLOW] = 100 * r->overflowed;
    v[DROPPED_LATE] = 100 * r->dropped_late;
}

static bool keeps(enum perf_metric m, double value, double limit)
{
    return metrics[m].is_floor ? value >= limit : value <= limit;
}

/* What the runs of a row came to. */
struct row_result {
    struct lab_result median; /* by the rate */
    double slowest;           /* Mbit/s */
    double of_tcp;            /* 0: not asked */
    uint64_t hash;            /* of all runs */
};

/* One line; false: a bound broke. */
static bool judge(const struct perf_row *row, const struct lab_setup *s, const struct row_result *rr)
{
    const struct lab_result *r = &rr->median;
    double v[METRICS];
    bool holds = s->steady || r->done, on_target = true;

    measure(s, r, v);
    v[SLOWEST] = rr->slowest;
    v[OF_TCP] = rr->of_tcp;
    printf("%-38s", row->name);
    for (size_t i = 0; i < PERF_CHECKS && row->checks[i].metric != METRIC_NONE; i++) {
        const struct perf_check *c = &row->checks[i];
        int decimals = metrics[c->metric].decimals;
        bool is_kept = keeps(c->metric, v[c->metric], c->bound);
        printf("%s%s %.*f %s%s %.*f", i > 0 ? "; " : " ", metrics[c->metric].words, decimals, v[c->metric],
               is_kept ? "" : "NOT ", metrics[c->metric].is_floor ? ">=" : "<=", decimals, c->bound);
        if (c->target != 0)
            printf(" (target %g)", c->target);
        holds = holds && is_kept;
        on_target = on_target && (c->target == 0 || keeps(c->metric, v[c->metric], c->target));
    }
    printf("%s%s%s\n", on_target ? "" : "  -- below target", s->steady || r->done ? "" : "  NOT DONE",
           holds ? "" : "  FAILED");
    fflush(stdout);
    return holds;
}

static struct lab_setup setup_of(const struct perf_row *row, const struct options *o)
{
    struct lab_setup s = perf_setup(&row->setup);

    if (o->seed != 0)
        s.seed = o->seed;
    for (int i = 0; i < s.flows && o->cc != NULL; i++)
        s.flow[i].cc = o->cc;
    return s;
}

/* Where loss strikes the handshake is a matter of luck and worth some per cent: of several runs the median counts. */
static struct row_result run_row(const struct perf_row *row, struct lab_setup *s)
{
    struct lab_result r[PERF_RUNS];
    unsigned runs = row->runs > 0 ? row->runs : 1;
    uint64_t hash = 0;

    assert(runs <= PERF_RUNS);
    for (unsigned i = 0; i < runs; i++, s->seed++) {
        struct lab_result one = lab_run(s);
        unsigned at = i;
        hash = hash * 31 + one.hash;
        for (; at > 0 && r[at - 1].mbit[0] > one.mbit[0]; at--)
            r[at] = r[at - 1];
        r[at] = one;
    }
    return (struct row_result){.median = r[runs / 2], .slowest = r[0].mbit[0], .hash = hash};
}

/* The rate of the one flow, in shares of what the better of two TCPs makes of the same link; 0: not asked. */
static double share_of_tcp(const struct perf_row *row, const struct lab_setup *s, double mbit)
{
    static const char *const tcps[] = {"bbr1", "unpaced"};
    double best = 0;

    for (size_t i = 0; row->beside_tcp && i < sizeof(tcps) / sizeof(tcps[0]); i++) {
        struct lab_setup theirs = *s;
        theirs.flow[0].cc = tcps[i];
        double rate = run_row(row, &theirs).median.mbit[0];
        best = rate > best ? rate : best;
    }
    return best > 0 ? mbit / best : 0;
}

/* The whole table stands on a run being the same each time. */
static bool repeats_itself(const struct options *o)
{
    struct lab_setup s = setup_of(&perf_rows[0], o);
    struct lab_result a = lab_run(&s), b = lab_run(&s);
    bool same = a.hash == b.hash && a.datagrams == b.datagrams;

    printf("%-38s %llu datagrams, hash %016llx%s\n", "the first row again", (unsigned long long)a.datagrams,
           (unsigned long long)a.hash, same ? "" : "  FAILED: came out differently");
    return same;
}

static int run_table(const struct options *o)
{
    unsigned passed = 0, failed = 0;
    clock_t began = clock();

    for (size_t i = 0; i < perf_row_count; i++) {
        if (o->only != NULL && strstr(perf_rows[i].name, o->only) == NULL)
            continue;
        struct lab_setup s = setup_of(&perf_rows[i], o);
        struct lab_setup first = s;
        struct row_result r = run_row(&perf_rows[i], &s);
        r.of_tcp = share_of_tcp(&perf_rows[i], &first, r.median.mbit[0]);
        if (judge(&perf_rows[i], &s, &r))
            passed++;
        else
            failed++;
        if (o->with_hashes)
            printf("%-38s hash %016llx\n", perf_rows[i].name, (unsigned long long)r.hash);
    }
    if (o->only == NULL && repeats_itself(o))
        passed++;
    else if (o->only == NULL)
        failed++;
    printf("%.1f s of CPU\n", (double)(clock() - began) / CLOCKS_PER_SEC);
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

/* One run, told on the command line */

static void parse_flows(struct lab_setup *s, char *v)
{
    s->flows = 0;
    for (char *f = strtok(v, ","); f != NULL && s->flows < LAB_FLOWS; f = strtok(NULL, ",")) {
        char *at = strchr(f, '@'), *app = strchr(f, ':');
        s->flow[s->flows].start_s = at != NULL ? atof(at + 1) : 0;
        s->flow[s->flows].app_mbit = app != NULL ? atof(app + 1) : 0;
        if (at != NULL)
            *at = '\0';
        if (app != NULL)
            *app = '\0';
        s->flow[s->flows++].cc = f;
    }
}

static bool parse_number(struct lab_setup *s, const char *key, double value)
{
    const struct {
        const char *key;
        double *to;
    } keys[] = {
        {"rate", &s->rate_mbit},
        {"rtt", &s->rtt_ms},
        {"queue", &s->queue_bdp},
        {"queue_kb", &s->queue_kb},
        {"loss", &s->loss},
        {"loss_back", &s->loss_back},
        {"burst", &s->burst_loss},
        {"burst_len", &s->burst_packets},
        {"jitter", &s->jitter_ms},
        {"swing", &s->swing},
        {"swing_min", &s->swing_min_s},
        {"swing_max", &s->swing_max_s},
        {"mtu", &s->mtu},
        {"away", &s->away},
        {"away_ms", &s->away_ms},
        {"pauses", &s->pauses},
        {"pause_ms", &s->pause_ms},
        {"hold", &s->hold_ms},
        {"reorder", &s->reorder},
        {"reorder_ms", &s->reorder_ms},
        {"policer", &s->policer_kb},
        {"hole_at", &s->hole_at_s},
        {"hole", &s->hole_s},
        {"change_at", &s->change_at_s},
        {"change", &s->change_mbit},
        {"disk", &s->disk_mb_s},
        {"limit", &s->limit_s},
        {"mb", &s->mb},
        {"steady", &s->steady_from_s},
        {"move", &s->flow[0].move_every_s},
        {"chat", &s->flow[0].chat_every_ms},
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(key, keys[i].key) == 0) {
            *keys[i].to = value;
            return true;
        }
    }
    return false;
}

static bool parse_pair(struct lab_setup *s, char *pair)
{
    char *v = strchr(pair, '=');

    if (v == NULL)
        return false;
    *v++ = '\0';
    if (strcmp(pair, "flows") == 0)
        parse_flows(s, v);
    else if (strcmp(pair, "trace") == 0)
        s->trace = stdout;
    else if (strcmp(pair, "seed") == 0)
        s->seed = strtoull(v, NULL, 10);
    else if (strcmp(pair, "receiver") == 0)
        s->flow[0].receiver_moves = strtoull(v, NULL, 10) != 0;
    else if (strcmp(pair, "wifi") == 0)
        s->jitter_reorders = strtoull(v, NULL, 10) != 0;
    else if (strcmp(pair, "window") == 0)
        s->window_bytes = strtoull(v, NULL, 10);
    else if (!parse_number(s, pair, atof(v)))
        return false;
    s->steady = s->steady || strcmp(pair, "steady") == 0;
    return true;
}

static int usage(void)
{
    fprintf(stderr, "usage: sim --perf [--only WORD] [--cc NAME] [--seed N] [-v] | --perf one [key=value ...] | "
                    "--perf many N [key=value ...]\n");
    return 2;
}

static bool parse_setup(int argc, char **argv, struct lab_setup *s)
{
    struct lab_setup given = {.flows = 0};

    for (int i = 0; i < argc; i++) {
        if (!parse_pair(&given, argv[i]))
            return false;
    }
    *s = perf_setup(&given);
    return true;
}

static int run_one(int argc, char **argv)
{
    struct lab_setup s;

    if (!parse_setup(argc, argv, &s))
        return usage();
    struct lab_result r = lab_run(&s);
    double v[METRICS];
    measure(&s, &r, v);
    for (int m = MBIT; m < SLOWEST; m++)
        printf("%s %.*f\n", metrics[m].words, metrics[m].decimals, v[m]);
    for (int i = 0; s.flows > 1 && i < s.flows; i++)
        printf("flow %d %.2f Mbit/s\n", i, r.mbit[i]);
    printf("seconds %.2f\n", r.seconds);
    printf("datagrams %llu\nqueue standing BDP %.2f\ndropped %% %.1f\n%s", (unsigned long long)r.datagrams,
           r.queue_standing_bdp, 100 * r.dropped, s.steady || r.done ? "" : "NOT DONE\n");
    return 0;
}

/* Many runs: the tail of what they come to */

struct timed_run {
    double seconds;
    uint64_t seed;
};

static int compare_runs(const void *a, const void *b)
{
    const struct timed_run *x = a, *y = b;

    return (x->seconds > y->seconds) - (x->seconds < y->seconds);
}

static void print_tail(const char *what, struct timed_run *runs, size_t count)
{
    static const double shares[] = {.05, .5, .9, .99, .995, 1};

    qsort(runs, count, sizeof(*runs), compare_runs);
    printf("%s", what);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        const struct timed_run *r = &runs[(size_t)(shares[i] * (double)(count - 1))];
        printf("  %g %% %.3f (seed %llu)", 100 * shares[i], r->seconds, (unsigned long long)r->seed);
    }
    printf("\n");
}

static int run_many(int argc, char **argv)
{
    struct lab_setup s;
    size_t count = argc > 0 ? strtoull(argv[0], NULL, 10) : 0;

    if (count == 0 || !parse_setup(argc - 1, argv + 1, &s))
        return usage();
    struct timed_run *opened = calloc(2 * count, sizeof(*opened)), *rest = opened + count;
    if (opened == NULL)
        return 1;
    for (size_t i = 0; i < count; i++, s.seed++) {
        struct lab_result r = lab_run(&s);
        opened[i] = (struct timed_run){.seconds = r.opened_s, .seed = s.seed};
        rest[i] = (struct timed_run){.seconds = r.seconds - r.opened_s, .seed = s.seed};
    }
    print_tail("s to connect", opened, count);
    print_tail("s for the rest", rest, count);
    free(opened);
    return 0;
}

int perf_main(int argc, char **argv)
{
    struct options o = {.only = NULL};

    if (argc > 0 && strcmp(argv[0], "one") == 0)
        return run_one(argc - 1, argv + 1);
    if (argc > 0 && strcmp(argv[0], "many") == 0)
        return run_many(argc - 1, argv + 1);
    for (int i = 0; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "-v") == 0) {
            o.with_hashes = true;
            continue;
        }
        if (value != NULL && strcmp(argv[i], "--only") == 0)
            o.only = value;
        else if (value != NULL && strcmp(argv[i], "--cc") == 0)
            o.cc = value;
        else if (value != NULL && strcmp(argv[i], "--seed") == 0)
            o.seed = strtoull(value, NULL, 10);
        else
            return usage();
        i++;
    }
    return run_table(&o);
}
