/* When a connection can send, and what holds it back: looking changes nothing, acting tells who has to know. */
#include "unit.h"
#include <string.h>

#include "conn/conn_plan.h"
#include "inside.h"

static struct pair pair;
static struct conn *c;
static uint64_t stream;
static uint8_t file[300000];

static void start(void)
{
    pair_open_usual(&pair);
    pair_connect(&pair);
    pair_run_for(&pair, US_PER_S);
    c = inside_session(&pair, 0);
}

static void stop(void)
{
    pair_close(&pair);
}

TestSuite(conn_plan, .init = start, .fini = stop);

/* A file that may leave at once, as far as the peer is concerned. */
static void offer_file(size_t len)
{
    cr_assert_eq(endpoint_open_bulk(pair.e[0], pair.conn[0], &stream), 0);
    cr_assert_eq(endpoint_supply(pair.e[0], pair.conn[0], stream, 0, file, len, 1, pair.now), 0);
    cr_assert_eq(endpoint_finish(pair.e[0], pair.conn[0], stream, len, pair.now), 0);
    streams_max_data(&c->streams, UINT32_MAX);
    streams_max_stream_data(&c->streams, stream, UINT32_MAX);
}

/* So many bytes are in the air, whatever the window and the pacer say. */
static void send_some(uint64_t bytes)
{
    uint8_t dgram[65536];
    struct duet_route to;
    const uint64_t rate = c->cc.pacing_bytes_per_s;

    c->cc.pacing_bytes_per_s = 0;
    c->cc.cwnd_bytes = UINT32_MAX;
    c->params.window_bytes = UINT32_MAX;

    while (c->loss.bytes_in_flight < bytes)
        cr_assert_gt(conn_send(c, dgram, sizeof(dgram), pair.now, &to), 0);
    c->cc.pacing_bytes_per_s = rate;
}

Test(conn_plan, an_idle_connection_is_limited_by_what_it_is_given_to_send)
{
    const struct conn_plan plan = conn_plan(c, pair.now);

    cr_assert_eq(plan.limited_by, LIMITED_BY_APP);
    cr_assert(time_is_never(plan.at));
    cr_assert(!plan.has_tail);
    c->loss.app_limited_until = 0;
    cr_assert(time_is_never(conn_apply_plan(c, &plan, pair.now)));
    cr_assert_gt(c->loss.app_limited_until, 0, "what is measured from now on says little");
    cr_assert(!c->cwnd_limited);
}

Test(conn_plan, what_does_not_wait_for_files_leaves_now_and_limits_nothing)
{
    offer_file(sizeof(file));
    c->liveness.ping_wanted = true;
    const struct conn_plan plan = conn_plan(c, pair.now);
    c->loss.app_limited_until = 0;

    cr_assert_eq(plan.limited_by, LIMITED_BY_OTHERS);
    cr_assert_eq(conn_apply_plan(c, &plan, pair.now).us, pair.now.us);
    cr_assert(!c->cwnd_limited);
    cr_assert_eq(c->loss.app_limited_until, 0);
}

Test(conn_plan, a_full_window_is_told_to_the_controller)
{
    offer_file(sizeof(file));
    send_some(30000);
    c->cc.cwnd_bytes = 20000;
    c->cwnd_limited = false;
    const struct conn_plan plan = conn_plan(c, pair.now);

    cr_assert_eq(plan.limited_by, LIMITED_BY_CWND);
    cr_assert(!c->cwnd_limited, "looking tells nobody");
    conn_apply_plan(c, &plan, pair.now);
    cr_assert(c->cwnd_limited);
    cr_assert_eq(c->limited_until, c->next_number);
}

Test(conn_plan, a_full_window_with_nothing_left_to_send_says_nothing)
{
    offer_file(30000);
    while (streams_class_wants(&c->streams, CLASS_BULK))
        send_some(c->loss.bytes_in_flight + 1);
    c->cc.cwnd_bytes = 20000;
    c->cwnd_limited = false;
    c->loss.app_limited_until = 0;
    const struct conn_plan plan = conn_plan(c, pair.now);

    cr_assert_eq(plan.limited_by, LIMITED_BY_BOTH);
    conn_apply_plan(c, &plan, pair.now);
    cr_assert(!c->cwnd_limited);
    cr_assert_eq(c->loss.app_limited_until, 0);
}

Test(conn_plan, files_wait_for_their_turn_and_the_pacer_knows)
{
    c->path.validated = true;
    c->cc.pacing_bytes_per_s = 100000;
    c->pmtud.search_at = time_add(pair.now, PMTUD_RAISE_US);
    c->pmtud.candidate = SIZE_MAX;
    offer_file(sizeof(file));
    c->pacer = (struct pacer){.tokens_bytes = -5000, .at = pair.now, .promised = DUET_NEVER, .paced = true};
    const struct conn_plan plan = conn_plan(c, pair.now);

    cr_assert_eq(plan.limited_by, LIMITED_BY_PACING);
    cr_assert(time_before(pair.now, plan.paced_at));
    cr_assert(time_is_never(c->pacer.promised), "looking promises nothing");
    cr_assert_eq(conn_apply_plan(c, &plan, pair.now).us, plan.paced_at.us);
    cr_assert_eq(c->pacer.promised.us, plan.paced_at.us);
}

/* Four losses, the last just now, are what the tail takes for a path that loses. */
Test(conn_plan, the_end_of_a_file_is_repeated_by_the_act_alone)
{
    offer_file(3000);
    while (streams_class_wants(&c->streams, CLASS_BULK))
        send_some(c->loss.bytes_in_flight + 1);
    c->loss.lost_packets = 4;
    c->loss.lost_at = pair.now;
    const struct conn_plan plan = conn_plan(c, pair.now);

    cr_assert_eq(plan.limited_by, LIMITED_BY_APP);
    cr_assert(plan.has_tail);
    cr_assert(!streams_class_wants(&c->streams, CLASS_BULK));
    cr_assert_eq(conn_apply_plan(c, &plan, plan.paced_at).us, plan.paced_at.us, "at once");
    cr_assert(streams_class_wants(&c->streams, CLASS_BULK), "the first packet is to leave again");
    cr_assert_eq(conn_plan(c, plan.paced_at).limited_by, LIMITED_BY_PACING);
}

/* ---- at any moment ---- */

static struct duet_rand rng;
static uint64_t seen[LIMITED_BY_BOTH + 1], tails;

static bool look_and_lose(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    static struct inside_state before;

    (void)to, (void)bytes, (void)len;
    for (int side = 0; side < 2; side++) {
        inside_save(p->e[side], &before);
        const struct conn_plan first = conn_plan(inside_session(p, side), p->now);
        const struct conn_plan second = conn_plan(inside_session(p, side), p->now);
        cr_assert(inside_same(p->e[side], &before));
        cr_assert_eq(first.at.us, second.at.us);
        cr_assert_eq(first.limited_by, second.limited_by);
        seen[first.limited_by]++;
        tails += first.has_tail;
    }
    return rand_below(&rng, 10) > 0;
}

static void consume(struct pair *p, int side, const struct endpoint_event *ev)
{
    if (ev->type == EVENT_EXTENT)
        cr_assert_eq(endpoint_consumed(p->e[side], ev->conn, ev->stream, ev->extent.len, p->now), 0);
}

Test(conn_plan, looking_changes_nothing_at_any_moment_of_a_file_on_a_lossy_path)
{
    rand_init_u64(&rng, 1);
    pair.filter = look_and_lose;
    pair.on_event = consume;
    offer_file(sizeof(file));
    cr_assert_eq(endpoint_accept_bulk(pair.e[1], pair.conn[1], stream, UINT32_MAX, pair.now), 0);
    pair_run_for(&pair, 20 * US_PER_S);
    cr_assert_eq(pair.count[1][EVENT_FINISHED], 1);
    for (int limit = LIMITED_BY_OTHERS; limit <= LIMITED_BY_APP; limit++)
        cr_assert_gt(seen[limit], 0, "limit %d", limit);
    cr_assert_gt(tails, 0);
}
