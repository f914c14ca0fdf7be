/* What leaves, how much of it, and that what is lost leaves again. */
#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "inside.h"

#define SECONDS(n) ((uint64_t)(n)*US_PER_S)

static struct pair pair;
static uint64_t received_bytes;
static bool consume;

static void note(struct pair *p, int side, const struct endpoint_event *ev)
{
    if (ev->type != EVENT_EXTENT)
        return;
    received_bytes += ev->extent.len;
    if (consume)
        cr_assert_eq(endpoint_consumed(p->e[side], ev->conn, ev->stream, ev->extent.len, p->now), 0);
}

static void open_pair(const struct endpoint_config *a, const struct endpoint_config *b, uint64_t delay_us)
{
    memset(&pair, 0, sizeof pair);
    received_bytes = 0;
    consume = true;
    pair.delay_us = delay_us;
    pair.on_event = note;
    pair_open(&pair, a, b);
    pair_connect(&pair);
}

static void start_in(enum params_mode mode)
{
    struct endpoint_config a = pair_config(1, "alice"), b = pair_config(2, "bob");
    a.params.mode = mode;
    open_pair(&a, &b, 10000);
}

static void start(void)
{
    start_in(MODE_BURST);
}

static void stop(void)
{
    pair_close(&pair);
}

TestSuite(conn_send, .init = start, .fini = stop);

static struct duet_rand rng;
static uint64_t loss_percent;

static bool lose_randomly(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p, (void)to, (void)bytes, (void)len;
    return rand_below(&rng, 100) >= loss_percent;
}

static uint8_t file[300000];

static uint64_t send_file(int from, size_t len, uint64_t window)
{
    uint64_t id;
    cr_assert_eq(endpoint_open_bulk(pair.e[from], pair.conn[from], &id), 0);
    if (len > 0)
        cr_assert_eq(endpoint_supply(pair.e[from], pair.conn[from], id, 0, file, len, 1, pair.now), 0);
    cr_assert_eq(endpoint_finish(pair.e[from], pair.conn[from], id, len, pair.now), 0);
    if (window > 0)
        cr_assert_eq(endpoint_accept_bulk(pair.e[1 - from], pair.conn[1 - from], id, window, pair.now), 0);
    return id;
}

Test(conn_send, files_of_every_size_wait_for_their_acceptance_and_arrive)
{
    static const size_t sizes[] = {0, 1, 1199, 1200, 100000};
    for (size_t i = 0; i < 5; i++) {
        received_bytes = 0;
        const uint64_t id = send_file(0, sizes[i], 0);
        pair_run_for(&pair, SECONDS(1));
        cr_assert_eq(received_bytes, 0);
        cr_assert_eq(endpoint_accept_bulk(pair.e[1], pair.conn[1], id, 65536, pair.now), 0);
        pair_run_for(&pair, SECONDS(5));
        cr_assert_eq(received_bytes, sizes[i]);
        cr_assert_eq(pair.count[1][EVENT_FINISHED], (int)i + 1);
        cr_assert_eq(pair.count[0][EVENT_SENT], (int)i + 1);
    }
    cr_assert_eq(pair.count[0][EVENT_CLOSED] + pair.count[1][EVENT_CLOSED], 0);
}

/* The same bytes over and over: what they are does not matter. */
static void supply_more(uint64_t id, uint64_t from, uint64_t until)
{
    for (uint64_t at = from; at < until; at += sizeof(file)) {
        const size_t len = until - at < sizeof(file) ? (size_t)(until - at) : sizeof(file);

        cr_assert_eq(endpoint_supply(pair.e[0], pair.conn[0], id, at, file, len, at, pair.now), 0);
    }
}

Test(conn_send, who_supplies_is_told_once_when_it_runs_low)
{
    const uint64_t bytes = RUNS_LOW_BYTES + sizeof(file);
    uint64_t id;

    cr_assert_eq(endpoint_open_bulk(pair.e[0], pair.conn[0], &id), 0);
    supply_more(id, 0, bytes);
    cr_assert_eq(endpoint_accept_bulk(pair.e[1], pair.conn[1], id, sizeof(file), pair.now), 0);
    consume = false;
    pair_run_for(&pair, SECONDS(5));
    cr_expect_eq(endpoint_bulk_sent(pair.e[0], pair.conn[0], id), sizeof(file));
    cr_expect_eq(pair.count[0][EVENT_RUNS_LOW], 0, "so much is enough");

    consume = true;
    cr_assert_eq(endpoint_consumed(pair.e[1], pair.conn[1], id, sizeof(file), pair.now), 0);
    pair_run_for(&pair, SECONDS(20));
    cr_expect_eq(endpoint_bulk_sent(pair.e[0], pair.conn[0], id), bytes);
    cr_expect_eq(pair.count[0][EVENT_RUNS_LOW], 1);

    supply_more(id, bytes, 2 * bytes);
    pair_run_for(&pair, SECONDS(20));
    cr_expect_eq(pair.count[0][EVENT_RUNS_LOW], 2);
}

Test(conn_send, a_reader_that_takes_nothing_stops_the_file_not_the_chat)
{
    uint8_t buf[8];
    consume = false;
    send_file(0, sizeof file, 20000);
    pair_run_for(&pair, SECONDS(5));
    cr_assert_eq(received_bytes, 20000);
    endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, (const uint8_t *)"hello", 5, pair.now);
    pair_run_for(&pair, SECONDS(1));
    cr_assert_eq(endpoint_read(pair.e[1], pair.conn[1], STREAM_CHAT, buf, sizeof buf, pair.now), 5);
}

/* Over loopback a packet holds 64 KiB, and the little there is need not wait until that much may leave. */
Test(conn_send, a_limit_holds_back_no_longer_than_its_bytes_take)
{
    const size_t bytes = 20000;
    struct endpoint_config a = pair_config(1, "alice"), b = pair_config(2, "bob");

    stop();
    a.limit_bytes_per_s = 1000;
    open_pair(&a, &b, 100);
    pair_run_for(&pair, SECONDS(1));
    send_file(0, bytes, bytes);
    pair_run_for(&pair, SECONDS(10));
    cr_assert_gt(inside_session(&pair, 0)->packet_bytes, LIMIT_PACKET_MIN_BYTES, "the path takes larger ones");
    cr_expect(received_bytes > 8000 && received_bytes < 14000, "%lu", (unsigned long)received_bytes);
    pair_run_for(&pair, SECONDS(13));
    cr_expect_eq(received_bytes, bytes);
}

Test(conn_send, chat_is_not_held_up_by_a_file)
{
    uint8_t buf[8];
    send_file(0, sizeof file, 1 << 20);
    pair_run_for(&pair, 5000);
    endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, (const uint8_t *)"hello", 5, pair.now);
    pair_run_for(&pair, 11000);
    cr_assert_eq(endpoint_read(pair.e[1], pair.conn[1], STREAM_CHAT, buf, sizeof buf, pair.now), 5);
    cr_assert_lt(received_bytes, sizeof file);
}

Test(conn_send, in_flight_stays_within_the_window)
{
    stop();
    struct endpoint_config a = pair_config(1, "alice"), b = pair_config(2, "bob");
    b.params.window_bytes = LIMIT_WINDOW_MIN_BYTES;
    open_pair(&a, &b, 50000);
    send_file(0, sizeof file, 1 << 20);
    for (int i = 0; i < 3000; i++) {
        pair_run_for(&pair, 1000);
        const struct conn *c = inside_session(&pair, 0);
        cr_assert_leq(c->loss.bytes_in_flight, LIMIT_WINDOW_MIN_BYTES + 4 * c->packet_bytes);
    }
    cr_assert_eq(received_bytes, sizeof file);
}

static void tell_when_to_acknowledge(uint64_t percent)
{
    stop();
    rand_init_u64(&rng, percent);
    struct endpoint_config a = pair_config(1, "alice"), b = pair_config(2, "bob");
    a.params.max_packet_bytes = LIMIT_PACKET_MIN_BYTES;
    open_pair(&a, &b, 10000);
    loss_percent = percent;
    pair.filter = lose_randomly;
    send_file(0, sizeof file, 1 << 20);
    pair_run_for(&pair, SECONDS(20));
    cr_assert_eq(received_bytes, sizeof file);
    const struct conn *from = inside_session(&pair, 0), *to = inside_session(&pair, 1);
    cr_assert(to->acktr.told);
    cr_assert_leq(to->acktr.policy_sequence, from->ackpolicy.sequence);
    if (percent == 0) {
        cr_assert_eq(to->acktr.policy_sequence, from->ackpolicy.sequence);
        cr_assert_eq(to->acktr.policy.packets, from->ackpolicy.told.packets);
        cr_assert_eq(from->ackpolicy.delay_us, from->ackpolicy.told.delay_us);
        cr_assert_leq(from->ackpolicy.sequence, 12, "%lu wishes", (unsigned long)from->ackpolicy.sequence);
    }
    cr_assert_geq(from->loss.rtt.ack_delay_us, to->acktr.policy.delay_us);
    cr_assert_lt(from->loss.rtt.ack_delay_us, RTT_ACK_DELAY_US, "RTT 20 ms: an eighth is less");
}

Test(conn_send, the_peer_is_told_when_to_acknowledge)
{
    tell_when_to_acknowledge(0);
}

Test(conn_send, the_peer_is_told_when_to_acknowledge_under_loss_too)
{
    tell_when_to_acknowledge(30);
}

Test(conn_send, step_mode_needs_no_policy)
{
    stop();
    start_in(MODE_STEP);
    send_file(0, sizeof file, 1 << 20);
    pair_run_for(&pair, SECONDS(30));
    cr_assert_eq(received_bytes, sizeof file);
    cr_assert_eq(inside_session(&pair, 0)->ackpolicy.sequence, 0);
}

Test(conn_send, an_ack_of_any_part_of_a_long_flight_unseen_closes)
{
    static uint8_t long_file[7000000];
    struct conn *c = inside_session(&pair, 0);
    uint64_t id;
    cr_assert_eq(endpoint_open_bulk(pair.e[0], pair.conn[0], &id), 0);
    cr_assert_eq(endpoint_accept_bulk(pair.e[1], pair.conn[1], id, sizeof long_file, pair.now), 0);
    pair_run_for(&pair, SECONDS(1));
    /* A peer whose window has grown. */
    c->streams.data_limit_bytes = streams_send(&c->streams, id)->state.limit_bytes = sizeof long_file;
    c->cc.cwnd_bytes = c->params.window_bytes;
    c->cc.pacing_bytes_per_s = UINT64_C(1) << 40;
    c->packet_bytes = LIMIT_PACKET_MIN_BYTES;
    pair.filter = pair_lose_all;
    const uint64_t first = c->next_number;
    cr_assert_eq(endpoint_supply(pair.e[0], pair.conn[0], id, 0, long_file, sizeof long_file, 1, pair.now), 0);
    pair_run_for(&pair, 5000);
    cr_assert_gt(c->next_number, first + 5000);
    cr_assert_leq(c->loss.skipped_count, LOSS_SKIPPED, "%zu skipped", c->loss.skipped_count);

    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct ranges part;
    ranges_init(&part, 1);
    cr_assert_eq(ranges_add(&part, first, first + 1800), 0); /* its oldest third */
    uint64_t lowest;
    cr_assert(frame_write_ack(&w, &(struct frame_ack_news){.received = &part}, &lowest));
    ranges_dispose(&part);
    cr_assert_eq(inside_send(&pair, 1, &w), 0);
    cr_assert_eq(c->state, CONN_CLOSING);
}

static uint64_t most_outstanding;

static bool watch_step(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    const int from = 1 - to;
    if ((bytes[0] & ~PACKET_EPOCH_MASK) == PACKET_DATA && p->conn[from] != 0) {
        const struct conn *c = inside_conn(p->e[from], p->conn[from]);
        if (c != NULL && c->transport_ready && c->loss.eliciting_in_flight > most_outstanding)
            most_outstanding = c->loss.eliciting_in_flight;
    }
    return loss_percent == 0 || lose_randomly(p, to, bytes, len);
}

static void step_with_loss(uint64_t percent)
{
    stop();
    rand_init_u64(&rng, percent);
    start_in(MODE_STEP);
    pair_run_for(&pair, SECONDS(1));
    loss_percent = percent;
    most_outstanding = 0;
    pair.filter = watch_step;
    send_file(0, 60000, 1 << 20);
    for (int i = 0; i < 3000 && pair.count[0][EVENT_SENT] == 0; i++) {
        endpoint_write(pair.e[i % 2], pair.conn[i % 2], STREAM_CHAT, (const uint8_t *)"x", 1, pair.now);
        pair_run_for(&pair, 100000);
        uint8_t buf[8];
        endpoint_read(pair.e[1 - i % 2], pair.conn[1 - i % 2], STREAM_CHAT, buf, sizeof buf, pair.now);
    }
    cr_assert_eq(pair.count[0][EVENT_SENT], 1);
    cr_assert_eq(received_bytes, 60000);
    cr_assert_leq(most_outstanding, 1, "%lu at %lu %% loss", (unsigned long)most_outstanding, (unsigned long)percent);
}

Test(conn_send, step_mode_has_one_packet_outstanding)
{
    step_with_loss(0);
}

Test(conn_send, step_mode_has_one_packet_outstanding_under_loss_too)
{
    step_with_loss(20);
}

Test(conn_send, a_reset_is_told_and_its_pieces_released_through_loss)
{
    rand_init_u64(&rng, 2);
    loss_percent = 50;
    consume = false;
    for (int i = 0; i < 20; i++) {
        const uint64_t id = send_file(0, sizeof file, 20000);
        pair.filter = lose_randomly;
        pair_run_for(&pair, 30000);
        cr_assert_eq(endpoint_reset(pair.e[0], pair.conn[0], id, 5, pair.now), 0);
        pair_run_for(&pair, SECONDS(20));
        pair.filter = NULL;
        pair_run_for(&pair, SECONDS(3));
        cr_assert_eq(pair.count[0][EVENT_RELEASED], i + 1);
        cr_assert_eq(pair.count[1][EVENT_RESET], i + 1);
        cr_assert_eq(inside_session(&pair, 0)->streams.send_count + inside_session(&pair, 1)->streams.recv_count, 0);
    }
}

Test(conn_send, a_stop_ends_the_file_on_both_sides_through_loss)
{
    rand_init_u64(&rng, 3);
    loss_percent = 50;
    consume = false;
    for (int i = 0; i < 20; i++) {
        const uint64_t id = send_file(1, sizeof file, 20000); /* nothing is consumed: it cannot be over by itself */
        pair_run_for(&pair, 15000);
        pair.filter = lose_randomly;
        cr_assert_eq(endpoint_stop(pair.e[0], pair.conn[0], id, 5, pair.now), 0);
        const uint64_t before = received_bytes;
        pair_run_for(&pair, SECONDS(20));
        pair.filter = NULL;
        pair_run_for(&pair, SECONDS(3));
        cr_assert_eq(received_bytes, before, "no extents after the stop");
        cr_assert_eq(pair.count[1][EVENT_STOPPED], i + 1);
        cr_assert_eq(pair.count[1][EVENT_RELEASED], i + 1);
        cr_assert_eq(inside_session(&pair, 1)->streams.send_count + inside_session(&pair, 0)->streams.recv_count, 0);
        const struct streams *s = &inside_session(&pair, 0)->streams;
        cr_assert_eq(s->data_received_bytes, s->data_consumed_bytes);
    }
}

Test(conn_send, credit_is_whole_after_a_thousand_streams_reset_or_stopped_at_random)
{
    rand_init_u64(&rng, 4);
    loss_percent = 10;
    pair.filter = lose_randomly;
    for (int i = 0; i < 1000; i++) {
        const uint64_t id = send_file(0, (size_t)rand_below(&rng, 50000), 1000 + rand_below(&rng, 60000));
        pair_run_for(&pair, rand_below(&rng, 60000));
        const uint64_t end = rand_below(&rng, 3);
        if (end == 0)
            endpoint_reset(pair.e[0], pair.conn[0], id, 1, pair.now);
        else if (end == 1)
            endpoint_stop(pair.e[1], pair.conn[1], id, 1, pair.now);
        for (int n = 0; n < 100 && (inside_session(&pair, 0)->streams.send_count > 32 || i == 999); n++)
            pair_run_for(&pair, SECONDS(1));
    }
    const struct streams *a = &inside_session(&pair, 0)->streams, *b = &inside_session(&pair, 1)->streams;
    cr_assert_eq(a->send_count + b->recv_count, 0);
    cr_assert_eq(b->data_received_bytes, b->data_consumed_bytes);
    cr_assert_eq(a->data_fresh_bytes, b->data_received_bytes);
    cr_assert_geq(a->data_limit_bytes - a->data_fresh_bytes, b->window.bytes * 3 / 4);
}

Test(conn_send, a_lost_ack_does_not_make_chat_arrive_twice_or_never)
{
    rand_init_u64(&rng, 5);
    loss_percent = 40;
    pair.filter = lose_randomly;
    uint64_t sent[2] = {0}, got[2] = {0};
    for (int i = 0; i < 2000; i++) {
        for (int s = 0; s < 2; s++) {
            uint8_t buf[512];
            for (size_t k = 0; k < 20; k++)
                buf[k] = (uint8_t)((sent[s] + k) * 7);
            if (i < 1000) {
                const ssize_t n = endpoint_write(pair.e[s], pair.conn[s], STREAM_CHAT, buf, 20, pair.now);
                cr_assert_geq(n, 0);
                sent[s] += (uint64_t)n;
            }
            const ssize_t n = endpoint_read(pair.e[s], pair.conn[s], STREAM_CHAT, buf, sizeof buf, pair.now);
            for (ssize_t k = 0; k < n; k++)
                cr_assert_eq(buf[k], (uint8_t)(got[1 - s]++ * 7));
        }
        pair_run_for(&pair, 30000);
    }
    cr_assert(got[0] == sent[0] && got[1] == sent[1]);
}

#define KEPT 400

static struct {
    duet_time at;
    size_t len;
    uint8_t bytes[LIMIT_PACKET_MIN_BYTES];
} kept[KEPT];
static size_t kept_count;

static bool keep(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    if (to == 1 && kept_count < KEPT && len <= sizeof kept[0].bytes) {
        kept[kept_count].at = time_add(p->now, p->delay_us + 1000);
        kept[kept_count].len = len;
        memcpy(kept[kept_count++].bytes, bytes, len);
    }
    return true;
}

Test(conn_send, replayed_datagrams_deliver_nothing_twice)
{
    struct endpoint_config a = pair_config(1, "alice"), b = pair_config(2, "bob");
    stop();
    a.params.max_packet_bytes = LIMIT_PACKET_MIN_BYTES;
    open_pair(&a, &b, 10000);
    pair.filter = keep;
    kept_count = 0;
    send_file(0, sizeof file, 1 << 20);
    for (int i = 0; i < 200; i++) {
        pair_run_for(&pair, 5000);
        for (size_t k = 0; k < kept_count && time_due(kept[k].at, pair.now); k++) {
            cr_assert_eq(pair_give(&pair, 1, kept[k].bytes, kept[k].len), DUET_EREPLAY);
        }
    }
    cr_assert_gt(kept_count, 100);
    cr_assert_eq(received_bytes, sizeof file);
    cr_assert_eq(pair.count[1][EVENT_FINISHED], 1);
    cr_assert_eq(pair.count[0][EVENT_SENT], 1);
}

static bool drop_to_0(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p, (void)bytes, (void)len;
    return to != 0;
}

/* A stranger may do that as soon as the handshake is over: each of its packets asks for an ACK, and it acknowledges
 * none of them. */
Test(conn_send, acks_that_nobody_acknowledges_take_little_memory)
{
    const struct frame ask = {.type = FRAME_ACK_POLICY, .policy = {.sequence = 1000, .want = {.packets = 1}}},
                       ping = {.type = FRAME_PING};
    pair.filter = drop_to_0;
    inside_send_frame(&pair, 0, &ask);
    for (int i = 0; i < 150000; i++) {
        inside_send_frame(&pair, 0, &ping);
        pair_run_for(&pair, 1);
    }
    const struct conn *c = inside_session(&pair, 1);
    const size_t records = c->loss.sent.in[SENT_OUTSTANDING].count + c->loss.sent.in[SENT_LOST].count;
    cr_assert_gt(pair.sent[1], 150000);
    cr_assert_leq(records, 3000, "%zu records for %lu packets", records, (unsigned long)pair.sent[1]);
    cr_assert_leq(c->loss.bytes_in_flight, c->cc.cwnd_bytes + (uint64_t)CONN_CHAT_EXTRA_PACKETS * c->packet_bytes);
}

/* A connection that wants to send a flight to an address which may get so many bytes. */
static size_t flight_of(struct conn *c, uint64_t allowed)
{
    uint8_t buf[LIMIT_PACKET_MIN_BYTES];

    c->path.validated = false;
    c->path.received_bytes = LIMIT_SYN_BYTES;
    c->path.sent_bytes = LIMIT_AMPLIFICATION * LIMIT_SYN_BYTES - allowed;
    c->flight_wanted = true;
    return conn_send(c, buf, sizeof(buf), pair.now, &(struct duet_route){0});
}

static bool keep_sides_apart(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p, (void)len;
    return to == 1 ? bytes[0] == PACKET_SYN : true;
}

Test(conn_send, no_flight_of_a_handshake_leaves_beyond_what_the_address_may_get)
{
    conn_id id;

    pair_close(&pair);
    pair_open_usual(&pair);
    pair.filter = keep_sides_apart;
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    pair_run_for(&pair, US_PER_S / 4);
    struct conn *caller = inside_conn(pair.e[0], id), *called = inside_conn(pair.e[1], 0);
    cr_assert(caller != NULL && caller->state == CONN_ACK_SENT);
    cr_assert(called != NULL && called->state == CONN_SYN_RECEIVED);
    cr_expect_eq(flight_of(called, LIMIT_SYN_ACK_BYTES - 1), 0);
    cr_expect_gt(flight_of(called, LIMIT_SYN_ACK_BYTES), 0);
    cr_expect_eq(flight_of(caller, LIMIT_SYN_BYTES - 1), 0);
    cr_expect_gt(flight_of(caller, LIMIT_SYN_BYTES), 0);
}
