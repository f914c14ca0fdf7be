#include "app/patience.h"

#include "unit.h"
#include <string.h>

#include "app/session.h"
#include "base/err.h"
#include "scene.h"

#define LIMIT_US (20 * US_PER_S)
#define LONG_US (10 * LIMIT_US)
#define FILE_BYTES (UINT64_C(50) << 20)

static const struct hub_config gives_up = {.receive_files = true, .serve = true, .give_up_us = LIMIT_US};
static struct scene *s;

static void set_up(void)
{
    s = scene_open(&gives_up);
    scene_befriend(s, SCENE_HELLO_ALL);
}

static void tear_down(void)
{
    scene_close(s);
}

TestSuite(patience, .init = set_up, .fini = tear_down);

/* How long until the peer, which is heard all the time, is lost; LONG_US: it is not. */
static uint64_t lost_after(void)
{
    const duet_time start = s->pair.now;

    while (scene_told_count(s, NOTICE_LOST) == 0 && time_since(s->pair.now, start) < LONG_US)
        scene_run(s, US_PER_S / 2);
    cr_expect_eq(scene_told_count(s, NOTICE_UNREACHABLE), 0);
    return time_since(s->pair.now, start);
}

static void expect_about(uint64_t us, uint64_t wanted_us)
{
    cr_expect(us >= wanted_us - US_PER_S && us <= wanted_us + 2 * US_PER_S, "%llu ms", (unsigned long long)us / 1000);
}

/* Offers a file. */
static const struct appmsg *offer(void)
{
    scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = s->peer, .send = {.id = 1}}, "/home/file");
    scene_opened(s, 0, "file", FILE_BYTES);
    scene_run(s, 100000);
    return scene_heard(s, APPMSG_OFFER, 0);
}

static void accept_offer(const struct appmsg *offered, uint64_t cap)
{
    struct appmsg m = {.type = APPMSG_ACCEPT, .id = offered->id};

    m.accept.extent_count = 1;
    m.accept.first.len = FILE_BYTES;
    if (cap > 0)
        cr_assert_eq(endpoint_accept_bulk(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], offered->offer.stream, cap,
                                          s->pair.now),
                     0);
    scene_guest_says(s, &m);
}

/* The disk answers every read so far. */
static void disk_reads(void)
{
    static size_t answered;

    for (; answered < scene_job_count(s, JOB_READ); answered++)
        scene_read(s, answered);
}

Test(patience, a_command_without_an_answer_ends)
{
    scene_tell_text(s, (struct request){.type = REQUEST_ASK, .peer = s->peer, .ask = {.id = 1}}, "time");
    expect_about(lost_after(), LIMIT_US);
    cr_assert_eq(scene_told_count(s, NOTICE_ANSWER), 1);
    cr_expect_eq(scene_told(s, NOTICE_ANSWER, 0)->answer.err, DUET_ECLOSED);
    cr_expect_not_null(strstr(scene_told(s, NOTICE_LOST, 0)->text, "no longer accepts or confirms"));
}

Test(patience, an_accepted_file_without_credit_ends)
{
    accept_offer(offer(), 0);
    scene_run(s, 100000);
    disk_reads();
    expect_about(lost_after(), LIMIT_US);
    cr_expect_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), 1);
}

Test(patience, a_file_that_moves_is_waited_for)
{
    const struct appmsg *offered = offer();

    accept_offer(offered, CHUNK_BYTES);
    for (int i = 0; i < 8; i++) { /* each time a little more than before, just in time */
        scene_run(s, 100000);
        disk_reads();
        scene_run(s, LIMIT_US - US_PER_S);
        cr_assert_eq(scene_told_count(s, NOTICE_LOST), 0, "%d", i);
        (void)endpoint_consumed(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], offered->offer.stream,
                                CHUNK_BYTES / 4, s->pair.now);
    }
    expect_about(lost_after(), LIMIT_US);
}

Test(patience, a_person_who_thinks_about_an_offer_is_not_hurried)
{
    (void)offer();
    cr_expect_geq(lost_after(), LONG_US);
}

Test(patience, our_own_disk_is_not_the_peers_fault)
{
    accept_offer(offer(), CHUNK_BYTES);
    cr_expect_geq(lost_after(), LONG_US);
}

/* Said in a chat, where nobody gives up, and not confirmed. */
static void say_in_vain(void)
{
    static const struct hub_config chat = {.receive_files = true, .serve = true};

    scene_close(s);
    s = scene_open(&chat);
    scene_befriend(s, SCENE_HELLO_ALL);
    scene_tell_text(s, (struct request){.type = REQUEST_SAY, .peer = s->peer, .say = {.id = 1}}, "are you there?");
    cr_expect_geq(lost_after(), LONG_US);
}

Test(patience, texts_nobody_confirms_are_waited_for_until_the_user_quits)
{
    say_in_vain();
    scene_tell(s, (struct request){.type = REQUEST_QUIT});
    expect_about(lost_after(), 30 * US_PER_S);
    cr_expect_eq(scene_told_count(s, NOTICE_WORDS), 1, "may not have been delivered");
}

Test(patience, texts_nobody_confirms_are_waited_for_half_a_minute_after_the_end_of_input)
{
    say_in_vain();
    scene_tell(s, (struct request){.type = REQUEST_LEAVING});
    expect_about(lost_after(), 30 * US_PER_S);
}
