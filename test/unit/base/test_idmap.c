#include "unit.h"

#include "base/err.h"
#include "base/idmap.h"
#include "base/rand.h"

Test(idmap, gives_back_what_was_put)
{
    struct idmap m;
    int x, y;
    idmap_init(&m, 1);
    cr_assert_null(idmap_get(&m, 5));
    idmap_remove(&m, 5);
    cr_assert_eq(idmap_put(&m, 5, &x), 0);
    cr_assert_eq(idmap_put(&m, 5, &y), DUET_EEXIST);
    cr_assert_eq(idmap_get(&m, 5), &x);
    cr_assert_eq(idmap_put(&m, 0, &y), 0);
    cr_assert_eq(idmap_get(&m, 0), &y);
    idmap_remove(&m, 5);
    idmap_remove(&m, 5);
    cr_assert_null(idmap_get(&m, 5));
    cr_assert_eq(m.count, 1);
    idmap_dispose(&m);
}

#define KEYS 200

Test(idmap, agrees_with_an_array_through_puts_and_removals)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        static int things[KEYS];
        bool in[KEYS] = {false};
        struct duet_rand rng;
        struct idmap m;
        size_t count = 0;
        rand_init_u64(&rng, seed);
        idmap_init(&m, rand_u64(&rng));
        for (int step = 0; step < 5000; step++) {
            const size_t i = (size_t)rand_below(&rng, KEYS);
            const uint64_t key = i * i; /* some are neighbours, some are not */
            if (rand_below(&rng, 2) == 0) {
                cr_assert_eq(idmap_put(&m, key, &things[i]), in[i] ? DUET_EEXIST : 0);
                count += !in[i];
                in[i] = true;
            } else {
                idmap_remove(&m, key);
                count -= in[i];
                in[i] = false;
            }
            cr_assert_eq(m.count, count);
            if (step % 50 != 0)
                continue;
            for (size_t k = 0; k < KEYS; k++)
                cr_assert_eq(idmap_get(&m, k * k), in[k] ? &things[k] : NULL, "key %zu step %d", k, step);
        }
        cr_assert_leq(m.cap, 4 * KEYS);
        idmap_dispose(&m);
    }
}
