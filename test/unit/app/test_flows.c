/* Streams and datagrams of the application as the front end sees them: the test is the front end, the guest's endpoint
 * the peer. */
#include "app/flows.h"

#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "scene.h"

static struct scene *s;

static void start_with(uint64_t features)
{
    struct params params = params_default();

    params.features = features;
    s = scene_open_with(NULL, &params);
}

static void start(void)
{
    start_with(FEATURE_STREAMS | FEATURE_DATAGRAMS);
    scene_befriend(s, SCENE_HELLO_ALL);
    endpoint_allow(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], s->pair.now);
    scene_run(s, 100000);
}

static void stop(void)
{
    scene_close(s);
}

TestSuite(flows, .init = start, .fini = stop);

static void tell(enum request_type type, uint64_t stream, uint64_t code)
{
    struct request m = {.type = type, .peer = s->peer, .stream = {stream, code}};

    if (type == REQUEST_STREAM_CONSUMED)
        m.consumed = (struct request_consumed){stream, code};
    scene_tell(s, m);
    scene_run(s, 50000);
}

static void tell_bytes(enum request_type type, uint64_t stream, const void *data, size_t len)
{
    struct request m = {.type = type, .peer = s->peer};

    if (type == REQUEST_STREAM_WRITE)
        m.write = (struct request_stream_write){stream, blob_new(data, len)};
    else
        m.datagram.blob = blob_new(data, len);
    scene_tell(s, m);
    scene_run(s, 50000);
}

/* A stream of ours. */
static uint64_t opened(void)
{
    scene_tell(s, (struct request){.type = REQUEST_STREAM_OPEN, .peer = s->peer, .open = {7, PRIORITY_NORMAL}});
    scene_run(s, 50000);
    const struct notice *m = scene_told(s, NOTICE_STREAM_OPENED, 0);
    cr_assert_not_null(m);
    cr_expect_eq(m->opened.open, 7);
    cr_expect_eq(m->opened.err, 0);
    return m->opened.stream;
}

/* One of the guest's, with these bytes. */
static uint64_t guest_opens(const void *bytes, size_t len)
{
    uint64_t id;

    cr_assert_eq(
        endpoint_open_stream(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], PRIORITY_NORMAL, &id, s->pair.now), 0);
    cr_assert(scene_guest_writes(s, id, bytes, len));
    scene_run(s, 50000);
    return id;
}

static ssize_t guest_reads(uint64_t id, uint8_t *buf, size_t cap)
{
    const ssize_t n = endpoint_read(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], id, buf, cap, s->pair.now);

    scene_run(s, 50000);
    return n;
}

static uint64_t sum_of(enum notice_type type, uint64_t stream)
{
    uint64_t sum = 0;
    const struct notice *m;

    for (size_t i = 0; (m = scene_told(s, type, i)) != NULL; i++)
        sum += type == NOTICE_STREAM_DATA  ? (m->data.stream == stream ? m->data.blob->len : 0)
               : m->wrote.stream == stream ? m->wrote.bytes
                                           : 0;
    return sum;
}

Test(flows, one_of_ours_is_opened_written_answered_and_over)
{
    uint8_t buf[100];
    const uint64_t id = opened();

    tell_bytes(REQUEST_STREAM_WRITE, id, "hello", 5);
    tell(REQUEST_STREAM_FINISH, id, 0);
    cr_expect_eq(sum_of(NOTICE_STREAM_WROTE, id), 5);
    cr_expect_eq(s->pair.last[SCENE_GUEST][EVENT_OPENED].stream, id);
    cr_expect_eq(guest_reads(id, buf, sizeof(buf)), 5);
    cr_expect_arr_eq(buf, "hello", 5);
    cr_expect_eq(guest_reads(id, buf, sizeof(buf)), DUET_EEOF);
    cr_expect_eq(scene_told_count(s, NOTICE_STREAM_SENT), 1);
    cr_assert(scene_guest_writes(s, id, (const uint8_t *)"well", 4));
    cr_expect_eq(endpoint_finish_stream(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], id, s->pair.now), 0);
    scene_run(s, 50000);
    cr_expect_eq(sum_of(NOTICE_STREAM_DATA, id), 4);
    cr_expect_eq(scene_told_count(s, NOTICE_STREAM_ENDED), 1);
    cr_expect_lt(scene_told_at(s, NOTICE_STREAM_DATA), scene_told_at(s, NOTICE_STREAM_ENDED));
    tell(REQUEST_STREAM_CONSUMED, id, 4);
    cr_expect_eq(endpoint_stream_held(s->pair.e[SCENE_HUB], s->peer, id), 0);
    cr_expect_eq(endpoint_read(s->pair.e[SCENE_HUB], s->peer, id, buf, 1, s->pair.now), DUET_ENOTFOUND, "over");
}

Test(flows, one_of_the_peers_is_told_before_its_bytes)
{
    const uint64_t id = guest_opens("hello", 5);
    const struct notice *m = scene_told(s, NOTICE_STREAM_OPENED, 0);

    cr_assert_not_null(m);
    cr_expect_eq(m->opened.open, 0);
    cr_expect_eq(m->opened.stream, id);
    cr_expect_lt(scene_told_at(s, NOTICE_STREAM_OPENED), scene_told_at(s, NOTICE_STREAM_DATA));
    cr_expect_arr_eq(scene_told(s, NOTICE_STREAM_DATA, 0)->data.blob->data, "hello", 5);
    tell_bytes(REQUEST_STREAM_WRITE, id, "hi", 2);
    uint8_t buf[10];
    cr_expect_eq(guest_reads(id, buf, sizeof(buf)), 2);
}

Test(flows, nothing_is_told_of_them_before_the_session_is_live)
{
    scene_close(s);
    start_with(FEATURE_STREAMS | FEATURE_DATAGRAMS);
    scene_meet(s);
    scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = s->peer, .trust = {.yes = true}});
    scene_run(s, 100000);
    (void)guest_opens("early", 5);
    cr_expect_eq(endpoint_send_datagram(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], (const uint8_t *)"early", 5,
                                        s->pair.now),
                 0);
    scene_run(s, 100000);
    cr_expect_eq(scene_told_count(s, NOTICE_STREAM_OPENED), 0);
    scene_guest_hello(s, SCENE_HELLO_ALL);
    scene_run(s, 100000);
    cr_expect_eq(scene_told_count(s, NOTICE_STREAM_OPENED), 1);
    cr_expect_lt(scene_told_at(s, NOTICE_CONNECTED), scene_told_at(s, NOTICE_STREAM_OPENED));
    cr_expect_eq(scene_told_count(s, NOTICE_STREAM_DATA), 1);
    cr_expect_eq(scene_told_count(s, NOTICE_DATAGRAM), 0, "a datagram does not wait");
}

Test(flows, what_is_not_consumed_is_held_back)
{
    static uint8_t much[3 * FLOW_AHEAD_BYTES];
    const uint64_t id = guest_opens(much, LIMIT_APP_FIRST_BYTES);
    size_t written = LIMIT_APP_FIRST_BYTES;

    for (int i = 0; i < 200 && written < sizeof(much); i++) {
        const ssize_t n = endpoint_write(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], id, much,
                                         sizeof(much) - written, s->pair.now);
        cr_assert_geq(n, 0);
        written += (size_t)n;
        scene_run(s, 50000);
    }
    scene_run(s, 2000000);
    cr_expect_eq(sum_of(NOTICE_STREAM_DATA, id), FLOW_AHEAD_BYTES);
    for (uint64_t had = 0; had < sizeof(much);) {
        const uint64_t now = sum_of(NOTICE_STREAM_DATA, id);
        cr_assert_gt(now, had);
        cr_assert_leq(now - had, FLOW_AHEAD_BYTES);
        tell(REQUEST_STREAM_CONSUMED, id, now - had);
        had = now;
        scene_run(s, 500000);
        const ssize_t n = endpoint_write(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], id, much,
                                         sizeof(much) - written, s->pair.now);
        written += n > 0 ? (size_t)n : 0;
    }
    cr_expect_eq(sum_of(NOTICE_STREAM_DATA, id), sizeof(much));
}

Test(flows, all_of_a_session_have_one_bound)
{
    static uint8_t much[FLOW_AHEAD_BYTES];

    for (int i = 0; i < 6; i++)
        (void)guest_opens(much, LIMIT_APP_FIRST_BYTES);
    scene_run(s, 1000000);
    uint64_t sum = 0;
    for (size_t i = 0; i < scene_told_count(s, NOTICE_STREAM_DATA); i++)
        sum += scene_told(s, NOTICE_STREAM_DATA, i)->data.blob->len;
    cr_expect_leq(sum, FLOWS_AHEAD_BYTES);
    cr_expect_gt(sum, LIMIT_APP_SUM_FIRST_BYTES, "what the hub took is credit again");
}

Test(flows, bytes_the_endpoint_does_not_take_wait_and_are_told_as_they_leave)
{
    static uint8_t much[8 * 1024 * 1024], buf[65536];
    const uint64_t id = opened();

    tell_bytes(REQUEST_STREAM_WRITE, id, much, sizeof(much));
    tell(REQUEST_STREAM_FINISH, id, 0);
    scene_run(s, 1000000);
    const uint64_t first = sum_of(NOTICE_STREAM_WROTE, id);
    cr_expect_lt(first, sizeof(much));
    uint64_t got = 0;
    ssize_t n;
    for (int i = 0; i < 1000 && (n = guest_reads(id, buf, sizeof(buf))) != DUET_EEOF; i++)
        got += (uint64_t)n;
    cr_expect_eq(got, sizeof(much));
    cr_expect_eq(sum_of(NOTICE_STREAM_WROTE, id), sizeof(much));
    cr_expect_eq(scene_told_count(s, NOTICE_STREAM_SENT), 1);
}

Test(flows, a_reset_and_a_stop_of_the_peer_are_told_with_their_codes)
{
    const uint64_t id = opened(), other = guest_opens("x", 1);
    struct endpoint *guest = s->pair.e[SCENE_GUEST];

    tell_bytes(REQUEST_STREAM_WRITE, id, "hello", 5);
    cr_expect_eq(endpoint_stop(guest, s->pair.conn[SCENE_GUEST], id, 11, s->pair.now), 0);
    cr_expect_eq(endpoint_reset(guest, s->pair.conn[SCENE_GUEST], other, 12, s->pair.now), 0);
    scene_run(s, 100000);
    cr_assert_eq(scene_told_count(s, NOTICE_STREAM_STOPPED), 1);
    cr_expect_eq(scene_told(s, NOTICE_STREAM_STOPPED, 0)->stream.stream, id);
    cr_expect_eq(scene_told(s, NOTICE_STREAM_STOPPED, 0)->stream.code, 11);
    cr_assert_eq(scene_told_count(s, NOTICE_STREAM_BROKEN), 1);
    cr_expect_eq(scene_told(s, NOTICE_STREAM_BROKEN, 0)->stream.stream, other);
    cr_expect_eq(scene_told(s, NOTICE_STREAM_BROKEN, 0)->stream.code, 12);
    tell_bytes(REQUEST_STREAM_WRITE, id, "in vain", 7);
    cr_expect_eq(sum_of(NOTICE_STREAM_WROTE, id), 5);
}

Test(flows, our_reset_and_stop_reach_the_peer)
{
    const uint64_t id = guest_opens("hello", 5);

    tell(REQUEST_STREAM_STOP, id, 21);
    tell(REQUEST_STREAM_RESET, id, 22);
    cr_expect_eq(s->pair.last[SCENE_GUEST][EVENT_STOPPED].stream, id);
    cr_expect_eq(s->pair.last[SCENE_GUEST][EVENT_STOPPED].code, 21);
    cr_expect_eq(s->pair.last[SCENE_GUEST][EVENT_RESET].code, 22);
    const size_t told = s->told_count;
    scene_run(s, 1000000);
    cr_expect_eq(s->told_count, told, "who gave it up is told no more");
}

Test(flows, messages_about_streams_that_are_not_there_have_no_effect)
{
    const size_t told = s->told_count;

    tell_bytes(REQUEST_STREAM_WRITE, 24, "x", 1);
    tell(REQUEST_STREAM_FINISH, 24, 0);
    tell(REQUEST_STREAM_RESET, STREAM_CHAT, 0);
    tell(REQUEST_STREAM_STOP, 2, 0);
    tell(REQUEST_STREAM_CONSUMED, 24, 1000);
    cr_expect_eq(s->told_count, told);
    scene_tell(s, (struct request){.type = REQUEST_STREAM_OPEN, .peer = s->peer, .open = {1, (enum stream_priority)9}});
    cr_expect_eq(scene_told(s, NOTICE_STREAM_OPENED, 0)->opened.err, DUET_EINVAL);
    scene_tell(s, (struct request){.type = REQUEST_STREAM_OPEN, .peer = s->peer + 1, .open = {2, PRIORITY_NORMAL}});
    cr_expect_eq(scene_told(s, NOTICE_STREAM_OPENED, 1)->opened.err, DUET_ECLOSED);
}

Test(flows, a_peer_without_them_is_said_to_have_none)
{
    scene_close(s);
    start_with(0);
    scene_befriend(s, SCENE_HELLO_ALL);
    scene_tell(s, (struct request){.type = REQUEST_STREAM_OPEN, .peer = s->peer, .open = {1, PRIORITY_NORMAL}});
    cr_expect_eq(scene_told(s, NOTICE_STREAM_OPENED, 0)->opened.err, DUET_EUNSUPPORTED);
    cr_expect_eq(scene_told_count(s, NOTICE_DATAGRAM_MOST), 0);
    tell_bytes(REQUEST_DATAGRAM, 0, "x", 1);
    cr_expect_eq(s->pair.count[SCENE_GUEST][EVENT_DATAGRAM], 0);
}

Test(flows, whoever_leaves_waits_until_what_it_wrote_has_left)
{
    static uint8_t much[4 * 1024 * 1024], buf[65536];
    const uint64_t id = opened();

    tell_bytes(REQUEST_STREAM_WRITE, id, much, sizeof(much));
    scene_tell(s, (struct request){.type = REQUEST_QUIT});
    scene_run(s, 1000000);
    cr_expect_eq(scene_told_count(s, NOTICE_LEFT), 0);
    for (int i = 0; i < 200 && guest_reads(id, buf, sizeof(buf)) >= 0; i++)
        continue;
    scene_run(s, 1000000);
    cr_expect_eq(sum_of(NOTICE_STREAM_WROTE, id), sizeof(much));
    cr_expect_eq(scene_told_count(s, NOTICE_LEFT), 1);
    cr_expect_lt(scene_told_at(s, NOTICE_STREAM_WROTE), scene_told_at(s, NOTICE_LEFT));
}

/* ---- datagrams ---- */

Test(flows, datagrams_go_both_ways_and_how_long_one_may_be_is_told)
{
    const struct notice *most = scene_told(s, NOTICE_DATAGRAM_MOST, 0);

    cr_assert_not_null(most);
    cr_expect_geq(most->most.bytes, 1164);
    tell_bytes(REQUEST_DATAGRAM, 0, "hello", 5);
    cr_expect_eq(s->pair.count[SCENE_GUEST][EVENT_DATAGRAM], 1);
    cr_expect_eq(s->pair.last[SCENE_GUEST][EVENT_DATAGRAM].extent.len, 5);
    cr_expect_eq(endpoint_send_datagram(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], (const uint8_t *)"hi", 2,
                                        s->pair.now),
                 0);
    scene_run(s, 50000);
    const struct notice *m = scene_told(s, NOTICE_DATAGRAM, 0);
    cr_assert_not_null(m);
    cr_expect_eq(m->datagram.blob->len, 2);
    cr_expect_arr_eq(m->datagram.blob->data, "hi", 2);
}

Test(flows, a_front_end_that_stands_still_is_kept_so_many_datagrams_and_told_how_many_it_missed)
{
    s->ui_stands_still = true;
    for (int i = 0; i < FLOWS_DATAGRAMS + 10; i++) {
        const uint8_t byte = (uint8_t)i;
        cr_assert_eq(endpoint_send_datagram(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], &byte, 1, s->pair.now),
                     0);
        scene_run(s, 20000);
    }
    s->ui_stands_still = false;
    scene_run(s, 50000);
    cr_expect_eq(scene_told_count(s, NOTICE_DATAGRAM), FLOWS_DATAGRAMS);
    cr_expect_eq(
        endpoint_send_datagram(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], (const uint8_t *)"x", 1, s->pair.now),
        0);
    scene_run(s, 50000);
    const struct notice *m = scene_told(s, NOTICE_DATAGRAM, FLOWS_DATAGRAMS);
    cr_assert_not_null(m);
    cr_expect_eq(m->datagram.missed, 10);
}
