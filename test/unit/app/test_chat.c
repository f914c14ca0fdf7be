#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/chat.h"
#include "base/err.h"

static char *text_of(size_t len, char fill)
{
    char *text = malloc(len + 1);

    memset(text, fill, len);
    text[len] = '\0';
    return text;
}

static void say(struct chat *c, uint32_t id, size_t len, char fill)
{
    cr_assert_eq(chat_say(c, id, text_of(len, fill), len), 0);
}

/* Moves one part from a to b; what chat_receive said. */
static int move_part(struct chat *a, struct chat *b)
{
    struct appmsg part;

    cr_assert(chat_next_part(a, &part));
    cr_assert_leq(part.part.len, APPMSG_PART_BYTES);
    const int got = chat_receive(b, &part);

    chat_part_sent(a, &part);
    return got;
}

Test(chat, texts_of_any_length_arrive_whole_and_in_order)
{
    static const size_t lengths[] = {0, 1, APPMSG_PART_BYTES - 1, APPMSG_PART_BYTES, APPMSG_PART_BYTES + 1, 1000000};
    static const size_t parts[] = {1, 1, 1, 1, 2, 62};
    struct chat a, b;

    chat_init(&a);
    chat_init(&b);
    for (uint32_t i = 0; i < 6; i++)
        say(&a, 100 + i, lengths[i], (char)('a' + (char)i));
    for (uint32_t i = 0; i < 6; i++) {
        for (size_t p = 0; p + 1 < parts[i]; p++)
            cr_assert_eq(move_part(&a, &b), 0, "text %u part %zu", i, p);
        cr_assert_eq(move_part(&a, &b), 1, "text %u", i);
        cr_assert_eq(b.in.len, lengths[i]);
        for (size_t k = 0; k < b.in.len; k++)
            cr_assert_eq(b.in.bytes[k], 'a' + (char)i);
        chat_taken(&b);
    }
    cr_assert_eq(chat_undelivered(&a), 6, "sent is not delivered");
    chat_dispose(&a);
    chat_dispose(&b);
}

Test(chat, delivered_covers_all_up_to_a_number_once)
{
    struct chat a, b;
    uint32_t id;

    chat_init(&a);
    chat_init(&b);
    for (uint32_t i = 0; i < 4; i++)
        say(&a, 50 + i, 3, 'x');
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(move_part(&a, &b), 1);
        chat_taken(&b);
    }
    cr_assert_eq(chat_check_delivered(&a, 2), 0);
    cr_assert(chat_pop(&a, 2, &id));
    cr_assert_eq(id, 50);
    cr_assert(chat_pop(&a, 2, &id));
    cr_assert_eq(id, 51);
    cr_assert_not(chat_pop(&a, 2, &id));
    cr_assert_eq(chat_check_delivered(&a, 2), DUET_EPROTOCOL, "said twice");
    cr_assert_eq(chat_check_delivered(&a, 4), DUET_EPROTOCOL, "not sent yet");
    cr_assert_eq(chat_check_delivered(&a, 0), DUET_EPROTOCOL);
    cr_assert_eq(chat_check_delivered(&a, 3), 0);
    cr_assert_eq(chat_undelivered(&a), 2);
    chat_dispose(&a);
    chat_dispose(&b);
}

Test(chat, refuses_what_is_too_long_or_too_many_and_owns_nothing_then)
{
    struct chat c;
    char *long_text = text_of(CHAT_TEXT_BYTES + 1, 'x');
    char *one = text_of(1, 'y');

    chat_init(&c);
    cr_assert_eq(chat_say(&c, 1, long_text, CHAT_TEXT_BYTES + 1), DUET_ERANGE);
    for (uint32_t i = 0; i < CHAT_WAITING_TEXTS; i++)
        say(&c, i, 1, 'z');
    cr_assert_eq(chat_say(&c, 1, one, 1), DUET_EFULL);
    chat_dispose(&c);
    for (uint32_t i = 0; i < CHAT_WAITING_BYTES / CHAT_TEXT_BYTES; i++)
        say(&c, i, CHAT_TEXT_BYTES, 'z');
    cr_assert_eq(chat_say(&c, 1, one, 1), DUET_EFULL);
    chat_dispose(&c);
    free(one);
    free(long_text);
}

Test(chat, room_comes_back_as_parts_leave)
{
    struct chat a, b;

    chat_init(&a);
    chat_init(&b);
    say(&a, 1, 20000, 'x');
    cr_assert_eq(a.waiting_bytes, 20000);
    cr_assert_eq(move_part(&a, &b), 0);
    cr_assert_eq(move_part(&a, &b), 1);
    cr_assert_eq(a.waiting_bytes, 0);
    chat_dispose(&a);
    chat_dispose(&b);
}

Test(chat, parts_out_of_turn_are_a_violation)
{
    static const uint8_t bytes[1];
    struct appmsg part = {.type = APPMSG_TEXT, .id = 2, .part = {.bytes = bytes, .len = 1, .last = true}};
    struct chat c;

    chat_init(&c);
    cr_assert_eq(chat_receive(&c, &part), DUET_EPROTOCOL, "the first is number 1");
    part.id = 1;
    part.part.last = false;
    cr_assert_eq(chat_receive(&c, &part), 0);
    part.id = 2;
    cr_assert_eq(chat_receive(&c, &part), DUET_EPROTOCOL, "1 is not complete");
    part.id = 1;
    part.part.last = true;
    cr_assert_eq(chat_receive(&c, &part), 1);
    chat_taken(&c);
    cr_assert_eq(chat_receive(&c, &part), DUET_EPROTOCOL, "1 again");
    chat_dispose(&c);
}

Test(chat, a_text_that_never_ends_is_cut_off_at_the_bound)
{
    static uint8_t bytes[APPMSG_PART_BYTES];
    struct appmsg part = {.type = APPMSG_TEXT, .id = 1, .part = {.bytes = bytes, .len = sizeof(bytes)}};
    struct chat c;

    chat_init(&c);
    for (size_t i = 0; i < CHAT_TEXT_BYTES / APPMSG_PART_BYTES; i++)
        cr_assert_eq(chat_receive(&c, &part), 0);
    cr_assert_leq(c.in.cap, CHAT_TEXT_BYTES);
    part.part.len = 1;
    cr_assert_eq(chat_receive(&c, &part), DUET_EPROTOCOL);
    chat_dispose(&c);
}

Test(chat, at_rest_keeps_a_text_that_is_half_there)
{
    struct chat a, b;

    chat_init(&a);
    chat_init(&b);
    say(&a, 1, APPMSG_PART_BYTES + 1, 'x');
    cr_assert_eq(move_part(&a, &b), 0);
    chat_rest(&b);
    cr_assert_eq(move_part(&a, &b), 1);
    cr_expect_eq(b.in.len, APPMSG_PART_BYTES + 1);
    cr_expect_eq(b.in.bytes[0], 'x');
    chat_taken(&b);
    chat_rest(&b);
    cr_expect_null(b.in.bytes);
    say(&a, 2, 5, 'y');
    cr_expect_eq(move_part(&a, &b), 1, "and goes on");
    chat_dispose(&a);
    chat_dispose(&b);
}
