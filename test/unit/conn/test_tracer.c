#include "unit.h"
#include <string.h>

#include "conn/tracer.h"

Test(tracer, is_a_no_op_when_off)
{
    struct tracer t;
    struct trace_event ev = {.number = 1};
    cr_assert_eq(tracer_init(&t, false), 0);
    tracer_push(&t, &ev);
    cr_assert_not(tracer_pop(&t, &ev));
    cr_assert_eq(t.dropped, 0);
    tracer_dispose(&t);
}

Test(tracer, keeps_the_oldest_and_counts_what_did_not_fit)
{
    struct tracer t;
    struct trace_event ev = {.type = TRACE_METRICS};
    cr_assert_eq(tracer_init(&t, true), 0);
    for (uint64_t i = 0; i < TRACE_EVENTS + 7; i++) {
        ev.number = i;
        tracer_push(&t, &ev);
    }
    cr_assert_eq(t.dropped, 7);
    for (uint64_t i = 0; i < TRACE_EVENTS; i++) {
        cr_assert(tracer_pop(&t, &ev));
        cr_assert_eq(ev.number, i);
    }
    cr_assert_not(tracer_pop(&t, &ev));
    tracer_push(&t, &ev);
    cr_assert(tracer_pop(&t, &ev));
    tracer_dispose(&t);
}

Test(tracer, every_type_has_its_qlog_name)
{
    for (int i = 0; i <= TRACE_STATE; i++)
        cr_assert_not_null(strchr(trace_name((enum trace_type)i), ':'));
}
