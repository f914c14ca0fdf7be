#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "duet/base/err.h"
#include "duet/cli/talk.h"

static struct talk t; /* large */
static struct program program;
static unsigned errors, receipts;

static void sink(void *face, const struct talk_event *ev)
{
    (void)face;
    errors += ev->kind == TALK_ERROR;
    receipts += ev->kind == TALK_DELIVERED;
}

static void set_up(void)
{
    errors = receipts = 0;
    talk_init(&t, &program, sink, NULL);
}

static void tear_down(void)
{
    talk_dispose(&t);
}

TestSuite(talk, .init = set_up, .fini = tear_down);

static unsigned connect(conn_id id)
{
    struct roster_peer *p = roster_add_peer(&t.roster, id, &(struct duet_addr){0});

    cr_assert_not_null(p);
    roster_enter(&t.roster, p, ROSTER_CONNECTED);
    return p->slot;
}

static struct receipt *said(uint32_t number, size_t bytes, unsigned slot)
{
    struct receipt *m = receipts_add(&t.said, number, bytes, t.roster.slot_count);

    cr_assert_not_null(m);
    receipt_expect(m, slot);
    return m;
}

static void notice(conn_id peer, uint32_t id, bool error)
{
    char text[] = "words";
    const struct msg m = {.type = MSG_NOTICE, .peer = peer, .id = id, .flag = error, .text = text};

    talk_message(&t, &m);
}

/* Else the end of input would wait for its receipt as long as the peer stays. */
Test(talk, waits_for_no_receipt_of_a_message_that_could_not_go_out)
{
    const unsigned one = connect(1), two = connect(2);

    said(7, 10, one);
    receipt_expect(said(8, 10, one), two);
    notice(1, 7, true);
    cr_expect_eq(t.said.count, 1);
    cr_expect_eq(t.undelivered, 1);
    notice(1, 8, true);
    cr_expect_eq(t.said.count, 1, "the other one may still have it");
    const struct msg has_it = {.type = MSG_DELIVERED, .peer = 2, .id = 8};
    talk_message(&t, &has_it);
    cr_expect_eq(t.said.count, 0);
    cr_expect_eq(t.said.bytes, 0);
    cr_expect_eq(receipts, 1);
    cr_expect_eq(t.undelivered, 1);
    cr_expect_eq(errors, 2, "each trouble is told");
}

Test(talk, a_notice_about_something_else_changes_no_receipt)
{
    const unsigned one = connect(1);

    said(7, 10, one);
    notice(1, 0, true);
    notice(1, 7, false);
    notice(2, 7, true);
    cr_expect_eq(t.said.count, 1);
    cr_expect_eq(t.undelivered, 0);
}

Test(talk, is_done_with_a_connection_that_was_there_already)
{
    t.dials[3] = (struct talk_dial){.id = 5};
    notice(1, 5, false);
    cr_expect_eq(t.dials[3].id, 0);
}

Test(talk, takes_no_more_lines_than_the_hub_keeps)
{
    const unsigned one = connect(1);

    said(1, TALK_SAID_BYTES - 1, one);
    cr_expect(talk_has_room(&t));
    said(2, 1, one);
    cr_expect_not(talk_has_room(&t));
    notice(1, 2, true);
    cr_expect(talk_has_room(&t));
}
