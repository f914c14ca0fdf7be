/* How the chunks of the send pool are shared out: by transfers while there are enough, by peers when they are
 * scarce. */
#include "unit.h"

#include "../conn/pair.h"
#include "app/transfer_send.h"

#define FILE_BYTES (UINT64_C(1) << 30)

static struct pair pair;
static struct env env;
static struct peer hog, again, other; /* again: the first one, over a second session */

static void set_up(void)
{
    struct endpoint_config a = pair_config(1, "a"), b = pair_config(2, "b");

    pair = (struct pair){.wire_count = 0};
    env = (struct env){.dirty = false};
    hog = again = (struct peer){.key = {1}};
    other = (struct peer){.key = {2}};
    pair_open(&pair, &a, &b);
    pair_connect(&pair);
    env.endpoint = pair.e[0];
    env.now = pair.now;
    env.send_pool = chunk_pool_new(CHUNK_POOL, NULL);
    env.recv_pool = chunk_pool_new(1, NULL);
    cr_assert(outbox_init(&env.ui, &notice_kind, 16) == 0 &&
              outbox_init(&env.disk, &disk_job_kind, DISK_JOBS_MAX) == 0);
    hog.conn = again.conn = other.conn = pair.conn[0]; /* one connection does for all */
}

static void tear_down(void)
{
    for (struct disk_job *job; (job = outbox_first(&env.disk)) != NULL; outbox_drop(&env.disk)) {
        if (job->type == JOB_READ)
            chunk_give(env.send_pool, job->read.chunk);
        disk_job_dispose(job);
    }
    transfers_dispose(&env);
    outbox_dispose(&env.ui);
    outbox_dispose(&env.disk);
    chunk_pool_free(env.send_pool);
    chunk_pool_free(env.recv_pool);
    pair_close(&pair);
}

TestSuite(send_pool, .init = set_up, .fini = tear_down);

/* One that reads; `pieces` are the endpoint's already. */
static struct transfer *sending_to(struct peer *p, unsigned pieces)
{
    enum transfer_code why;
    struct transfer *t = transfer_new(&env, p, true, "file", &why);

    cr_assert_not_null(t);
    t->state = TRANSFER_SENDING;
    t->size = FILE_BYTES;
    for (; t->out.pieces < pieces; t->out.pieces++)
        chunk_take(env.send_pool)->holder = t->id;
    return t;
}

Test(send_pool, is_shared_evenly_while_there_is_enough)
{
    const struct transfer *a = sending_to(&hog, 0), *b = sending_to(&other, 0);

    transfer_send_pump(&env);
    cr_expect_eq(a->jobs_out, SEND_AHEAD_BYTES / CHUNK_BYTES);
    cr_expect_eq(b->jobs_out, SEND_AHEAD_BYTES / CHUNK_BYTES);
}

Test(send_pool, a_peer_that_holds_nearly_all_gets_no_more_by_further_files_or_sessions)
{
    (void)sending_to(&hog, CHUNK_POOL - SEND_RESERVED_CHUNKS);
    for (unsigned i = 0; i < SEND_RESERVED_CHUNKS / SEND_LEAST_CHUNKS; i++) {
        (void)sending_to(&hog, 0);
        (void)sending_to(&again, 0);
    }
    transfer_send_pump(&env);
    cr_expect_eq(chunk_available(env.send_pool), SEND_RESERVED_CHUNKS);
}

Test(send_pool, what_is_reserved_is_for_the_others)
{
    (void)sending_to(&hog, CHUNK_POOL - SEND_RESERVED_CHUNKS);
    const struct transfer *first = sending_to(&other, 0), *second = sending_to(&other, 0);

    transfer_send_pump(&env);
    cr_expect_eq(first->jobs_out + second->jobs_out, SEND_LEAST_CHUNKS);
}
