/* A peer that moves, or seems to: what is followed, what is proven first, and how much an unproven path gets. */
#include "unit.h"
#include <string.h>

#include "duet/base/err.h"
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

TestSuite(conn_paths, .init = start, .fini = stop);

static const struct duet_addr cafe = {.family = ADDR_V4, .ip = {10, 7, 7, 7}, .port = 4242};
static bool cafe_is_deaf;

/* The first side has moved: the wire takes it for cafe. */
static bool moved(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    if (to == 0)
        return !cafe_is_deaf;
    endpoint_recv(p->e[1], &(struct envelope){.route.peer = cafe}, bytes, len, len, p->now);
    return false;
}

Test(conn_paths, a_moved_peer_is_followed_and_proven)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = moved;
    cr_assert_eq(endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, (const uint8_t *)"hello", 5, pair.now), 5);
    pair_run_for(&pair, SECONDS(2));
    const struct path *path = &inside_session(&pair, 1)->path;
    cr_assert(addr_equal(&path->route.peer, &cafe));
    cr_assert(path->validated, "a small packet must be enough to be asked");
    pair_run_for(&pair, SECONDS(60));
    cr_assert_eq(pair.count[0][EVENT_UNREACHABLE] + pair.count[1][EVENT_UNREACHABLE], 0);
}

/* Its CLOSE is all that ever comes from there. */
Test(conn_paths, a_peer_that_leaves_from_a_new_address_gets_its_answer)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = moved;
    endpoint_close(pair.e[0], pair.conn[0], CLOSE_OK, "bye", pair.now);
    pair_run_for(&pair, 100000);
    cr_assert_eq(pair.count[0][EVENT_CLOSED], 1);
    cr_assert_eq(pair.count[1][EVENT_CLOSED], 1);
}

Test(conn_paths, an_idle_peer_that_moved_is_never_unreachable)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = moved;
    pair_run_for(&pair, SECONDS(60));
    cr_assert_eq(pair.count[0][EVENT_UNREACHABLE] + pair.count[1][EVENT_UNREACHABLE], 0);
    cr_assert(inside_session(&pair, 1)->path.validated);
    cr_assert(addr_equal(&inside_session(&pair, 1)->path.route.peer, &cafe));
}

Test(conn_paths, a_copied_packet_from_elsewhere_moves_nothing_for_long)
{
    uint8_t frames[8], dgram[LIMIT_PACKET_MIN_BYTES], copy[LIMIT_PACKET_MIN_BYTES];
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    struct writer w = writer_of(frames, sizeof frames);
    frame_write(&w, &(struct frame){.type = FRAME_PING});
    const struct path *path = &inside_session(&pair, 1)->path;
    for (int i = 0; i < 5; i++) {
        const size_t len = inside_seal(inside_session(&pair, 0), &w, dgram, pair.now);
        memcpy(copy, dgram, len);
        if (i % 2 == 0)
            cr_assert_eq(pair_give(&pair, 1, dgram, len), 0); /* the original is first */
        const int rc = endpoint_recv(pair.e[1], &(struct envelope){.route.peer = cafe}, copy, len, len, pair.now);
        cr_assert_eq(rc, i % 2 == 0 ? DUET_EREPLAY : 0);
        cr_assert_eq(path->validated, i % 2 == 0);
        if (i % 2 == 1)
            pair_run_for(&pair, 4 * US_PER_S); /* nobody answers the challenge there */
        cr_assert(addr_equal(&path->route.peer, &pair.addr[0]) && path->validated, "round %d", i);
    }
    cr_assert_eq(pair.count[1][EVENT_UNREACHABLE] + pair.count[0][EVENT_UNREACHABLE], 0);
}

Test(conn_paths, an_older_packet_from_elsewhere_does_not_move_the_path)
{
    uint8_t frames[8], old[LIMIT_PACKET_MIN_BYTES], new[LIMIT_PACKET_MIN_BYTES];
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    struct writer w = writer_of(frames, sizeof frames);
    frame_write(&w, &(struct frame){.type = FRAME_PING});
    const size_t len = inside_seal(inside_session(&pair, 0), &w, old, pair.now);
    inside_seal(inside_session(&pair, 0), &w, new, pair.now);
    cr_assert_eq(pair_give(&pair, 1, new, len), 0);
    cr_assert_eq(endpoint_recv(pair.e[1], &(struct envelope){.route.peer = cafe}, old, len, len, pair.now), 0);
    cr_assert(addr_equal(&inside_session(&pair, 1)->path.route.peer, &pair.addr[0]));
}

/* For a file to the one that moves. */
static uint64_t open_stream(void)
{
    uint64_t id;
    pair_connect(&pair);
    cr_assert_eq(endpoint_open_bulk(pair.e[1], pair.conn[1], &id), 0);
    cr_assert_eq(endpoint_accept_bulk(pair.e[0], pair.conn[0], id, 1 << 20, pair.now), 0);
    pair_run_for(&pair, SECONDS(1));
    return id;
}

static void file_to_the_one_that_moves(void)
{
    static uint8_t file[2000000];
    const uint64_t id = open_stream();
    cr_assert_eq(endpoint_supply(pair.e[1], pair.conn[1], id, 0, file, sizeof file, 1, pair.now), 0);
    pair_run_for(&pair, 45000);
}

/* Its first packet from there acknowledges the last it got before: the silence is no round trip of the new path. */
Test(conn_paths, what_was_sent_to_the_former_host_tells_nothing_of_the_new_path)
{
    uint8_t frames[32], dgram[LIMIT_PACKET_MIN_BYTES];
    file_to_the_one_that_moves();
    pair.filter = pair_lose_all;
    pair_run_for(&pair, SECONDS(3));
    struct writer w = writer_of(frames, sizeof frames);
    const uint64_t ack[] = {FRAME_ACK, inside_session(&pair, 0)->largest_received, 0, 0, 0};
    for (size_t i = 0; i < sizeof ack / sizeof *ack; i++)
        writer_varint(&w, ack[i]);
    const size_t len = inside_seal(inside_session(&pair, 0), &w, dgram, pair.now);
    cr_assert_eq(endpoint_recv(pair.e[1], &(struct envelope){.route.peer = cafe}, dgram, len, len, pair.now), 0);
    const struct conn *c = inside_session(&pair, 1);
    cr_assert(addr_equal(&c->path.route.peer, &cafe));
    cr_assert_not(c->loss.rtt.sampled);
}

Test(conn_paths, an_unproven_path_gets_no_more_than_three_times_its_bytes)
{
    static uint8_t file[200000];
    const uint64_t id = open_stream();
    pair.filter = moved;
    cafe_is_deaf = true;
    cr_assert_eq(endpoint_supply(pair.e[1], pair.conn[1], id, 0, file, sizeof file, 1, pair.now), 0);
    endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, (const uint8_t *)"hello", 5, pair.now);
    for (int i = 0; i < 2000; i++) {
        pair_run_for(&pair, 1000);
        const struct path *p = &inside_session(&pair, 1)->path;
        cr_assert(p->validated || p->sent_bytes <= LIMIT_AMPLIFICATION * p->received_bytes);
    }
    cafe_is_deaf = false;
}
