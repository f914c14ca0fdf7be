#include "unit.h"

#include <limits.h>
#include <stdio.h>
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

/* A node of its own on a free port, for what talk tells it, and a home with known_peers. */
static void start_program(void)
{
    static struct identity id;
    struct node_config cfg = {.endpoint = {.params = params_default()}, .bind = "127.0.0.1"};
    char home[] = "/tmp/duet-talk.XXXXXX", error[NODE_ERROR_BYTES], why[IDENTITY_ERROR_BYTES];
    int sys;

    cr_assert_not_null(mkdtemp(home));
    cr_assert_eq(identity_open(&id, home, why), 0, "%s", why);
    cfg.endpoint.identity = id.keys;
    cr_assert_eq(node_start(&cfg, &program.node, error, &sys), 0, "%s", error);
    program.policy = (struct trust_policy){.id = &id, .may_ask = true};
}

static void stop_program(void)
{
    char command[PATH_MAX + 16];

    node_stop(program.node);
    snprintf(command, sizeof command, "rm -rf %s", program.policy.id->dir);
    cr_expect_eq(system(command), 0);
}

/* Else it would wait ten minutes for the receipt of a peer that is dead. */
Test(talk, at_the_end_of_input_asks_for_little_patience_with_the_silent)
{
    start_program();
    said(1, 10, connect(1));
    talk_end_of_input(&t);
    cr_expect_not(t.over, "the message is on its way");
    cr_expect(program.leave_sent);
    const struct msg lost = {.type = MSG_LOST, .peer = 1};
    talk_message(&t, &lost);
    cr_expect(t.over);
    cr_expect_eq(t.undelivered, 1);
    stop_program();
}

static struct roster_peer *come(conn_id id, uint8_t key_byte, const char *name)
{
    struct msg_peer_key key = {.addr = {.family = ADDR_V4, .ip = {10, 0, 0, 1}, .port = 9}};

    memset(key.key, key_byte, sizeof key.key);
    snprintf(key.name, sizeof key.name, "%s", name);
    talk_message(&t, &(struct msg){.type = MSG_PEER_KEY, .peer = id, .peer_key = &key});
    return roster_peer(&t.roster, id);
}

Test(talk, lets_a_known_peer_in_while_strangers_wait_for_an_answer)
{
    uint8_t known[NOISE_KEY_BYTES];
    char error[IDENTITY_ERROR_BYTES], name[16];

    start_program();
    memset(known, 200, sizeof known);
    cr_assert_eq(known_add(program.policy.id, known, NULL, "friend", error), 0, "%s", error);
    for (uint8_t i = 1; i <= TALK_STRANGERS; i++) {
        snprintf(name, sizeof name, "stranger-%u", i);
        cr_assert_not_null(come(i, i, name));
    }
    cr_expect_eq(t.question, 1);
    cr_expect_null(come(99, 99, "one-too-many"));
    cr_expect_eq(errors, 1);
    const struct roster_peer *p = come(100, 200, "friend");
    cr_assert_not_null(p);
    cr_expect_eq(p->state, ROSTER_TRUSTED);
    cr_expect_eq(t.question, 1);
    talk_line(&t, "n");
    cr_expect_eq(t.question, 2, "the next one");
    cr_expect_null(roster_peer(&t.roster, 1));
    stop_program();
}

Test(talk, a_flood_of_strangers_leaves_the_conversation_on_the_screen)
{
    uint8_t known[NOISE_KEY_BYTES];
    char error[IDENTITY_ERROR_BYTES];

    start_program();
    program.policy.may_ask = false;
    for (conn_id id = 1; id <= 1000; id++)
        cr_assert_null(come(id, (uint8_t)id, "bob"));
    cr_expect(errors >= 1 && errors < 10, "%u lines", errors);
    memset(known, 200, sizeof known);
    cr_assert_eq(known_add(program.policy.id, known, NULL, "friend", error), 0, "%s", error);
    errors = 0;
    cr_assert_null(come(2000, 201, "friend"));
    cr_expect_eq(errors, 1, "that a key changed is told all the same");
    stop_program();
}
