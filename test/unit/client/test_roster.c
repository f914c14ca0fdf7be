#include "unit.h"

#include <stdio.h>

#include "client/roster.h"

static struct roster r; /* large */
static const struct duet_addr nowhere;

static struct roster_peer *add_connected(uint64_t id, const char *name, const char *print)
{
    struct roster_peer *p = roster_add_peer(&r, id, &nowhere);

    cr_assert_not_null(p);
    roster_enter(&r, p, ROSTER_CONNECTED);
    snprintf(p->name, sizeof p->name, "%s", name);
    snprintf(p->fingerprint, sizeof p->fingerprint, "%s", print);
    return p;
}

Test(roster, finds_peers_by_name_or_fingerprint_but_not_by_half)
{
    bool ambiguous;
    const struct roster_peer *bob = add_connected(1, "bob", "abcd-efgh");
    const struct roster_peer *eve = add_connected(2, "eve", "abzz-zzzz");
    add_connected(3, "twin", "1111-2222");
    add_connected(4, "twin", "3333-4444");
    struct roster_peer *stranger = roster_add_peer(&r, 5, &nowhere);
    cr_assert_not_null(stranger);
    snprintf(stranger->name, sizeof stranger->name, "stranger");

    cr_expect_eq(roster_named(&r, "bob", &ambiguous), bob);
    cr_expect_eq(roster_named(&r, "ABZZ", &ambiguous), eve);
    cr_expect_null(roster_named(&r, "bo", &ambiguous));
    cr_expect_null(roster_named(&r, "ab", &ambiguous));
    cr_expect_not(ambiguous);
    cr_expect_null(roster_named(&r, "twin", &ambiguous));
    cr_expect(ambiguous);
    cr_expect_null(roster_named(&r, "stranger", &ambiguous));
    cr_expect_not(ambiguous);
}

static struct duet_addr host(uint8_t number, uint16_t port)
{
    return (struct duet_addr){.family = ADDR_V4, .ip = {10, 0, 0, number}, .port = port};
}

Test(roster, an_ipv6_network_is_one_host)
{
    struct duet_addr at = {.family = ADDR_V6, .ip = {0x20, 1, 13, 0xb8}, .port = 1};

    for (size_t i = 0; i < ROSTER_PEERS_PER_HOST; i++) {
        at.ip[14] = (uint8_t)(i >> 8);
        at.ip[15] = (uint8_t)i;
        cr_assert_not_null(roster_add_peer(&r, i + 1, &at));
    }
    at.ip[8] = 7;
    cr_expect_null(roster_add_peer(&r, 9999, &at));
    at.ip[7] = 7;
    cr_expect_not_null(roster_add_peer(&r, 9999, &at));
}

Test(roster, grows_to_its_bound_half_of_it_for_one_host)
{
    struct duet_addr at;
    uint64_t id = 0;

    for (uint8_t h = 1; h <= ROSTER_PEERS / ROSTER_PEERS_PER_HOST; h++) {
        for (size_t i = 0; i < ROSTER_PEERS_PER_HOST; i++) {
            at = host(h, (uint16_t)(i + 1));
            cr_assert_not_null(roster_add_peer(&r, ++id, &at), "peer %zu of host %u", i, h);
        }
        cr_expect_null(roster_add_peer(&r, 9999, &at), "that host has its share");
        cr_expect_null(roster_peer(&r, 9999));
    }
    at = host(200, 1);
    cr_expect_null(roster_add_peer(&r, 9999, &at), "full");
    cr_expect_eq(roster_count(&r, ROSTER_TRUSTED), ROSTER_PEERS);
    cr_expect_null(roster_next_connected(&r, NULL));
    roster_remove_peer(&r, 7);
    cr_expect_null(roster_peer(&r, 7));
    const struct roster_peer *p = roster_add_peer(&r, 9999, &at);
    cr_assert_not_null(p);
    cr_expect_eq(p->slot, 6, "a free slot is used again");
    for (uint64_t other = 1; other <= ROSTER_PEERS; other++)
        cr_assert(other == 7 || (roster_peer(&r, other) && roster_peer(&r, other)->slot == other - 1));
    roster_dispose(&r);
    cr_expect_eq(roster_count(&r, ROSTER_TRUSTED), 0);
}

Test(roster, counts_peers_by_state_and_visits_the_connected_in_order)
{
    size_t seen = 0;

    for (uint64_t id = 1; id <= 200; id++) {
        add_connected(id, "x", "y");
        if (id % 3 == 0)
            roster_enter(&r, roster_peer(&r, id), ROSTER_TRUSTED);
    }
    roster_remove_peer(&r, 3);
    roster_remove_peer(&r, 4);
    cr_expect_eq(roster_count(&r, ROSTER_TRUSTED), 65);
    cr_expect_eq(roster_count(&r, ROSTER_CONNECTED), 133);
    uint64_t last = 0;
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&r, p)); seen++) {
        cr_assert_gt(p->id, last);
        last = p->id;
    }
    cr_expect_eq(seen, 133);
    roster_dispose(&r);
}

Test(roster, keeps_transfers_in_order_and_bounded)
{
    for (uint32_t id = 1; id <= ROSTER_TRANSFERS; id++)
        cr_assert_not_null(roster_add_transfer(&r, id));
    cr_expect_null(roster_add_transfer(&r, 9999));
    roster_remove_transfer(&r, 2);
    roster_remove_transfer(&r, 12345);
    cr_expect_eq(r.transfer_count, ROSTER_TRANSFERS - 1);
    cr_expect_eq(r.transfers[0].id, 1);
    cr_expect_eq(r.transfers[1].id, 3);
    cr_expect_eq(r.transfers[ROSTER_TRANSFERS - 2].id, ROSTER_TRANSFERS);
    cr_expect_null(roster_transfer(&r, 2));
}

Test(roster, knows_the_only_offer)
{
    cr_expect_eq(roster_only_offer(&r), 0);
    roster_add_transfer(&r, 1)->sending = true;
    roster_add_transfer(&r, 2);
    cr_expect_eq(roster_only_offer(&r), 2);
    roster_add_transfer(&r, 3);
    cr_expect_eq(roster_only_offer(&r), 0);
    roster_transfer(&r, 2)->state = ROSTER_RUNNING;
    cr_expect_eq(roster_only_offer(&r), 3);
}

Test(roster, takes_progress_of_known_transfers)
{
    struct duet_progress p = {.transfer = 4, .done_bytes = 10, .total_bytes = 20, .rate_bytes_per_s = 5, .eta_us = 2};

    roster_update(&r, &p, 1);
    cr_expect_eq(r.transfer_count, 0);
    struct roster_transfer *t = roster_add_transfer(&r, 4);
    roster_update(&r, &p, 1);
    cr_expect_eq(t->done_bytes, 10);
    cr_expect_eq(t->total_bytes, 20);
    cr_expect_eq(t->rate_bytes_per_s, 5);
    cr_expect_eq(t->state, ROSTER_RUNNING);
}

Test(roster, is_busy_while_something_counts_on)
{
    struct roster_peer *p = roster_add_peer(&r, 1, &(struct duet_addr){0});

    cr_expect_not(roster_is_busy(&r));
    roster_enter(&r, p, ROSTER_CONNECTED);
    cr_expect_not(roster_is_busy(&r));
    p->unreachable = true;
    cr_expect(roster_is_busy(&r));
    p->unreachable = false;
    cr_assert_not_null(roster_add_transfer(&r, 1));
    cr_expect(roster_is_busy(&r));
    roster_dispose(&r);
}
