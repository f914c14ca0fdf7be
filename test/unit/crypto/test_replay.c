/* replay: windows as rows of numbers and what becomes of them. */
#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "crypto/replay.h"
#include "wire/limits.h"

#define FULL ((uint64_t)LIMIT_REPLAY_BITS)
#define LAST (LIMIT_PACKET_NUMBER - 1)

struct step {
    uint64_t number;
    int expected;
};

#define ROW_STEPS 12

/* Cases after RFC 6479's and WireGuard's counter tests; a row ends at its count. */
static const struct {
    const char *what;
    size_t count;
    struct step steps[ROW_STEPS];
} rows[] = {
    {"in order", 4, {{0, 0}, {1, 0}, {2, 0}, {3, 0}}},
    {"each once", 6, {{0, 0}, {0, DUET_EREPLAY}, {1, 0}, {1, DUET_EREPLAY}, {9, 0}, {9, DUET_EREPLAY}}},
    {"out of order", 6, {{9, 0}, {8, 0}, {7, 0}, {7, DUET_EREPLAY}, {6, 0}, {0, 0}}},
    {"across words",
     8,
     {{63, 0}, {64, 0}, {65, 0}, {64, DUET_EREPLAY}, {0, 0}, {128, 0}, {127, 0}, {63, DUET_EREPLAY}}},
    {"growing keeps what was seen",
     8,
     {{5, 0}, {70, 0}, {5, DUET_EREPLAY}, {1000, 0}, {5, DUET_EREPLAY}, {70, DUET_EREPLAY}, {71, 0}, {999, 0}}},
    {"the window's edge, at the start of a word",
     6,
     {{FULL, 0}, {0, DUET_EREPLAY}, {63, DUET_EREPLAY}, {64, 0}, {64, DUET_EREPLAY}, {65, 0}}},
    {"the window's edge, at the end of a word", 5, {{FULL - 1, 0}, {0, 0}, {1, 0}, {FULL, 0}, {2, DUET_EREPLAY}}},
    {"a full window further",
     7,
     {{1, 0}, {FULL + 1, 0}, {1, DUET_EREPLAY}, {65, 0}, {FULL, 0}, {FULL, DUET_EREPLAY}, {2 * FULL, 0}}},
    {"a far jump forgets everything before",
     6,
     {{7, 0},
      {UINT64_C(1) << 40, 0},
      {7, DUET_EREPLAY},
      {8, DUET_EREPLAY},
      {(UINT64_C(1) << 40) - 1, 0},
      {(UINT64_C(1) << 40) - 1, DUET_EREPLAY}}},
    {"a first number far away",
     4,
     {{UINT64_C(5) << 50, 0}, {UINT64_C(5) << 50, DUET_EREPLAY}, {0, DUET_EREPLAY}, {(UINT64_C(5) << 50) - 9, 0}}},
    {"a jump of exactly the ring leaves no ghost",
     5,
     {{100, 0}, {101, 0}, {FULL + 102, 0}, {FULL + 100, 0}, {FULL + 101, 0}}},
    {"the last number there is",
     6,
     {{LAST, 0},
      {LAST, DUET_EREPLAY},
      {LAST - 1, 0},
      {LAST + 1, DUET_EREPLAY},
      {UINT64_MAX, DUET_EREPLAY},
      {LAST - FULL, DUET_EREPLAY}}},
};

Test(replay, follows_its_table)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct replay r;
        replay_init(&r);
        for (size_t k = 0; k < rows[i].count; k++) {
            const struct step *s = &rows[i].steps[k];
            cr_assert_eq(replay_fresh(&r, s->number), s->expected == 0, "%s: step %zu", rows[i].what, k);
            cr_assert_eq(replay_mark(&r, s->number), s->expected, "%s: step %zu", rows[i].what, k);
        }
        replay_dispose(&r);
    }
}

Test(replay, asking_changes_nothing)
{
    struct replay r;

    replay_init(&r);
    cr_assert(replay_fresh(&r, 1 << 20));
    cr_assert(replay_fresh(&r, 1 << 20));
    cr_assert_eq(r.word_count, 0, "no memory before the first mark");
    cr_assert_eq(r.next, 0);
    replay_dispose(&r);
}

Test(replay, memory_grows_with_the_largest_number_up_to_the_window)
{
    static const struct {
        uint64_t number;
        size_t words;
    } steps[] = {{0, 1},
                 {63, 1},
                 {64, 2},
                 {128, 4},
                 {1000, 16},
                 {FULL - 1, FULL / 64},
                 {FULL, FULL / 64},
                 {UINT64_C(1) << 45, FULL / 64}};
    struct replay r;

    replay_init(&r);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        cr_assert_eq(replay_mark(&r, steps[i].number), 0);
        cr_assert_eq(r.word_count, steps[i].words, "step %zu", i);
    }
    replay_dispose(&r);
    cr_assert_null(r.words);
}

/* Against a table of everything seen, with jumps, repeats and old numbers mixed. */
Test(replay, agrees_with_a_plain_record)
{
    enum { SPAN = 4 * LIMIT_REPLAY_BITS };
    uint8_t *seen = calloc(SPAN, 1);
    struct duet_rand rng;
    struct replay r;
    uint64_t largest = 0;

    cr_assert_not_null(seen);
    rand_init_u64(&rng, 6479);
    replay_init(&r);
    for (int i = 0; i < 400000; i++) {
        uint64_t back = rand_below(&rng, i % 50 == 0 ? FULL + 500 : 300);
        uint64_t number = largest + rand_below(&rng, i % 1000 == 0 ? 5000 : 4);
        number = number > back && i % 3 == 0 ? number - back : number;
        if (number >= SPAN)
            break;
        uint64_t top = number > largest ? number : largest;
        bool too_old = top / 64 - number / 64 >= FULL / 64;
        bool fresh = seen[number] == 0 && !too_old;
        cr_assert_eq(replay_fresh(&r, number), fresh, "number %lu after %lu", number, largest);
        cr_assert_eq(replay_mark(&r, number), fresh ? 0 : DUET_EREPLAY);
        seen[number] = 1;
        largest = top;
    }
    cr_assert_gt(largest, 2 * FULL, "the run must leave the first window");
    replay_dispose(&r);
    free(seen);
}
