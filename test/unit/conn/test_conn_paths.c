/* A peer that moves, or seems to: what is followed, what is proven first, and how much an unproven path gets. */
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

TestSuite(conn_paths, .init = start, .fini = stop);

static const struct duet_addr cafe = {.family = ADDR_V4, .ip = {10, 7, 7, 7}, .port = 4242};
static const struct duet_addr train = {.family = ADDR_V4, .ip = {10, 8, 8, 8}, .port = 2424};
static bool cafe_is_deaf;

static int give_from(const struct duet_addr *from, const uint8_t *bytes, size_t len)
{
    uint8_t copy[LIMIT_PACKET_MIN_BYTES];

    cr_assert_leq(len, sizeof copy);
    memcpy(copy, bytes, len);
    return endpoint_recv(pair.e[1], &(struct envelope){.route.peer = *from, .ecn = pair.ecn}, copy, len, len, pair.now);
}

static bool goes_to(const struct pair *p, const struct duet_addr *a)
{
    return addr_equal(&p->sent_on.peer, a);
}

/* The first side has moved: the wire takes it for cafe, and its former address leads nowhere. */
static bool moved(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    if (to == 0)
        return !cafe_is_deaf && goes_to(p, &cafe);
    give_from(&cafe, bytes, len);
    return false;
}

/* Somebody at cafe has a copy there before each packet of the first side, and hears nothing. */
static bool copied(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    if (to == 0)
        return goes_to(p, &p->addr[0]);
    give_from(&cafe, bytes, len);
    return true;
}

/* The same, and the first side has moved to train. */
static bool copied_and_moved(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    if (to == 0)
        return goes_to(p, &train);
    give_from(&cafe, bytes, len);
    give_from(&train, bytes, len);
    return false;
}

static const struct path *path_of_second(void)
{
    return &inside_session(&pair, 1)->path;
}

static void say(int side)
{
    cr_assert_eq(endpoint_write(pair.e[side], pair.conn[side], STREAM_CHAT, (const uint8_t *)"hello", 5, pair.now), 5);
}

/* What was said to that side; the time it took, or more than `most_us`. */
static uint64_t hear(int side, uint64_t most_us)
{
    uint8_t text[8];
    uint64_t us = 0;

    while (us <= most_us &&
           endpoint_read(pair.e[side], pair.conn[side], STREAM_CHAT, text, sizeof text, pair.now) != 5) {
        pair_run_for(&pair, 1000);
        us += 1000;
    }
    return us;
}

Test(conn_paths, a_moved_peer_is_followed_and_proven)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = moved;
    say(0);
    pair_run_for(&pair, 9000);
    cr_assert(addr_equal(&path_of_second()->route.peer, &pair.addr[0]), "not before it was asked");
    pair_run_for(&pair, SECONDS(2));
    cr_assert(addr_equal(&path_of_second()->route.peer, &cafe));
    cr_assert(path_of_second()->trial.candidate.is_answered, "a small packet must be enough to be asked");
    pair_run_for(&pair, SECONDS(60));
    cr_assert_eq(pair.count[0][EVENT_UNREACHABLE] + pair.count[1][EVENT_UNREACHABLE], 0);
}

/* It went to where the peer no longer was; nobody waits for a timer to say it again. */
Test(conn_paths, what_was_said_meanwhile_is_said_again_at_once)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = moved;
    say(0);
    pair_run_for(&pair, 1000);
    cr_assert(path_is_in_doubt(path_of_second()));
    inside_session(&pair, 1)->early.count = 0;
    say(1);
    inside_session(&pair, 1)->loss.rtt.rttvar_us = SECONDS(1); /* any timer comes later */
    cr_assert_leq(hear(0, SECONDS(1)), 40000);
}

/* Its acknowledgements arrive from the first packet on, or it would send all it has once more. */
Test(conn_paths, a_peer_that_moved_is_acknowledged_before_it_is_proven)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = moved;
    say(0);
    pair_run_for(&pair, 10000);
    cr_assert_eq(inside_session(&pair, 0)->loss.eliciting_in_flight, 0, "with the challenge");
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

/* Whoever copies a goodbye must not have the answer for himself: nor may he keep the peer from it. */
Test(conn_paths, a_goodbye_that_is_copied_is_answered)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = copied;
    endpoint_close(pair.e[0], pair.conn[0], CLOSE_OK, "bye", pair.now);
    pair_run_for(&pair, 100000);
    cr_assert_eq(pair.count[0][EVENT_CLOSED], 1);
    cr_assert_eq(endpoint_counters(pair.e[0]).closes_unanswered, 0);
}

Test(conn_paths, an_idle_peer_that_moved_is_never_unreachable)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = moved;
    pair_run_for(&pair, SECONDS(60));
    cr_assert_eq(pair.count[0][EVENT_UNREACHABLE] + pair.count[1][EVENT_UNREACHABLE], 0);
    cr_assert(addr_equal(&path_of_second()->route.peer, &cafe));
}

Test(conn_paths, who_copies_each_packet_and_is_faster_gets_nothing)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = copied;
    for (int i = 0; i < 50; i++) {
        say(0);
        say(1);
        cr_assert_leq(hear(0, SECONDS(1)), 12000, "text %d to the one that is copied", i);
        cr_assert_leq(hear(1, SECONDS(1)), 12000, "text %d from it", i);
        cr_assert(addr_equal(&path_of_second()->route.peer, &pair.addr[0]));
        pair_run_for(&pair, 200000);
    }
    cr_assert_eq(inside_session(&pair, 1)->loss.lost_bytes, 0);
}

/* He cannot have the peer slow down with marks of his own either. */
Test(conn_paths, marks_on_a_copy_count_for_nothing)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = copied;
    pair.ecn = 3;
    say(0);
    pair_run_for(&pair, 1000);
    cr_assert_eq(inside_session(&pair, 1)->acktr.ecn[2], 0);
    pair.filter = NULL;
    say(0);
    pair_run_for(&pair, 20000);
    cr_assert_neq(inside_session(&pair, 1)->acktr.ecn[2], 0);
}

/* From where it is now the peer's packets come second, always. */
Test(conn_paths, a_peer_that_moves_beside_a_copier_is_found)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = copied_and_moved;
    say(1);
    for (int i = 0; i < 10; i++) {
        say(0);
        pair_run_for(&pair, 200000);
    }
    cr_assert(addr_equal(&path_of_second()->route.peer, &train));
    cr_assert_eq(hear(0, 0), 0);
}

Test(conn_paths, an_answer_goes_to_where_the_challenge_came_from)
{
    uint8_t frames[16], dgram[LIMIT_PACKET_MIN_BYTES], out[65536];
    struct envelope to;
    size_t segment, to_cafe = 0;
    ssize_t n;

    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    struct writer w = writer_of(frames, sizeof frames);
    frame_write(&w, &(struct frame){.type = FRAME_PATH_CHALLENGE, .path = "duetdue"});
    const size_t len = inside_seal(inside_session(&pair, 0), &w, dgram, pair.now);
    cr_assert_eq(give_from(&cafe, dgram, len), 0);
    cr_assert_eq(path_of_second()->reply_count, 2);
    while ((n = endpoint_send(pair.e[1], &to, out, sizeof out, &segment, pair.now)) > 0)
        to_cafe += addr_equal(&to.route.peer, &cafe);
    cr_assert_eq(path_of_second()->reply_count, 0);
    cr_assert_eq(to_cafe, 2, "the answer, and a challenge");
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
    struct conn *c = inside_session(&pair, 1);
    say(0);
    pair.filter = moved;
    pair_run_for(&pair, 1000);
    cr_assert(c->path.trial.is_on);
    conn_path_answered(c, c->path.trial.candidate.challenge, pair.now);
    cr_assert(addr_equal(&c->path.route.peer, &cafe));
    const size_t len = inside_seal(inside_session(&pair, 0), &w, dgram, pair.now);
    cr_assert_eq(give_from(&cafe, dgram, len), 0);
    cr_assert_not(c->loss.rtt.sampled);
}

/* What is under way to where nobody is says nothing of the path, which for a NAT's new port is the same. */
static bool moved_to_a_port(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    struct duet_addr port = p->addr[0];

    port.port++;
    if (to == 0)
        return goes_to(p, &port);
    give_from(&port, bytes, len);
    return false;
}

Test(conn_paths, a_new_port_costs_no_window_and_a_file_waits_for_it)
{
    file_to_the_one_that_moves();
    const struct conn *c = inside_session(&pair, 1);
    pair.filter = pair_lose_all;
    pair_run_for(&pair, 20000);
    const uint64_t cwnd = c->cc.cwnd_bytes, packet = c->packet_bytes, lost = c->loss.lost_packets;
    cr_assert_geq(c->loss.bytes_in_flight, 10 * packet);
    pair.filter = moved_to_a_port;
    say(0);
    pair_run_for(&pair, 1000);
    cr_assert(path_is_in_doubt(&c->path));
    const uint64_t sent = pair.sent_bytes[1];
    pair_run_for(&pair, 8000);
    cr_assert(path_is_in_doubt(&c->path));
    cr_assert_leq(pair.sent_bytes[1] - sent, 2 * packet, "it would go nowhere");
    cr_assert(c->loss.in_doubt && c->loss.lost_packets == lost, "nothing counts as lost before that is known");
    pair_run_for(&pair, 4000);
    cr_assert_not(path_is_in_doubt(&c->path));
    cr_assert_not(c->loss.in_doubt);
    cr_assert_gt(c->loss.lost_packets, lost + 9, "known at once");
    cr_assert_geq(c->cc.cwnd_bytes, cwnd);
    cr_assert_eq(c->packet_bytes, packet);
    pair_run_for(&pair, 30000);
    cr_assert_gt(pair.sent_bytes[1] - sent, 5 * packet, "and goes on");
    cr_assert_geq(c->cc.cwnd_bytes, cwnd, "what was lost there was no congestion");
}

/* Nothing of it is lost for having been sent before the address was proven. */
Test(conn_paths, another_host_is_learnt_anew)
{
    file_to_the_one_that_moves();
    const struct conn *c = inside_session(&pair, 1);
    cr_assert_gt(c->packet_bytes, LIMIT_PACKET_MIN_BYTES);
    pair.filter = pair_lose_all;
    pair_run_for(&pair, 20000);
    pair.filter = moved;
    say(0);
    pair_run_for(&pair, 9000);
    cr_assert_gt(c->packet_bytes, LIMIT_PACKET_MIN_BYTES);
    pair_run_for(&pair, 2000);
    cr_assert(addr_equal(&c->path.route.peer, &cafe));
    cr_assert_eq(c->packet_bytes, LIMIT_PACKET_MIN_BYTES);
    cr_assert_not(c->loss.rtt.sampled);
}

/* A train has one address on its outside: what is behind the packet that goes ahead is for another one. */
Test(conn_paths, what_goes_ahead_takes_nothing_along)
{
    static uint8_t file[200000], out[65536];
    struct endpoint_config cfg[2] = {pair_config(1, "a"), pair_config(2, "b")};
    const uint8_t text[1000] = {'x'};
    struct envelope to;
    size_t segment, ahead = 0;
    ssize_t n;

    cfg[0].params.max_packet_bytes = cfg[1].params.max_packet_bytes = LIMIT_PACKET_MIN_BYTES;
    pair_close(&pair);
    pair_open(&pair, &cfg[0], &cfg[1]);
    const uint64_t id = open_stream();
    pair.filter = pair_lose_all;
    endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, text, sizeof text, pair.now);
    pair.filter = moved;
    cafe_is_deaf = true;
    pair_run_for(&pair, 0);
    cr_assert_eq(endpoint_supply(pair.e[1], pair.conn[1], id, 0, file, sizeof file, 1, pair.now), 0);
    say(1);
    while ((n = endpoint_send(pair.e[1], &to, out, sizeof out, &segment, pair.now)) > 0) {
        if (!addr_equal(&to.route.peer, &cafe))
            continue;
        ahead += n == LIMIT_PACKET_MIN_BYTES;
        cr_assert_eq((size_t)n, segment);
    }
    cr_assert_gt(ahead, 0);
    cafe_is_deaf = false;
}

Test(conn_paths, a_file_goes_ahead_as_far_as_three_times_what_came_allow)
{
    file_to_the_one_that_moves();
    struct conn *c = inside_session(&pair, 1);
    pair.filter = pair_lose_all;
    pair_run_for(&pair, 20000);
    pair.filter = moved_to_a_port;
    c->cc.cwnd_bytes *= 2; /* there is room */
    const uint8_t text[500] = {'x'};
    endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, text, sizeof text, pair.now);
    pair_run_for(&pair, 5000);
    cr_assert(path_is_in_doubt(&c->path));
    cr_assert_gt(c->path.trial.sent_bytes, PATH_AHEAD_BYTES + PATH_PACKET_BYTES);
    cr_assert_leq(c->path.trial.sent_bytes, LIMIT_AMPLIFICATION * c->path.trial.received_bytes);
    pair_run_for(&pair, 100000);
    cr_assert_eq(c->loss.spurious_packets, 0);
}

Test(conn_paths, an_unproven_path_gets_no_more_than_three_times_its_bytes)
{
    static uint8_t file[200000];
    const uint64_t id = open_stream();
    pair.filter = moved;
    cafe_is_deaf = true;
    cr_assert_eq(endpoint_supply(pair.e[1], pair.conn[1], id, 0, file, sizeof file, 1, pair.now), 0);
    uint64_t most = 0;
    say(0);
    for (int i = 0; i < 2000; i++) {
        pair_run_for(&pair, 1000);
        const struct path_trial *t = &path_of_second()->trial;
        cr_assert(t->sent_bytes <= LIMIT_AMPLIFICATION * t->received_bytes);
        cr_assert_not(t->candidate.is_answered);
        most = t->sent_bytes > most ? t->sent_bytes : most;
    }
    cr_assert_gt(most, 0);
    cafe_is_deaf = false;
}
