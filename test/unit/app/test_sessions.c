#include "app/sessions.h"

#include "unit.h"
#include <stdlib.h>

#include "base/err.h"
#include "base/rand.h"

enum { SESSIONS = 40, STEPS = 5000 };

/* Every session knows its place, and those awake stand in front. */
static void check(const struct sessions *t, const struct session *all, const bool *in, const bool *awake)
{
    size_t count = 0, up = 0;

    for (size_t i = 0; i < SESSIONS; i++) {
        if (!in[i])
            continue;
        count++;
        up += awake[i];
        cr_assert_eq(t->v[all[i].place], &all[i]);
        cr_assert_eq(all[i].place < t->awake, awake[i], "session %zu", i);
    }
    cr_assert_eq(t->count, count);
    cr_assert_eq(t->awake, up);
}

Test(sessions, are_found_and_awake_or_at_rest_whatever_comes)
{
    static struct session all[SESSIONS];
    bool in[SESSIONS] = {false}, awake[SESSIONS] = {false};
    struct sessions t = {0};
    struct duet_rand rng;

    rand_init_u64(&rng, 7);
    for (size_t i = 0; i < SESSIONS; i++)
        all[i].peer.conn = 1000 + i * i;
    for (int step = 0; step < STEPS; step++) {
        const size_t i = (size_t)(rand_u64(&rng) % SESSIONS);

        switch (rand_u64(&rng) % 4) {
        case 0:
            cr_assert_eq(sessions_add(&t, &all[i]), in[i] ? DUET_EEXIST : 0);
            awake[i] = in[i] ? awake[i] : true;
            in[i] = true;
            break;
        case 1:
            if (in[i])
                sessions_remove(&t, &all[i]);
            in[i] = false;
            break;
        case 2:
            if (in[i])
                sessions_rest(&t, &all[i]);
            awake[i] = false;
            break;
        case 3:
            cr_assert_eq(sessions_find(&t, all[i].peer.conn), in[i] ? &all[i] : NULL);
            awake[i] = in[i];
            break;
        }
        check(&t, all, in, awake);
    }
    sessions_wake_all(&t);
    cr_expect_eq(t.awake, t.count);
    cr_expect_null(sessions_find(&t, 1));
    sessions_dispose(&t);
    cr_expect_null(sessions_find(&t, 1000));
}

Test(sessions, a_silent_one_is_replaced_by_a_newer_one_with_its_key)
{
    static struct session old = {.peer = {.conn = 1, .key = {5}}, .number = 1, .state = SESSION_LIVE};
    static struct session new = {.peer = {.conn = 2, .key = {5}}, .number = 2, .state = SESSION_TRUSTED};
    static struct session other = {.peer = {.conn = 3, .key = {6}}, .number = 3, .state = SESSION_LIVE};
    struct sessions t = {0};

    cr_assert(sessions_add(&t, &old) == 0 && sessions_add(&t, &new) == 0 && sessions_add(&t, &other) == 0);
    old.peer.unreachable = true;
    cr_expect_null(sessions_replaced(&t, &old), "the newer one does not work yet");
    new.state = SESSION_LIVE;
    cr_expect_eq(sessions_replaced(&t, &new), &old);
    cr_expect_eq(sessions_replaced(&t, &old), &old, "whichever of the two there is news of");
    cr_expect_null(sessions_replaced(&t, &other));
    new.peer.unreachable = true;
    cr_expect_null(sessions_replaced(&t, &new));
    old.peer.unreachable = false;
    cr_expect_null(sessions_replaced(&t, &old), "an older one does not replace a newer one");
    old.peer.unreachable = true;
    new.peer.unreachable = false;
    old.state = SESSION_CLOSING;
    cr_expect_null(sessions_replaced(&t, &new));
    sessions_dispose(&t);
}
