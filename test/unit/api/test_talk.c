/* Texts, files, questions and figures between two nodes. */
#include <stdio.h>
#include <string.h>

#include "../io/tmpdir.h"
#include "app/texts.h"
#include "two.h"
#include "unit.h"

_Static_assert(DUET_TEXT_BYTES == TEXTS_TEXT_BYTES, "as on the wire");

#define FILE_BYTES (600 * 1024 + 7)

Test(api_talk, says_a_text_and_hears_that_it_arrived)
{
    const struct duet_options o = two_options();
    struct two t = two_connect(&o, &o);
    const struct duet_event *ev;

    cr_expect_eq(duet_say(t.b, t.at_b, 42, "h\xc3\xa9llo, and more", 6), 0);
    ev = two_await(t.a, DUET_EVENT_TEXT);
    cr_expect_eq(ev->peer, t.at_a);
    cr_expect_eq(ev->text_bytes, 6);
    cr_expect_str_eq(ev->text, "h\xc3\xa9llo");
    cr_expect_eq(two_await(t.b, DUET_EVENT_DELIVERED)->id, 42);
    two_free(&t);
}

Test(api_talk, says_why_a_text_was_not_sent)
{
    const struct duet_options o = two_options();
    struct two t = two_connect(&o, &o);
    char *text = malloc(DUET_TEXT_BYTES + 1);
    const struct duet_event *ev;

    memset(text, 'a', DUET_TEXT_BYTES + 1);
    cr_expect_eq(duet_say(t.b, t.at_b, 43, text, DUET_TEXT_BYTES + 1), 0);
    do
        cr_assert_eq(duet_wait(t.b, TWO_WAIT_MS, &ev), 1);
    while (ev->type != DUET_EVENT_UNSENT);
    cr_expect_eq(ev->id, 43);
    cr_expect_eq(ev->err, DUET_ERANGE);
    cr_expect_not_null(ev->text);
    free(text);
    two_free(&t);
}

Test(api_talk, says_to_everybody_what_is_for_nobody_in_particular)
{
    const struct duet_options o = two_options();
    struct two t = two_connect(&o, &o);
    struct duet_node *alone = two_start(&o, 3);

    cr_expect_eq(duet_say(alone, DUET_EVERYBODY, 1, "anybody", 7), DUET_ENOTFOUND);
    cr_expect_eq(duet_say(t.a, DUET_EVERYBODY, 1, "hello", 5), 0);
    cr_expect_str_eq(two_await(t.b, DUET_EVENT_TEXT)->text, "hello");
    duet_node_free(alone);
    two_free(&t);
}

/* The event before is gone with the next one, and nothing else: under ASan this is a test of memory. */
Test(api_talk, keeps_an_event_until_the_next_one)
{
    const struct duet_options o = two_options();
    struct two t = two_connect(&o, &o);
    char said[16];

    for (uint32_t i = 1; i <= 100; i++) {
        snprintf(said, sizeof(said), "text %u", i);
        cr_assert_eq(duet_say(t.b, t.at_b, i, said, strlen(said)), 0);
    }
    for (uint32_t i = 1; i <= 100; i++) {
        const struct duet_event *ev = two_await(t.a, DUET_EVENT_TEXT);

        snprintf(said, sizeof(said), "text %u", i);
        cr_assert_str_eq(ev->text, said);
    }
    two_free(&t);
}

static void put_file(const struct tmpdir *d, const char *name)
{
    uint8_t *bytes = malloc(FILE_BYTES);

    for (size_t i = 0; i < FILE_BYTES; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 4096);
    tmpdir_put(d, name, bytes, FILE_BYTES);
    free(bytes);
}

static bool same_file(const char *one, const char *other)
{
    FILE *a = fopen(one, "rb"), *b = fopen(other, "rb");
    int c = 0, e = -1;

    while (a != NULL && b != NULL && (c = getc(a)) == (e = getc(b)) && c != EOF)
        continue;
    if (a != NULL)
        fclose(a);
    if (b != NULL)
        fclose(b);
    return c == EOF && e == EOF;
}

Test(api_talk, sends_a_file_that_is_accepted)
{
    struct tmpdir d = tmpdir_make();
    struct duet_options receiver = two_options();
    const struct duet_options o = two_options();
    const struct duet_event *ev;

    put_file(&d, "source");
    cr_assert_eq(mkdirat(d.fd, "in", 0700), 0);
    receiver.receive_files = true;
    receiver.out_dir = tmpdir_path(&d, "in");
    struct two t = two_connect(&receiver, &o);

    cr_expect_eq(duet_send_file(t.b, t.at_b, 5, tmpdir_path(&d, "source")), 0);
    ev = two_await(t.a, DUET_EVENT_OFFER);
    cr_expect_eq(ev->bytes, FILE_BYTES);
    cr_expect_str_eq(ev->text, "source");
    cr_expect(!ev->ok);
    cr_expect_eq(duet_accept(t.a, ev->transfer), 0);
    ev = two_await(t.a, DUET_EVENT_RECEIVED);
    cr_expect(same_file(ev->text, tmpdir_path(&d, "source")), "%s", ev->text);
    ev = two_await(t.b, DUET_EVENT_SENDING);
    cr_expect_eq(ev->id, 5);
    const uint32_t transfer = ev->transfer;

    ev = two_await(t.b, DUET_EVENT_SENT);
    cr_expect_eq(ev->transfer, transfer);
    cr_expect_eq(ev->bytes, FILE_BYTES);
    two_free(&t);
    tmpdir_remove(&d);
}

Test(api_talk, tells_a_rejected_file_on_both_sides)
{
    struct tmpdir d = tmpdir_make();
    struct duet_options receiver = two_options();
    const struct duet_options o = two_options();
    const struct duet_event *ev;

    tmpdir_put(&d, "source", "abc", 3);
    receiver.receive_files = true;
    receiver.out_dir = d.path;
    struct two t = two_connect(&receiver, &o);

    cr_expect_eq(duet_send_file(t.b, t.at_b, 6, tmpdir_path(&d, "source")), 0);
    cr_expect_eq(duet_reject(t.a, two_await(t.a, DUET_EVENT_OFFER)->transfer), 0);
    do
        cr_assert_eq(duet_wait(t.b, TWO_WAIT_MS, &ev), 1);
    while (ev->type != DUET_EVENT_TRANSFER_FAILED);
    cr_expect_eq(ev->id, 6);
    cr_expect(ev->ours);
    cr_expect_eq(ev->err, DUET_EREFUSED);
    do
        cr_assert_eq(duet_wait(t.a, TWO_WAIT_MS, &ev), 1);
    while (ev->type != DUET_EVENT_TRANSFER_FAILED);
    cr_expect(!ev->ours);
    two_free(&t);
    tmpdir_remove(&d);
}

Test(api_talk, asks_and_is_answered)
{
    struct duet_options server = two_options();
    const struct duet_options o = two_options();
    const struct duet_event *ev;

    server.serve = true;
    struct two t = two_connect(&server, &o);

    cr_expect_eq(duet_ask(t.b, t.at_b, 11, "reverse abc"), 0);
    ev = two_await(t.b, DUET_EVENT_ANSWER);
    cr_expect_eq(ev->id, 11);
    cr_expect(ev->ok);
    cr_expect_str_eq(ev->text, "cba");
    cr_expect_eq(duet_ask(t.b, t.at_b, 12, "dance"), 0);
    ev = two_await(t.b, DUET_EVENT_ANSWER);
    cr_expect_eq(ev->id, 12);
    cr_expect(!ev->ok);
    two_free(&t);
}

Test(api_talk, gives_the_figures_of_a_connection)
{
    const struct duet_options o = two_options();
    struct two t = two_connect(&o, &o);

    cr_expect_eq(duet_stats(t.b, t.at_b), 0);
    const struct duet_event *ev = two_await(t.b, DUET_EVENT_STATS);

    cr_expect_eq(ev->peer, t.at_b);
    cr_expect(ev->stats->sent_packets > 0);
    cr_expect(ev->stats->packet_bytes >= DUET_PACKET_MIN_BYTES);
    cr_expect_eq(ev->stats->addr.family, 4);
    cr_expect_not_null(ev->stats->state);
    two_free(&t);
}

Test(api_talk, delivers_what_was_said_before_it_quits)
{
    const struct duet_options o = two_options();
    struct two t = two_connect(&o, &o);

    cr_expect_eq(duet_say(t.b, t.at_b, 1, "goodbye", 7), 0);
    cr_expect_eq(duet_quit(t.b, false), 0);
    cr_expect_str_eq(two_await(t.a, DUET_EVENT_TEXT)->text, "goodbye");
    cr_expect_eq(two_await(t.b, DUET_EVENT_STOPPED)->err, 0);
    two_free(&t);
}
