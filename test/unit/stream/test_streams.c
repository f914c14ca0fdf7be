/* Two stream tables joined by hand: frames of one are given to the other, or lost. */
#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "stream/streams.h"

#define WINDOW LIMIT_WINDOW_MIN_BYTES

static struct streams a, b; /* a: initiator */

static void start(void)
{
    streams_init(&a, true, WINDOW);
    streams_init(&b, false, WINDOW);
}

static void stop(void)
{
    streams_dispose(&a);
    streams_dispose(&b);
}

TestSuite(streams, .init = start, .fini = stop);

static uint8_t bytes[4 * WINDOW];

static uint64_t open_with(size_t len)
{
    uint64_t id;
    cr_assert_eq(streams_open(&a, &id), 0);
    if (len > 0) {
        const struct bulk_source src = {.bytes = bytes, .len = len, .cookie = id};
        cr_assert_eq(bulksend_supply(streams_send(&a, id), &src), 0);
    }
    cr_assert_eq(sendstate_finish(&streams_send(&a, id)->state, len), 0);
    return id;
}

/* Carries one update frame to the other side. */
static void give_update(struct streams *to, const struct frame *f)
{
    bool known;
    struct bulksend *s;
    switch (f->type) {
    case FRAME_MAX_DATA:
        streams_max_data(to, f->max);
        return;
    case FRAME_MAX_STREAM_DATA:
        streams_max_stream_data(to, f->stream, f->max);
        return;
    case FRAME_STOP_STREAM:
        streams_reset(to, f->stream, f->code);
        return;
    case FRAME_RESET_STREAM:
        cr_assert_eq(streams_peer_reset(to, f->stream, f->reset.final_bytes, &known), 0);
        s = streams_send(to == &b ? &a : &b, f->stream);
        if (s != NULL)
            streams_close_send(to == &b ? &a : &b, s); /* acknowledged */
        return;
    case FRAME_PADDING:
    case FRAME_MAX_STREAMS:
    case FRAME_DATAGRAM:
    case FRAME_PING:
    case FRAME_ACK:
    case FRAME_ACK_ECN:
    case FRAME_ACK_MAP:
    case FRAME_ACK_MAP_ECN:
    case FRAME_ACK_POLICY:
    case FRAME_STREAM:
    case FRAME_STREAM_FIN:
    case FRAME_PATH_CHALLENGE:
    case FRAME_PATH_RESPONSE:
    case FRAME_CLOSE:
    case FRAME_HANDSHAKE_DONE:
        cr_assert_fail("not an update: %s", frame_type_name(f->type));
    }
}

static void updates(struct streams *from, struct streams *to)
{
    struct frame f;
    while (streams_next_update(from, &f))
        give_update(to, &f);
    cr_assert_not(streams_update_wanted(from));
}

static int take(struct bulkrecv *r, const struct stream_piece *p)
{
    uint64_t fresh;
    const int rc = streams_check_bulk(&b, r, p, &fresh);
    return rc != 0 ? rc : streams_add_bulk(&b, r, p, fresh);
}

/* One bulk piece from a to b, or lost on the way; false: a has none to send. */
static bool carry(size_t max_len, bool lost)
{
    struct stream_piece p;
    uint64_t id;
    if (!streams_next(&a, CLASS_BULK, max_len, &id, &p))
        return false;
    cr_assert_eq(streams_sent(&a, id, &p), 0);
    if (lost) {
        cr_assert_eq(streams_lost(&a, id, &p), 0);
        return true;
    }
    struct bulkrecv *r = streams_recv(&b, id);
    if (r != NULL) {
        cr_assert_eq(take(r, &p), 0);
        streams_settle_recv(&b, r);
    } else {
        cr_assert(streams_is_closed(&b, id));
    }
    struct bulksend *s = streams_send(&a, id);
    cr_assert_eq(sendstate_acked(&s->state, &p), 0);
    if (sendstate_done(&s->state))
        streams_close_send(&a, s);
    return true;
}

/* At no time at all: the window stays as it is. */
static int consumed(uint64_t id, uint64_t len)
{
    return streams_consumed(&b, id, len, 1000, DUET_TIME(0));
}

Test(streams, ids_tell_opener_and_kind)
{
    uint64_t id;
    static const uint64_t want[2][2] = {{2, 6}, {3, 7}};
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(streams_open(&a, &id), 0);
        cr_assert_eq(id, want[0][i]);
        cr_assert_eq(streams_open(&b, &id), 0);
        cr_assert_eq(id, want[1][i]);
    }
    cr_assert_eq(ordered_find(&a.ordered, 0), &a.ordered.fixed[0]);
    cr_assert_eq(ordered_find(&a.ordered, 4), &a.ordered.fixed[1]);
    cr_assert_null(ordered_find(&a.ordered, 24));
    cr_assert_null(ordered_find(&a.ordered, 2));
}

Test(streams, only_a_bulk_id_of_the_peer_can_be_accepted)
{
    static const struct {
        uint64_t id;
        int want;
    } rows[] = {{2, 0}, {2, 0}, {3, DUET_EPROTOCOL}, {0, DUET_EPROTOCOL}, {4, DUET_EPROTOCOL}, {1, DUET_EPROTOCOL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_eq(streams_accept(&b, rows[i].id, 1000), rows[i].want, "row %zu", i);
    cr_assert_eq(b.recv_count, 1);
}

Test(streams, both_tables_are_bounded)
{
    uint64_t id;
    for (uint64_t i = 0; i < LIMIT_STREAMS; i++) {
        cr_assert_eq(streams_open(&a, &id), 0);
        cr_assert_eq(streams_accept(&b, id, 1), 0);
    }
    cr_assert_eq(streams_open(&a, &id), DUET_EFULL);
    cr_assert_eq(streams_accept(&b, 1002, 1), DUET_EFULL);
}

Test(streams, nothing_of_a_file_leaves_before_it_was_accepted)
{
    static const size_t sizes[] = {0, 1, 5000};
    for (size_t i = 0; i < 3; i++) {
        const uint64_t id = open_with(sizes[i]);
        cr_assert_not(streams_class_wants(&a, CLASS_BULK), "%zu bytes", sizes[i]);
        cr_assert_not(carry(1000, false));
        cr_assert_eq(streams_accept(&b, id, 10000), 0);
        updates(&b, &a);
        cr_assert(streams_class_wants(&a, CLASS_BULK));
        while (carry(1000, false))
            continue;
        cr_assert_eq(consumed(id, sizes[i]), 0);
        cr_assert(streams_is_closed(&b, id));
        cr_assert_null(streams_send(&a, id));
    }
}

Test(streams, a_file_longer_than_every_window_goes_through)
{
    const uint64_t id = open_with(sizeof bytes);
    uint64_t done = 0;
    streams_accept(&b, id, 5000);
    for (int i = 0; i < 10000 && streams_recv(&b, id) != NULL; i++) {
        updates(&b, &a);
        if (!carry(1200, i % 7 == 3))
            continue;
        const struct bulkrecv *r = streams_recv(&b, id);
        cr_assert_leq(b.data_received_bytes - b.data_consumed_bytes, 5000);
        if (r != NULL && r->state.distinct_bytes > done) {
            const uint64_t fresh = r->state.distinct_bytes - done;
            done += fresh;
            cr_assert_eq(consumed(id, fresh), 0);
        }
    }
    cr_assert_eq(done, sizeof bytes);
    cr_assert_eq(a.data_fresh_bytes, sizeof bytes);
    cr_assert_eq(b.data_consumed_bytes, sizeof bytes);
}

/* The last extent first: its fin must not end the credit. */
Test(streams, extents_supplied_last_first_go_through_a_small_window)
{
    uint64_t id;
    streams_open(&a, &id);
    struct bulksend *s = streams_send(&a, id);
    const size_t part = 20000, parts = 5;
    cr_assert_eq(sendstate_finish(&s->state, part * parts), 0);
    streams_accept(&b, id, part / 2);
    uint64_t done = 0;
    for (size_t i = parts; i-- > 0;) {
        const struct bulk_source src = {.offset = i * part, .bytes = bytes, .len = part, .cookie = i};
        cr_assert_eq(bulksend_supply(s, &src), 0);
        for (int n = 0; n < 1000; n++) {
            updates(&b, &a);
            if (!carry(1200, false))
                continue;
            const struct bulkrecv *r = streams_recv(&b, id);
            const uint64_t fresh = r == NULL ? 0 : r->state.distinct_bytes - done;
            done += fresh;
            consumed(id, fresh);
            if (streams_recv(&b, id) == NULL)
                break;
        }
        cr_assert_eq(done, part * (parts - i), "stalled after %lu", (unsigned long)done);
    }
    cr_assert(streams_is_closed(&b, id));
}

Test(streams, a_piece_of_a_file_lies_in_one_source)
{
    static uint8_t other[1000];
    uint64_t id, of;
    struct stream_piece p;
    cr_assert_eq(streams_open(&a, &id), 0);
    cr_assert_eq(bulksend_supply(streams_send(&a, id), &(struct bulk_source){.bytes = bytes, .len = 1000}), 0);
    cr_assert_eq(
        bulksend_supply(streams_send(&a, id), &(struct bulk_source){.offset = 1000, .bytes = other, .len = 1000}), 0);
    cr_assert_eq(sendstate_finish(&streams_send(&a, id)->state, 2000), 0);
    streams_max_data(&a, WINDOW);
    streams_max_stream_data(&a, id, WINDOW);

    cr_assert(streams_next(&a, CLASS_BULK, 1500, &of, &p));
    cr_assert(p.offset == 0 && p.len == 1000 && !p.fin);
    cr_assert_eq(streams_bytes(&a, id, &p, NULL), bytes);
    cr_assert_eq(streams_sent(&a, id, &p), 0);
    cr_assert(streams_next(&a, CLASS_BULK, 1500, &of, &p));
    cr_assert(p.offset == 1000 && p.len == 1000 && p.fin);
    cr_assert_eq(streams_bytes(&a, id, &p, NULL), other);
}

Test(streams, files_take_turns_of_a_quantum)
{
    const uint64_t id[2] = {open_with(WINDOW / 2), open_with(WINDOW / 2)};
    uint64_t sent[2] = {0};
    for (int i = 0; i < 2; i++)
        streams_accept(&b, id[i], WINDOW);
    updates(&b, &a);
    struct stream_piece p;
    uint64_t at;
    while (streams_next(&a, CLASS_BULK, 1000, &at, &p)) {
        streams_sent(&a, at, &p);
        sent[at == id[1]] += p.len;
        const uint64_t gap = sent[0] > sent[1] ? sent[0] - sent[1] : sent[1] - sent[0];
        cr_assert_leq(gap, STREAMS_QUANTUM_BYTES + 1000);
    }
    cr_assert_eq(sent[0], sent[1]);
}

Test(streams, connection_credit_bounds_all_files_together)
{
    const uint64_t id[2] = {open_with(WINDOW), open_with(WINDOW)};
    for (int i = 0; i < 2; i++)
        streams_accept(&b, id[i], 10 * WINDOW);
    updates(&b, &a);
    while (carry(1000, false))
        continue;
    cr_assert_eq(a.data_fresh_bytes, WINDOW);
    cr_assert_not(streams_class_wants(&a, CLASS_BULK));
    struct bulkrecv *r = streams_recv(&b, id[1]);
    const struct stream_piece more = {.offset = r->state.distinct_bytes, .len = 1};
    cr_assert_eq(take(r, &more), DUET_EFLOW);
    consumed(id[0], streams_recv(&b, id[0])->state.distinct_bytes);
    updates(&b, &a);
    cr_assert(streams_class_wants(&a, CLASS_BULK));
}

Test(streams, the_connection_has_no_credit_before_a_stream_was_accepted)
{
    cr_assert_eq(a.data_limit_bytes, 0);
    const uint64_t id = open_with(1000);
    streams_max_stream_data(&a, id, 1000);
    cr_assert_not(streams_class_wants(&a, CLASS_BULK));
    cr_assert_not(streams_update_wanted(&b));
    streams_accept(&b, id, 1000);
    updates(&b, &a);
    cr_assert_eq(a.data_limit_bytes, WINDOW);
    cr_assert(streams_class_wants(&a, CLASS_BULK));
}

/* The window of the connection and of both streams: 4 MiB at most, 3 of them for the second. */
Test(streams, what_is_consumed_fast_widens_the_credit_of_all_streams_up_to_their_caps)
{
    const uint64_t mib = 1 << 20, id[2] = {2, 6};
    stop();
    streams_init(&a, true, 4 * mib);
    streams_init(&b, false, 4 * mib);
    streams_accept(&b, id[0], 64 * mib);
    streams_accept(&b, id[1], 3 * mib);
    struct bulkrecv *r[2] = {streams_recv(&b, id[0]), streams_recv(&b, id[1])};
    for (int i = 0; i < 2; i++)
        cr_assert_eq(r[i]->state.limit_bytes, WINDOW_INITIAL_BYTES);
    cr_assert_eq(b.data_granted_bytes, WINDOW_INITIAL_BYTES);

    const struct stream_piece p = {.len = WINDOW_INITIAL_BYTES};
    cr_assert_eq(take(r[0], &p), 0);
    const struct stream_piece more = {.len = 1};
    cr_assert_eq(take(r[1], &more), DUET_EFLOW, "its own credit is whole, the connection's used up");
    cr_assert_eq(streams_consumed(&b, id[0], p.len, 20000, DUET_TIME(20000)), 0); /* all of it in a round trip */
    cr_assert_eq(b.window.bytes, 4 * mib);
    cr_assert_eq(r[0]->state.limit_bytes, p.len + 4 * mib);
    cr_assert_eq(r[1]->state.limit_bytes, 3 * mib);
    cr_assert_eq(b.data_granted_bytes, p.len + 4 * mib);
}

Test(streams, a_smaller_cap_takes_nothing_back_and_stops_the_growth)
{
    const uint64_t mib = 1 << 20;
    stop();
    streams_init(&a, true, 4 * mib);
    streams_init(&b, false, 4 * mib);
    streams_accept(&b, 2, 4 * mib);
    struct bulkrecv *r = streams_recv(&b, 2);
    const struct stream_piece p = {.len = 2 * mib};
    cr_assert_eq(take(r, &p), 0);
    streams_accept(&b, 2, mib / 2);
    cr_assert_eq(r->state.limit_bytes, 2 * mib);
    cr_assert_eq(streams_consumed(&b, 2, mib, 20000, DUET_TIME(20000)), 0);
    cr_assert_eq(r->state.limit_bytes, 2 * mib, "half a window is outstanding, the cap is a quarter");
    cr_assert_eq(streams_consumed(&b, 2, mib, 20000, DUET_TIME(20001)), 0);
    cr_assert_eq(r->state.limit_bytes, 2 * mib + mib / 2);
}

Test(streams, credit_never_shrinks)
{
    streams_max_data(&a, WINDOW);
    streams_max_data(&a, 10);
    cr_assert_eq(a.data_limit_bytes, WINDOW);
    const uint64_t id = open_with(100);
    streams_max_stream_data(&a, id, 50);
    streams_max_stream_data(&a, id, 20);
    cr_assert_eq(streams_send(&a, id)->state.limit_bytes, 50);
    streams_max_stream_data(&a, 4, 1);
    cr_assert_eq(a.ordered.fixed[1].out.state.limit_bytes, LIMIT_STREAM_FIRST_BYTES);
}

Test(streams, more_than_was_received_cannot_be_consumed)
{
    const uint64_t id = open_with(1000);
    streams_accept(&b, id, 10000);
    updates(&b, &a);
    carry(400, false);
    cr_assert_eq(consumed(id, 401), DUET_EINVAL);
    cr_assert_eq(consumed(id, 400), 0);
    cr_assert_eq(consumed(id, 1), DUET_EINVAL);
    cr_assert_eq(consumed(998, 1), 0);
}

Test(streams, a_lost_update_is_told_again_with_the_value_of_then)
{
    const uint64_t id = open_with(9000);
    struct frame f;
    streams_accept(&b, id, 4000);
    cr_assert(streams_next_update(&b, &f) && f.type == FRAME_MAX_DATA && f.max == WINDOW);
    cr_assert(streams_next_update(&b, &f) && f.type == FRAME_MAX_STREAM_DATA && f.max == 4000);
    streams_accept(&b, id, 8000);
    cr_assert(streams_next_update(&b, &f));
    streams_update_lost(&b, FRAME_MAX_STREAM_DATA, id);
    cr_assert(streams_next_update(&b, &f));
    cr_assert(f.type == FRAME_MAX_STREAM_DATA && f.stream == id && f.max == 8000);
    streams_update_lost(&b, FRAME_MAX_DATA, 0);
    streams_stop(&b, id, 5);
    streams_update_lost(&b, FRAME_MAX_STREAM_DATA, id);
    cr_assert(streams_next_update(&b, &f) && f.type == FRAME_MAX_DATA && f.max == WINDOW);
    cr_assert(streams_next_update(&b, &f) && f.type == FRAME_STOP_STREAM && f.code == 5);
    cr_assert_not(streams_next_update(&b, &f), "a stopped stream gets no credit");
    streams_update_lost(&b, FRAME_STOP_STREAM, id);
    streams_update_lost(&b, FRAME_STOP_STREAM, 998);
    cr_assert(streams_next_update(&b, &f) && f.type == FRAME_STOP_STREAM);
}

Test(streams, an_ordered_stream_is_not_bounded_by_connection_credit)
{
    a.data_limit_bytes = 0;
    static uint8_t text[100000];
    cr_assert_eq(sendstream_write(&a.ordered.fixed[1].out, text, sizeof text), sizeof text);
    cr_assert(streams_class_wants(&a, CLASS_CHAT));
    cr_assert_not(streams_class_wants(&a, CLASS_CONTROL));
}

Test(streams, reading_an_ordered_stream_gives_credit_back)
{
    static uint8_t data[LIMIT_STREAM_WINDOW_BYTES], out[LIMIT_STREAM_WINDOW_BYTES];
    bool readable;
    struct frame f;
    const struct stream_piece p = {.len = sizeof data};
    cr_assert_eq(ordered_read(&b.ordered, &b.ordered.fixed[1], out, sizeof out, 0, DUET_TIME(0)), 0);
    cr_assert(streams_next_update(&b, &f), "the first read opens the window");
    cr_assert(f.type == FRAME_MAX_STREAM_DATA && f.stream == 4 && f.max == sizeof data);
    cr_assert_eq(recvstream_push(&b.ordered.fixed[1].in, &p, data, &readable), 0);
    cr_assert_not(streams_update_wanted(&b));
    cr_assert_eq(ordered_read(&b.ordered, &b.ordered.fixed[1], out, sizeof out, 0, DUET_TIME(0)), sizeof out);
    cr_assert(streams_next_update(&b, &f));
    cr_assert(f.type == FRAME_MAX_STREAM_DATA && f.stream == 4 && f.max == 2 * sizeof data);
}

Test(streams, a_reset_tells_how_much_was_sent_and_gives_its_credit_back)
{
    bool known;
    const uint64_t id = open_with(10000);
    streams_accept(&b, id, 10000);
    updates(&b, &a);
    carry(1000, false);
    carry(1000, true); /* never arrives */
    cr_assert_eq(streams_peer_reset(&b, id, 999, &known), DUET_EPROTOCOL);
    cr_assert_eq(streams_peer_reset(&b, id, 10001, &known), DUET_EPROTOCOL);
    streams_reset(&a, id, 7);
    cr_assert_not(streams_class_wants(&a, CLASS_BULK));
    updates(&a, &b);
    cr_assert(streams_is_closed(&b, id));
    cr_assert_eq(b.data_received_bytes, 2000);
    cr_assert_eq(b.data_consumed_bytes, 2000);
    cr_assert_eq(streams_peer_reset(&b, id, 5, &known), 0);
    cr_assert_not(known);
}

Test(streams, a_stopped_stream_is_over_when_its_end_came)
{
    const uint64_t id = open_with(3000);
    streams_accept(&b, id, 10000);
    updates(&b, &a);
    carry(1000, false);
    streams_stop(&b, id, 1);
    cr_assert_eq(b.data_consumed_bytes, 1000);
    while (carry(1000, false))
        continue;
    cr_assert(streams_is_closed(&b, id), "everything came before the STOP got there");
    cr_assert_eq(b.data_consumed_bytes, 3000);
    cr_assert_eq(streams_stop(&b, id, 1), DUET_ENOTFOUND);
}

/* The sender gave it up before its offer was answered: accepting it later would wait for ever. */
Test(streams, a_stream_reset_before_it_was_accepted_cannot_be_accepted_any_more)
{
    bool known;
    const uint64_t id = open_with(100);
    streams_reset(&a, id, 0);
    cr_assert_eq(streams_peer_reset(&b, id, 0, &known), 0);
    cr_assert_not(known);
    cr_assert_eq(streams_accept(&b, id, 1000), DUET_EPROTOCOL);
    cr_assert_eq(b.recv_count, 0);
}

Test(streams, a_reset_of_what_is_no_bulk_stream_of_the_peer_leaves_no_trace)
{
    bool known;
    static const uint64_t ids[] = {0, 1, 3, 4, 7};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        cr_assert_eq(streams_peer_reset(&b, ids[i], 0, &known), 0);
    cr_assert_eq(b.closed.count, 0);
}

Test(streams, the_memory_of_closed_streams_is_bounded_and_keeps_the_newest)
{
    bool known;
    for (uint64_t i = 0; i < 200000; i++) {
        const uint64_t id = i * 8 + 2; /* every second one: nothing merges */
        cr_assert_eq(streams_peer_reset(&b, id, 0, &known), 0);
        cr_assert(streams_is_closed(&b, id), "%lu", (unsigned long)i);
    }
    cr_assert_leq(b.closed.leaf_cap * (sizeof *b.closed.leaves + EXTENTS_LEAF * sizeof(struct range)), 64 * 1024);
}

Test(streams, no_credit_is_lost_over_a_thousand_streams_reset_or_stopped_at_random)
{
    struct duet_rand rng;
    rand_init_u64(&rng, 3);
    for (int round = 0; round < 1000; round++) {
        const size_t len = (size_t)rand_below(&rng, 20000);
        const uint64_t id = open_with(len);
        const uint64_t end_at = rand_below(&rng, 25), kind = rand_below(&rng, 4);
        cr_assert_eq(streams_accept(&b, id, 500 + rand_below(&rng, 30000)), 0);
        for (uint64_t i = 0; i < 1000 && streams_recv(&b, id) != NULL; i++) {
            updates(&b, &a);
            updates(&a, &b);
            if (i == end_at && kind == 0)
                streams_reset(&a, id, 1);
            else if (i == end_at && kind == 1 && streams_recv(&b, id) != NULL)
                streams_stop(&b, id, 2);
            else
                carry(1 + (size_t)rand_below(&rng, 1200), rand_below(&rng, 4) == 0);
            const struct bulkrecv *r = streams_recv(&b, id);
            if (r != NULL && !r->stopped && rand_below(&rng, 2) == 0)
                cr_assert_eq(consumed(id, r->state.distinct_bytes - r->state.consumed_bytes), 0);
        }
        updates(&b, &a);
        updates(&a, &b);
        cr_assert_null(streams_recv(&b, id), "round %d kind %lu", round, (unsigned long)kind);
        cr_assert_null(streams_send(&a, id), "round %d", round);
        cr_assert_eq(b.data_received_bytes, b.data_consumed_bytes, "round %d", round);
        cr_assert_eq(a.data_fresh_bytes, b.data_received_bytes, "round %d", round);
        cr_assert_geq(a.data_limit_bytes - a.data_fresh_bytes, WINDOW - WINDOW / RECV_GRANT_SHARE);
    }
    cr_assert_eq(b.closed.count, 1);
}

static uint64_t moved_in(const struct extents *x)
{
    uint64_t moved = x->moved;
    for (size_t i = 0; i < x->leaf_count; i++)
        moved += x->leaves[i].moved;
    return moved;
}

/* Eight thousand RESETs fit into one packet: whatever ids they name, each costs about what padding of its length
 * does. */
Test(streams, resets_of_unknown_ids_cost_little_in_whatever_order)
{
    enum { RESETS = 8192 };
    for (int order = 0; order < 3; order++) {
        const uint64_t before = moved_in(&b.closed);
        for (uint64_t i = 0; i < RESETS; i++) {
            const uint64_t n = order == 0 ? i : order == 1 ? RESETS - i : i * 4099 % RESETS;
            bool known;
            cr_assert_eq(streams_peer_reset(&b, 2 + 8 * n + (uint64_t)order * 8 * RESETS, 0, &known), 0);
        }
        cr_expect_leq(moved_in(&b.closed) - before, RESETS * 2 * EXTENTS_LEAF, "order %d: %lu a frame", order,
                      (unsigned long)((moved_in(&b.closed) - before) / RESETS));
        cr_expect_eq(b.closed.count, STREAMS_CLOSED_RANGES);
    }
}
