#include "app/session.h"

#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/hub_state.h"
#include "app/transfer.h"
#include "app/transfer_recv.h"
#include "base/err.h"
#include "scene.h"

#define S_US UINT64_C(1000000)

static const struct hub_config takes_nothing = {.receive_files = false};

/* A user who does not look: what waits for ui is thrown away unread, and the hub gets no turn meanwhile. */
static size_t throw_away(struct scene *s, size_t *text_bytes)
{
    struct notice *m;
    size_t count = 0;

    *text_bytes = 0;
    for (; (m = hub_next_ui(s->hub)) != NULL; count++) {
        struct notice taken = *m;

        if (taken.text != NULL)
            *text_bytes += strlen(taken.text);
        hub_took_ui(s->hub);
        notice_dispose(&taken);
    }
    return count;
}

/* ---- trust ---- */

Test(session, nothing_of_a_peer_reaches_the_user_before_it_is_trusted)
{
    struct scene *s = scene_open(NULL);

    scene_meet(s);
    scene_guest_hello(s, SCENE_HELLO_ALL);
    scene_guest_text(s, 1, "do you hear me?");
    scene_guest_offers(s, 1, 2, "file", 100);
    scene_run(s, 2 * S_US);
    cr_expect_eq(s->told_count, 1);
    cr_expect_eq(scene_told_count(s, NOTICE_PEER_KEY), 1);
    cr_expect_eq(s->heard_count, 0, "nor does the peer hear of us");

    scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = s->peer, .trust = {.yes = true}});
    scene_run(s, S_US);
    cr_expect_eq(scene_told_at(s, NOTICE_CONNECTED), 1, "then everything comes, this first");
    cr_expect_eq(scene_told(s, NOTICE_CONNECTED, 0)->connected.hello_flags, SCENE_HELLO_ALL);
    cr_assert_eq(scene_told_count(s, NOTICE_TEXT), 1);
    cr_expect_str_eq(scene_told(s, NOTICE_TEXT, 0)->text, "do you hear me?");
    cr_expect_eq(scene_told_count(s, NOTICE_OFFER), 1);
    cr_expect_eq(scene_heard_count(s, APPMSG_HELLO), 1);
    scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = s->peer, .trust = {.yes = true}});
    scene_run(s, S_US);
    cr_expect_eq(scene_heard_count(s, APPMSG_HELLO), 1, "trust is given once");
    scene_close(s);
}

Test(session, texts_wait_until_the_peer_has_said_that_it_trusts_us)
{
    struct scene *s = scene_open(NULL);

    scene_meet(s);
    scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = s->peer, .trust = {.yes = true}});
    scene_guest_text(s, 1, "early");
    scene_run(s, S_US);
    cr_expect_eq(s->told_count, 1);
    scene_tell_text(s, (struct request){.type = REQUEST_SAY, .peer = s->peer, .say = {.id = 7}}, "too early");
    cr_assert_eq(scene_told_count(s, NOTICE_WORDS), 1, "nor can anything be said yet");
    cr_expect_eq(scene_told(s, NOTICE_WORDS, 0)->words.say, 7);
    cr_expect_eq(scene_told(s, NOTICE_WORDS, 0)->words.err, DUET_ECLOSED);
    scene_guest_hello(s, 0);
    scene_run(s, S_US);
    cr_expect_lt(scene_told_at(s, NOTICE_CONNECTED), scene_told_at(s, NOTICE_TEXT));
    cr_expect_eq(scene_told_count(s, NOTICE_TEXT), 1);
    scene_close(s);
}

Test(session, a_peer_that_is_not_trusted_is_told_so_and_nothing_else)
{
    struct scene *s = scene_open(NULL);

    scene_meet(s);
    scene_guest_hello(s, SCENE_HELLO_ALL);
    scene_guest_text(s, 1, "let me in");
    scene_run(s, S_US);
    scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = s->peer, .trust = {.yes = false}});
    scene_run(s, 5 * S_US);
    cr_expect(s->guest_closed);
    cr_expect_eq(s->guest_close_code, CLOSE_TRUST);
    cr_expect_eq(s->heard_count, 0);
    cr_assert_eq(s->told_count, 2);
    cr_expect_eq(s->told[1].type, NOTICE_LEFT);
    cr_expect(s->told[1].end.by_us, "it was us");
    cr_expect_eq(s->told[1].end.code, CLOSE_TRUST);
    scene_close(s);
}

/* ---- a peer that breaks the rules ---- */

#define ID1 "\0\0\0\1"
#define ROW(what, on, kind, bytes)                                                                   \
    {                                                                                                \
        .name = (what), .stream = (on), .type = (kind), .payload = (bytes), .len = sizeof(bytes) - 1 \
    }

struct row {
    const char *name;
    uint64_t stream;
    uint8_t type;
    const char *payload;
    size_t len;
};

static const struct row forbidden[] = {
    ROW("unknown type", STREAM_CONTROL, 0x7f, ""),
    ROW("HELLO twice", STREAM_CONTROL, APPMSG_HELLO, "\0\0\0\0\0\0\0\3"),
    ROW("empty", STREAM_CONTROL, APPMSG_DELIVERED, ""),
    ROW("truncated", STREAM_CONTROL, APPMSG_DELIVERED, "\0\0\0"),
    ROW("one byte too many", STREAM_CONTROL, APPMSG_COMPLETE, ID1 "\0"),
    ROW("receipt for what was not said", STREAM_CONTROL, APPMSG_DELIVERED, ID1),
    ROW("text on the control stream", STREAM_CONTROL, APPMSG_TEXT, ID1 "\1x"),
    ROW("text out of order", STREAM_CHAT, APPMSG_TEXT, "\0\0\0\2\1x"),
    ROW("text with unknown flags", STREAM_CHAT, APPMSG_TEXT, ID1 "\2x"),
    ROW("text of nothing", STREAM_CHAT, APPMSG_TEXT, ID1 "\1"),
    ROW("part of nothing", STREAM_CHAT, APPMSG_TEXT, ID1 "\0"),
    ROW("HELLO on the chat stream", STREAM_CHAT, APPMSG_HELLO, "\0\0\0\0\0\0\0\3"),
    ROW("offer on the chat stream", STREAM_CHAT, APPMSG_OFFER, ID1 "\2\1\5\0\1\2ab"),
    ROW("offer of nothing", STREAM_CONTROL, APPMSG_OFFER, ID1 "\2\0"),
    ROW("offer number 0", STREAM_CONTROL, APPMSG_OFFER, "\0\0\0\0\2\1\5\0\1\2ab"),
    ROW("offer whose name is longer than its entry", STREAM_CONTROL, APPMSG_OFFER, ID1 "\2\1\5\0\1\3ab"),
    ROW("answer to no question", STREAM_CONTROL, APPMSG_ANSWER, ID1 "\1yes"),
    ROW("answer neither yes nor no", STREAM_CONTROL, APPMSG_ANSWER, ID1 "\2yes"),
    ROW("accepts what was not offered", STREAM_CONTROL, APPMSG_ACCEPT, ID1 "\1\0\1"),
    ROW("refuses what was not offered", STREAM_CONTROL, APPMSG_REFUSE, ID1 "\2no"),
    ROW("has what was not offered", STREAM_CONTROL, APPMSG_COMPLETE, ID1),
    ROW("failed with what was not offered", STREAM_CONTROL, APPMSG_FAILED, ID1 "\7no"),
    ROW("digest of what it did not offer", STREAM_CONTROL, APPMSG_DIGEST, ID1 "0123456789abcdef"),
    ROW("cancels what it did not offer", STREAM_CONTROL, APPMSG_CANCEL, ID1 "\1"),
    ROW("command longer than any", STREAM_CONTROL, APPMSG_ASK,
        ID1 "\41"
            "123456789012345678901234567890123"),
};

static void expect_closed(const struct scene *s, uint64_t code, const char *name)
{
    cr_expect(s->guest_closed, "%s: still open", name);
    cr_expect_eq(s->guest_close_code, code, "%s: code %lu", name, (unsigned long)s->guest_close_code);
    cr_expect_eq(scene_told_count(s, NOTICE_LOST), 1, "%s", name);
    cr_expect_eq(scene_told_count(s, NOTICE_LEFT), 0, "%s", name);
    cr_expect_eq(s->told[s->told_count - 1].type, NOTICE_LOST, "%s: ui is told %s behind the end", name,
                 notice_name(s->told[s->told_count - 1].type));
}

Test(session, what_no_honest_peer_says_ends_the_session)
{
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        const struct row *r = &forbidden[i];
        struct scene *s = scene_open(NULL);

        scene_befriend(s, SCENE_HELLO_ALL);
        scene_guest_payload(s, r->stream, r->type, (const uint8_t *)r->payload, r->len);
        scene_guest_text(s, 1, "and then something harmless");
        scene_run(s, S_US);
        expect_closed(s, CLOSE_PROTOCOL, r->name);
        cr_expect_eq(s->told_count, 3, "%s: key, connected, lost, and %zu messages more", r->name, s->told_count - 3);
        scene_close(s);
    }
}

Test(session, a_message_longer_than_any_ends_it_at_its_head)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    scene_guest_writes(s, STREAM_CONTROL, (const uint8_t *)"\x7f\xff\xff\xff\x30", 5);
    scene_run(s, S_US);
    expect_closed(s, CLOSE_PROTOCOL, "longer than any");
    scene_close(s);
}

Test(session, hello_is_the_first_message)
{
    struct scene *s = scene_open(NULL);

    scene_meet(s);
    scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = s->peer, .trust = {.yes = true}});
    scene_guest_offers(s, 1, 2, "file", 100);
    scene_guest_hello(s, SCENE_HELLO_ALL);
    scene_run(s, S_US);
    expect_closed(s, CLOSE_PROTOCOL, "offer before HELLO");
    cr_expect_eq(scene_told_count(s, NOTICE_OFFER), 0);
    cr_expect_eq(scene_told_count(s, NOTICE_CONNECTED), 0);
    scene_close(s);
}

Test(session, numbers_and_streams_of_offers_only_rise)
{
    static const struct {
        uint32_t id;
        uint64_t stream;
    } second[] = {{.id = 5, .stream = 10}, {.id = 4, .stream = 10}, {.id = 6, .stream = 6}, {.id = 6, .stream = 2}};

    for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++) {
        struct scene *s = scene_open(NULL);

        scene_befriend(s, SCENE_HELLO_ALL);
        scene_guest_offers(s, 5, 6, "file", 100);
        scene_guest_offers(s, second[i].id, second[i].stream, "file", 100);
        scene_run(s, S_US);
        expect_closed(s, CLOSE_PROTOCOL, "offered twice");
        cr_expect_eq(scene_told_count(s, NOTICE_OFFER), 1);
        cr_expect_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), 1, "the good one has its end told");
        scene_close(s);
    }
}

Test(session, an_optional_message_is_skipped_and_half_a_message_waits_for_the_rest)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    scene_guest_payload(s, STREAM_CONTROL, 0x80, (const uint8_t *)"whatever", 8);
    scene_guest_payload(s, STREAM_CHAT, 0xff, (const uint8_t *)"", 0);
    scene_guest_writes(s, STREAM_CHAT, (const uint8_t *)"\0\0\0\7\x10" ID1, 9);
    scene_run(s, 20 * S_US);
    cr_expect_not(s->guest_closed);
    cr_expect_eq(scene_told_count(s, NOTICE_TEXT), 0);
    scene_guest_writes(s, STREAM_CHAT, (const uint8_t *)"\1ok", 3);
    scene_run(s, S_US);
    cr_assert_eq(scene_told_count(s, NOTICE_TEXT), 1);
    cr_expect_str_eq(scene_told(s, NOTICE_TEXT, 0)->text, "ok");
    scene_close(s);
}

Test(session, one_that_asks_without_end_and_reads_no_answer_is_closed)
{
    struct scene *s = scene_open(NULL);
    static uint8_t ask[4 + 1 + 4 + APPMSG_ASK_BYTES] = {0, 0, 0, 1, 4, 'e', 'c', 'h', 'o'};
    size_t asked = 0;

    scene_befriend(s, SCENE_HELLO_ALL);
    s->guest_is_deaf = true;
    while (asked < 1000 && scene_guest_payload(s, STREAM_CONTROL, APPMSG_ASK, ask, sizeof(ask)))
        asked++;
    scene_run(s, S_US);
    expect_closed(s, CLOSE_FLOW, "deaf");
    cr_expect_leq(asked * APPMSG_ASK_BYTES, PEER_CONTROL_OUT_BYTES + 4 * LIMIT_STREAM_WINDOW_BYTES);
    scene_close(s);
}

/* ---- a user who does not look ---- */

Test(session, a_text_is_received_for_its_sender_once_ui_has_taken_it)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    s->ui_stands_still = true;
    scene_guest_text(s, 1, "hello?");
    scene_run(s, 10 * S_US);
    cr_expect_eq(scene_heard_count(s, APPMSG_DELIVERED), 0);
    s->ui_stands_still = false;
    scene_run(s, S_US);
    cr_assert_eq(scene_heard_count(s, APPMSG_DELIVERED), 1);
    cr_expect_eq(scene_heard(s, APPMSG_DELIVERED, 0)->id, 1);
    scene_close(s);
}

Test(session, a_ui_that_stands_still_leaves_further_texts_in_the_stream)
{
    enum { TEXTS = 2000 };
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    s->ui_stands_still = true;
    for (uint32_t i = 1; i <= TEXTS; i++)
        scene_guest_text(s, i, "one of many");
    scene_run(s, 5 * S_US);
    size_t waiting = 0, bytes;

    for (const struct notice *m; waiting <= UI_LONG_MESSAGES && (m = hub_next_ui(s->hub)) != NULL; waiting++) {
        s->told[s->told_count++] = *m;
        hub_took_ui(s->hub); /* and the hub gets no turn */
    }
    cr_expect_eq(waiting, UI_LONG_MESSAGES);
    s->ui_stands_still = false;
    scene_run(s, 5 * S_US);
    cr_assert_eq(scene_told_count(s, NOTICE_TEXT), TEXTS);
    for (uint32_t i = 0; i < TEXTS; i++)
        cr_assert_eq(scene_told(s, NOTICE_TEXT, i)->said.number, i + 1);
    cr_expect_eq(scene_heard(s, APPMSG_DELIVERED, scene_heard_count(s, APPMSG_DELIVERED) - 1)->id, TEXTS);
    cr_expect_eq(throw_away(s, &bytes), 0);
    scene_close(s);
}

Test(session, a_ui_that_stands_still_is_kept_so_many_bytes_of_text_and_one_text_more)
{
    enum { LONG = 1024 * 1024 };
    struct scene *s = scene_open(NULL);
    static uint8_t part[4 + 1 + APPMSG_PART_BYTES];
    bool goes_on = true;
    size_t bytes;

    scene_befriend(s, SCENE_HELLO_ALL);
    s->ui_stands_still = true;
    memset(part, 'a', sizeof(part));
    for (uint32_t number = 1; number < 64 && goes_on; number++) {
        for (size_t at = APPMSG_PART_BYTES; at <= LONG && goes_on; at += APPMSG_PART_BYTES) {
            memcpy(part, (const uint8_t[]){0, 0, 0, (uint8_t)number, at == LONG}, 5);
            goes_on = scene_guest_payload(s, STREAM_CHAT, APPMSG_TEXT, part, sizeof(part));
        }
    }
    cr_expect_not(goes_on, "the peer was not slowed down");
    cr_expect_not(s->guest_closed);
    throw_away(s, &bytes);
    cr_expect_geq(bytes, UI_LONG_TEXT_BYTES);
    cr_expect_leq(bytes, UI_LONG_TEXT_BYTES + LONG);
    scene_close(s);
}

Test(session, offers_do_not_pile_up_before_a_ui_that_stands_still)
{
    struct scene *s = scene_open(NULL);
    size_t bytes;

    scene_befriend(s, SCENE_HELLO_ALL);
    s->ui_stands_still = true;
    for (uint32_t i = 1; i <= 1500; i++)
        scene_guest_offers(s, i, 4 * i + 2, "one of many", 100);
    scene_run(s, 5 * S_US);
    cr_expect_eq(throw_away(s, &bytes), TRANSFERS_PER_PEER + RECV_REFUSALS_TOLD);
    cr_expect_not(s->guest_closed);
    scene_close(s);
}

/* ---- refusals ---- */

Test(session, what_the_peer_does_not_take_is_refused_here)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, 0);
    cr_expect_eq(scene_told(s, NOTICE_CONNECTED, 0)->connected.hello_flags, 0, "ui is told what it takes");
    scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = s->peer, .send = {.id = 3}}, "/some/file");
    cr_assert_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), 1);
    cr_expect_eq(scene_told(s, NOTICE_TRANSFER_FAILED, 0)->failure.err, DUET_EREFUSED);
    cr_expect_eq(scene_told(s, NOTICE_TRANSFER_FAILED, 0)->failure.send, 3);
    cr_expect_eq(scene_job_count(s, JOB_OPEN), 0, "nor is it opened");
    scene_tell_text(s, (struct request){.type = REQUEST_ASK, .peer = s->peer, .ask = {.id = 4}}, "echo hi");
    cr_assert_eq(scene_told_count(s, NOTICE_ANSWER), 1);
    cr_expect_eq(scene_told(s, NOTICE_ANSWER, 0)->answer.ask, 4);
    cr_expect_not(scene_told(s, NOTICE_ANSWER, 0)->answer.ok);
    scene_run(s, S_US);
    cr_expect_eq(s->heard_count, 1, "the peer heard HELLO and nothing else");
    scene_close(s);
}

Test(session, files_offered_before_hello_fail_when_it_says_that_none_are_taken)
{
    enum { FILES = TRANSFERS_PER_PEER + 5 };
    struct scene *s = scene_open(NULL);
    bool failed[FILES + 1] = {false};

    scene_meet(s);
    scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = s->peer, .trust = {.yes = true}});
    for (uint32_t i = 1; i <= FILES; i++)
        scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = s->peer, .send = {.id = i}}, "/some/file");
    cr_expect_eq(scene_job_count(s, JOB_OPEN), TRANSFERS_PER_PEER, "the others wait their turn");
    scene_opened(s, 0, "file", 10);
    scene_guest_hello(s, HELLO_SERVES);
    scene_run(s, S_US);
    cr_expect_eq(scene_heard_count(s, APPMSG_OFFER), 1);
    cr_assert_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), FILES);
    for (size_t i = 0; i < FILES; i++) {
        const struct notice *m = scene_told(s, NOTICE_TRANSFER_FAILED, i);

        cr_expect_eq(m->failure.err, DUET_EREFUSED);
        cr_assert(m->failure.send >= 1 && m->failure.send <= FILES && !failed[m->failure.send], "each once");
        failed[m->failure.send] = true;
    }
    cr_expect_not(s->guest_closed);
    scene_close(s);
}

/* One more session, none of whose packets ever comes; a text of so many bytes is unfinished since `since`. */
static void with_unfinished_text(struct hub *h, conn_id conn, size_t bytes, duet_time since)
{
    const struct endpoint_event ev = {.type = EVENT_CONNECTED, .conn = conn};
    struct session *other = session_new(&ev, conn);

    cr_assert(other != NULL && sessions_add(&h->sessions, other) == 0);
    other->state = SESSION_LIVE;
    other->peer.takes_files = true;
    other->control_readable = other->chat_readable = false;
    other->unfinished_text_bytes = bytes;
    other->unfinished_since = since;
    h->env.unfinished_text_bytes += bytes;
}

Test(session, of_too_much_unfinished_text_the_oldest_is_given_up)
{
    static uint8_t half[4 + 1 + 1000];
    struct scene *s = scene_open(NULL);
    struct env *env = &s->hub->env;

    scene_befriend(s, SCENE_HELLO_ALL);
    with_unfinished_text(s->hub, 1001, UNFINISHED_TEXT_BYTES / 2, time_add(s->pair.now, 1));
    with_unfinished_text(s->hub, 1002, UNFINISHED_TEXT_BYTES / 2, s->pair.now);
    scene_run(s, S_US);
    cr_expect_eq(scene_told_count(s, NOTICE_LOST), 0, "so much may be");
    half[3] = 1; /* text 1, not the last part */
    cr_assert(scene_guest_payload(s, STREAM_CHAT, APPMSG_TEXT, half, sizeof(half)));
    scene_run(s, S_US);
    cr_assert_eq(scene_told_count(s, NOTICE_LOST), 1);
    cr_expect_eq(scene_told(s, NOTICE_LOST, 0)->peer, 1002);
    cr_expect_gt(env->unfinished_text_bytes, UNFINISHED_TEXT_BYTES / 2);
    half[4] = 1; /* the last */
    cr_assert(scene_guest_payload(s, STREAM_CHAT, APPMSG_TEXT, half, sizeof(half)));
    scene_run(s, S_US);
    cr_expect_eq(scene_told_count(s, NOTICE_TEXT), 1);
    cr_expect_eq(env->unfinished_text_bytes, UNFINISHED_TEXT_BYTES / 2, "what is whole counts no more");
    scene_close(s);
}

/* ---- turns ---- */

/* This session has so many texts of a byte to read. */
static void with_unread_texts(struct hub *h, conn_id conn, uint32_t texts)
{
    struct session *s = sessions_find(&h->sessions, conn);
    uint8_t bytes[32];
    size_t room;

    for (uint32_t i = 1; i <= texts; i++) {
        const struct appmsg m = {
            .type = APPMSG_TEXT, .id = i, .part = {.last = true, .bytes = (const uint8_t *)"x", .len = 1}};
        const ssize_t len = appmsg_write(&m, bytes, sizeof(bytes));
        uint8_t *space = channel_space(&s->peer.chat, &room);

        cr_assert(len > 0 && space != NULL && room >= (size_t)len);
        memcpy(space, bytes, (size_t)len);
        channel_filled(&s->peer.chat, (size_t)len);
    }
    s->chat_readable = true;
    h->env.dirty = true;
}

/* What ui takes before the last of `texts` of this session; SIZE_MAX: they do not come. */
static size_t taken_until(struct scene *s, conn_id conn, uint32_t texts)
{
    for (size_t taken = 0;; taken++) {
        hub_run(s->hub, s->pair.now);
        struct notice *m = hub_next_ui(s->hub);

        if (m == NULL)
            return SIZE_MAX;
        const bool is_last = m->type == NOTICE_TEXT && m->peer == conn && m->said.number == texts;

        s->told[s->told_count++] = *m;
        hub_took_ui(s->hub);
        if (is_last)
            return taken;
    }
}

static struct scene *flooded_scene(void)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    s->ui_stands_still = true;
    with_unfinished_text(s->hub, 1001, 0, s->pair.now); /* the first of all */
    with_unfinished_text(s->hub, 1002, 0, s->pair.now);
    return s;
}

Test(session, who_floods_is_read_in_turns_with_the_others)
{
    enum { FLOOD = 4000, HONEST = 10 };
    struct scene *s = flooded_scene();

    with_unread_texts(s->hub, 1001, FLOOD);
    with_unread_texts(s->hub, 1002, HONEST);
    cr_expect_leq(taken_until(s, 1002, HONEST), 2 * SESSION_TURN_MESSAGES + HONEST);
    scene_close(s);
}

/* The ui is behind for good, and takes one message at a time. */
Test(session, beside_a_flood_and_a_slow_ui_the_others_have_every_other_place)
{
    enum { FLOOD = 4000, HONEST = 10 };
    struct scene *s = flooded_scene();

    with_unread_texts(s->hub, 1001, FLOOD);
    hub_run(s->hub, s->pair.now);
    cr_assert(env_ui_is_long(&s->hub->env));
    with_unread_texts(s->hub, 1002, HONEST);
    cr_expect_leq(taken_until(s, 1002, HONEST), UI_LONG_MESSAGES + 4 * HONEST);
    scene_close(s);
}

/* Files to other peers that take every place there is. */
static void fill_places(struct env *env, struct peer *others, size_t count)
{
    enum transfer_code why;

    for (size_t i = 0; i < count; i++)
        cr_assert_not_null(transfer_new(env, &others[i / TRANSFERS_PER_PEER], true, "file", &why));
}

Test(session, files_wait_while_those_to_others_take_every_place)
{
    static struct peer others[TRANSFERS_MAX / 2 / TRANSFERS_PER_PEER];
    struct scene *s = scene_open(NULL);
    struct env *env = &s->hub->env;

    scene_befriend(s, SCENE_HELLO_ALL);
    fill_places(env, others, TRANSFERS_MAX / 2);
    scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = s->peer, .send = {.id = 1}}, "/some/file");
    cr_expect_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), 0);
    cr_expect_eq(scene_job_count(s, JOB_OPEN), 0, "no place yet");
    transfer_end(env, env->transfers[0]);
    scene_run(s, S_US);
    cr_expect_eq(scene_job_count(s, JOB_OPEN), 1, "as soon as there is one");
    scene_close(s);
}

static size_t sends_to(const struct env *env, conn_id conn)
{
    size_t count = 0;

    for (size_t i = 0; i < env->transfer_count; i++)
        count += env->transfers[i]->conn == conn;
    return count;
}

Test(session, peers_take_turns_for_the_places_that_come_free)
{
    enum { FREED = 8 };
    static struct peer others[TRANSFERS_MAX / 2 / TRANSFERS_PER_PEER];
    struct scene *s = scene_open(NULL);
    struct env *env = &s->hub->env;

    scene_befriend(s, SCENE_HELLO_ALL);
    with_unfinished_text(s->hub, 1001, 0, s->pair.now);
    fill_places(env, others, TRANSFERS_MAX / 2);
    for (uint32_t i = 1; i <= FREED; i++) {
        scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = s->peer, .send = {.id = i}}, "/some/file");
        scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = 1001, .send = {.id = 100 + i}}, "/some/file");
    }
    for (size_t i = 0; i < FREED; i++) {
        transfer_end(env, env->transfers[0]);
        scene_run(s, S_US);
    }
    cr_expect_geq(sends_to(env, s->peer), FREED / 4, "%zu", sends_to(env, s->peer));
    cr_expect_geq(sends_to(env, 1001), FREED / 4, "%zu", sends_to(env, 1001));
    cr_expect_eq(sends_to(env, s->peer) + sends_to(env, 1001), FREED);
    scene_close(s);
}

Test(session, files_beyond_those_that_may_wait_fail_at_once)
{
    struct scene *s = scene_open(NULL);
    const uint32_t most = TRANSFERS_PER_PEER + SESSION_SENDS_WAITING;

    scene_befriend(s, SCENE_HELLO_ALL);
    for (uint32_t i = 1; i <= most + 1; i++)
        scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = s->peer, .send = {.id = i}}, "/some/file");
    cr_assert_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), 1);
    cr_expect_eq(scene_told(s, NOTICE_TRANSFER_FAILED, 0)->failure.send, most + 1);
    cr_expect_eq(scene_told(s, NOTICE_TRANSFER_FAILED, 0)->failure.err, DUET_EFULL);
    scene_close(s);
}

static uint64_t refusal_code(const struct scene *s, size_t n)
{
    cr_assert_lt(n, scene_heard_count(s, APPMSG_REFUSE));
    return scene_heard(s, APPMSG_REFUSE, n)->end.code;
}

Test(session, one_that_takes_nothing_says_so)
{
    struct scene *s = scene_open(&takes_nothing);

    scene_befriend(s, SCENE_HELLO_ALL);
    cr_expect_eq(scene_heard(s, APPMSG_HELLO, 0)->hello_flags, 0);
    scene_guest_offers(s, 1, 2, "file", 100);
    scene_guest_payload(s, STREAM_CONTROL, APPMSG_ASK, (const uint8_t *)ID1 "\4echohi", 11);
    scene_run(s, S_US);
    cr_expect_eq(refusal_code(s, 0), WHY_NO_FILES);
    cr_expect_eq(scene_told_count(s, NOTICE_OFFER), 0);
    cr_expect_eq(scene_told_count(s, NOTICE_WORDS), 1);
    cr_assert_eq(scene_heard_count(s, APPMSG_ANSWER), 1);
    cr_expect_not(scene_heard(s, APPMSG_ANSWER, 0)->answer.ok);
    cr_expect_not(s->guest_closed, "a refusal is no crime");
    scene_close(s);
}

Test(session, offers_that_cannot_be_taken_are_refused_one_by_one)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    scene_guest_payload(s, STREAM_CONTROL, APPMSG_OFFER, (const uint8_t *)ID1 "\2\1\5\1\1\2ab", 12);
    scene_guest_payload(s, STREAM_CONTROL, APPMSG_OFFER, (const uint8_t *)"\0\0\0\2\6\2\5\0\1\2ab\5\0\1\2cd", 18);
    scene_guest_offers(s, 3, 10, "..", 100);
    scene_guest_offers(s, 4, 14, "", 100);
    for (uint32_t i = 0; i <= TRANSFERS_PER_PEER; i++)
        scene_guest_offers(s, 5 + i, 18 + 4 * i, "file", 100);
    scene_run(s, S_US);
    cr_expect_eq(refusal_code(s, 0), WHY_UNSUPPORTED, "another kind");
    cr_expect_eq(refusal_code(s, 1), WHY_UNSUPPORTED, "two entries");
    cr_expect_eq(refusal_code(s, 2), WHY_NAME);
    cr_expect_eq(refusal_code(s, 3), WHY_NAME);
    cr_expect_eq(refusal_code(s, 4), WHY_BUSY, "one more than may be under way");
    cr_expect_eq(scene_told_count(s, NOTICE_OFFER), TRANSFERS_PER_PEER);
    cr_expect_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), 5, "our user would wait for each of them");
    for (size_t i = 0; i < 5; i++) {
        cr_expect_eq(scene_told(s, NOTICE_TRANSFER_FAILED, i)->failure.err, DUET_EREFUSED);
        cr_expect_eq(scene_told(s, NOTICE_TRANSFER_FAILED, i)->failure.transfer, 0);
    }
    cr_expect_not(s->guest_closed);
    scene_close(s);
}

Test(session, refusals_without_end_get_so_many_lines)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    for (uint32_t i = 0; i < 3 * RECV_REFUSALS_TOLD; i++)
        scene_guest_offers(s, 1 + i, 2 + 4 * i, "..", 100);
    scene_run(s, S_US);
    cr_expect_eq(scene_heard_count(s, APPMSG_REFUSE), 3 * RECV_REFUSALS_TOLD);
    cr_expect_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), RECV_REFUSALS_TOLD);
    cr_expect_not_null(strstr(scene_told(s, NOTICE_TRANSFER_FAILED, RECV_REFUSALS_TOLD - 1)->text, "further"));
    scene_close(s);
}

Test(session, a_rejected_offer_is_refused_and_over)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    scene_guest_offers(s, 1, 2, "file", 100);
    scene_run(s, S_US);
    const uint32_t id = scene_told(s, NOTICE_OFFER, 0)->offer.transfer;

    scene_tell(s, (struct request){.type = REQUEST_REJECT, .transfer = {.id = id}});
    scene_tell(s, (struct request){.type = REQUEST_ACCEPT, .transfer = {.id = id}});
    scene_run(s, S_US);
    cr_expect_eq(refusal_code(s, 0), WHY_REJECTED);
    cr_expect_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), 1);
    cr_expect_eq(scene_told(s, NOTICE_TRANSFER_FAILED, 0)->failure.err, DUET_EREFUSED);
    cr_expect_eq(scene_told_count(s, NOTICE_WORDS), 1, "the acceptance came too late");
    cr_expect_eq(s->job_count, 0);
    scene_close(s);
}

/* ---- asks ---- */

Test(session, each_ask_gets_its_own_answer_once)
{
    struct scene *s = scene_open(NULL);
    struct appmsg answer = {.type = APPMSG_ANSWER};

    scene_befriend(s, SCENE_HELLO_ALL);
    scene_tell_text(s, (struct request){.type = REQUEST_ASK, .peer = s->peer, .ask = {.id = 11}}, "echo one");
    scene_tell_text(s, (struct request){.type = REQUEST_ASK, .peer = s->peer, .ask = {.id = 12}}, "echo two");
    scene_tell_text(s, (struct request){.type = REQUEST_ASK, .peer = s->peer, .ask = {.id = 13}}, "   ");
    scene_run(s, S_US);
    cr_assert_eq(scene_heard_count(s, APPMSG_ASK), 2);
    cr_expect_eq(scene_told(s, NOTICE_ANSWER, 0)->answer.ask, 13, "not a command");
    answer.id = scene_heard(s, APPMSG_ASK, 1)->id;
    answer.answer.ok = true;
    answer.answer.text = "t\x1bwo";
    answer.answer.len = 5;
    scene_guest_says(s, &answer);
    scene_run(s, S_US);
    cr_assert_eq(scene_told_count(s, NOTICE_ANSWER), 2);
    cr_expect_eq(scene_told(s, NOTICE_ANSWER, 1)->answer.ask, 12);
    cr_expect(scene_told(s, NOTICE_ANSWER, 1)->answer.ok);
    cr_expect_str_eq(scene_told(s, NOTICE_ANSWER, 1)->text, "t\x1bwo\x01",
                     "as it came, but for the NUL: made safe where shown");
    scene_guest_says(s, &answer);
    scene_run(s, S_US);
    expect_closed(s, CLOSE_PROTOCOL, "answered twice");
    cr_expect_eq(scene_told_count(s, NOTICE_ANSWER), 3);
    cr_expect_eq(scene_told(s, NOTICE_ANSWER, 2)->answer.ask, 11, "the session ended before the answer");
    cr_expect_not(scene_told(s, NOTICE_ANSWER, 2)->answer.ok);
    scene_close(s);
}

static void guest_asks_status(struct scene *s)
{
    scene_guest_payload(s, STREAM_CONTROL, APPMSG_ASK, (const uint8_t *)ID1 "\6status", 11);
    scene_run(s, S_US);
}

/* The guest's one answer so far has this line. */
static void expect_status(const struct scene *s, const char *line)
{
    char text[512];

    cr_assert_eq(scene_heard_count(s, APPMSG_ANSWER), 1);
    const struct appmsg *m = scene_heard(s, APPMSG_ANSWER, 0);
    cr_assert(m->answer.ok);
    snprintf(text, sizeof(text), "\n%.*s\n", (int)m->answer.len, m->answer.text);
    cr_expect_not_null(strstr(text, line), "%s", text);
}

Test(session, status_is_told_to_whom_the_user_trusts_and_counts_who_is_here)
{
    static const struct hub_config cfg = {.receive_files = true, .serve = true, .version = "1.2.3"};
    struct scene *s = scene_open(&cfg);

    scene_meet(s);
    scene_guest_hello(s, SCENE_HELLO_ALL);
    guest_asks_status(s);
    cr_expect_eq(scene_heard_count(s, APPMSG_ANSWER), 0, "a stranger learns nothing");
    scene_guest_offers(s, 1, 2, "file", 100);
    scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = s->peer, .trust = {.yes = true}});
    scene_run(s, S_US);
    expect_status(s, "\nversion 1.2.3\n");
    expect_status(s, "\npeers 1\n");
    expect_status(s, "\npath direct, you are ");

    scene_forget(s);
    guest_asks_status(s);
    expect_status(s, "\ntransfers 1 in, 0 out\n");

    scene_tell(s, (struct request){.type = REQUEST_CLOSE, .peer = s->peer});
    scene_run(s, S_US);
    scene_forget(s);
    scene_befriend(s, SCENE_HELLO_ALL);
    guest_asks_status(s);
    expect_status(s, "\npeers 1\n");
    expect_status(s, "\ntransfers 0 in, 0 out\n");
    scene_close(s);
}

Test(session, asks_that_cannot_leave_are_answered_here)
{
    struct scene *s = scene_open(NULL);
    char *longest = malloc(APPMSG_ASK_BYTES + 16);

    memset(longest, 'x', APPMSG_ASK_BYTES + 15);
    memcpy(longest, "echo ", 5);
    longest[APPMSG_ASK_BYTES + 15] = '\0';
    scene_befriend(s, SCENE_HELLO_ALL);
    scene_tell_text(s, (struct request){.type = REQUEST_ASK, .peer = s->peer, .ask = {.id = 1}}, longest);
    for (uint32_t i = 2; i <= ASKS_MAX + 2; i++)
        scene_tell_text(s, (struct request){.type = REQUEST_ASK, .peer = s->peer, .ask = {.id = i}}, "time");
    scene_run(s, S_US);
    cr_assert_eq(scene_told_count(s, NOTICE_ANSWER), 2);
    cr_expect_eq(scene_told(s, NOTICE_ANSWER, 0)->answer.ask, 1, "too long");
    cr_expect_eq(scene_told(s, NOTICE_ANSWER, 1)->answer.ask, ASKS_MAX + 2, "too many");
    cr_expect_eq(scene_heard_count(s, APPMSG_ASK), ASKS_MAX);
    free(longest);
    scene_close(s);
}

/* ---- texts ---- */

Test(session, an_empty_text_is_none_and_never_leaves)
{
    struct scene *s = scene_open(NULL);

    scene_befriend(s, SCENE_HELLO_ALL);
    scene_tell_text(s, (struct request){.type = REQUEST_SAY, .peer = s->peer, .say = {.id = 1}}, "");
    scene_tell_text(s, (struct request){.type = REQUEST_SAY, .peer = s->peer, .say = {.id = 2}}, "something");
    scene_run(s, S_US);
    cr_assert_eq(scene_heard_count(s, APPMSG_TEXT), 1);
    cr_expect_eq(scene_heard(s, APPMSG_TEXT, 0)->id, 1);
    cr_expect_eq(scene_told(s, NOTICE_DELIVERED, 0)->delivered.say, 1);
    scene_close(s);
}

Test(session, texts_that_cannot_be_queued_are_named)
{
    struct scene *s = scene_open(NULL);
    char *longer = malloc(TEXTS_TEXT_BYTES + 2);

    memset(longer, 'x', TEXTS_TEXT_BYTES + 1);
    longer[TEXTS_TEXT_BYTES + 1] = '\0';
    scene_befriend(s, SCENE_HELLO_ALL);
    scene_tell_text(s, (struct request){.type = REQUEST_SAY, .peer = s->peer, .say = {.id = 1}}, longer);
    for (uint32_t i = 2; i <= TEXTS_WAITING + 2; i++)
        scene_tell_text(s, (struct request){.type = REQUEST_SAY, .peer = s->peer, .say = {.id = i}},
                        "said and not delivered");
    cr_assert_eq(scene_told_count(s, NOTICE_WORDS), 2);
    cr_expect_eq(scene_told(s, NOTICE_WORDS, 0)->words.say, 1);
    cr_expect_eq(scene_told(s, NOTICE_WORDS, 0)->words.err, DUET_ERANGE);
    cr_expect_eq(scene_told(s, NOTICE_WORDS, 1)->words.say, TEXTS_WAITING + 2);
    cr_expect_eq(scene_told(s, NOTICE_WORDS, 1)->words.err, DUET_EFULL);
    scene_run(s, S_US);
    scene_guest_says(s, &(struct appmsg){.type = APPMSG_DELIVERED, .id = TEXTS_WAITING});
    scene_run(s, S_US);
    cr_expect_eq(scene_told_count(s, NOTICE_DELIVERED), TEXTS_WAITING);
    cr_expect_eq(scene_told(s, NOTICE_DELIVERED, 0)->delivered.say, 2, "ui's number, not the wire's");
    free(longer);
    scene_close(s);
}

/* ---- the end ---- */

/* One of everything is under way. */
static void busy(struct scene *s)
{
    scene_befriend(s, SCENE_HELLO_ALL);
    scene_tell_text(s, (struct request){.type = REQUEST_SAY, .peer = s->peer, .say = {.id = 1}}, "hello");
    scene_tell_text(s, (struct request){.type = REQUEST_ASK, .peer = s->peer, .ask = {.id = 2}}, "time");
    scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = s->peer, .send = {.id = 3}}, "/some/file");
    scene_guest_offers(s, 1, 2, "their file", 100);
    scene_run(s, S_US);
    cr_assert_eq(scene_told_count(s, NOTICE_OFFER), 1);
}

static void expect_outcomes_before(const struct scene *s, enum notice_type end)
{
    cr_assert_eq(scene_told_count(s, end), 1);
    cr_expect_eq(scene_told_at(s, end), s->told_count - 1, "it is the last word");
    cr_expect_eq(scene_told_count(s, NOTICE_TRANSFER_FAILED), 2);
    cr_expect_eq(scene_told_count(s, NOTICE_ANSWER), 1);
    cr_expect_eq(scene_told_count(s, NOTICE_WORDS), 1, "the text");
}

Test(session, everything_under_way_has_its_outcome_told_before_our_own_goodbye)
{
    struct scene *s = scene_open(NULL);

    busy(s);
    scene_tell(s, (struct request){.type = REQUEST_CLOSE, .peer = s->peer});
    expect_outcomes_before(s, NOTICE_LEFT);
    cr_expect(scene_told(s, NOTICE_LEFT, 0)->end.by_us);
    scene_tell(s, (struct request){.type = REQUEST_CLOSE, .peer = s->peer});
    scene_guest_text(s, 1, "wait!");
    scene_run(s, 5 * S_US);
    expect_outcomes_before(s, NOTICE_LEFT);
    cr_expect_eq(s->guest_close_code, CLOSE_OK);
    scene_close(s);
}

Test(session, everything_under_way_has_its_outcome_told_before_the_peers_goodbye)
{
    struct scene *s = scene_open(NULL);

    busy(s);
    endpoint_close(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], 0x123, "b\x1b[31mye", s->pair.now);
    scene_run(s, 5 * S_US);
    expect_outcomes_before(s, NOTICE_LEFT);
    const struct notice *left = scene_told(s, NOTICE_LEFT, 0);

    cr_expect_not(left->end.by_us);
    cr_expect_eq(left->end.code, 0x123);
    cr_expect(left->text != NULL && strchr(left->text, '\x1b') == NULL, "made harmless");
    scene_close(s);
}

Test(session, everything_under_way_has_its_outcome_told_before_a_violation_ends_it)
{
    struct scene *s = scene_open(NULL);

    busy(s);
    scene_guest_payload(s, STREAM_CONTROL, 0x7f, (const uint8_t *)"", 0);
    scene_run(s, 5 * S_US);
    expect_outcomes_before(s, NOTICE_LOST);
    cr_expect_eq(s->guest_close_code, CLOSE_PROTOCOL);
    scene_close(s);
}
