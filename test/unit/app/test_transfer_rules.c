#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/transfer_rules.h"

static const char *const states[] = {
#define X(name) #name,
    TRANSFER_STATE_LIST(X)
#undef X
};
static const char *const events[] = {
#define X(name) #name,
    TRANSFER_EVENT_LIST(X)
#undef X
};

static enum transfer_rule rule(enum transfer_state s, enum transfer_event e)
{
    return transfer_rule(s, e);
}

Test(transfer_rules, every_pair_has_a_rule)
{
    for (int s = 0; s < TRANSFER_STATES; s++) {
        int does = 0;

        for (int e = 0; e < TRANSFER_EVENTS; e++) {
            const enum transfer_rule r = rule((enum transfer_state)s, (enum transfer_event)e);

            cr_assert(r == RULE_DO || r == RULE_IGNORE || r == RULE_VIOLATION || r == RULE_BUG, "%s %s", states[s],
                      events[e]);
            does += r == RULE_DO;
        }
        cr_assert_gt(does, 0, "%s would never end", states[s]);
    }
}

Test(transfer_rules, the_straight_ways)
{
    static const struct {
        enum transfer_state state;
        enum transfer_event event;
    } way[] = {
        {.state = TRANSFER_OPENING, .event = TRANSFER_ON_OPENED},
        {.state = TRANSFER_OFFERED, .event = TRANSFER_ON_ACCEPT},
        {.state = TRANSFER_OFFERED, .event = TRANSFER_ON_REFUSE},
        {.state = TRANSFER_SENDING, .event = TRANSFER_ON_READ},
        {.state = TRANSFER_SENDING, .event = TRANSFER_ON_RELEASED},
        {.state = TRANSFER_DIGESTING, .event = TRANSFER_ON_DIGESTED},
        {.state = TRANSFER_CONFIRMING, .event = TRANSFER_ON_COMPLETE},
        {.state = TRANSFER_ASKED, .event = TRANSFER_ON_USER_ACCEPT},
        {.state = TRANSFER_ASKED, .event = TRANSFER_ON_USER_REJECT},
        {.state = TRANSFER_CREATING, .event = TRANSFER_ON_CREATED},
        {.state = TRANSFER_RECEIVING, .event = TRANSFER_ON_EXTENT},
        {.state = TRANSFER_RECEIVING, .event = TRANSFER_ON_WROTE},
        {.state = TRANSFER_RECEIVING, .event = TRANSFER_ON_FINISHED},
        {.state = TRANSFER_RECEIVING, .event = TRANSFER_ON_DIGEST},
        {.state = TRANSFER_COMMITTING, .event = TRANSFER_ON_COMMITTED},
    };

    for (size_t i = 0; i < sizeof(way) / sizeof(way[0]); i++)
        cr_assert_eq(rule(way[i].state, way[i].event), RULE_DO, "row %zu", i);
}

Test(transfer_rules, a_user_can_cancel_and_a_session_end_until_the_file_is_being_kept)
{
    for (int s = 0; s < TRANSFER_STATES; s++) {
        const bool late = s == TRANSFER_COMMITTING || s == TRANSFER_ENDED;
        const enum transfer_rule expected = late ? RULE_IGNORE : RULE_DO;

        cr_assert_eq(rule((enum transfer_state)s, TRANSFER_ON_USER_CANCEL), expected, "state %d", s);
        cr_assert_eq(rule((enum transfer_state)s, TRANSFER_ON_GONE), expected, "state %d", s);
    }
}

Test(transfer_rules, after_the_end_nothing_surprises)
{
    for (int e = 0; e < TRANSFER_EVENTS; e++) {
        const enum transfer_rule r = rule(TRANSFER_ENDED, (enum transfer_event)e);

        cr_assert_eq(r, e == TRANSFER_ON_RELEASED ? RULE_DO : RULE_IGNORE, "%s", events[e]);
    }
}

Test(transfer_rules, nothing_a_peer_or_user_does_is_our_bug)
{
    for (int s = 0; s < TRANSFER_STATES; s++) {
        const bool sending = s <= TRANSFER_CONFIRMING;
        const int first = sending ? TRANSFER_ON_ACCEPT : TRANSFER_ON_DIGEST;
        const int last = sending ? TRANSFER_ON_RELEASED : TRANSFER_ON_RESET;

        for (int e = first; e <= last; e++)
            cr_assert_neq(rule((enum transfer_state)s, (enum transfer_event)e), RULE_BUG, "%s %s", states[s],
                          events[e]);
        for (int e = TRANSFER_ON_USER_ACCEPT; e < TRANSFER_EVENTS; e++)
            cr_assert_neq(rule((enum transfer_state)s, (enum transfer_event)e), RULE_BUG);
    }
}

Test(transfer_rules, a_peer_that_claims_too_much_is_caught)
{
    static const struct {
        enum transfer_state state;
        enum transfer_event event;
    } claims[] = {
        {.state = TRANSFER_OPENING, .event = TRANSFER_ON_ACCEPT},
        {.state = TRANSFER_OFFERED, .event = TRANSFER_ON_COMPLETE},
        {.state = TRANSFER_SENDING, .event = TRANSFER_ON_COMPLETE},
        {.state = TRANSFER_DIGESTING, .event = TRANSFER_ON_COMPLETE},
        {.state = TRANSFER_SENDING, .event = TRANSFER_ON_ACCEPT},
        {.state = TRANSFER_CONFIRMING, .event = TRANSFER_ON_REFUSE},
        {.state = TRANSFER_ASKED, .event = TRANSFER_ON_DIGEST},
        {.state = TRANSFER_COMMITTING, .event = TRANSFER_ON_DIGEST},
    };

    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
        cr_assert_eq(rule(claims[i].state, claims[i].event), RULE_VIOLATION, "row %zu", i);
}
