#include "chat/receipts.h"

#include "unit.h"
#include <stdio.h>

static struct receipts r; /* large */

static void add(uint32_t number, const unsigned *slots, size_t count)
{
    struct receipt *m = receipts_add(&r, number, 10, 2048);

    cr_assert_not_null(m);
    for (size_t i = 0; i < count; i++)
        receipt_expect(m, slots[i]);
}
#define ADD(number, ...) \
    add((number), (const unsigned[]){__VA_ARGS__}, sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

/* "5+ 7-": what has ended, delivered or not. */
static void expect_ended(const char *wanted)
{
    char text[64] = "";
    uint32_t number;
    bool delivered;

    for (size_t at = 0; receipts_take_ended(&r, &number, &delivered);)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%u%c", at ? " " : "", number, delivered ? '+' : '-');
    cr_expect_str_eq(text, wanted);
}

Test(receipts, of_everyone_make_a_message_delivered)
{
    ADD(5, 0, 63, 64, 2047);
    receipts_came(&r, 0, 5);
    receipts_came(&r, 0, 5);
    receipts_came(&r, 1, 5);
    receipts_came(&r, 63, 4);
    receipts_came(&r, 63, 5);
    receipts_came(&r, 64, 5);
    expect_ended("");
    receipts_came(&r, 2047, 5);
    expect_ended("5+");
    expect_ended("");
    cr_expect_eq(r.bytes, 0);
}

Test(receipts, of_those_who_left_are_not_waited_for)
{
    ADD(1, 3);
    ADD(2, 3, 4);
    ADD(3, 4);
    receipts_came(&r, 4, 2);
    receipts_give_up(&r, 3, 0);
    expect_ended("1- 2+");
    cr_expect_eq(r.count, 1);
    receipts_give_up(&r, 4, 2);
    expect_ended("");
    receipts_give_up(&r, 4, 3);
    expect_ended("3-");
}

Test(receipts, of_a_peer_with_a_slot_beyond_the_message_say_nothing)
{
    struct receipt *m = receipts_add(&r, 1, 1, 64);

    receipt_expect(m, 0);
    receipts_came(&r, 500, 1);
    receipts_give_up(&r, 500, 0);
    cr_expect_eq(r.count, 1);
    receipts_dispose(&r);
}

Test(receipts, are_bounded_and_a_message_to_nobody_can_be_dropped)
{
    for (uint32_t n = 1; n <= RECEIPTS_MAX; n++)
        ADD(n, 1);
    cr_expect_null(receipts_add(&r, RECEIPTS_MAX + 1, 1, 1));
    receipts_came(&r, 1, 100);
    expect_ended("100+");
    struct receipt *m = receipts_add(&r, RECEIPTS_MAX + 1, 1, 1);
    cr_assert_not_null(m);
    receipts_drop(&r, m);
    cr_expect_eq(r.count, RECEIPTS_MAX - 1);
    cr_expect_eq(r.bytes, (RECEIPTS_MAX - 1) * 10);
    receipts_came(&r, 1, RECEIPTS_MAX);
    expect_ended("512+");
    receipts_dispose(&r);
    cr_expect_eq(r.count, 0);
}

Test(receipts, of_a_message_that_was_kept_come_in_any_order)
{
    ADD(5, 1);
    ADD(2, 2); /* it was said first, and goes out later */
    ADD(2, 3); /* … to another one as well */
    receipts_came(&r, 3, 2);
    expect_ended("2+");
    cr_expect(receipts_has(&r, 2));
    receipts_came(&r, 1, 5);
    receipts_came(&r, 2, 2);
    expect_ended("2+ 5+");
    cr_expect_not(receipts_has(&r, 2));
}
