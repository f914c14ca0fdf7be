#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "chat/status.h"

static const struct duet_addr nowhere;
static struct roster roster; /* large */

Test(status, says_who_is_there_and_how_it_goes)
{
    char out[VIEW_STATUS_BYTES];

    cr_expect_str_eq(status_peers(&roster, "nobody", 0, false, out), "nobody");
    struct roster_peer *p = roster_add_peer(&roster, 1, &nowhere);
    roster_enter(&roster, p, ROSTER_CONNECTED);
    snprintf(p->name, sizeof p->name, "bob");
    cr_expect_str_eq(status_peers(&roster, "nobody", 0, true, out), "bob - connected");
    p->has_stats = true;
    p->stats.rtt_us = 12300;
    p->stats.sent_packets = 1000;
    p->stats.lost_packets = 15;
    cr_expect_str_eq(status_peers(&roster, "nobody", 0, false, out), "bob · connected · rtt 12.3 ms · loss 1.5 %");
    roster_add_transfer(&roster, 1)->rate_bytes_per_s = 24100000;
    cr_expect_str_eq(status_peers(&roster, "nobody", 0, true, out),
                     "bob - connected - rtt 12.3 ms - loss 1.5 % - 24.1 MB/s");
    p->unreachable = true;
    p->silent_since_us = 3000000;
    roster.transfer_count = 0;
    cr_expect_str_eq(status_peers(&roster, "nobody", 20000000, true, out), "bob - unreachable for 17 s");
    cr_expect_str_eq(status_names(&roster, true, out), "", "it is named already");
    roster_dispose(&roster);
}

Test(status, sums_up_many_peers)
{
    static const char *const names[] = {"bob", "eve", "ann", "tom"};
    char out[VIEW_STATUS_BYTES];
    struct roster_peer *p = NULL;

    for (uint64_t id = 1; id <= 4; id++) {
        p = roster_add_peer(&roster, id, &nowhere);
        roster_enter(&roster, p, ROSTER_CONNECTED);
        snprintf(p->name, sizeof p->name, "%s", names[id - 1]);
        if (id == 2)
            cr_expect_str_eq(status_names(&roster, false, out), " · bob, eve");
    }
    cr_expect_str_eq(status_peers(&roster, "nobody", 0, true, out), "4 peers");
    cr_expect_str_eq(status_names(&roster, true, out), " - bob, eve, ann, ...");
    p->unreachable = true;
    roster_add_transfer(&roster, 1)->rate_bytes_per_s = 24100000;
    cr_expect_str_eq(status_peers(&roster, "nobody", 0, true, out), "4 peers - 1 unreachable - 24.1 MB/s");
    memset(p->name, 'x', sizeof p->name - 1);
    roster_remove_peer(&roster, 1);
    for (uint64_t id = 2; id <= 3; id++)
        memcpy(roster_peer(&roster, id)->name, p->name, sizeof p->name);
    cr_expect_eq(strlen(status_names(&roster, true, out)), VIEW_STATUS_BYTES - 1, "cut");
    roster_dispose(&roster);
}

Test(status, stays_within_its_buffer)
{
    char out[VIEW_STATUS_BYTES];
    char idle[2 * VIEW_STATUS_BYTES];

    memset(idle, 'x', sizeof idle - 1);
    idle[sizeof idle - 1] = '\0';
    roster_add_transfer(&roster, 1)->rate_bytes_per_s = 1;
    cr_expect_lt(strlen(status_peers(&roster, idle, 0, true, out)), VIEW_STATUS_BYTES);
    roster_dispose(&roster);
}
