#include "unit.h"

#include "conn/early_repeat.h"

static const struct stream_piece small = {.offset = 10, .len = 40};

Test(early_repeat, repeats_at_a_quarter_and_three_quarters_of_the_timeout)
{
    struct early_repeat e = {.count = 0};
    uint64_t stream;
    struct stream_piece p;
    early_sent(&e, 4, &small, 1000, DUET_TIME(100));
    cr_assert_eq(early_deadline(&e).us, 350);
    cr_assert(!early_due(&e, DUET_TIME(349), &stream, &p));
    cr_assert(early_due(&e, DUET_TIME(350), &stream, &p));
    cr_assert(stream == 4 && p.offset == 10 && p.len == 40 && !p.fin);
    cr_assert_eq(early_deadline(&e).us, 850);
    cr_assert(early_due(&e, DUET_TIME(850), &stream, &p));
    cr_assert(time_is_never(early_deadline(&e)), "two bets, no more");
}

Test(early_repeat, a_first_credit_is_a_piece_without_bytes)
{
    struct early_repeat e = {.count = 0};
    uint64_t stream;
    struct stream_piece p;
    early_credit(&e, 6, 1000 * EARLY_CREDIT_DIVISOR, DUET_TIME(100));
    cr_assert_eq(early_deadline(&e).us, 350);
    cr_assert(early_due(&e, DUET_TIME(350), &stream, &p));
    cr_assert(stream == 6 && p.len == 0);
    cr_assert(early_due(&e, DUET_TIME(850), &stream, &p));
    cr_assert(time_is_never(early_deadline(&e)));
}

Test(early_repeat, long_frames_and_too_many_are_left_to_recovery)
{
    struct early_repeat e = {.count = 0};
    early_sent(&e, 4, &(struct stream_piece){.len = EARLY_MAX_BYTES + 1}, 1000, DUET_TIME(0));
    cr_assert_eq(e.count, 0);
    for (uint64_t i = 0; i < EARLY_FRAMES + 5; i++)
        early_sent(&e, 4, &(struct stream_piece){.offset = i, .len = 1}, 1000, DUET_TIME(0));
    cr_assert_eq(e.count, EARLY_FRAMES);
}
