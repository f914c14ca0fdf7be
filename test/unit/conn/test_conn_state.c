/* Which state follows which: told anew, as pairs, from the drawing in conn.h. */
#include "unit.h"

#include "conn/conn_state.h"
#include "inside.h"

static const struct {
    enum conn_state from, to;
} arrows[] = {
    {CONN_SYN_SENT, CONN_ACK_SENT},    {CONN_SYN_SENT, CONN_DEAD},     {CONN_SYN_RECEIVED, CONN_ESTABLISHED},
    {CONN_SYN_RECEIVED, CONN_DEAD},    {CONN_ACK_SENT, CONN_ACK_SENT}, {CONN_ACK_SENT, CONN_ESTABLISHED},
    {CONN_ACK_SENT, CONN_CLOSING},     {CONN_ACK_SENT, CONN_DEAD},     {CONN_ESTABLISHED, CONN_CLOSING},
    {CONN_ESTABLISHED, CONN_DRAINING}, {CONN_ESTABLISHED, CONN_DEAD},  {CONN_CLOSING, CONN_DRAINING},
    {CONN_CLOSING, CONN_DEAD},         {CONN_DRAINING, CONN_DRAINING}, {CONN_DRAINING, CONN_DEAD},
};

static bool has_arrow(enum conn_state from, enum conn_state to)
{
    for (size_t i = 0; i < sizeof(arrows) / sizeof(arrows[0]); i++) {
        if (arrows[i].from == from && arrows[i].to == to)
            return true;
    }
    return false;
}

Test(conn_state, each_follows_where_the_drawing_has_an_arrow_and_nowhere_else)
{
    for (int from = 0; from < CONN_STATES; from++) {
        for (int to = 0; to < CONN_STATES; to++)
            cr_expect_eq(conn_state_may_follow((enum conn_state)from, (enum conn_state)to),
                         has_arrow((enum conn_state)from, (enum conn_state)to), "%s to %s",
                         conn_state_name((enum conn_state)from), conn_state_name((enum conn_state)to));
    }
}

static struct pair pair;

Test(conn_state, to_enter_one_that_cannot_follow_is_a_bug, .signal = SIGABRT)
{
    pair_open_usual(&pair);
    pair_connect(&pair);
    conn_enter(inside_session(&pair, 0), CONN_SYN_SENT, pair.now);
}
