#include "unit.h"

#include "client/transfer_bar.h"

static struct roster r; /* large */

Test(transfer_bar, says_how_long_a_transfer_has_been_stalled)
{
    char state[TRANSFER_BAR_STATE_BYTES];
    struct roster_peer *p = roster_add_peer(&r, 1, &(struct duet_addr){0});
    struct roster_transfer *t = roster_add_transfer(&r, 9);
    struct duet_progress progress = {.transfer = 9, .done_bytes = 5, .total_bytes = 9};

    t->peer = 1;
    t->total_bytes = 9;
    cr_expect_str_eq(transfer_bar(&r, t, 0, state).state, "/accept 9 or /reject 9");
    t->sending = true;
    cr_expect_str_eq(transfer_bar(&r, t, 0, state).state, "waiting for the peer");
    roster_update(&r, &progress, 1000000);
    cr_expect_null(transfer_bar(&r, t, 3900000, state).state);
    roster_update(&r, &progress, 3000000);
    cr_expect_str_eq(transfer_bar(&r, t, 5100000, state).state, "stalled 4 s");
    progress.done_bytes++;
    progress.stalled = true;
    roster_update(&r, &progress, 5000000);
    cr_expect_str_eq(transfer_bar(&r, t, 5100000, state).state, "stalled");
    p->unreachable = true;
    p->silent_since_us = 1000000;
    cr_expect_str_eq(transfer_bar(&r, t, 13500000, state).state, "stalled 12 s");
    progress.done_bytes = 9;
    roster_update(&r, &progress, 5000000);
    cr_expect_str_eq(transfer_bar(&r, t, 13500000, state).state, "waiting for the receipt");
}
