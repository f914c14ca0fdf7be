#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/texts.h"
#include "base/err.h"

static char *text_of(size_t len, char fill)
{
    char *text = malloc(len + 1);

    memset(text, fill, len);
    text[len] = '\0';
    return text;
}

static void say(struct texts *c, uint32_t id, size_t len, char fill)
{
    cr_assert_eq(texts_say(c, id, text_of(len, fill), len), 0);
}

/* Moves one part from a to b; what texts_receive said. */
static int move_part(struct texts *a, struct texts *b)
{
    struct appmsg part;

    cr_assert(texts_next_part(a, &part));
    cr_assert_leq(part.part.len, APPMSG_PART_BYTES);
    const int got = texts_receive(b, &part);

    texts_part_sent(a, &part);
    return got;
}

Test(texts, texts_of_any_length_arrive_whole_and_in_order)
{
    static const size_t lengths[] = {0, 1, APPMSG_PART_BYTES - 1, APPMSG_PART_BYTES, APPMSG_PART_BYTES + 1, 1000000};
    static const size_t parts[] = {1, 1, 1, 1, 2, 62};
    struct texts a, b;

    texts_init(&a);
    texts_init(&b);
    for (uint32_t i = 0; i < 6; i++)
        say(&a, 100 + i, lengths[i], (char)('a' + (char)i));
    for (uint32_t i = 0; i < 6; i++) {
        for (size_t p = 0; p + 1 < parts[i]; p++)
            cr_assert_eq(move_part(&a, &b), 0, "text %u part %zu", i, p);
        cr_assert_eq(move_part(&a, &b), 1, "text %u", i);
        cr_assert_eq(b.in.len, lengths[i]);
        for (size_t k = 0; k < b.in.len; k++)
            cr_assert_eq(b.in.bytes[k], 'a' + (char)i);
        texts_taken(&b);
    }
    cr_assert_eq(texts_undelivered(&a), 6, "sent is not delivered");
    texts_dispose(&a);
    texts_dispose(&b);
}

Test(texts, delivered_covers_all_up_to_a_number_once)
{
    struct texts a, b;
    uint32_t id;

    texts_init(&a);
    texts_init(&b);
    for (uint32_t i = 0; i < 4; i++)
        say(&a, 50 + i, 3, 'x');
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(move_part(&a, &b), 1);
        texts_taken(&b);
    }
    cr_assert_eq(texts_check_delivered(&a, 2), 0);
    cr_assert(texts_pop(&a, 2, &id));
    cr_assert_eq(id, 50);
    cr_assert(texts_pop(&a, 2, &id));
    cr_assert_eq(id, 51);
    cr_assert_not(texts_pop(&a, 2, &id));
    cr_assert_eq(texts_check_delivered(&a, 2), DUET_EPROTOCOL, "said twice");
    cr_assert_eq(texts_check_delivered(&a, 4), DUET_EPROTOCOL, "not sent yet");
    cr_assert_eq(texts_check_delivered(&a, 0), DUET_EPROTOCOL);
    cr_assert_eq(texts_check_delivered(&a, 3), 0);
    cr_assert_eq(texts_undelivered(&a), 2);
    texts_dispose(&a);
    texts_dispose(&b);
}

Test(texts, refuses_what_is_too_long_or_too_many_and_owns_nothing_then)
{
    struct texts c;
    char *long_text = text_of(TEXTS_TEXT_BYTES + 1, 'x');
    char *one = text_of(1, 'y');

    texts_init(&c);
    cr_assert_eq(texts_say(&c, 1, long_text, TEXTS_TEXT_BYTES + 1), DUET_ERANGE);
    for (uint32_t i = 0; i < TEXTS_WAITING; i++)
        say(&c, i, 1, 'z');
    cr_assert_eq(texts_say(&c, 1, one, 1), DUET_EFULL);
    texts_dispose(&c);
    for (uint32_t i = 0; i < TEXTS_WAITING_BYTES / TEXTS_TEXT_BYTES; i++)
        say(&c, i, TEXTS_TEXT_BYTES, 'z');
    cr_assert_eq(texts_say(&c, 1, one, 1), DUET_EFULL);
    texts_dispose(&c);
    free(one);
    free(long_text);
}

Test(texts, room_comes_back_as_parts_leave)
{
    struct texts a, b;

    texts_init(&a);
    texts_init(&b);
    say(&a, 1, 20000, 'x');
    cr_assert_eq(a.waiting_bytes, 20000);
    cr_assert_eq(move_part(&a, &b), 0);
    cr_assert_eq(move_part(&a, &b), 1);
    cr_assert_eq(a.waiting_bytes, 0);
    texts_dispose(&a);
    texts_dispose(&b);
}

Test(texts, parts_out_of_turn_are_a_violation)
{
    static const uint8_t bytes[1];
    struct appmsg part = {.type = APPMSG_TEXT, .id = 2, .part = {.bytes = bytes, .len = 1, .last = true}};
    struct texts c;

    texts_init(&c);
    cr_assert_eq(texts_receive(&c, &part), DUET_EPROTOCOL, "the first is number 1");
    part.id = 1;
    part.part.last = false;
    cr_assert_eq(texts_receive(&c, &part), 0);
    part.id = 2;
    cr_assert_eq(texts_receive(&c, &part), DUET_EPROTOCOL, "1 is not complete");
    part.id = 1;
    part.part.last = true;
    cr_assert_eq(texts_receive(&c, &part), 1);
    texts_taken(&c);
    cr_assert_eq(texts_receive(&c, &part), DUET_EPROTOCOL, "1 again");
    texts_dispose(&c);
}

Test(texts, a_text_that_never_ends_is_cut_off_at_the_bound)
{
    static uint8_t bytes[APPMSG_PART_BYTES];
    struct appmsg part = {.type = APPMSG_TEXT, .id = 1, .part = {.bytes = bytes, .len = sizeof(bytes)}};
    struct texts c;

    texts_init(&c);
    for (size_t i = 0; i < TEXTS_TEXT_BYTES / APPMSG_PART_BYTES; i++)
        cr_assert_eq(texts_receive(&c, &part), 0);
    cr_assert_leq(c.in.cap, TEXTS_TEXT_BYTES);
    part.part.len = 1;
    cr_assert_eq(texts_receive(&c, &part), DUET_EPROTOCOL);
    texts_dispose(&c);
}

Test(texts, at_rest_keeps_a_text_that_is_half_there)
{
    struct texts a, b;

    texts_init(&a);
    texts_init(&b);
    say(&a, 1, APPMSG_PART_BYTES + 1, 'x');
    cr_assert_eq(move_part(&a, &b), 0);
    texts_rest(&b);
    cr_assert_eq(move_part(&a, &b), 1);
    cr_expect_eq(b.in.len, APPMSG_PART_BYTES + 1);
    cr_expect_eq(b.in.bytes[0], 'x');
    texts_taken(&b);
    texts_rest(&b);
    cr_expect_null(b.in.bytes);
    say(&a, 2, 5, 'y');
    cr_expect_eq(move_part(&a, &b), 1, "and goes on");
    texts_dispose(&a);
    texts_dispose(&b);
}
