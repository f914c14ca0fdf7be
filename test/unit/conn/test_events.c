#include "unit.h"

#include "conn/events.h"

Test(events, come_out_in_the_order_they_went_in_while_the_queue_grows)
{
    struct events q;
    struct endpoint_event ev = {.type = EVENT_READABLE};
    uint64_t in = 0, out = 0;
    events_init(&q);
    cr_assert_not(events_pop(&q, &ev));
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < round; i++) {
            ev.stream = in++;
            events_push(&q, &ev);
        }
        for (int i = 0; i < round / 2; i++) {
            cr_assert(events_pop(&q, &ev));
            cr_assert_eq(ev.stream, out++);
        }
    }
    while (events_pop(&q, &ev))
        cr_assert_eq(ev.stream, out++);
    cr_assert_eq(out, in);
    cr_assert_eq(q.dropped, 0);
    events_dispose(&q);
    cr_assert_not(events_pop(&q, &ev));
}
