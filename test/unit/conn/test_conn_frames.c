/* What a session makes of frames: those that break a rule, those it ignores and those it answers. */
#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "inside.h"

#define SECONDS(n) ((uint64_t)(n)*US_PER_S)

static struct pair pair;

static void start(void)
{
    pair_open_usual(&pair);
}

static void stop(void)
{
    pair_close(&pair);
}

TestSuite(conn_frames, .init = start, .fini = stop);

static struct writer body;
static uint8_t body_bytes[1100];

static void frame(const struct frame *f)
{
    frame_write(&body, f);
}

static void stream(uint64_t id, uint64_t offset, size_t len, bool fin)
{
    static const uint8_t zeros[1000];
    frame(&(struct frame){.type = FRAME_STREAM, .stream = id, .data = {offset, zeros, len, fin}});
}

static void varints(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t f)
{
    const uint64_t v[] = {a, b, c, d, f};
    for (size_t i = 0; i < 5; i++)
        writer_varint(&body, v[i]);
}

static void ack_of(uint64_t number)
{
    varints(FRAME_ACK, number, 0, 0, 0);
}

static void unknown_frame(struct pair *p)
{
    (void)p;
    writer_varint(&body, 0x1f);
}
static void long_type(struct pair *p)
{
    (void)p;
    writer_u16(&body, 0x4001); /* PING in two bytes */
}
static void nothing(struct pair *p)
{
    (void)p;
}
static void cut_frame(struct pair *p)
{
    (void)p;
    varints(FRAME_STREAM, 4, 0, 50, 0);
}
static void not_accepted(struct pair *p)
{
    (void)p;
    stream(2, 0, 10, false);
}
static void own_bulk_id(struct pair *p)
{
    uint64_t id;
    cr_assert_eq(endpoint_open_bulk(p->e[1], p->conn[1], &id), 0);
    stream(id, 0, 10, false);
}
static void no_such_ordered(struct pair *p)
{
    (void)p;
    stream(8, 0, 10, false);
}
static void chat_fin(struct pair *p)
{
    (void)p;
    stream(STREAM_CHAT, 0, 0, true);
}
static void chat_past_window(struct pair *p)
{
    (void)p;
    stream(STREAM_CHAT, LIMIT_STREAM_WINDOW_BYTES, 1, false);
}
static void bulk_past_limit(struct pair *p)
{
    cr_assert_eq(endpoint_accept_bulk(p->e[1], p->conn[1], 2, 500, p->now), 0);
    stream(2, 1000000, 501, false);
}
static void bulk_past_end(struct pair *p)
{
    cr_assert_eq(endpoint_accept_bulk(p->e[1], p->conn[1], 2, 500, p->now), 0);
    stream(2, 0, 100, true);
    stream(2, 100, 1, false);
}
static void bulk_two_ends(struct pair *p)
{
    cr_assert_eq(endpoint_accept_bulk(p->e[1], p->conn[1], 2, 500, p->now), 0);
    stream(2, 0, 100, true);
    stream(2, 0, 99, true);
}
static void reset_below(struct pair *p)
{
    cr_assert_eq(endpoint_accept_bulk(p->e[1], p->conn[1], 2, 500, p->now), 0);
    stream(2, 0, 100, false);
    frame(&(struct frame){.type = FRAME_RESET_STREAM, .stream = 2, .reset = {0, 99}});
}
static void ack_unsent(struct pair *p)
{
    ack_of(inside_session(p, 1)->next_number);
}
static void ack_far(struct pair *p)
{
    (void)p;
    ack_of(VARINT_MAX);
}
static void ack_skipped(struct pair *p)
{
    struct conn *c = inside_session(p, 1);
    c->skip_at = c->next_number;
    const uint64_t skipped = c->next_number;
    cr_assert_eq(endpoint_write(p->e[1], p->conn[1], STREAM_CHAT, (const uint8_t *)"x", 1, p->now), 1);
    pair_run(p, time_add(p->now, 1000));
    cr_assert_eq(c->next_number, skipped + 2);
    ack_of(skipped);
}
static void two_acks(struct pair *p)
{
    (void)p;
    ack_of(0);
    ack_of(0);
}
static void pings(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        frame(&(struct frame){.type = FRAME_PING});
}
static void too_many_frames(struct pair *p)
{
    (void)p;
    pings(LIMIT_PACKET_FRAMES);
    frame(&(struct frame){.type = FRAME_PADDING, .padding = 1});
}
static void done_from_initiator(struct pair *p)
{
    (void)p;
    frame(&(struct frame){.type = FRAME_HANDSHAKE_DONE});
}

Test(conn_frames, broken_rules_close_with_their_code)
{
    static const struct {
        const char *name;
        void (*make)(struct pair *p);
        uint64_t code;
    } rows[] = {
        {"unknown frame", unknown_frame, CLOSE_PROTOCOL},
        {"frame type in two bytes", long_type, CLOSE_PROTOCOL},
        {"empty packet", nothing, CLOSE_PROTOCOL},
        {"frame cut short", cut_frame, CLOSE_PROTOCOL},
        {"bulk id never accepted", not_accepted, CLOSE_PROTOCOL},
        {"bulk id of the receiver", own_bulk_id, CLOSE_PROTOCOL},
        {"ordered id that is not", no_such_ordered, CLOSE_PROTOCOL},
        {"fin on chat", chat_fin, CLOSE_PROTOCOL},
        {"chat past its window", chat_past_window, CLOSE_FLOW},
        {"bulk past its limit", bulk_past_limit, CLOSE_FLOW},
        {"bulk past its end", bulk_past_end, CLOSE_PROTOCOL},
        {"bulk with two ends", bulk_two_ends, CLOSE_PROTOCOL},
        {"reset below what came", reset_below, CLOSE_PROTOCOL},
        {"ack of the next number", ack_unsent, CLOSE_PROTOCOL},
        {"ack of the last number", ack_far, CLOSE_PROTOCOL},
        {"ack of a skipped number", ack_skipped, CLOSE_PROTOCOL},
        {"two ACKs in a packet", two_acks, CLOSE_PROTOCOL},
        {"65 frames in a packet", too_many_frames, CLOSE_PROTOCOL},
        {"done from the initiator", done_from_initiator, CLOSE_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        stop();
        start();
        pair_connect(&pair);
        pair_run_for(&pair, SECONDS(1));
        body = writer_of(body_bytes, sizeof body_bytes);
        rows[i].make(&pair);
        cr_assert_eq(inside_send(&pair, 0, &body), 0, "%s", rows[i].name);
        cr_assert_eq(inside_session(&pair, 1)->state, CONN_CLOSING, "%s", rows[i].name);
        pair_run_for(&pair, SECONDS(5));
        cr_assert_eq(pair.count[1][EVENT_CLOSED], 1, "%s", rows[i].name);
        cr_assert_eq(pair.last[1][EVENT_CLOSED].closed.end, END_ERROR, "%s", rows[i].name);
        cr_assert_eq(pair.last[1][EVENT_CLOSED].closed.code, rows[i].code, "%s", rows[i].name);
        cr_assert_eq(pair.last[0][EVENT_CLOSED].closed.code, rows[i].code, "%s: the peer is told", rows[i].name);
        cr_assert_eq(endpoint_conn_count(pair.e[0]) + endpoint_conn_count(pair.e[1]), 0, "%s", rows[i].name);
    }
}

Test(conn_frames, a_packet_carries_64_frames_and_a_run_of_padding_is_one)
{
    pair_connect(&pair);
    body = writer_of(body_bytes, sizeof(body_bytes));
    pings(LIMIT_PACKET_FRAMES - 1);
    frame(&(struct frame){.type = FRAME_PADDING, .padding = 500});
    cr_assert_eq(inside_send(&pair, 0, &body), 0);
    cr_assert_eq(inside_session(&pair, 1)->state, CONN_ESTABLISHED);
}

Test(conn_frames, frames_about_unknown_streams_are_ignored)
{
    pair_connect(&pair);
    static const uint64_t ids[] = {2, 3, 6, 8, 1, 1000002};
    body = writer_of(body_bytes, sizeof body_bytes);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        frame(&(struct frame){.type = FRAME_MAX_STREAM_DATA, .stream = ids[i], .max = 5});
        frame(&(struct frame){.type = FRAME_STOP_STREAM, .stream = ids[i], .code = 5});
        frame(&(struct frame){.type = FRAME_RESET_STREAM, .stream = ids[i], .reset = {1, 2}});
    }
    frame(&(struct frame){.type = FRAME_MAX_DATA, .max = 1});
    frame(&(struct frame){.type = FRAME_PATH_RESPONSE, .path = {1}});
    cr_assert_eq(inside_send(&pair, 0, &body), 0);
    cr_assert_eq(inside_session(&pair, 1)->state, CONN_ESTABLISHED);
    struct endpoint_event ev;
    cr_assert_not(endpoint_poll(pair.e[1], &ev));
}

Test(conn_frames, who_asks_or_repeats_file_bytes_gets_a_complete_ack)
{
    static const struct {
        const char *what;
        uint64_t offset;
        size_t len;
        bool all;
    } rows[] = {
        {"new", 0, 100, false},        {"half new", 50, 100, false},          {"the same again", 50, 100, true},
        {"a part again", 10, 1, true}, {"nothing but an end", 150, 0, false}, {"of a stream that is over", 0, 10, true},
    };
    pair_connect(&pair);
    struct conn *c = inside_session(&pair, 1);
    cr_assert_eq(endpoint_accept_bulk(pair.e[1], pair.conn[1], 2, 500, pair.now), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pair_run_for(&pair, SECONDS(1));
        cr_assert_neq(c->acktr.news_from[0], 0);
        body = writer_of(body_bytes, sizeof body_bytes);
        stream(2, rows[i].offset, rows[i].len, rows[i].len == 0);
        cr_assert_eq(inside_send(&pair, 0, &body), 0);
        cr_assert_eq(c->acktr.news_from[0] == 0, rows[i].all, "%s", rows[i].what);
    }
    pair_run_for(&pair, SECONDS(1));
    cr_assert_eq(inside_send_frame(&pair, 0, &(struct frame){.type = FRAME_PING}), 0);
    cr_assert_eq(c->acktr.news_from[0], 0);
    cr_assert_eq(c->state, CONN_ESTABLISHED);
}

Test(conn_frames, a_challenge_is_answered)
{
    pair_connect(&pair);
    struct path *path = &inside_session(&pair, 0)->path;
    path->trial = (struct path_trial){.is_on = true, .home = {.route = path->route, .challenge = "duetdue"}};
    path->trial.end_at = path->trial.repeat_at = DUET_NEVER;
    cr_assert_eq(inside_send_frame(&pair, 0, &(struct frame){.type = FRAME_PATH_CHALLENGE, .path = "duetdue"}), 0);
    pair_run_for(&pair, SECONDS(1));
    cr_assert(path->trial.home.is_answered);
}

Test(conn_frames, a_stream_that_is_over_may_still_be_heard_of)
{
    pair_connect(&pair);
    cr_assert_eq(endpoint_accept_bulk(pair.e[1], pair.conn[1], 2, 500, pair.now), 0);
    for (int i = 0; i < 2; i++) {
        body = writer_of(body_bytes, sizeof body_bytes);
        stream(2, 0, 100, true);
        cr_assert_eq(inside_send(&pair, 0, &body), 0);
        pair_run_for(&pair, 1000);
        if (i == 0)
            cr_assert_eq(endpoint_consumed(pair.e[1], pair.conn[1], 2, 100, pair.now), 0);
    }
    cr_assert_eq(pair.count[1][EVENT_EXTENT], 1);
    cr_assert_eq(pair.count[1][EVENT_FINISHED], 1);
    cr_assert_eq(inside_session(&pair, 1)->state, CONN_ESTABLISHED);
}
