#include "app/transfer_recv.h"

#include "unit.h"
#include <string.h>

#include "../conn/pair.h"
#include "app/recv_budget.h"
#include "base/num.h"
#include "stream/window.h"

#define FILE_BYTES (UINT64_C(1) << 30)

static struct pair pair;
static struct env env;
static struct peer peer, again, other, third; /* again: the first one, over a second session */
static uint32_t last_offer;

static void set_up(void)
{
    struct endpoint_config a = pair_config(1, "a"), b = pair_config(2, "b");

    pair = (struct pair){.wire_count = 0};
    env = (struct env){.dirty = false};
    peer = again = (struct peer){.key = {1}};
    other = (struct peer){.key = {2}};
    third = (struct peer){.key = {3}};
    last_offer = 0;
    pair_open(&pair, &a, &b);
    pair_connect(&pair);
    env.cfg = (struct hub_config){.receive_files = true, .accept_offers = true};
    env.endpoint = pair.e[0];
    env.now = pair.now;
    env.recv_pool = chunk_pool_new(CHUNK_POOL, NULL);
    env.send_pool = chunk_pool_new(1, NULL);
    cr_assert(outbox_init(&env.ui, &notice_kind, 16) == 0 &&
              outbox_init(&env.disk, &disk_job_kind, DISK_JOBS_MAX) == 0);
    peer.conn = again.conn = other.conn = third.conn = pair.conn[0]; /* one connection does for all */
    channel_init(&third.control, PEER_CONTROL_OUT_BYTES);
    channel_init(&peer.control, PEER_CONTROL_OUT_BYTES);
    channel_init(&again.control, PEER_CONTROL_OUT_BYTES);
    channel_init(&other.control, PEER_CONTROL_OUT_BYTES);
}

static void tear_down(void)
{
    transfers_dispose(&env);
    outbox_dispose(&env.ui);
    outbox_dispose(&env.disk);
    chunk_pool_free(env.recv_pool);
    chunk_pool_free(env.send_pool);
    channel_dispose(&peer.control);
    channel_dispose(&again.control);
    channel_dispose(&other.control);
    channel_dispose(&third.control);
    pair_close(&pair);
}

TestSuite(transfer_recv, .init = set_up, .fini = tear_down);

/* What was said to disk and ui has left. */
static void empty_outboxes(void)
{
    struct disk_job *job;
    struct notice *m;

    while ((job = outbox_first(&env.disk)) != NULL) {
        transfer_job_left(&env, job);
        disk_job_dispose(job);
        outbox_drop(&env.disk);
    }
    while ((m = outbox_first(&env.ui)) != NULL) {
        notice_dispose(m);
        outbox_drop(&env.ui);
    }
}

/* Ordered streams, our own, and one that no one opens are none of theirs; that the id rises is test_session's. */
Test(transfer_recv, an_offer_names_a_stream_of_its_sender)
{
    for (uint64_t stream = 0; stream < 8; stream++) {
        struct appmsg m = {.type = APPMSG_OFFER, .id = 1};
        const bool theirs = stream == 3 || stream == 7;

        tear_down();
        set_up();
        m.offer.stream = stream;
        m.offer.entry_count = 1;
        m.offer.first = (struct appmsg_entry){.size = 1, .name = "file", .name_len = 4};
        transfer_recv_message(&env, &peer, &m);
        cr_expect_eq(peer.doomed, !theirs, "stream %lu", (unsigned long)stream);
        cr_expect_eq(env.transfer_count, (size_t)theirs, "stream %lu", (unsigned long)stream);
        cr_expect(theirs || peer.doom_code == CLOSE_PROTOCOL, "stream %lu", (unsigned long)stream);
    }
}

/* The next file of that peer: offered, accepted and made; then whoever may begin, begins. */
static struct transfer *offered_by(struct peer *p, uint64_t bytes)
{
    struct appmsg m = {.type = APPMSG_OFFER, .id = ++last_offer};

    m.offer.stream = 4 * last_offer + 3; /* ours is the call, so bit 0 is the peer's mark */
    m.offer.entry_count = 1;
    m.offer.first = (struct appmsg_entry){.size = bytes, .name = "file", .name_len = 4};
    transfer_recv_message(&env, p, &m);
    cr_assert_not(p->doomed, "%s", p->doom_reason);
    empty_outboxes();
    struct transfer *t = env.transfers[env.transfer_count - 1];
    struct disk_result done = {.type = DONE_CREATED, .id = t->id};

    transfer_recv_done(&env, t, &done);
    transfer_recv_pump(&env);
    return t;
}

static struct transfer *offered(uint64_t bytes)
{
    return offered_by(&peer, bytes);
}

static uint64_t outstanding(const struct transfer *t)
{
    return num_min(t->in.limit, t->size) - t->in.consumed_bytes;
}

/* So much as the endpoint may grant by itself: the window grew to the cap, and all consumed came back as credit. */
static void credit_grows(struct transfer *t)
{
    t->in.limit = num_max(t->in.limit, num_min(t->in.consumed_bytes + t->in.cap, t->size));
}

Test(transfer_recv, a_newcomer_gets_no_credit_that_others_may_still_be_granted)
{
    struct transfer *grown = offered(FILE_BYTES), *slow = offered(FILE_BYTES);

    cr_assert(grown->state == TRANSFER_RECEIVING && slow->state == TRANSFER_RECEIVING);
    credit_grows(grown);
    cr_assert_eq(outstanding(grown), recv_budget_share(2));
    cr_assert_lt(outstanding(slow), recv_budget_share(3), "it has little, and may come to its whole share");

    struct transfer *last = offered(FILE_BYTES);

    cr_expect_eq(grown->in.cap, recv_budget_share(3), "the others grow no further");
    cr_expect_eq(slow->in.cap, recv_budget_share(3));
    cr_assert_eq(last->state, TRANSFER_RECEIVING);
    cr_expect_eq(last->in.cap, recv_budget_total(3) - recv_budget_share(2) - recv_budget_share(3), "what is left");

    grown->in.consumed_bytes += recv_budget_share(2) - recv_budget_share(3);
    transfer_recv_pump(&env);
    cr_expect_eq(last->in.cap, recv_budget_share(3), "its share, once that is free");
}

Test(transfer_recv, one_that_stands_still_with_all_its_credit_does_not_hold_up_the_next)
{
    for (size_t still = 1; still <= RECV_PEER_MAX; still++) {
        tear_down();
        set_up();
        for (size_t i = 0; i < still; i++)
            (void)offered(FILE_BYTES);
        for (size_t i = 0; i < still; i++)
            credit_grows(env.transfers[i]);
        const struct transfer *next = offered_by(&other, FILE_BYTES);

        cr_assert_eq(next->state, TRANSFER_RECEIVING, "%zu stand still", still);
        cr_assert_geq(next->in.cap, RECV_LEAST_BYTES, "%zu stand still", still);
        cr_assert_eq(next->in.limit, num_min(next->in.cap, WINDOW_INITIAL_BYTES), "%zu stand still", still);
    }
}

Test(transfer_recv, one_peer_never_has_the_last_place)
{
    for (size_t i = 0; i < RECV_PEER_MAX; i++)
        cr_assert_eq(offered(FILE_BYTES)->state, TRANSFER_RECEIVING, "file %zu", i);
    struct transfer *more = offered(FILE_BYTES);

    cr_expect_eq(more->state, TRANSFER_QUEUED);
    cr_expect_eq(offered_by(&again, FILE_BYTES)->state, TRANSFER_QUEUED, "nor by a second session");
    for (size_t i = 0; i < (RECV_ACTIVE_MAX - RECV_PEER_MAX) / 2; i++)
        cr_expect_eq(offered_by(&other, FILE_BYTES)->state, TRANSFER_RECEIVING);
    cr_expect_eq(offered_by(&other, FILE_BYTES)->state, TRANSFER_QUEUED, "as many are for others");
    cr_expect_eq(offered_by(&third, FILE_BYTES)->state, TRANSFER_RECEIVING);
    transfer_end(&env, env.transfers[0]);
    empty_outboxes();
    transfer_recv_pump(&env);
    cr_expect_eq(more->state, TRANSFER_QUEUED, "it has more than are left for others");
    for (size_t i = 0; i < env.transfer_count; i++) {
        if (env.transfers[i]->state == TRANSFER_RECEIVING && !peer_is_same(env.transfers[i]->peer, &peer))
            transfer_end(&env, env.transfers[i]);
    }
    empty_outboxes();
    transfer_recv_pump(&env);
    cr_expect_eq(more->state, TRANSFER_RECEIVING, "until they have gone");
}

/* ---- places of those that stand still ---- */

/* Two keys take all the credit there is and send nothing. */
static struct transfer *with_all_credit_gone(void)
{
    for (size_t i = 0; i < RECV_PEER_MAX; i++)
        (void)offered(FILE_BYTES);
    for (size_t i = 0; i < RECV_PEER_MAX; i++)
        credit_grows(env.transfers[i]);
    credit_grows(offered_by(&other, FILE_BYTES));
    struct transfer *starved = offered_by(&third, FILE_BYTES);

    cr_assert_eq(starved->state, TRANSFER_QUEUED);
    return starved;
}

static void time_passes(uint64_t us)
{
    env.now = time_add(env.now, us);
    transfer_recv_tick(&env);
    if (env.dirty)
        transfer_recv_pump(&env);
    env.dirty = false;
    empty_outboxes();
}

static size_t ended(void)
{
    size_t count = 0;

    for (size_t i = 0; i < env.transfer_count; i++)
        count += env.transfers[i]->state == TRANSFER_ENDED;
    return count;
}

Test(transfer_recv, one_that_stands_still_loses_its_place_to_one_that_has_none)
{
    const struct transfer *starved = with_all_credit_gone();

    env.dirty = false;
    cr_assert_eq(transfer_recv_deadline(&env).us, time_add(env.now, RECV_STILL_US).us);
    time_passes(RECV_STILL_US - 1);
    cr_expect_eq(ended(), 0);
    time_passes(1);
    cr_expect_eq(starved->state, TRANSFER_RECEIVING);
    cr_expect_eq(ended(), 1, "one gives enough");
    cr_expect_eq(env.transfers[0]->state, TRANSFER_ENDED, "of the key that had most");
    cr_expect(time_is_never(transfer_recv_deadline(&env)), "nobody else wants one");
}

Test(transfer_recv, while_nobody_lacks_a_place_standing_still_costs_none)
{
    for (size_t i = 0; i < RECV_PEER_MAX + 4; i++)
        (void)offered(FILE_BYTES);
    (void)offered_by(&other, FILE_BYTES);
    cr_expect(time_is_never(transfer_recv_deadline(&env)));
    time_passes(10 * RECV_STILL_US);
    cr_expect_eq(ended(), 0);
}

Test(transfer_recv, one_whose_bytes_come_or_wait_for_the_disk_does_not_stand_still)
{
    struct transfer *starved = with_all_credit_gone();

    for (size_t i = 0; i < env.transfer_count; i++)
        env.transfers[i]->in.moved_at = time_add(env.now, RECV_STILL_US);
    env.transfers[1]->in.moved_at = env.now;
    env.transfers[1]->in.chunks_out = 1;
    time_passes(RECV_STILL_US);
    cr_expect_eq(ended(), 0);
    cr_expect_eq(starved->state, TRANSFER_QUEUED);
    env.transfers[1]->in.chunks_out = 0;
    time_passes(1);
    cr_expect_eq(env.transfers[1]->state, TRANSFER_ENDED);
}

Test(transfer_recv, entries_count_by_key_and_some_are_left_for_others)
{
    enum transfer_code why;
    size_t mine = 0, theirs = 0, last = 0;

    env.cfg.accept_offers = false;
    while (transfer_new(&env, mine % 2 == 0 ? &peer : &again, false, "file", &why) != NULL)
        mine++;
    cr_expect_eq(mine, TRANSFERS_PER_PEER, "over both sessions");
    for (uint8_t key = 10; key < 18; key++) {
        static struct peer many[18];

        many[key] = (struct peer){.key = {key}};
        for (last = 0; transfer_new(&env, &many[key], false, "file", &why) != NULL; last++)
            theirs++;
        cr_expect_gt(last, 0, "key %d", key);
    }
    cr_expect_eq(mine + theirs, TRANSFERS_MAX / 2);
}

Test(transfer_recv, an_empty_file_needs_credit_too)
{
    struct transfer *t = offered(0);

    cr_assert_eq(t->state, TRANSFER_RECEIVING);
    cr_expect_gt(t->in.limit, 0);
}

/* Chunks that all they may have outstanding can come to need. */
static void check_promises(void)
{
    uint64_t chunks = 0;

    for (size_t i = 0; i < env.transfer_count; i++) {
        if (env.transfers[i]->state == TRANSFER_RECEIVING)
            chunks += recv_budget_chunks(outstanding(env.transfers[i]));
    }
    cr_assert_leq(chunks, CHUNK_POOL, "%lu chunks of %d after %u offers", (unsigned long)chunks, CHUNK_POOL,
                  last_offer);
}

/* As many files as one connection has streams for: they come, get credit, use it and end. */
static void walk(struct duet_rand *rng)
{
    while (last_offer < LIMIT_STREAMS) {
        const uint64_t dice = rand_below(rng, 3);
        struct transfer *t = env.transfer_count > 0 ? env.transfers[rand_below(rng, env.transfer_count)] : NULL;
        const bool receives = t != NULL && t->state == TRANSFER_RECEIVING;

        if (dice == 0 && env.transfer_count <= rand_below(rng, 6)) /* now few, now many */
            (void)offered(CHUNK_BYTES + rand_below(rng, FILE_BYTES / 8));
        else if (dice == 1 && receives)
            credit_grows(t);
        else if (receives)
            t->in.consumed_bytes += rand_below(rng, outstanding(t) + 1);
        if (receives && t->in.consumed_bytes == t->size) {
            transfer_end(&env, t);
            empty_outboxes();
            transfers_sweep(&env);
        }
        transfer_recv_pump(&env);
        check_promises();
    }
}

Test(transfer_recv, whatever_begins_grows_and_ends_the_pool_never_runs_out)
{
    struct duet_rand rng;

    rand_init_u64(&rng, 3);
    for (int world = 0; world < 30; world++) {
        walk(&rng);
        tear_down();
        set_up();
    }
}

/* Whatever the streams below granted: no byte outside the size that was offered, and no more bytes than that. */
Test(transfer_recv, one_that_sends_more_than_it_offered_is_ended)
{
    static const uint8_t bytes[200];
    static const struct {
        uint64_t offset;
        size_t len;
        bool ends; /* with the rows before it, of a file of 100 bytes */
    } row[] = {
        {0, 100, false},           {0, 101, true},  {100, 1, true}, {90, 11, true}, {UINT64_MAX, 1, true},
        {UINT64_MAX - 1, 2, true}, {50, 50, false}, {50, 51, true}, {0, 60, false},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        tear_down();
        set_up();
        const struct transfer *t = offered(100);
        struct endpoint_event ev = {.type = EVENT_EXTENT, .conn = peer.conn, .stream = t->stream};

        ev.extent.offset = row[i].offset;
        ev.extent.data = bytes;
        ev.extent.len = row[i].len;
        transfer_recv_event(&env, &ev);
        cr_expect_eq(peer.doomed, row[i].ends, "row %zu", i);
        if (row[i].ends)
            cr_expect_eq(peer.doom_code, CLOSE_PROTOCOL, "row %zu", i);
        else
            cr_expect_eq(t->in.received_bytes, row[i].len, "row %zu", i);
    }
}

Test(transfer_recv, one_that_sends_its_bytes_twice_is_ended)
{
    static const uint8_t bytes[60];
    const struct transfer *t = offered(100);
    struct endpoint_event ev = {.type = EVENT_EXTENT, .conn = peer.conn, .stream = t->stream};

    ev.extent.data = bytes;
    ev.extent.len = sizeof(bytes);
    transfer_recv_event(&env, &ev);
    cr_assert_not(peer.doomed);
    transfer_recv_event(&env, &ev);
    cr_expect(peer.doomed);
    cr_expect_eq(t->in.received_bytes, sizeof(bytes));
}
