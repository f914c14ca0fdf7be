#include "stream/datagrams.h"

#include "unit.h"
#include <string.h>

#include "base/err.h"

static uint8_t bytes[DATAGRAM_QUEUE_BYTES];

Test(datagrams, leave_in_the_order_they_came)
{
    struct datagrams q = {.count = 0};

    cr_expect_null(datagrams_first(&q));
    cr_expect_eq(datagrams_push(&q, (const uint8_t *)"one", 3), 0);
    cr_expect_eq(datagrams_push(&q, NULL, 0), 0);
    cr_expect_eq(datagrams_first(&q)->len, 3);
    cr_expect_arr_eq(datagrams_first(&q)->bytes, "one", 3);
    datagrams_pop(&q);
    cr_expect_eq(datagrams_first(&q)->len, 0);
    datagrams_pop(&q);
    cr_expect_null(datagrams_first(&q));
    cr_expect_eq(q.bytes, 0);
    cr_expect_eq(q.dropped, 0);
}

Test(datagrams, the_oldest_make_room_by_number_and_by_bytes)
{
    struct datagrams q = {.count = 0};

    for (uint8_t i = 0; i <= DATAGRAM_QUEUE; i++)
        cr_assert_eq(datagrams_push(&q, &i, 1), 0);
    cr_expect_eq(q.count, DATAGRAM_QUEUE);
    cr_expect_eq(datagrams_first(&q)->bytes[0], 1);
    cr_expect_eq(q.dropped, 1);
    cr_assert_eq(datagrams_push(&q, bytes, sizeof(bytes) - 2), 0);
    cr_expect_eq(q.count, 3, "the two newest are left");
    cr_expect_eq(datagrams_first(&q)->bytes[0], DATAGRAM_QUEUE - 1);
    cr_expect_leq(q.bytes, DATAGRAM_QUEUE_BYTES);
    datagrams_dispose(&q);
    cr_expect_eq(q.count + q.bytes, 0);
}
