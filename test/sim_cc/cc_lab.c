/*
 * cc_lab: the congestion controllers, measured in virtual time.
 *
 *   cc_lab [--cc NAME] [--only WORD] [--seed N]       the table of scenarios, one line each
 *   cc_lab one [key=value ...]                        one run: rate rtt queue queue_kb loss jitter hold reorder
 *                                                     reorder_ms policer hole_at hole change_at change limit mb window
 *                                                     seed steady trace=1 flows=bbr,cubic@2,bbr:5 (@start s, :app Mbit/s)
 */
#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define LOSSES 5

static const char *cc = "bbr";
static const char *only;
static uint64_t seed = 1;

static struct lab_setup plain(double rate, double rtt, double loss)
{
    struct lab_setup s = {.rate_mbit = rate,
                          .rtt_ms = rtt,
                          .queue_bdp = 1,
                          .loss = loss,
                          .mb = 100,
                          .limit_s = 120,
                          .window_bytes = 8 << 20,
                          .seed = seed,
                          .flows = 1};
    s.flow[0].cc = cc;
    return s;
}

static double sum(const struct lab_setup *s, const struct lab_result *r)
{
    double total = 0;
    for (int i = 0; i < s->flows; i++)
        total += r->mbit[i];
    return total;
}

static double jain(const struct lab_setup *s, const struct lab_result *r)
{
    double total = 0, squares = 0;
    for (int i = 0; i < s->flows; i++) {
        total += r->mbit[i];
        squares += r->mbit[i] * r->mbit[i];
    }
    return squares > 0 ? total * total / (s->flows * squares) : 0;
}

static struct lab_result show(const char *name, const struct lab_setup *s, double target)
{
    struct lab_result r = {.done = false};
    if (only != NULL && strstr(name, only) == NULL)
        return r;
    r = lab_run(s);
    printf("%-26s %7.2f", name, sum(s, &r));
    if (target > 0)
        printf(" / %-6.1f %s", target, sum(s, &r) >= target ? "ok " : "LOW");
    else
        printf("             ");
    printf("  waste %5.1f%%  queue peak %4.2f mean %4.2f standing %4.2f  late loss %4.1f%%  spurious %-5lu",
           100 * r.waste, r.queue_peak_bdp, r.queue_mean_bdp, r.queue_standing_bdp, 100 * r.late_loss, r.spurious);
    if (s->flows > 1) {
        printf("  jain %.3f", jain(s, &r));
        for (int i = 0; i < s->flows; i++)
            printf(" %s %.1f", s->flow[i].cc, r.mbit[i]);
    }
    if (s->hole_s > 0)
        printf("  back in %.0f ms", r.hole_recovery_ms);
    printf("%s\n", s->steady || r.done ? "" : "  NOT DONE");
    fflush(stdout);
    return r;
}

static void table_loss(void)
{
    static const double rtts[] = {50, 10, 100, 300}, part[] = {1, .95, .95, .85};
    static const double losses[LOSSES] = {0, .01, .05, .10, .20}, targets[LOSSES] = {91, 90, 86, 81, 71};
    for (size_t i = 0; i < sizeof rtts / sizeof *rtts; i++)
        for (int k = 0; k < LOSSES; k++) {
            char name[64];
            struct lab_setup s = plain(100, rtts[i], losses[k]);
            snprintf(name, sizeof name, "rtt %g loss %g%%", rtts[i], 100 * losses[k]);
            show(name, &s, targets[k] * part[i]);
        }
}

static void table_share(void)
{
    for (int k = 0; k < 4; k++) {
        char name[64];
        struct lab_setup s = plain(50, 40, k == 3 ? .05 : 0);
        s.steady = true;
        s.flows = k == 2 ? 3 : 2;
        for (int i = 0; i < s.flows; i++)
            s.flow[i] = (struct lab_flow){.cc = cc, .start_s = k == 0 ? 0 : 4 * i};
        s.steady_from_s = 15;
        s.limit_s = 45;
        snprintf(name, sizeof name, "share %d flows%s%s", s.flows, k == 0 ? "" : " staggered", k == 3 ? " 5%" : "");
        show(name, &s, 0);
    }
    static const double queues[] = {1, 1, .5, 2, 4};
    for (int k = 0; k < 5; k++) {
        char name[64];
        struct lab_setup s = plain(50, 40, 0);
        s.steady = true;
        s.flows = 2;
        s.queue_bdp = queues[k];
        s.flow[0] = (struct lab_flow){.cc = cc, .start_s = k == 1 ? 5 : 0};
        s.flow[1] = (struct lab_flow){.cc = "cubic", .start_s = k == 1 ? 0 : 5};
        s.steady_from_s = 15;
        s.limit_s = 75;
        snprintf(name, sizeof name, "cubic %s queue %g", k == 1 ? "first" : "second", queues[k]);
        show(name, &s, 0);
    }
}

static void table_odd(void)
{
    struct lab_setup s = plain(20, 40, 0);
    s.policer_kb = 64;
    s.mb = 60;
    show("policer 20 Mbit/s", &s, 17);
    s.loss = .05;
    show("policer 20 Mbit/s 5%", &s, 16);
    for (int k = 0; k < 3; k++) {
        s = plain(100, 50, k == 0 ? 0 : k == 1 ? .05 : .20);
        s.hole_at_s = 4;
        s.hole_s = 10;
        show(k == 0 ? "hole 10 s" : k == 1 ? "hole 10 s 5%" : "hole 10 s 20%", &s, 0);
    }
    s = plain(100, 50, 0);
    s.queue_bdp = .1;
    show("shallow queue 0.1", &s, 80);
    s.queue_bdp = .25;
    s.loss = .01;
    show("shallow queue .25 1%", &s, 80);
    s.queue_bdp = 4;
    show("deep queue 4", &s, 88);
    s = plain(100, 50, .02);
    s.jitter_ms = 10;
    show("jitter 10 ms 2%", &s, 80);
    s = plain(100, 50, .02);
    s.hold_ms = 20;
    show("ACKs in batches 20 ms 2%", &s, 80);
    s = plain(100, 50, .02);
    s.reorder = .02;
    s.reorder_ms = 15;
    show("reorder 2% by 15 ms 2%", &s, 80);
    s = plain(100, 50, .02);
    s.change_at_s = 3;
    s.change_rate_mbit = 20;
    s.mb = 60;
    show("100 to 20 Mbit/s at 3 s", &s, 0);
    s = plain(20, 50, .02);
    s.change_at_s = 3;
    s.change_rate_mbit = 100;
    show("20 to 100 Mbit/s at 3 s", &s, 0);
    s = plain(1, 50, .10);
    s.mb = 2;
    s.queue_kb = 30;
    show("1 Mbit/s 10%", &s, .75);
    s = plain(1000, 2, .01);
    s.mb = 200;
    show("1 Gbit/s rtt 2 1%", &s, 850);
    s = plain(100, 50, .05);
    s.flow[0].app_mbit = 30;
    s.mb = 30;
    show("app 30 Mbit/s 5%", &s, 28);
}

static void parse_flows(struct lab_setup *s, char *v)
{
    s->flows = 0;
    for (char *f = strtok(v, ","); f != NULL && s->flows < LAB_FLOWS; f = strtok(NULL, ",")) {
        char *at = strchr(f, '@'), *app = strchr(f, ':');
        s->flow[s->flows].start_s = at ? atof(at + 1) : 0;
        s->flow[s->flows].app_mbit = app ? atof(app + 1) : 0;
        if (at)
            *at = 0;
        if (app)
            *app = 0;
        s->flow[s->flows++].cc = f;
    }
}

static int one(int argc, char **argv)
{
    struct lab_setup s = plain(100, 50, 0);
    const struct {
        const char *key;
        double *to;
    } keys[] = {
        {"rate", &s.rate_mbit},
        {"rtt", &s.rtt_ms},
        {"queue", &s.queue_bdp},
        {"queue_kb", &s.queue_kb},
        {"loss", &s.loss},
        {"jitter", &s.jitter_ms},
        {"hold", &s.hold_ms},
        {"reorder", &s.reorder},
        {"reorder_ms", &s.reorder_ms},
        {"policer", &s.policer_kb},
        {"hole_at", &s.hole_at_s},
        {"hole", &s.hole_s},
        {"change_at", &s.change_at_s},
        {"change", &s.change_rate_mbit},
        {"limit", &s.limit_s},
        {"mb", &s.mb},
    };
    for (int i = 0; i < argc; i++) {
        char *v = strchr(argv[i], '=');
        if (v == NULL)
            return 2;
        *v++ = 0;
        if (strcmp(argv[i], "flows") == 0)
            parse_flows(&s, v);
        else if (strcmp(argv[i], "trace") == 0)
            s.trace = stdout;
        else if (strcmp(argv[i], "seed") == 0)
            s.seed = strtoull(v, NULL, 10);
        else if (strcmp(argv[i], "window") == 0)
            s.window_bytes = strtoull(v, NULL, 10);
        else if (strcmp(argv[i], "steady") == 0)
            s.steady = true, s.steady_from_s = atof(v);
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            if (strcmp(argv[i], keys[k].key) == 0)
                *keys[k].to = atof(v);
    }
    show("one", &s, 0);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "one") == 0)
        return one(argc - 2, argv + 2);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--cc") == 0)
            cc = argv[i + 1];
        else if (strcmp(argv[i], "--only") == 0)
            only = argv[i + 1];
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else
            return 2;
    }
    table_loss();
    table_share();
    table_odd();
    return 0;
}
