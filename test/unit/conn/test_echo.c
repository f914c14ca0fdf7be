#include "unit.h"

#include "conn/echo.h"

static const struct stream_piece small = {.offset = 10, .len = 40};

Test(echo, repeats_at_a_quarter_and_three_quarters_of_the_timeout)
{
    struct echo e = {.count = 0};
    uint64_t stream;
    struct stream_piece p;
    echo_sent(&e, 4, &small, 1000, DUET_TIME(100));
    cr_assert_eq(echo_deadline(&e).us, 350);
    cr_assert(!echo_due(&e, DUET_TIME(349), &stream, &p));
    cr_assert(echo_due(&e, DUET_TIME(350), &stream, &p));
    cr_assert(stream == 4 && p.offset == 10 && p.len == 40 && !p.fin);
    cr_assert_eq(echo_deadline(&e).us, 850);
    cr_assert(echo_due(&e, DUET_TIME(850), &stream, &p));
    cr_assert(time_is_never(echo_deadline(&e)), "two bets, no more");
}

Test(echo, a_first_credit_is_a_piece_without_bytes)
{
    struct echo e = {.count = 0};
    uint64_t stream;
    struct stream_piece p;
    echo_credit(&e, 6, 1000 * ECHO_CREDIT_DIVISOR, DUET_TIME(100));
    cr_assert_eq(echo_deadline(&e).us, 350);
    cr_assert(echo_due(&e, DUET_TIME(350), &stream, &p));
    cr_assert(stream == 6 && p.len == 0);
    cr_assert(echo_due(&e, DUET_TIME(850), &stream, &p));
    cr_assert(time_is_never(echo_deadline(&e)));
}

Test(echo, long_frames_and_too_many_are_left_to_recovery)
{
    struct echo e = {.count = 0};
    echo_sent(&e, 4, &(struct stream_piece){.len = ECHO_MAX_BYTES + 1}, 1000, DUET_TIME(0));
    cr_assert_eq(e.count, 0);
    for (uint64_t i = 0; i < ECHO_FRAMES + 5; i++)
        echo_sent(&e, 4, &(struct stream_piece){.offset = i, .len = 1}, 1000, DUET_TIME(0));
    cr_assert_eq(e.count, ECHO_FRAMES);
}
