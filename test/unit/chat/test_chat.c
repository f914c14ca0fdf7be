#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "chat/chat.h"
#include "client/host.h"

static struct chat t; /* large */
static struct client client;
static unsigned errors, receipts, own;
static char last_error[256];

static void sink(void *face, const struct chat_event *ev)
{
    (void)face;
    errors += ev->kind == CHAT_ERROR;
    if (ev->kind == CHAT_ERROR)
        snprintf(last_error, sizeof last_error, "%s", ev->text);
    receipts += ev->kind == CHAT_DELIVERED;
    own += ev->kind == CHAT_OWN;
}

static void set_up(void)
{
    errors = receipts = own = 0;
    chat_init(&t, &client, sink, NULL);
}

static void tear_down(void)
{
    chat_dispose(&t);
}

TestSuite(chat, .init = set_up, .fini = tear_down);

static unsigned connect(uint64_t id)
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

static void tell(enum duet_event_type type, uint64_t peer, uint32_t id)
{
    chat_on_event(&t, &(struct duet_event){.type = type, .peer = peer, .id = id, .text = "words", .is_error = true});
}

/* Else the end of input would wait for its receipt as long as the peer stays. */
Test(chat, waits_for_no_receipt_of_a_message_that_could_not_go_out)
{
    const unsigned one = connect(1), two = connect(2);

    said(7, 10, one);
    receipt_expect(said(8, 10, one), two);
    tell(DUET_EVENT_UNSENT, 1, 7);
    cr_expect_eq(t.said.count, 1);
    cr_expect_eq(t.undelivered, 1);
    tell(DUET_EVENT_UNSENT, 1, 8);
    cr_expect_eq(t.said.count, 1, "the other one may still have it");
    const struct duet_event has_it = {.type = DUET_EVENT_DELIVERED, .peer = 2, .id = 8};
    chat_on_event(&t, &has_it);
    cr_expect_eq(t.said.count, 0);
    cr_expect_eq(t.said.bytes, 0);
    cr_expect_eq(receipts, 1);
    cr_expect_eq(t.undelivered, 1);
    cr_expect_eq(errors, 2, "each trouble is told");
}

Test(chat, a_notice_about_something_else_changes_no_receipt)
{
    const unsigned one = connect(1);

    said(7, 10, one);
    tell(DUET_EVENT_NOTICE, 1, 0);
    tell(DUET_EVENT_ALREADY, 1, 7);
    tell(DUET_EVENT_UNSENT, 2, 7);
    cr_expect_eq(t.said.count, 1);
    cr_expect_eq(t.undelivered, 0);
}

Test(chat, is_done_with_a_connection_that_was_there_already)
{
    t.admission.dials[3] = (struct dial){.id = 5};
    tell(DUET_EVENT_ALREADY, 1, 5);
    cr_expect_eq(t.admission.dials[3].id, 0);
}

Test(chat, takes_no_more_lines_than_the_hub_keeps)
{
    const unsigned one = connect(1);

    said(1, CHAT_SAID_BYTES - 1, one);
    cr_expect(chat_has_room(&t));
    said(2, 1, one);
    cr_expect_not(chat_has_room(&t));
    tell(DUET_EVENT_UNSENT, 1, 2);
    cr_expect(chat_has_room(&t));
}

Test(chat, says_who_is_not_there_to_be_left)
{
    chat_line(&t, "/close");
    cr_expect_str_eq(last_error, "nobody is connected");
    chat_line(&t, "/close bob");
    cr_expect_str_eq(last_error, "nobody called bob is connected");
}

/* Else it would wait ten minutes for the receipt of a peer that is dead. */
Test(chat, at_the_end_of_input_asks_for_little_patience_with_the_silent)
{
    host_open(&client);
    said(1, 10, connect(1));
    chat_end_of_input(&t);
    cr_expect_not(t.over, "the message is on its way");
    cr_expect(client.leave_sent);
    const struct duet_event lost = {.type = DUET_EVENT_LOST, .peer = 1};
    chat_on_event(&t, &lost);
    cr_expect(t.over);
    cr_expect_eq(t.undelivered, 1);
    host_close(&client);
}

static void come(uint64_t id, uint32_t call, uint8_t key_byte, const char *name)
{
    struct duet_peer_key key = {.addr = {.family = ADDR_V4, .ip = {10, 0, 0, key_byte}, .port = 9}};

    memset(key.key, key_byte, sizeof key.key);
    snprintf(key.name, sizeof key.name, "%s", name);
    host_fill_key(client.id, &key, NULL);
    chat_on_event(&t, &(struct duet_event){.type = DUET_EVENT_KEY, .peer = id, .id = call, .key = &key});
}

/* "yes" typed for the chat, and a stranger comes before Enter. */
Test(chat, takes_a_plain_line_for_chat_whoever_waits)
{
    host_open(&client);
    come(1, 0, 1, "mallory");
    cr_assert_eq(admission_waiting(&t.admission), 1);
    chat_line(&t, "yes");
    chat_line(&t, "y");
    chat_line(&t, "n");
    cr_expect_eq(own, 3, "all three are said");
    cr_expect_eq(admission_waiting(&t.admission), 1, "and nobody is let in or turned away by them");
    cr_expect_null(roster_peer(&t.roster, 1));
    chat_line(&t, "/trust bob");
    cr_expect_null(roster_peer(&t.roster, 1));
    chat_line(&t, "/trust mallory");
    cr_expect_not_null(roster_peer(&t.roster, 1));
    host_close(&client);
}

static void dial_host(void)
{
    cr_assert_eq(duet_host_parse("127.0.0.1:1", 0, client.target, NULL), 0);
    chat_dial(&t, client.target);
}

Test(chat, ends_with_the_reason_why_it_could_not_connect)
{
    char why[] = "no route";

    host_open(&client);
    client.has_target = true;
    t.dialling = true;
    chat_line(&t, "/tpyo");
    chat_line(&t, "a line that waits");
    dial_host();
    chat_on_event(
        &t, &(struct duet_event){.type = DUET_EVENT_FAILED, .id = ADMISSION_TARGET, .err = DUET_ESYS, .text = why});
    cr_assert(t.over);
    cr_expect_eq(chat_farewell(&t, NULL), EXIT_NO_CONNECTION);
    cr_expect_str_eq(t.reason, "could not connect to 127.0.0.1:1: no route");
    host_close(&client);
}

/* "n" at the one who called. */
Test(chat, ends_with_a_word_when_the_host_is_refused)
{
    host_open(&client);
    client.has_target = true;
    dial_host();
    come(1, ADMISSION_TARGET, 1, "bob");
    errors = 0;
    chat_line(&t, "/refuse");
    cr_expect(t.over);
    cr_expect_eq(t.code, EXIT_TRUST);
    cr_expect_eq(errors, 1);
    cr_expect_not_null(strstr(t.reason, "bob was refused"));
    host_close(&client);
}

/* A stranger in a chat that called somebody else ends nothing. */
Test(chat, goes_on_whatever_becomes_of_strangers)
{
    host_open(&client);
    client.has_target = true;
    dial_host();
    come(2, 0, 2, "mallory");
    chat_line(&t, "/refuse mallory");
    come(3, 0, 3, "mallory");
    chat_on_event(&t, &(struct duet_event){.type = DUET_EVENT_LOST, .peer = 3});
    cr_expect_not(t.over);
    host_close(&client);
}

static struct roster_peer *meet(uint64_t id, const char *key, const char *name)
{
    struct roster_peer *p = roster_add_peer(&t.roster, id, &(struct duet_addr){0});

    cr_assert_not_null(p);
    snprintf(p->fingerprint, sizeof p->fingerprint, "%s", key);
    snprintf(p->name, sizeof p->name, "%s", name);
    host_has_peer(&client, id);
    chat_on_event(&t, &(struct duet_event){.type = DUET_EVENT_CONNECTED, .peer = id});
    return p;
}

static void leave(uint64_t id)
{
    chat_on_event(&t, &(struct duet_event){.type = DUET_EVENT_LEFT, .peer = id});
}

/* Whoever connected next got it. */
Test(chat, keeps_what_is_said_for_those_it_was_meant_for)
{
    host_open(&client);
    meet(1, "bob-key", "bob");
    leave(1);
    chat_line(&t, "only for bob");
    chat_line(&t, "/send /etc/hostname");
    chat_line(&t, "/send /no/such/file");
    cr_expect_eq(errors, 1, "a bad path is told at once");
    cr_expect_eq(t.kept.count, 2);
    meet(2, "mallory-key", "mallory");
    cr_expect_eq(t.kept.count, 2);
    cr_expect_eq(t.said.count, 0);
    chat_line(&t, "hello mallory");
    cr_expect_eq(t.said.count, 1);
    meet(3, "bob-key", "bob");
    cr_expect_eq(t.kept.count, 0);
    cr_expect_eq(t.said.count, 2);
    cr_expect_eq(t.sends_open, 1);
    cr_assert(t.said.v[1].number < t.said.v[0].number || t.said.v[0].number < t.said.v[1].number);
    host_close(&client);
}

Test(chat, keeps_what_is_said_while_dialling_for_the_host)
{
    host_open(&client);
    client.has_target = true;
    t.dialling = true;
    dial_host();
    chat_line(&t, "for the host");
    meet(2, "other-key", "other");
    cr_expect_eq(t.kept.count, 1, "who comes meanwhile gets nothing of it");
    struct roster_peer *host = roster_add_peer(&t.roster, 3, &(struct duet_addr){0});
    host->dialled = true;
    host_has_peer(&client, 3);
    chat_on_event(&t, &(struct duet_event){.type = DUET_EVENT_CONNECTED, .peer = 3});
    cr_expect_eq(t.kept.count, 0);
    host_close(&client);
}
