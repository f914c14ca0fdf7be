/*
 * A peer, a user and a disk that do anything at all, at random: what the application core has to survive, and to come
 * to an end from.  Run with AddressSanitizer it also tells what was freed too early or never.
 */
#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/env.h"
#include "app/transfer.h"
#include "base/err.h"
#include "scene.h"

#define S_US UINT64_C(1000000)
#define WORLDS 40
#define STEPS 1200

struct monkey {
    struct scene *s;
    struct duet_rand rng;
    size_t jobs_done;
    uint32_t last_offer, last_text;
    struct appmsg offers[LIMIT_STREAMS]; /* of the hub, as heard */
    bool accepted[LIMIT_STREAMS];
    size_t offer_count, heard_seen;
    uint64_t own[LIMIT_STREAMS]; /* bulk streams of the guest */
    size_t own_count;
};

static uint8_t contents[4 * CHUNK_BYTES];

static uint64_t dice(struct monkey *m, uint64_t sides)
{
    return rand_below(&m->rng, sides);
}

static struct endpoint *guest(const struct monkey *m)
{
    return m->s->pair.e[SCENE_GUEST];
}

static conn_id guest_conn(const struct monkey *m)
{
    return m->s->pair.conn[SCENE_GUEST];
}

static void says(struct monkey *m, enum appmsg_type type, uint32_t id)
{
    struct appmsg a = {.type = type, .id = id};

    if (type == APPMSG_REFUSE || type == APPMSG_FAILED || type == APPMSG_CANCEL)
        a.end.code = dice(m, 12);
    scene_guest_says(m->s, &a);
}

/* Offers are kept for later; an acceptance and a digest are answered at once, as they should be or not. */
static void listen(struct monkey *m)
{
    for (; m->heard_seen < m->s->heard_count; m->heard_seen++) {
        const struct appmsg *a = &m->s->heard[m->heard_seen].m;

        if (a->type == APPMSG_OFFER && m->offer_count < LIMIT_STREAMS) {
            m->accepted[m->offer_count] = false;
            m->offers[m->offer_count++] = *a;
        } else if (a->type == APPMSG_DIGEST) {
            says(m, dice(m, 5) != 0 ? APPMSG_COMPLETE : APPMSG_FAILED, a->id);
        } else if (a->type == APPMSG_ACCEPT && dice(m, 20) != 0) {
            says(m, APPMSG_DIGEST, a->id);
        }
    }
}

/* ---- the peer ---- */

static void peer_accepts(struct monkey *m)
{
    const size_t i = dice(m, m->offer_count);
    const struct appmsg *offer = &m->offers[i];
    struct appmsg a = {.type = APPMSG_ACCEPT, .id = offer->id};

    if (m->accepted[i] && dice(m, 100) != 0)
        return;
    m->accepted[i] = true;
    a.accept.extent_count = 1;
    a.accept.first.len = dice(m, 100) != 0 ? offer->offer.first.size : dice(m, 1000);
    (void)endpoint_accept_bulk(guest(m), guest_conn(m), offer->offer.stream, 1 + dice(m, 2 * CHUNK_BYTES),
                               m->s->pair.now);
    scene_guest_says(m->s, &a);
}

static void peer_offers(struct monkey *m)
{
    static const uint64_t sizes[] = {0, 1, 1000, CHUNK_BYTES, 3 * CHUNK_BYTES};
    const uint64_t size = sizes[dice(m, 5)], given = dice(m, 8) != 0 ? size : dice(m, size + 1);
    uint64_t stream = 4 * dice(m, 50) + 2;

    if (m->own_count < LIMIT_STREAMS && endpoint_open_bulk(guest(m), guest_conn(m), &stream) == 0)
        m->own[m->own_count++] = stream;
    scene_guest_offers(m->s, ++m->last_offer, stream, dice(m, 10) != 0 ? "file" : "../file", size);
    if (given > 0)
        (void)endpoint_supply(guest(m), guest_conn(m), stream, 0, contents, given, 1, m->s->pair.now);
    if (dice(m, 6) != 0)
        (void)endpoint_finish(guest(m), guest_conn(m), stream, given, m->s->pair.now);
}

static void peer_streams(struct monkey *m)
{
    const uint64_t theirs = m->offer_count > 0 ? m->offers[dice(m, m->offer_count)].offer.stream : 0;

    if (dice(m, 8) != 0)
        (void)endpoint_consumed(guest(m), guest_conn(m), theirs, dice(m, CHUNK_BYTES), m->s->pair.now);
    else if (dice(m, 3) == 0)
        (void)endpoint_stop(guest(m), guest_conn(m), theirs, dice(m, 12), m->s->pair.now);
    else if (m->own_count > 0 && dice(m, 3) == 0)
        (void)endpoint_reset(guest(m), guest_conn(m), m->own[dice(m, m->own_count)], dice(m, 12), m->s->pair.now);
}

/* Nothing an honest peer would say now. */
static void peer_lies(struct monkey *m)
{
    static const uint8_t types[] = {
        APPMSG_HELLO,    APPMSG_TEXT,   APPMSG_DELIVERED, APPMSG_OFFER, APPMSG_ACCEPT, APPMSG_REFUSE, APPMSG_DIGEST,
        APPMSG_COMPLETE, APPMSG_FAILED, APPMSG_CANCEL,    APPMSG_ASK,   APPMSG_ANSWER, 0x02,          0x99};
    uint8_t bytes[64];
    const size_t len = dice(m, sizeof(bytes));

    rand_bytes(&m->rng, bytes, len);
    for (size_t i = 0; i + 1 < len && i < 4; i++)
        bytes[i] = i < 3 ? 0 : (uint8_t)dice(m, 8);
    scene_guest_payload(m->s, dice(m, 2) != 0 ? STREAM_CONTROL : STREAM_CHAT, types[dice(m, sizeof(types))], bytes,
                        len);
}

static void peer_acts(struct monkey *m)
{
    static const enum appmsg_type ends[] = {APPMSG_REFUSE, APPMSG_FAILED, APPMSG_COMPLETE};
    const uint64_t what = dice(m, 400);

    listen(m);
    if (what < 2)
        peer_lies(m);
    else if (what < 3)
        endpoint_close(guest(m), guest_conn(m), dice(m, 8), "done", m->s->pair.now);
    else if (what < 5)
        says(m, ends[dice(m, 3)], m->offer_count > 0 ? m->offers[dice(m, m->offer_count)].id : 0);
    else if (what < 15)
        says(m, APPMSG_CANCEL, (uint32_t)dice(m, m->last_offer + 1));
    else if (what < 100 && m->offer_count > 0)
        peer_accepts(m);
    else if (what < 140)
        peer_offers(m);
    else if (what < 160)
        scene_guest_text(m->s, ++m->last_text, "some words");
    else if (what < 165)
        scene_guest_payload(m->s, STREAM_CONTROL, APPMSG_ASK, (const uint8_t *)"\0\0\0\1\4timex", 10);
    else
        peer_streams(m);
}

/* ---- the disk ---- */

/* Whole, as the size of the file has it. */
static uint32_t read_bytes(const struct monkey *m, const struct disk_job *job)
{
    for (size_t i = m->s->told_count; i-- > 0;) {
        const struct notice *sending = &m->s->told[i];

        if (sending->type == NOTICE_SENDING && sending->sending.transfer == job->id &&
            sending->sending.bytes - job->read.offset < CHUNK_BYTES)
            return (uint32_t)(sending->sending.bytes - job->read.offset);
    }
    return CHUNK_BYTES;
}

static void disk_answers(struct monkey *m)
{
    struct scene *s = m->s;

    if (m->jobs_done == s->job_count)
        return;
    const struct disk_job *job = &s->jobs[m->jobs_done++];
    struct disk_result done = {.id = job->id, .err = dice(m, 40) == 0 ? DUET_ESYS : 0};

    switch (job->type) {
    case JOB_OPEN:
        done.type = DONE_OPENED;
        done.opened.bytes = dice(m, 4) * CHUNK_BYTES + dice(m, 2);
        done.opened.name = strdup("file");
        break;
    case JOB_READ:
        done.type = DONE_READ;
        done.read.chunk = job->read.chunk;
        done.read.chunk->used = dice(m, 20) != 0 ? read_bytes(m, job) : (uint32_t)dice(m, CHUNK_BYTES + 1);
        break;
    case JOB_DIGEST:
        done.type = DONE_DIGEST;
        break;
    case JOB_CREATE:
        done.type = DONE_CREATED;
        break;
    case JOB_WRITE:
        done.type = DONE_WROTE;
        done.wrote.chunk = job->write.chunk;
        break;
    case JOB_COMMIT:
        done.type = DONE_COMMITTED;
        if (done.err == 0)
            done.committed.path = strdup("file");
        break;
    case JOB_ABORT:
        return;
    }
    scene_done(s, done);
}

/* ---- the user ---- */

static void user_acts(struct monkey *m)
{
    struct scene *s = m->s;
    const uint32_t id = (uint32_t)dice(m, 20);

    switch (dice(m, 16)) {
    case 0:
        if (dice(m, 20) == 0)
            scene_tell(s, (struct request){.type = REQUEST_CLOSE, .peer = s->peer});
        return;
    case 1:
        scene_tell(s, (struct request){.type = dice(m, 2) != 0 ? REQUEST_CANCEL : REQUEST_REJECT,
                                       .transfer = {.id = 10 * id + id}});
        return;
    case 2:
    case 3:
        s->ui_stands_still = !s->ui_stands_still;
        return;
    case 4:
        scene_tell_text(s, (struct request){.type = REQUEST_ASK, .peer = s->peer, .ask = {.id = id}}, "time");
        return;
    case 5:
        scene_tell_text(s, (struct request){.type = REQUEST_SAY, .peer = s->peer, .say = {.id = id}}, "hello");
        return;
    case 6:
    case 7:
    case 8:
        scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = s->peer, .send = {.id = id}}, "/some/file");
        return;
    default:
        for (size_t i = s->told_count; i-- > 0;) {
            if (s->told[i].type == NOTICE_OFFER && dice(m, 2) != 0) {
                scene_tell(s, (struct request){.type = REQUEST_ACCEPT, .transfer = {.id = s->told[i].offer.transfer}});
                return;
            }
        }
    }
}

/* ---- together ---- */

static void meet_anew(struct monkey *m)
{
    struct scene *s = m->s;

    m->offer_count = m->own_count = 0;
    m->last_offer = m->last_text = 0;
    s->ui_stands_still = false;
    scene_run(s, 20 * S_US); /* the goodbyes of the former session */
    scene_meet(s);
    m->heard_seen = s->heard_count;
    if (dice(m, 20) != 0)
        scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = s->peer, .trust = {.yes = true}});
    if (dice(m, 20) != 0)
        scene_guest_hello(s, SCENE_HELLO_ALL);
    scene_run(s, S_US / 10);
}

/* Whatever was under way, everything comes to its end. */
static void expect_end(struct monkey *m, uint64_t seed)
{
    struct scene *s = m->s;

    s->ui_stands_still = false;
    scene_tell(s, (struct request){.type = REQUEST_QUIT, .quit = {.at_once = true}});
    for (int i = 0; i < 5000 && (m->jobs_done < s->job_count || !hub_done(s->hub)); i++) {
        disk_answers(m);
        scene_run(s, S_US / 50);
    }
    cr_assert(hub_done(s->hub), "seed %lu: it has no end", (unsigned long)seed);
    cr_assert_eq(scene_told_count(s, NOTICE_PEER_KEY),
                 scene_told_count(s, NOTICE_LEFT) + scene_told_count(s, NOTICE_LOST),
                 "seed %lu: each session has one end", (unsigned long)seed);
    cr_assert_leq(scene_told_count(s, NOTICE_OFFER),
                  scene_told_count(s, NOTICE_RECEIVED) + scene_told_count(s, NOTICE_TRANSFER_FAILED),
                  "seed %lu: each offer has an end", (unsigned long)seed);
}

Test(hub_random, whatever_a_peer_a_user_and_a_disk_do_has_an_end)
{
    static struct monkey m;
    size_t received = 0, sent = 0;

    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        m = (struct monkey){.jobs_done = 0};
        rand_init_u64(&m.rng, seed);
        const struct hub_config cfg = {.receive_files = true, .serve = true, .accept_offers = dice(&m, 2) != 0};

        m.s = scene_open(&cfg);
        meet_anew(&m);
        for (int step = 0; step < STEPS; step++) {
            if (m.s->guest_closed)
                meet_anew(&m);
            switch (dice(&m, 4)) {
            case 0:
                peer_acts(&m);
                break;
            case 1:
                user_acts(&m);
                break;
            default:
                disk_answers(&m);
            }
            scene_run(m.s, dice(&m, 3) != 0 ? 0 : dice(&m, 100000));
        }
        expect_end(&m, seed);
        received += scene_told_count(m.s, NOTICE_RECEIVED);
        sent += scene_told_count(m.s, NOTICE_SENT);
        scene_close(m.s);
    }
    cr_expect_gt(received, WORLDS, "%zu files received: too wild to mean anything", received);
    cr_expect_gt(sent, 0, "%zu sent", sent);
}
