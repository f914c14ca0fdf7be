/* Commands that the front end answers: the table, and the walk through the hub. */
#include "app/served.h"

#include "unit.h"
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "scene.h"

Test(served, names_are_single_words_and_so_many)
{
    struct served s = {.count = 0};
    char name[40];

    cr_expect_eq(served_add(&s, ""), DUET_EINVAL);
    cr_expect_eq(served_add(&s, "two words"), DUET_EINVAL);
    cr_expect_eq(served_add(&s, "a-name-of-more-than-thirty-two-bytes"), DUET_EINVAL);
    for (int i = 0; i < SERVED_NAMES; i++) {
        snprintf(name, sizeof(name), "name%d", i);
        cr_expect_eq(served_add(&s, name), 0);
        cr_expect_eq(served_add(&s, name), 0, "again");
    }
    cr_expect_eq(served_add(&s, "more"), DUET_EFULL);
    cr_expect(served_has(&s, "name63 and what follows", 6));
    cr_expect_not(served_has(&s, "name", 4));
    served_remove(&s, "name63");
    served_remove(&s, "name63");
    cr_expect_not(served_has(&s, "name63", 6));
    cr_expect_eq(served_add(&s, "more"), 0);
}

Test(served, wait_in_the_order_they_came_and_not_for_ever)
{
    struct served_asks r = {.count = 0};
    uint32_t id;

    cr_expect_eq(served_asks_add(&r, 0, DUET_TIME(0)), DUET_EPROTOCOL);
    for (uint32_t i = 1; i <= SERVED_ASKS_MAX; i++)
        cr_expect_eq(served_asks_add(&r, i, DUET_TIME(i)), 0);
    cr_expect_eq(served_asks_add(&r, 5, DUET_TIME(99)), DUET_EPROTOCOL);
    cr_expect_eq(served_asks_add(&r, 99, DUET_TIME(99)), DUET_EFULL);
    cr_expect(served_asks_take(&r, 1));
    cr_expect_not(served_asks_take(&r, 1));
    cr_expect_eq(served_asks_deadline(&r).us, SERVED_WAIT_US + 2);
    cr_expect_not(served_asks_expired(&r, DUET_TIME(SERVED_WAIT_US + 1), &id));
    cr_expect(served_asks_expired(&r, DUET_TIME(SERVED_WAIT_US + 2), &id));
    cr_expect_eq(id, 2);
}

/* ---- through the hub ---- */

static struct scene *s;

static void start(void)
{
    s = scene_open(NULL);
    scene_tell_text(s, (struct request){.type = REQUEST_SERVE, .serve = {.on = true}}, "roll");
    scene_befriend(s, SCENE_HELLO_ALL);
}

static void stop(void)
{
    scene_close(s);
}

TestSuite(served_requests, .init = start, .fini = stop);

static void guest_asks(uint32_t id, const char *command, const char *arg)
{
    struct appmsg m = {.type = APPMSG_ASK, .id = id};

    m.ask.command = command;
    m.ask.command_len = strlen(command);
    m.ask.arg = arg;
    m.ask.arg_len = strlen(arg);
    (void)scene_guest_says(s, &m);
    scene_run(s, 50000);
}

static void reply(uint32_t id, bool ok, const char *text)
{
    scene_tell(s, (struct request){.type = REQUEST_REPLY,
                                   .peer = s->peer,
                                   .reply = {id, ok, blob_new((const uint8_t *)text, strlen(text))}});
    scene_run(s, 50000);
}

Test(served_requests, reach_the_front_end_and_are_answered_by_it)
{
    guest_asks(3, "roll", "2 dice");
    const struct notice *m = scene_told(s, NOTICE_ASKED, 0);
    cr_assert_not_null(m);
    cr_expect_eq(m->asked.ask, 3);
    cr_expect_str_eq(m->asked.question->name, "roll");
    cr_expect_eq(m->asked.question->len, 6);
    cr_expect_arr_eq(m->asked.question->arg, "2 dice", 6);
    cr_expect_eq(scene_heard_count(s, APPMSG_ANSWER), 0);
    reply(3, true, "eleven");
    const struct appmsg *answer = scene_heard(s, APPMSG_ANSWER, 0);
    cr_assert_not_null(answer);
    cr_expect_eq(answer->id, 3);
    cr_expect(answer->answer.ok);
    cr_expect_eq(answer->answer.len, 6);
    cr_expect_arr_eq(answer->answer.text, "eleven", 6);
    reply(3, true, "twice");
    cr_expect_eq(scene_heard_count(s, APPMSG_ANSWER), 1);
    guest_asks(3, "roll", "");
    cr_expect_eq(scene_told_count(s, NOTICE_ASKED), 2, "the number is free again");
}

Test(served_requests, the_built_in_ones_and_the_unknown_ones_are_answered_as_before)
{
    guest_asks(1, "echo", "hi");
    guest_asks(2, "rolls", "");
    cr_expect_eq(scene_told_count(s, NOTICE_ASKED), 0);
    cr_expect(scene_heard(s, APPMSG_ANSWER, 0)->answer.ok);
    cr_expect_not(scene_heard(s, APPMSG_ANSWER, 1)->answer.ok);
    scene_tell_text(s, (struct request){.type = REQUEST_SERVE}, "roll");
    guest_asks(4, "roll", "");
    cr_expect_eq(scene_told_count(s, NOTICE_ASKED), 0, "it is no longer served");
}

Test(served_requests, one_that_is_not_answered_in_time_is_said_to_be_so)
{
    guest_asks(8, "roll", "");
    scene_run(s, SERVED_WAIT_US - 1000000);
    cr_expect_eq(scene_heard_count(s, APPMSG_ANSWER), 0);
    scene_run(s, 2000000);
    const struct appmsg *answer = scene_heard(s, APPMSG_ANSWER, 0);
    cr_assert_not_null(answer);
    cr_expect_not(answer->answer.ok);
    cr_expect_gt(answer->answer.len, 0);
    reply(8, true, "too late");
    cr_expect_eq(scene_heard_count(s, APPMSG_ANSWER), 1);
}

Test(served_requests, more_than_may_wait_end_the_session)
{
    for (uint32_t i = 1; i <= SERVED_ASKS_MAX; i++)
        guest_asks(i, "roll", "");
    cr_expect_eq(scene_told_count(s, NOTICE_ASKED), SERVED_ASKS_MAX);
    cr_expect_not(s->guest_closed);
    guest_asks(100, "roll", "");
    cr_expect(s->guest_closed);
    cr_expect_eq(s->guest_close_code, CLOSE_PROTOCOL);
    reply(1, true, "to nobody");
}

Test(served_requests, a_number_that_waits_is_not_used_twice)
{
    guest_asks(5, "roll", "");
    guest_asks(5, "roll", "");
    cr_expect(s->guest_closed);
    cr_expect_eq(s->guest_close_code, CLOSE_PROTOCOL);
}
