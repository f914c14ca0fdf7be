#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/peer.h"

static void init(struct peer *p)
{
    *p = (struct peer){.conn = 1};
    channel_init(&p->control, PEER_CONTROL_OUT_BYTES);
    channel_init(&p->chat, PEER_CHAT_OUT_BYTES);
}

static void dispose(struct peer *p)
{
    channel_dispose(&p->control);
    channel_dispose(&p->chat);
}

Test(peer, texts_go_to_chat_everything_else_to_control)
{
    struct appmsg m = {.type = APPMSG_TEXT, .id = 1};
    struct peer p;

    init(&p);
    peer_send(&p, &m);
    cr_assert_eq(p.chat.out.len, APPMSG_HEADER_BYTES + 5);
    cr_assert_eq(p.control.out.len, 0);
    m.type = APPMSG_COMPLETE;
    peer_send(&p, &m);
    cr_assert_eq(p.control.out.len, APPMSG_HEADER_BYTES + 4);
    dispose(&p);
}

Test(peer, one_that_never_reads_its_answers_is_doomed_not_served_without_bound)
{
    static const char text[APPMSG_ANSWER_BYTES];
    const struct appmsg m = {.type = APPMSG_ANSWER, .answer = {.text = text, .len = sizeof(text)}};
    struct peer p;

    init(&p);
    for (int i = 0; i < 1000; i++)
        peer_send(&p, &m);
    cr_assert(p.doomed);
    cr_assert_eq(p.doom_code, CLOSE_FLOW);
    cr_assert_leq(p.control.out.len, PEER_CONTROL_OUT_BYTES);
    dispose(&p);
}

Test(peer, the_first_reason_counts_and_nothing_is_said_after_it)
{
    const struct appmsg m = {.type = APPMSG_COMPLETE};
    struct peer p;

    init(&p);
    peer_doom(&p, CLOSE_PROTOCOL, "first");
    peer_doom(&p, CLOSE_FLOW, "second");
    cr_assert_eq(p.doom_code, CLOSE_PROTOCOL);
    cr_assert_str_eq(p.doom_reason, "first");
    peer_send(&p, &m);
    cr_assert_eq(p.control.out.len, 0);
    dispose(&p);
}

/* Lines like "<NAME> text" and "* NAME left" are read by people and scripts. */
Test(peer, has_a_name_of_one_word_without_brackets)
{
    static const struct {
        const char *sent, *shown;
    } rows[] = {
        {"alice", "alice"},
        {"Zo\u00eb", "Zo\u00eb"},
        {"x> hi", "x__hi"},
        {"<root", "_root"},
        {"alice left", "alice_left"},
        {"received\u00a0/etc/passwd", "received_/etc/passwd"},
        {"a\tb\nc", "a_b\u23cec"},
        {"  ", "__"},
        {"\u2800", "_"},
        {"", "unnamed"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[PEER_NAME_BYTES];

        peer_name(rows[i].sent, strlen(rows[i].sent), name);
        cr_expect_str_eq(name, rows[i].shown, "%s became %s", rows[i].sent, name);
    }
}

Test(peer, name_fits_whatever_was_sent)
{
    char sent[LIMIT_NAME_BYTES], name[PEER_NAME_BYTES];

    memset(sent, '\xff', sizeof(sent));
    peer_name(sent, sizeof(sent), name);
    cr_expect_eq(strlen(name), 3 * sizeof(sent));
}
