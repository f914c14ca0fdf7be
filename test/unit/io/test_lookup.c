#include "io/lookup.h"

#include "unit.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* A resolver that answers a name when the test lets it: "slow" waits for the gate. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_open;
    unsigned asked, answered;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void answer(const struct resolve_query *q, struct resolve_result *out)
{
    pthread_mutex_lock(&gate.lock);
    gate.asked++;
    pthread_cond_broadcast(&gate.changed);
    while (strcmp(q->host, "slow") == 0 && !gate.is_open)
        pthread_cond_wait(&gate.changed, &gate.lock);
    *out = (struct resolve_result){.count = 1, .addrs = {{.family = ADDR_V4, .port = q->port}}};
    gate.answered++;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void wait_until(const unsigned *counter, unsigned n)
{
    pthread_mutex_lock(&gate.lock);
    while (*counter < n)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static void open_gate(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.is_open = true;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static struct resolve_query query(const char *host, uint16_t port)
{
    struct resolve_query q = {.port = port};

    snprintf(q.host, sizeof(q.host), "%s", host);
    return q;
}

static int start(struct lookups *l, uint32_t id, const char *host)
{
    const struct resolve_query q = query(host, (uint16_t)id);

    return lookups_start(l, id, &q);
}

static bool is_readable(const struct lookups *l, int timeout_ms)
{
    struct pollfd fd = {.fd = lookups_fd(l), .events = POLLIN};

    return poll(&fd, 1, timeout_ms) == 1;
}

Test(lookup, answers_come_by_their_number_and_wake_whoever_waits)
{
    struct lookups *l = lookups_new(answer);
    struct resolve_result found;
    unsigned seen = 0;
    uint32_t id;

    cr_assert_not_null(l);
    cr_expect_not(lookups_next(l, &id, &found));
    for (uint32_t i = 1; i <= 3; i++)
        cr_assert_eq(start(l, i, "quick"), 0);
    for (int left = 3; left > 0;) {
        cr_assert(is_readable(l, -1));
        while (lookups_next(l, &id, &found)) {
            seen |= 1u << id;
            cr_expect_eq(found.count, 1);
            cr_expect_eq(found.addrs[0].port, id);
            left--;
        }
    }
    cr_expect_eq(seen, 0xe);
    cr_expect_not(is_readable(l, 0), "and then it is quiet");
    lookups_free(l);
}

/* The DNS server is dead: neither the others nor the end wait for it. */
Test(lookup, nobody_waits_for_one_that_was_given_up)
{
    struct lookups *l = lookups_new(answer);
    struct resolve_result found;
    uint32_t id;

    cr_assert_eq(start(l, 1, "slow"), 0);
    wait_until(&gate.asked, 1);
    cr_assert_eq(start(l, 2, "quick"), 0);
    cr_assert(is_readable(l, -1));
    cr_assert(lookups_next(l, &id, &found));
    cr_expect_eq(id, 2);
    lookups_cancel(l, 1);
    lookups_cancel(l, 7);
    open_gate();
    wait_until(&gate.answered, 2);
    cr_assert_eq(start(l, 3, "quick"), 0);
    cr_assert(is_readable(l, -1));
    cr_assert(lookups_next(l, &id, &found));
    cr_expect_eq(id, 3, "what was cancelled is not heard of");
    lookups_free(l);
}

/* Its answer came, and nobody fetched it: a loop that waits for the descriptor would spin. */
Test(lookup, one_that_is_given_up_after_its_answer_leaves_nothing_to_read)
{
    struct lookups *l = lookups_new(answer);

    cr_assert_eq(start(l, 1, "quick"), 0);
    cr_assert(is_readable(l, -1));
    lookups_cancel(l, 1);
    cr_expect_not(is_readable(l, 0));
    cr_assert_eq(start(l, 2, "quick"), 0);
    cr_expect(is_readable(l, -1), "the next one is told");
    lookups_free(l);
}

Test(lookup, its_owner_may_go_first)
{
    struct lookups *l = lookups_new(answer);

    cr_assert_eq(start(l, 1, "slow"), 0);
    cr_assert_eq(start(l, 2, "quick"), 0); /* its answer is never fetched */
    wait_until(&gate.answered, 1);
    lookups_free(l);
    open_gate();
    wait_until(&gate.answered, 2); /* it frees what both shared */
    lookups_free(NULL);
}

Test(lookup, so_many_at_once_and_given_up_ones_keep_their_place)
{
    struct lookups *l = lookups_new(answer);
    struct resolve_result found;
    uint32_t id;

    for (uint32_t i = 1; i <= LOOKUPS_AT_ONCE; i++)
        cr_assert_eq(start(l, i, "slow"), 0);
    cr_expect_eq(start(l, 99, "quick"), DUET_EFULL);
    lookups_cancel(l, 1);
    cr_expect_eq(start(l, 99, "quick"), DUET_EFULL, "its thread is still there");
    open_gate();
    for (int left = LOOKUPS_AT_ONCE - 1; left > 0;) {
        cr_assert(is_readable(l, -1));
        while (lookups_next(l, &id, &found))
            left--;
    }
    wait_until(&gate.answered, LOOKUPS_AT_ONCE);
    lookups_free(l);
}
