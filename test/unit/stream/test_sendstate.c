#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "stream/sendstate.h"

static struct sendstate s;

static void start(void)
{
    sendstate_init(&s, UINT64_MAX, 64);
}

static void stop(void)
{
    sendstate_dispose(&s);
}

TestSuite(sendstate, .init = start, .fini = stop);

static struct stream_piece next(size_t max_len)
{
    struct stream_piece p = {.offset = 0};
    bool fresh;
    cr_assert(sendstate_next(&s, max_len, UINT64_MAX, &p, &fresh));
    return p;
}

static bool has_next(void)
{
    struct stream_piece p;
    bool fresh;
    return sendstate_next(&s, 100, UINT64_MAX, &p, &fresh);
}

Test(sendstate, gives_what_was_supplied_in_order_and_once)
{
    cr_assert_eq(sendstate_supply(&s, 0, 25), 0);
    for (uint64_t at = 0; at < 25; at += 10) {
        const struct stream_piece p = next(10);
        cr_assert_eq(p.offset, at);
        cr_assert_eq(p.len, at == 20 ? 5 : 10);
        cr_assert_not(p.fin);
        cr_assert_eq(sendstate_sent(&s, &p), 0);
    }
    cr_assert_not(has_next());
    cr_assert_eq(s.fresh_bytes, 25);
}

Test(sendstate, lost_bytes_go_before_ready_ones_and_cost_no_credit)
{
    s.limit_bytes = 10;
    cr_assert_eq(sendstate_supply(&s, 0, 30), 0);
    const struct stream_piece first = next(30);
    cr_assert_eq(first.len, 10);
    sendstate_sent(&s, &first);
    cr_assert_not(sendstate_wants(&s));
    sendstate_lost(&s, &first);
    cr_assert(sendstate_wants(&s));
    struct stream_piece p;
    bool fresh;
    cr_assert(sendstate_next(&s, 4, 0, &p, &fresh));
    cr_assert(p.offset == 0 && p.len == 4 && !fresh);
    sendstate_sent(&s, &p);
    cr_assert_eq(s.fresh_bytes, 10);
}

Test(sendstate, fresh_bytes_stop_at_either_credit)
{
    static const struct {
        uint64_t limit, allowed;
        size_t len;
    } rows[] = {{0, 100, 0}, {100, 0, 0}, {7, 100, 7}, {100, 9, 9}, {50, 50, 20}};
    cr_assert_eq(sendstate_supply(&s, 0, 20), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stream_piece p = {.len = 0};
        bool fresh;
        s.limit_bytes = rows[i].limit;
        cr_assert_eq(sendstate_next(&s, 100, rows[i].allowed, &p, &fresh), rows[i].len > 0, "row %zu", i);
        cr_assert_eq(p.len, rows[i].len, "row %zu", i);
    }
}

Test(sendstate, the_last_piece_carries_the_fin)
{
    cr_assert_eq(sendstate_supply(&s, 0, 15), 0);
    cr_assert_eq(sendstate_finish(&s, 15), 0);
    struct stream_piece p = next(10);
    cr_assert_not(p.fin);
    sendstate_sent(&s, &p);
    p = next(10);
    cr_assert(p.fin);
    sendstate_sent(&s, &p);
    cr_assert_not(has_next());
    sendstate_lost(&s, &p);
    p = next(10);
    cr_assert(p.offset == 10 && p.len == 5 && p.fin);
}

Test(sendstate, a_lone_fin_is_sent_once_and_again_when_lost)
{
    cr_assert_eq(sendstate_finish(&s, 0), 0);
    struct stream_piece p = next(10);
    cr_assert(p.fin && p.len == 0 && p.offset == 0);
    sendstate_sent(&s, &p);
    cr_assert_not(has_next());
    sendstate_lost(&s, &p);
    cr_assert(has_next());
    sendstate_sent(&s, &p);
    sendstate_acked(&s, &p);
    cr_assert(sendstate_done(&s));
    sendstate_lost(&s, &p);
    cr_assert_not(has_next());
}

/* The peer knows a bulk stream only once it gave credit: a fin before that would be a stream nobody accepted. */
Test(sendstate, no_fin_leaves_while_there_is_no_credit_at_all)
{
    s.limit_bytes = 0;
    cr_assert_eq(sendstate_finish(&s, 0), 0);
    cr_assert_not(has_next());
    cr_assert_not(sendstate_wants(&s));
    s.limit_bytes = 1;
    cr_assert(sendstate_wants(&s));
    cr_assert(next(10).fin);
}

Test(sendstate, the_size_is_said_once)
{
    cr_assert_eq(sendstate_supply(&s, 0, 10), 0);
    cr_assert_eq(sendstate_finish(&s, 9), DUET_EINVAL);
    cr_assert_eq(sendstate_finish(&s, 20), 0);
    cr_assert_eq(sendstate_finish(&s, 20), 0);
    cr_assert_eq(sendstate_finish(&s, 21), DUET_EINVAL);
    cr_assert_eq(sendstate_supply(&s, 10, 21), DUET_EINVAL);
    cr_assert_eq(sendstate_supply(&s, 10, 20), 0);
}

Test(sendstate, an_acknowledgement_takes_bytes_out_of_the_lost_ones)
{
    cr_assert_eq(sendstate_supply(&s, 0, 30), 0);
    const struct stream_piece all = next(30), middle = {.offset = 10, .len = 10};
    sendstate_sent(&s, &all);
    sendstate_lost(&s, &all);
    sendstate_acked(&s, &middle);
    struct stream_piece p = next(30);
    cr_assert(p.offset == 0 && p.len == 10);
    sendstate_sent(&s, &p);
    p = next(30);
    cr_assert(p.offset == 20 && p.len == 10);
    cr_assert_eq(sendstate_acked_prefix(&s), 0);
}

Test(sendstate, too_many_holes_are_refused_and_change_nothing)
{
    for (uint64_t i = 0; i < 64; i++)
        cr_assert_eq(sendstate_supply(&s, 2 * i, 2 * i + 1), 0);
    cr_assert_eq(sendstate_supply(&s, 1000, 1001), DUET_EFULL);
    cr_assert_eq(s.supplied_end, 127);
}

/* ── against a map of bytes ──────────────────────────────────────────── */

#define MODEL_BYTES 600
#define MODEL_AIR 128

enum fate { UNSUPPLIED, READY, AIR, LOST, ACKED };

struct model {
    enum fate fate[MODEL_BYTES];
    int in_air[MODEL_BYTES]; /* copies of the byte outstanding */
    struct stream_piece air[MODEL_AIR];
    size_t air_count;
    uint64_t fresh;
    struct duet_rand rng;
};

static void model_supply(struct model *m)
{
    const uint64_t start_at = rand_below(&m->rng, MODEL_BYTES);
    uint64_t end = start_at;
    while (end < MODEL_BYTES && end - start_at < 50 && m->fate[end] == UNSUPPLIED)
        m->fate[end++] = READY;
    if (end > start_at)
        cr_assert_eq(sendstate_supply(&s, start_at, end), 0);
}

static void model_send(struct model *m)
{
    struct stream_piece p;
    bool fresh;
    const size_t max_len = 1 + (size_t)rand_below(&m->rng, 40);
    bool any_lost = false, any_ready = false;
    for (size_t i = 0; i < MODEL_BYTES; i++) {
        any_lost |= m->fate[i] == LOST;
        any_ready |= m->fate[i] == READY;
    }
    if (m->air_count == MODEL_AIR || !sendstate_next(&s, max_len, UINT64_MAX, &p, &fresh)) {
        cr_assert(m->air_count == MODEL_AIR || (!any_lost && !any_ready));
        return;
    }
    cr_assert_leq(p.len, max_len);
    cr_assert(p.len > 0 || (p.fin && !any_lost && !any_ready));
    cr_assert(p.len == 0 || fresh == !any_lost);
    for (size_t i = p.offset; i < p.offset + p.len; i++) {
        cr_assert_eq(m->fate[i], any_lost ? LOST : READY, "byte %zu", i);
        m->fate[i] = AIR;
        m->in_air[i]++;
    }
    m->fresh += fresh ? p.len : 0;
    cr_assert_eq(sendstate_sent(&s, &p), 0);
    cr_assert_eq(s.fresh_bytes, m->fresh);
    m->air[m->air_count++] = p;
}

/* One piece in the air gets its fate, in any order; `keep`: a late second verdict may follow. */
static void model_resolve(struct model *m, bool acked, bool keep)
{
    if (m->air_count == 0)
        return;
    const size_t at = (size_t)rand_below(&m->rng, m->air_count);
    const struct stream_piece p = m->air[at];
    for (size_t i = p.offset; i < p.offset + p.len; i++) {
        if (acked)
            m->fate[i] = ACKED;
        else if (m->fate[i] != ACKED)
            m->fate[i] = LOST;
    }
    cr_assert_eq(acked ? sendstate_acked(&s, &p) : sendstate_lost(&s, &p), 0);
    if (!keep)
        m->air[at] = m->air[--m->air_count];
}

static void model_compare(const struct model *m)
{
    for (uint64_t i = 0; i < MODEL_BYTES; i++) {
        cr_assert_eq(extents_covers(&s.ready, i, i + 1), m->fate[i] == READY, "byte %lu", (unsigned long)i);
        cr_assert_eq(extents_covers(&s.lost, i, i + 1), m->fate[i] == LOST, "byte %lu", (unsigned long)i);
        cr_assert_eq(extents_covers(&s.acked, i, i + 1), m->fate[i] == ACKED, "byte %lu", (unsigned long)i);
    }
}

static void model_run(uint64_t seed)
{
    static struct model m;
    memset(&m, 0, sizeof m);
    rand_init_u64(&m.rng, seed);
    sendstate_init(&s, UINT64_MAX, 1024);
    for (int step = 0; step < 1500; step++) {
        const uint64_t dice = rand_below(&m.rng, 10);
        if (dice < 2)
            model_supply(&m);
        else if (dice < 6)
            model_send(&m);
        else
            model_resolve(&m, dice < 8, dice == 9);
        if (step % 16 == 0)
            model_compare(&m);
    }
    for (uint64_t i = 0; i < MODEL_BYTES; i++) {
        if (m.fate[i] == UNSUPPLIED)
            cr_assert_eq(sendstate_supply(&s, i, i + 1), 0);
        m.fate[i] = m.fate[i] == UNSUPPLIED ? READY : m.fate[i];
    }
    cr_assert_eq(sendstate_finish(&s, MODEL_BYTES), 0);
    for (int step = 0; step < 20000 && !sendstate_done(&s); step++) {
        model_send(&m);
        model_resolve(&m, rand_below(&m.rng, 4) != 0, false);
    }
    cr_assert(sendstate_done(&s), "seed %lu", (unsigned long)seed);
    model_compare(&m);
    cr_assert_eq(s.fresh_bytes, MODEL_BYTES);
    cr_assert_eq(sendstate_acked_prefix(&s), MODEL_BYTES);
    sendstate_dispose(&s);
}

Test(sendstate, agrees_with_a_map_of_bytes_in_any_order_of_fates)
{
    for (uint64_t seed = 1; seed <= 20; seed++)
        model_run(seed);
}
