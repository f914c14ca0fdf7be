#include "app/hub.h"

#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../conn/inside.h"
#include "app/env.h"
#include "app/hub_state.h"
#include "app/transfer.h"
#include "base/err.h"
#include "scene.h"

#define S_US UINT64_C(1000000)
#define PATIENCE_US (30 * S_US) /* duet(1): for so much silence a peer is waited for when leaving */
#define HUB_ATTEMPTS 64
#define UI_FULL 8192

static const struct request quit = {.type = REQUEST_QUIT},
                            quit_at_once = {.type = REQUEST_QUIT, .quit = {.at_once = true}},
                            leaving = {.type = REQUEST_LEAVING};

static bool drop_all(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p;
    (void)to;
    (void)bytes;
    (void)len;
    return false;
}

static void cut_the_wire(struct scene *s)
{
    s->pair.filter = drop_all;
}

static struct request connect_to(uint32_t ui_id, uint8_t host)
{
    const struct duet_addr addr = {.family = ADDR_V4, .ip = {10, 0, 0, host}, .port = 6254};

    return (struct request){.type = REQUEST_CONNECT, .connect = {.call = ui_id, .callee = callee_new(&addr, 1)}};
}

static void say(struct scene *s, uint32_t id)
{
    scene_tell_text(s, (struct request){.type = REQUEST_SAY, .peer = s->peer, .say = {.id = id}}, "hello");
}

/* ---- attempts ---- */

Test(hub, an_attempt_that_succeeds_is_named_with_the_peers_key)
{
    struct scene *s = scene_open(NULL);

    scene_tell(s, connect_to(5, 2)); /* the guest */
    scene_run(s, S_US);
    cr_assert_eq(scene_told_count(s, NOTICE_PEER_KEY), 1);
    cr_expect_eq(scene_told(s, NOTICE_PEER_KEY, 0)->peer_key.call, 5);
    cr_expect_str_eq(scene_told(s, NOTICE_PEER_KEY, 0)->peer_key.card->name, "guest");
    cr_expect_eq(s->told_count, 1);
    scene_tell(s, connect_to(6, 2));
    scene_run(s, S_US);
    cr_assert_eq(scene_told_count(s, NOTICE_WORDS), 1, "connected already");
    cr_expect_eq(scene_told(s, NOTICE_WORDS, 0)->words.call, 6);
    cr_expect_eq(scene_told(s, NOTICE_WORDS, 0)->peer, s->peer);
    scene_close(s);
}

Test(hub, an_attempt_nobody_answers_fails_in_its_time)
{
    struct scene *s = scene_open(NULL);

    cut_the_wire(s);
    scene_tell(s, connect_to(5, 2));
    scene_run(s, 29 * S_US);
    cr_expect_eq(s->told_count, 0);
    scene_run(s, 2 * S_US);
    cr_assert_eq(s->told_count, 1);
    cr_expect_eq(s->told[0].type, NOTICE_FAILED);
    cr_expect_eq(s->told[0].failed.call, 5);
    cr_expect_eq(s->told[0].failed.err, DUET_ETIMEOUT);
    scene_close(s);
}

/* ICMP can be forged: words, once, and the attempt goes on. */
Test(hub, that_nobody_listens_is_told_once_and_ends_nothing)
{
    const struct duet_addr called = {.family = ADDR_V4, .ip = {10, 0, 0, 2}, .port = 6254};
    struct scene *s = scene_open(NULL);

    cut_the_wire(s);
    scene_tell(s, connect_to(5, 2));
    cr_expect(hub_is_calling(s->hub));
    for (int i = 0; i < 3; i++) {
        endpoint_nobody_listens(s->pair.e[SCENE_HUB], &called);
        scene_run(s, S_US);
    }
    cr_assert_eq(s->told_count, 1);
    cr_expect_eq(s->told[0].type, NOTICE_WORDS);
    cr_expect(s->told[0].words.is_error);
    cr_expect_str_eq(s->told[0].text, "10.0.0.2 says that nothing is listening on port 6254; still trying");
    s->pair.filter = NULL;
    scene_run(s, 10 * S_US);
    cr_assert_eq(scene_told_count(s, NOTICE_PEER_KEY), 1, "somebody does");
    cr_expect_not(hub_is_calling(s->hub));
    endpoint_nobody_listens(s->pair.e[SCENE_HUB], &called);
    scene_run(s, S_US);
    cr_expect_eq(scene_told_count(s, NOTICE_WORDS), 1, "a session is not asked");
    scene_close(s);
}

Test(hub, attempts_beyond_those_that_may_be_under_way_fail_at_once)
{
    struct scene *s = scene_open(NULL);

    cut_the_wire(s);
    for (uint32_t i = 1; i <= HUB_ATTEMPTS + 1; i++)
        scene_tell(s, connect_to(i, (uint8_t)(10 + i)));
    cr_assert_eq(scene_told_count(s, NOTICE_FAILED), 1);
    cr_expect_eq(scene_told(s, NOTICE_FAILED, 0)->failed.call, HUB_ATTEMPTS + 1);
    cr_expect_eq(scene_told(s, NOTICE_FAILED, 0)->failed.err, DUET_EFULL);
    scene_run(s, 31 * S_US);
    cr_expect_eq(scene_told_count(s, NOTICE_FAILED), HUB_ATTEMPTS + 1, "each has its end");
    scene_close(s);
}

Test(hub, attempts_end_with_the_program)
{
    struct scene *s = scene_open(NULL);

    cut_the_wire(s);
    scene_tell(s, connect_to(5, 2));
    scene_tell(s, quit);
    scene_tell(s, connect_to(6, 2));
    scene_run(s, S_US);
    cr_assert_eq(scene_told_count(s, NOTICE_FAILED), 2);
    cr_expect_eq(scene_told(s, NOTICE_FAILED, 0)->failed.err, DUET_ECANCELLED);
    cr_expect_eq(scene_told(s, NOTICE_FAILED, 1)->failed.err, DUET_ECANCELLED);
    cr_expect(hub_done(s->hub));
    scene_close(s);
}

/* ---- messages about nobody ---- */

static void expect_no_peer(struct scene *s, conn_id nobody)
{
    const size_t before = s->told_count;

    scene_tell_text(s, (struct request){.type = REQUEST_SAY, .peer = nobody, .say = {.id = 21}}, "hello");
    scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = nobody, .send = {.id = 22}}, "/some/file");
    scene_tell_text(s, (struct request){.type = REQUEST_ASK, .peer = nobody, .ask = {.id = 23}}, "time");
    scene_tell(s, (struct request){.type = REQUEST_STATS, .peer = nobody});
    scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = nobody, .trust = {.yes = true}});
    scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = nobody, .trust = {.yes = false}});
    scene_tell(s, (struct request){.type = REQUEST_CLOSE, .peer = nobody});
    cr_assert_eq(s->told_count, before + 4, "an answer to each that waits for one");
    const struct notice *m = &s->told[before];

    cr_expect(m[0].type == NOTICE_WORDS && m[0].words.say == 21 && m[0].words.err == DUET_ECLOSED &&
              m[0].words.is_error);
    cr_expect(m[1].type == NOTICE_TRANSFER_FAILED && m[1].failure.send == 22 && m[1].failure.err == DUET_ECLOSED &&
              m[1].failure.is_sending);
    cr_expect(m[2].type == NOTICE_ANSWER && m[2].answer.ask == 23 && !m[2].answer.ok);
    cr_expect(m[3].type == NOTICE_WORDS && m[3].words.is_error);
}

Test(hub, what_is_meant_for_a_peer_that_is_not_there_comes_back)
{
    struct scene *s = scene_open(NULL);

    expect_no_peer(s, 0);
    expect_no_peer(s, 123456789);
    scene_befriend(s, SCENE_HELLO_ALL);
    scene_tell(s, (struct request){.type = REQUEST_CLOSE, .peer = s->peer});
    cr_expect_eq(scene_told_count(s, NOTICE_LEFT), 1);
    const struct request late = {.type = REQUEST_SAY, .peer = s->peer, .say = {.id = 9}};

    scene_tell_text(s, late, "a moment too late");
    cr_expect_eq(s->told[s->told_count - 1].words.say, 9);
    scene_run(s, 5 * S_US);
    cr_expect_eq(scene_told_count(s, NOTICE_LEFT), 1);
    expect_no_peer(s, s->peer);
    scene_close(s);
}

Test(hub, decisions_about_transfers_that_are_not_there_are_named)
{
    static const enum request_type types[] = {REQUEST_ACCEPT, REQUEST_REJECT, REQUEST_CANCEL};
    struct scene *s = scene_open(NULL);

    for (size_t i = 0; i < 3; i++)
        scene_tell(s, (struct request){.type = types[i], .transfer = {.id = 77}});
    cr_expect_eq(scene_told_count(s, NOTICE_WORDS), 3);
    scene_befriend(s, SCENE_HELLO_ALL);
    scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = s->peer, .send = {.id = 1}}, "/some/file");
    const uint32_t ours = scene_job(s, JOB_OPEN, 0)->id;

    scene_tell(s, (struct request){.type = REQUEST_ACCEPT, .transfer = {.id = ours}});
    scene_tell(s, (struct request){.type = REQUEST_REJECT, .transfer = {.id = ours}});
    cr_expect_eq(scene_told_count(s, NOTICE_WORDS), 5, "it is no offer");
    cr_expect_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), 0);
    scene_tell(s, (struct request){.type = REQUEST_CANCEL, .transfer = {.id = ours}});
    scene_tell(s, (struct request){.type = REQUEST_CANCEL, .transfer = {.id = ours}});
    cr_expect_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), 1);
    cr_expect_eq(scene_told_count(s, NOTICE_WORDS), 6, "it is over");
    scene_close(s);
}

Test(hub, a_result_of_the_disk_that_comes_after_the_end_is_put_away)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = s->peer, .send = {.id = 1}}, "/some/file");
    scene_tell(s, (struct request){.type = REQUEST_CLOSE, .peer = s->peer});
    scene_tell(s, quit);
    scene_run(s, 5 * S_US);
    cr_expect_not(hub_done(s->hub), "the disk still has a job of ours");
    scene_opened(s, 0, "file", 10);
    cr_expect_eq(scene_job_count(s, JOB_ABORT), 1);
    cr_expect(hub_done(s->hub));
    cr_expect_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), 1);
    cr_expect_eq(scene_told_count(s, NOTICE_SENDING), 0);
    scene_close(s);
}

/* The sender hears what failed, and nothing of our paths. */
Test(hub, a_file_that_cannot_be_stored_is_told_to_its_sender)
{
    static const struct hub_config cfg = {.receive_files = true, .accept_offers = true};
    struct scene *s = scene_open(&cfg);

    scene_befriend(s, SCENE_HELLO_ALL);
    scene_guest_offers(s, 1, 2, "film", 10);
    scene_run(s, S_US);
    cr_assert_eq(scene_job_count(s, JOB_CREATE), 1);
    struct disk_result failed = {
        .type = DONE_CREATED, .id = scene_job(s, JOB_CREATE, 0)->id, .err = DUET_ESYS, .sys = ENOENT};

    failed.created.why = strdup("cannot create a file in /home/bob/in: No such file or directory");
    scene_done(s, failed);
    scene_run(s, S_US);
    const struct appmsg *m = scene_heard(s, APPMSG_REFUSE, 0);

    cr_assert_not_null(m);
    cr_expect_eq(m->end.reason_len, strlen("cannot store it: No such file or directory"));
    cr_expect_eq(memcmp(m->end.reason, "cannot store it: No such file or directory", m->end.reason_len), 0);
    scene_close(s);
}

/* ---- leaving ---- */

Test(hub, with_nobody_there_it_is_done_at_once)
{
    struct scene *s = scene_open(NULL);

    cr_expect_not(hub_done(s->hub));
    scene_tell(s, quit);
    cr_expect(hub_done(s->hub));
    scene_close(s);
}

Test(hub, a_peer_with_nothing_under_way_is_left_within_a_moment)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    scene_tell(s, quit);
    scene_run(s, S_US);
    cr_expect(hub_done(s->hub));
    cr_expect(s->guest_closed);
    cr_expect_eq(s->guest_close_code, CLOSE_OK);
    cr_assert_eq(scene_told_count(s, NOTICE_LEFT), 1);
    cr_expect(scene_told(s, NOTICE_LEFT, 0)->end.by_us);
    scene_close(s);
}

/* It may need our answer once more, and nobody gives it after us. */
Test(hub, a_peer_that_leaves_is_seen_off)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    endpoint_close(s->pair.e[1], s->pair.conn[1], CLOSE_OK, "bye", s->pair.now);
    while (scene_told_count(s, NOTICE_LEFT) == 0)
        scene_run(s, 100);
    scene_tell(s, quit);
    cr_expect_not(hub_done(s->hub), "it has not shown yet that it knows");
    scene_run(s, S_US);
    cr_expect(hub_done(s->hub));
    scene_close(s);
}

Test(hub, a_peer_is_not_waited_for_before_both_trust)
{
    for (int trusted = 0; trusted < 2; trusted++) {
        struct scene *s = scene_open(NULL);

        scene_meet(s);
        if (trusted) { /* by us, and something is under way already */
            scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = s->peer, .trust = {.yes = true}});
            scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = s->peer, .send = {.id = 1}},
                            "/some/file");
            scene_opened(s, 0, "file", 0);
        }
        scene_tell(s, quit);
        scene_run(s, S_US);
        cr_expect(hub_done(s->hub), "trusted: %d", trusted);
        cr_expect_eq(scene_told_count(s, NOTICE_LEFT), 1);
        cr_expect_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), (size_t)trusted);
        scene_close(s);
    }
}

Test(hub, what_was_said_is_delivered_before_it_leaves)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    say(s, 1);
    scene_tell(s, quit);
    scene_run(s, 20 * S_US);
    cr_expect_not(hub_done(s->hub), "the peer is there and has not confirmed");
    scene_guest_says(s, &(struct appmsg){.type = APPMSG_DELIVERED, .id = 1});
    scene_run(s, S_US);
    cr_expect(hub_done(s->hub));
    cr_expect_eq(scene_told_count(s, NOTICE_DELIVERED), 1);
    cr_expect_eq(scene_told_count(s, NOTICE_WORDS), 0);
    scene_close(s);
}

Test(hub, at_once_waits_for_nothing)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    say(s, 1);
    scene_tell(s, quit);
    scene_tell(s, quit_at_once);
    cr_expect_eq(scene_told_count(s, NOTICE_LEFT), 1);
    scene_run(s, S_US);
    cr_expect(hub_done(s->hub));
    cr_expect_eq(scene_told_count(s, NOTICE_WORDS), 1, "may not have been delivered");
    scene_close(s);
}

/* How long after the wire was cut and ui said `m` the peer is lost. */
static uint64_t lost_after(struct scene *s, struct request m)
{
    const duet_time start = s->pair.now;

    say(s, 1);
    cut_the_wire(s);
    scene_tell(s, m);
    while (scene_told_count(s, NOTICE_LOST) == 0 && time_since(s->pair.now, start) < 700 * S_US)
        scene_run(s, S_US / 2);
    cr_expect_eq(scene_told_count(s, NOTICE_UNREACHABLE), 1);
    cr_expect_eq(scene_told_count(s, NOTICE_WORDS), 1, "the text may not have been delivered");
    return time_since(s->pair.now, start);
}

Test(hub, a_silent_peer_is_waited_for_no_longer_than_half_a_minute_once_the_user_quits)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    const uint64_t us = lost_after(s, quit);

    cr_expect(us >= PATIENCE_US - S_US && us <= PATIENCE_US + S_US, "%lu ms", (unsigned long)us / 1000);
    scene_run(s, 15 * S_US);
    cr_expect(hub_done(s->hub));
    scene_close(s);
}

Test(hub, a_silent_peer_is_waited_for_no_longer_than_half_a_minute_once_the_user_only_waits)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    const uint64_t us = lost_after(s, leaving);

    cr_expect(us >= PATIENCE_US - S_US && us <= PATIENCE_US + S_US, "%lu ms", (unsigned long)us / 1000);
    scene_close(s);
}

Test(hub, a_peer_silent_for_longer_already_is_given_up_when_the_user_quits)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    say(s, 1);
    cut_the_wire(s);
    scene_run(s, 60 * S_US);
    cr_expect_eq(scene_told_count(s, NOTICE_LOST), 0);
    scene_tell(s, quit);
    cr_expect_eq(scene_told_count(s, NOTICE_LOST), 1);
    scene_close(s);
}

/* A peer that is heard and acknowledges nothing: everything of it is dropped but a PING now and then. */
Test(hub, a_peer_that_lives_and_takes_nothing_in_is_not_waited_for_without_end)
{
    struct scene *s = scene_open(NULL);
    const struct frame ping = {.type = FRAME_PING};

    scene_befriend(s, SCENE_HELLO_ALL);
    cut_the_wire(s);
    scene_guest_hello(s, 0); /* never gets there */
    scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = s->peer, .send = {.id = 1}}, "/some/file");
    scene_opened(s, 0, "file", 0);
    scene_tell(s, (struct request){.type = REQUEST_CANCEL,
                                   .transfer = {.id = scene_told(s, NOTICE_SENDING, 0)->sending.transfer}});
    scene_tell(s, quit); /* the file is over; that the peer knows so is all that is waited for */
    const duet_time start = s->pair.now;

    while (!hub_done(s->hub) && time_since(s->pair.now, start) < 120 * S_US) {
        inside_send_frame(&s->pair, SCENE_GUEST, &ping);
        scene_run(s, S_US / 2);
    }
    cr_expect_eq(scene_told_count(s, NOTICE_UNREACHABLE), 0);
    cr_expect(hub_done(s->hub), "it waits still");
    cr_expect_leq(time_since(s->pair.now, start), PATIENCE_US + 10 * S_US);
    cr_expect_geq(time_since(s->pair.now, start), PATIENCE_US);
    scene_close(s);
}

Test(hub, otherwise_a_silent_peer_has_ten_minutes)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    const uint64_t us = lost_after(s, (struct request){.type = REQUEST_STATS, .peer = s->peer});

    cr_expect(us >= 599 * S_US && us <= 601 * S_US, "%lu ms", (unsigned long)us / 1000);
    scene_close(s);
}

Test(hub, a_shorter_patience_of_the_user_holds_when_leaving_as_well)
{
    static const struct hub_config cfg = {.receive_files = true, .serve = true, .give_up_us = 20 * S_US};
    struct scene *s = scene_open(&cfg);

    scene_befriend(s, SCENE_HELLO_ALL);
    const uint64_t us = lost_after(s, quit);

    cr_expect(us >= 19 * S_US && us <= 21 * S_US, "%lu ms", (unsigned long)us / 1000);
    scene_close(s);
}

Test(hub, one_that_leaves_takes_no_offer_and_no_newcomer)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    say(s, 1); /* keeps it waiting */
    scene_tell(s, quit);
    scene_guest_offers(s, 1, 2, "file", 100);
    scene_run(s, S_US);
    cr_assert_eq(scene_heard_count(s, APPMSG_REFUSE), 1);
    cr_expect_eq(scene_heard(s, APPMSG_REFUSE, 0)->end.code, WHY_LEAVING);
    cr_expect_eq(scene_told_count(s, NOTICE_OFFER), 0);
    cr_expect_not(hub_done(s->hub));
    scene_close(s);

    s = scene_open(NULL);
    scene_tell(s, quit);
    conn_id id;

    cr_assert_eq(endpoint_connect(s->pair.e[SCENE_GUEST], &s->pair.addr[SCENE_HUB], s->pair.now, &id), 0);
    scene_run(s, 5 * S_US);
    cr_expect_eq(s->told_count, 0);
    cr_expect(hub_done(s->hub));
    scene_close(s);
}

/* ---- silence and return ---- */

Test(hub, a_silent_peer_is_unreachable_and_back_when_it_is_heard_again)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    cut_the_wire(s);
    scene_run(s, 40 * S_US);
    cr_assert_eq(scene_told_count(s, NOTICE_UNREACHABLE), 1);
    cr_expect_geq(scene_told(s, NOTICE_UNREACHABLE, 0)->silence.silent_us, UNREACHABLE_US);
    cr_expect_eq(scene_told_count(s, NOTICE_BACK), 0);
    s->pair.filter = NULL;
    scene_run(s, 3 * S_US);
    cr_assert_eq(scene_told_count(s, NOTICE_BACK), 1);
    cr_expect_geq(scene_told(s, NOTICE_BACK, 0)->silence.silent_us, 39 * S_US);
    scene_close(s);
}

Test(hub, a_silent_session_ends_when_the_same_peer_is_connected_anew)
{
    struct scene *s = scene_open(NULL);
    struct endpoint_config again = pair_config(2, "guest");

    scene_befriend(s, SCENE_HELLO_ALL);
    const conn_id former = s->peer;

    endpoint_free(s->pair.e[SCENE_GUEST]); /* killed, */
    again.seed[0] ^= 1;                    /* and started anew: other dice, the same key */
    s->pair.e[SCENE_GUEST] = endpoint_new(&again, s->pair.now);
    scene_run(s, 20 * S_US);
    cr_expect_eq(scene_told_count(s, NOTICE_UNREACHABLE), 1);
    s->pair.conn[SCENE_GUEST] = 0;
    scene_meet(s);
    scene_run(s, 3 * S_US); /* after so long a silence its timeouts are long */
    cr_assert_neq(s->peer, former);
    scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = s->peer, .trust = {.yes = true}});
    scene_guest_hello(s, SCENE_HELLO_ALL);
    scene_run(s, S_US);
    cr_expect_eq(scene_told_count(s, NOTICE_CONNECTED), 2);
    cr_assert_eq(scene_told_count(s, NOTICE_LEFT), 1);
    cr_expect_eq(scene_told(s, NOTICE_LEFT, 0)->peer, former);
    cr_expect_eq(scene_told(s, NOTICE_LEFT, 0)->end.code, CLOSE_REPLACED);
    scene_close(s);
}

/* ---- several sessions of one key ---- */

/* The guest's program is gone from one moment to the next, and another one of its home begins. */
static void restart_guest(struct scene *s)
{
    struct endpoint_config again = pair_config(2, "guest");

    endpoint_free(s->pair.e[SCENE_GUEST]);
    again.seed[0] ^= 1;
    s->pair.e[SCENE_GUEST] = endpoint_new(&again, s->pair.now);
    s->pair.conn[SCENE_GUEST] = 0;
}

/* One more session of the guest, beside those it has. */
static void call_again(struct scene *s)
{
    struct endpoint *e = s->pair.e[SCENE_GUEST];
    conn_id id;

    for (size_t i = 0; i < e->count; i++)
        e->all[i]->liveness.unreachable = true; /* or the one that is there would do */
    cr_assert_eq(endpoint_connect(e, &s->pair.addr[SCENE_HUB], s->pair.now, &id), 0);
    for (size_t i = 0; i < e->count; i++)
        e->all[i]->liveness.unreachable = false;
}

Test(hub, who_crashed_and_came_back_takes_its_own_place_at_once)
{
    struct scene *s = scene_open(NULL);
    conn_id id;

    scene_befriend(s, SCENE_HELLO_ALL);
    const conn_id former = s->peer;

    restart_guest(s);
    cr_assert_eq(endpoint_connect(s->pair.e[SCENE_GUEST], &s->pair.addr[SCENE_HUB], s->pair.now, &id), 0);
    scene_run(s, S_US / 5);
    cr_expect_eq(scene_told_count(s, NOTICE_PEER_KEY), 1, "the former one has time to answer");
    scene_run(s, S_US / 2);
    cr_assert_eq(scene_told_count(s, NOTICE_PEER_KEY), 2);
    cr_expect_neq(s->peer, former);
    cr_assert_eq(scene_told_count(s, NOTICE_LEFT), 1);
    cr_expect_eq(scene_told(s, NOTICE_LEFT, 0)->peer, former);
    cr_expect_eq(scene_told(s, NOTICE_LEFT, 0)->end.code, CLOSE_REPLACED);
    cr_expect_lt(scene_told_at(s, NOTICE_LEFT), (size_t)(scene_told(s, NOTICE_PEER_KEY, 1) - s->told),
                 "never two of them");
    cr_expect_eq(scene_told_count(s, NOTICE_UNREACHABLE), 0);
    scene_close(s);
}

Test(hub, two_programs_of_one_home_are_both_there)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    call_again(s);
    scene_run(s, S_US / 5); /* a round trip, and the question whether the first lives: another one */
    cr_expect_eq(scene_told_count(s, NOTICE_PEER_KEY), 2);
    scene_run(s, 5 * S_US);
    cr_expect_eq(scene_told_count(s, NOTICE_LEFT) + scene_told_count(s, NOTICE_LOST), 0);
    scene_close(s);
}

Test(hub, of_one_key_eight_sessions_are_kept_and_the_next_is_told_why)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    for (int i = 1; i < HUB_SESSIONS_PER_KEY; i++) {
        call_again(s);
        scene_run(s, S_US);
    }
    cr_assert_eq(scene_told_count(s, NOTICE_PEER_KEY), HUB_SESSIONS_PER_KEY);
    cr_expect_not(s->guest_closed);
    call_again(s);
    scene_run(s, S_US);
    cr_expect_eq(scene_told_count(s, NOTICE_PEER_KEY), HUB_SESSIONS_PER_KEY);
    cr_expect(s->guest_closed);
    cr_expect_eq(s->guest_close_code, CLOSE_BUSY);
    cr_expect_str_eq(s->guest_close_reason, "too many sessions with one key");
    scene_close(s);
}

Test(hub, a_newcomer_that_goes_while_it_waits_was_never_there)
{
    struct scene *s = scene_open(NULL);
    conn_id id;

    scene_befriend(s, SCENE_HELLO_ALL);
    restart_guest(s);
    cr_assert_eq(endpoint_connect(s->pair.e[SCENE_GUEST], &s->pair.addr[SCENE_HUB], s->pair.now, &id), 0);
    scene_run(s, S_US / 10);
    endpoint_close(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], CLOSE_OK, "bye", s->pair.now);
    scene_run(s, 5 * S_US);
    cr_expect_eq(scene_told_count(s, NOTICE_PEER_KEY), 1);
    cr_expect_eq(scene_told_count(s, NOTICE_LEFT), 1, "the former one did not answer");
    scene_close(s);
}

/* The second of two addresses answered, so its session is not the one that the call began with. */
Test(hub, a_call_whose_newcomer_goes_while_it_waits_has_failed)
{
    struct scene *s = scene_open(NULL);
    struct endpoint *e = s->pair.e[SCENE_HUB];
    const struct duet_addr addrs[] = {{.family = ADDR_V4, .ip = {10, 9, 9, 9}, .port = 6254},
                                      s->pair.addr[SCENE_GUEST]};

    scene_befriend(s, SCENE_HELLO_ALL);
    restart_guest(s);
    e->all[0]->liveness.unreachable = true; /* or it would do */
    scene_tell(s, (struct request){.type = REQUEST_CONNECT, .connect = {.call = 5, .callee = callee_new(addrs, 2)}});
    e->all[0]->liveness.unreachable = false;
    scene_run(s, S_US / 2);
    cr_assert_neq(s->pair.conn[SCENE_GUEST], 0, "connected");
    cr_assert_eq(scene_told_count(s, NOTICE_PEER_KEY), 1, "and waiting");
    endpoint_close(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], CLOSE_OK, "bye", s->pair.now);
    scene_run(s, 5 * S_US);
    cr_expect_eq(scene_told_count(s, NOTICE_PEER_KEY), 1);
    cr_assert_eq(scene_told_count(s, NOTICE_FAILED), 1, "whoever called hears of it");
    cr_expect_eq(scene_told(s, NOTICE_FAILED, 0)->failed.call, 5);
    scene_close(s);
}

Test(hub, one_that_quits_lets_no_newcomer_wait)
{
    struct scene *s = scene_open(NULL);
    conn_id id;

    scene_befriend(s, SCENE_HELLO_ALL);
    restart_guest(s);
    cr_assert_eq(endpoint_connect(s->pair.e[SCENE_GUEST], &s->pair.addr[SCENE_HUB], s->pair.now, &id), 0);
    scene_run(s, S_US / 10);
    scene_tell(s, quit);
    scene_run(s, S_US);
    cr_expect(s->guest_closed);
    cr_expect_eq(s->guest_close_code, CLOSE_REFUSED);
    cr_expect_str_eq(s->guest_close_reason, "about to leave");
    cr_expect_eq(scene_told_count(s, NOTICE_PEER_KEY), 1);
    scene_run(s, PATIENCE_US);
    cr_expect(hub_done(s->hub));
    scene_close(s);
}

/* ---- a ui that stands still ---- */

static void let_the_ui_fall_behind(struct scene *s)
{
    const struct request hopeless = {.type = REQUEST_CANCEL, .transfer = {.id = 77}};

    s->ui_stands_still = true;
    for (size_t i = 0; i < UI_FULL; i++)
        scene_tell(s, hopeless); /* a notice each */
}

/* Of what the ui had not taken: all but those notices are told. */
static void let_the_ui_catch_up(struct scene *s)
{
    for (const struct notice *m; (m = hub_next_ui(s->hub)) != NULL && m->type == NOTICE_WORDS;) {
        struct notice taken = *m;

        hub_took_ui(s->hub);
        notice_dispose(&taken);
    }
    s->ui_stands_still = false;
    scene_run(s, S_US);
}

Test(hub, newcomers_are_turned_away_while_the_ui_is_far_behind)
{
    struct scene *s = scene_open(NULL);
    conn_id id;

    let_the_ui_fall_behind(s);
    cr_assert_eq(endpoint_connect(s->pair.e[SCENE_GUEST], &s->pair.addr[SCENE_HUB], s->pair.now, &id), 0);
    scene_run(s, 2 * S_US);
    cr_expect(s->guest_closed);
    cr_expect_eq(s->guest_close_code, CLOSE_BUSY);
    cr_expect_str_eq(s->guest_close_reason, "too many messages are waiting to be shown");
    let_the_ui_catch_up(s);
    cr_expect_eq(s->told_count, 0);
    s->guest_closed = false;
    scene_meet(s);
    cr_expect_not(s->guest_closed, "and taken again afterwards");
    scene_close(s);
}

Test(hub, a_call_that_finds_the_ui_far_behind_says_so)
{
    struct scene *s = scene_open(NULL);

    let_the_ui_fall_behind(s);
    scene_tell(s, connect_to(5, 2));
    scene_run(s, 2 * S_US);
    let_the_ui_catch_up(s);
    cr_assert_eq(s->told_count, 1);
    cr_expect_eq(s->told[0].type, NOTICE_FAILED);
    cr_expect_eq(s->told[0].failed.call, 5);
    cr_expect_eq(s->told[0].failed.err, DUET_EFULL);
    cr_expect_str_eq(s->told[0].text, "too many messages are waiting to be shown");
    scene_close(s);
}

/* ---- memory ---- */

Test(hub, memory_goes_back_a_while_after_the_last_session)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    cr_expect_not(hub_gave_back(s->hub));
    endpoint_close(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], CLOSE_OK, "", s->pair.now);
    scene_run(s, S_US);
    cr_expect_not(hub_gave_back(s->hub), "the next one may follow at once");
    scene_run(s, 2 * S_US);
    cr_expect(hub_gave_back(s->hub));
    cr_expect_not(hub_gave_back(s->hub), "told once");
    cr_expect(time_is_never(hub_deadline(s->hub)), "there is nothing to wait for");
    scene_close(s);
}
