/*
 * A peer that holds the keys and sends whatever frames it likes, most of them such as could be true: the connection
 * lives on or is closed, its memory stays within bounds, and nothing of it is used once it is gone (AddressSanitizer).
 */
#include "unit.h"
#include <string.h>

#include "base/num.h"
#include "inside.h"

#define WORLDS 150
#define STEPS 300
#define FILES 6
#define FILE_BYTES 200000

enum { LIAR, VICTIM }; /* sides; the liar called, so its bulk streams are 2, 6, … and the victim's 3, 7, … */

static struct pair pair;
static struct duet_rand rng;
static uint8_t contents[FILE_BYTES];
static bool closed;
static uint64_t deaf_percent;
static struct ranges came; /* numbers of packets to the liar */
static size_t taken, violations;

static uint64_t dice(uint64_t sides)
{
    return rand_below(&rng, sides);
}

static uint64_t file_id(int of, uint64_t i)
{
    return 4 * i + 2 + (of == VICTIM ? 1 : 0);
}

static void note(struct pair *p, int side, const struct endpoint_event *ev)
{
    uint8_t buf[1000];

    if (side != VICTIM)
        return;
    if (ev->type == EVENT_CLOSED) {
        closed = true;
        violations += ev->closed.end == END_ERROR;
    }
    if (ev->type == EVENT_READABLE && dice(3) != 0)
        (void)endpoint_read(p->e[side], ev->conn, ev->stream, buf, dice(sizeof buf) + 1, p->now);
    if (ev->type == EVENT_EXTENT) {
        taken += ev->extent.data[0] + ev->extent.data[ev->extent.len - 1]; /* both ends are there to be read */
        if (dice(4) != 0)
            (void)endpoint_consumed(p->e[side], ev->conn, ev->stream, ev->extent.len, p->now);
    }
}

/* The liar's endpoint has only the keys to give: it hears nothing, and what it says by itself gets there seldom. */
static bool between(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    struct packet packet;
    (void)p;

    if (to == LIAR && packet_parse(&packet, bytes, len) == 0 && packet.type == PACKET_DATA)
        (void)ranges_add(&came, packet.number, packet.number + 1);
    return to == VICTIM && dice(100) >= deaf_percent;
}

/* ── frames that could be true, and now and then could not ── */

static uint64_t near(uint64_t value)
{
    switch (dice(20)) {
    case 0:
        return dice(UINT64_C(1) << 61);
    case 1:
        return value + dice(3);
    case 2:
        return 0;
    default:
        return value > 0 ? dice(value + 1) : 0;
    }
}

static uint64_t some_stream(void)
{
    if (dice(4) == 0)
        return dice(2) != 0 ? STREAM_CONTROL : STREAM_CHAT;
    return dice(40) == 0 ? dice(1000) : file_id(dice(2) != 0 ? LIAR : VICTIM, dice(FILES));
}

/* Some of what really came; rarely what never left. */
static void put_ack(struct writer *w)
{
    struct ranges r;
    uint64_t lowest;

    ranges_init(&r, LIMIT_ACK_RANGES);
    for (size_t i = 0; i < came.count; i++) {
        const struct range *part = &came.v[i];
        const uint64_t start = part->start + dice(part->end - part->start);
        if (dice(3) != 0)
            (void)ranges_add(&r, start, dice(2) != 0 ? part->end : start + 1);
    }
    if (dice(2000) == 0)
        (void)ranges_add(&r, inside_session(&pair, VICTIM)->next_number, LIMIT_PACKET_NUMBER);
    if (r.count > 0)
        (void)frame_write_ack(w, &(struct frame_ack_news){.received = &r, .delay_us = dice(100000)}, &lowest);
    ranges_dispose(&r);
}

static void put_stream(struct writer *w)
{
    const struct streams *s = &inside_session(&pair, VICTIM)->streams;
    const bool is_file = dice(4) != 0 && s->recv_count > 0;
    const struct bulkrecv *b = is_file ? s->recvs[dice(s->recv_count)] : NULL;
    const size_t ordered = dice(ORDERED_FIXED);
    struct frame f = {.type = FRAME_STREAM, .stream = is_file ? b->id : ordered * 4};

    if (dice(1000) == 0)
        f.stream = some_stream();
    f.data.len = dice(6) == 0 ? 0 : dice(200);
    f.data.data = contents;
    if (is_file && b->state.final_bytes != STREAM_SIZE_UNKNOWN) {
        f.data.offset = dice(b->state.final_bytes + 1);
        f.data.len = num_min(f.data.len, b->state.final_bytes - f.data.offset);
    } else if (is_file) {
        f.data.offset = near(FILE_BYTES);
        f.data.len = num_min(f.data.len, b->state.limit_bytes - b->state.distinct_bytes);
        f.data.fin = dice(50) == 0 && (b->state.got.count == 0 || f.data.offset > extents_end(&b->state.got));
    } else {
        f.data.offset = extents_end_of(&s->ordered.fixed[ordered].in.state.got, 0) + (dice(4) == 0 ? dice(2000) : 0);
        f.data.len = num_min(f.data.len, s->ordered.fixed[ordered].in.state.limit_bytes -
                                             num_min(f.data.offset, s->ordered.fixed[ordered].in.state.limit_bytes));
    }
    if (dice(1000) == 0)
        f.data.len = 200;
    frame_write(w, &f);
}

/* What it gave up, of those that are open: between what came and what may. */
static uint64_t final_bytes(uint64_t id)
{
    const struct bulkrecv *b = streams_recv(&inside_session(&pair, VICTIM)->streams, id);

    return b == NULL || dice(50) == 0
               ? near(FILE_BYTES)
               : b->state.distinct_bytes + dice(b->state.limit_bytes - b->state.distinct_bytes + 1);
}

static void put_other(struct writer *w)
{
    struct frame f = {.type = FRAME_PING, .stream = some_stream()};

    switch (dice(9)) {
    case 0:
        f.type = dice(8) == 0 ? FRAME_RESET_STREAM : FRAME_PING;
        f.reset.final_bytes = final_bytes(f.stream);
        break;
    case 1:
        f.type = FRAME_STOP_STREAM;
        f.code = dice(100);
        break;
    case 2:
        f.type = FRAME_MAX_DATA;
        f.max = near(FILE_BYTES * FILES);
        break;
    case 3:
        f.type = FRAME_MAX_STREAM_DATA;
        f.max = near(FILE_BYTES);
        break;
    case 4:
        f.type = FRAME_PATH_CHALLENGE;
        break;
    case 5:
        f.type = FRAME_PATH_RESPONSE;
        break;
    case 6:
        f.type = FRAME_ACK_POLICY;
        f.policy.sequence = dice(1000);
        f.policy.want =
            (struct frame_ack_policy){.packets = 1 + near(50), .delay_us = near(10000), .gap_us = near(10000)};
        break;
    case 7:
        f.type = dice(200) == 0 ? FRAME_CLOSE : FRAME_PADDING;
        f.padding = f.type == FRAME_PADDING ? 1 + dice(30) : 0;
        break;
    default:
        break;
    }
    frame_write(w, &f);
}

static void lie(void)
{
    uint8_t bytes[900], dgram[LIMIT_PACKET_MIN_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);

    put_other(&w); /* an empty packet is a violation, and so are two ACKs in one */
    if (dice(4) == 0)
        put_ack(&w);
    for (uint64_t i = dice(5); i > 0 && writer_left(&w) > 500; i--) {
        if (dice(2) != 0)
            put_stream(&w);
        else
            put_other(&w);
    }
    const size_t len = inside_seal(inside_session(&pair, LIAR), &w, dgram, pair.now);
    (void)endpoint_recv(pair.e[VICTIM], &(struct envelope){.route.peer = pair.addr[LIAR]}, dgram, len, len, pair.now);
    pair_run(&pair, pair.now); /* extents point into dgram */
}

/* ── what the victim's owner does ── */

static void victim_acts(void)
{
    struct endpoint *e = pair.e[VICTIM];
    const conn_id c = pair.conn[VICTIM];
    uint64_t id;

    switch (dice(12)) {
    case 0:
        (void)endpoint_stop(e, c, file_id(LIAR, dice(FILES)), 1, pair.now);
        break;
    case 1:
        (void)endpoint_reset(e, c, file_id(VICTIM, dice(FILES)), 1, pair.now);
        break;
    case 2:
        (void)endpoint_accept_bulk(e, c, file_id(LIAR, dice(40 * FILES)), 1 + dice(FILE_BYTES), pair.now);
        break;
    case 3:
        if (endpoint_open_bulk(e, c, &id) == 0)
            (void)endpoint_supply(e, c, id, 0, contents, 1 + dice(FILE_BYTES), id, pair.now);
        break;
    case 4:
        (void)endpoint_finish(e, c, file_id(VICTIM, dice(FILES)), dice(FILE_BYTES), pair.now);
        break;
    default:
        (void)endpoint_write(e, c, dice(2) != 0 ? STREAM_CONTROL : STREAM_CHAT, contents, dice(300), pair.now);
    }
}

static void check_bounds(void)
{
    struct endpoint_stats s;

    if (closed || endpoint_stats(pair.e[VICTIM], pair.conn[VICTIM], &s) != 0)
        return;
    const struct conn *c = inside_session(&pair, VICTIM);
    cr_assert_leq(c->loss.sent.in[SENT_LOST].count, LOSS_KEPT);
    cr_assert_leq(c->loss.lone_in_flight, LOSS_LONE_KEPT);
    cr_assert_leq(c->acktr.received.count, LIMIT_ACK_RANGES);
    cr_assert_leq(c->streams.recv_count, LIMIT_STREAMS);
    cr_assert_leq(c->streams.closed.count, STREAMS_CLOSED_RANGES);
    cr_assert_leq(c->streams.data_received_bytes, c->streams.data_granted_bytes + c->streams.data_consumed_bytes);
}

static void world(uint64_t seed)
{
    struct endpoint_config a = pair_config(seed, "liar"), b = pair_config(seed + 1000000, "victim");

    rand_init_u64(&rng, seed);
    memset(&pair, 0, sizeof pair);
    closed = false;
    ranges_init(&came, 100000);
    deaf_percent = 90 + dice(11);
    pair.delay_us = 1000;
    pair.on_event = note;
    pair_open(&pair, &a, &b);
    pair_connect(&pair);
    pair.filter = between;
    for (uint64_t i = 0; i < FILES; i++) {
        cr_assert_eq(
            endpoint_accept_bulk(pair.e[VICTIM], pair.conn[VICTIM], file_id(LIAR, i), 1 + dice(FILE_BYTES), pair.now),
            0);
        victim_acts();
    }
    for (int step = 0; step < STEPS && !closed; step++) {
        if (dice(3) == 0)
            victim_acts();
        else if (inside_conn(pair.e[LIAR], pair.conn[LIAR]) != NULL)
            lie();
        pair_run(&pair, time_add(pair.now, dice(4) != 0 ? dice(300) : dice(300000)));
        check_bounds();
    }
    ranges_dispose(&came);
    pair_close(&pair);
}

Test(conn_random, whatever_a_peer_with_the_keys_sends_is_borne_or_ends_it)
{
    violations = 0;
    for (uint64_t seed = 1; seed <= WORLDS; seed++)
        world(seed);
    cr_expect(violations > 0 && violations < WORLDS / 2, "%zu of %d ended: too tame or too wild", violations, WORLDS);
}
