#include "app/spare.h"

#include "unit.h"

static struct env env; /* large */
static struct spare s;

static void set_up(void)
{
    env.send_pool = chunk_pool_new(2, NULL);
    env.recv_pool = chunk_pool_new(2, NULL);
    env.now = DUET_TIME(1000);
    spare_init(&s);
}

static void tear_down(void)
{
    chunk_pool_free(env.send_pool);
    chunk_pool_free(env.recv_pool);
}

TestSuite(spare, .init = set_up, .fini = tear_down);

Test(spare, chunks_go_back_a_while_after_the_last_file)
{
    spare_plan(&s, &env);
    cr_expect(time_is_never(s.release_at), "nothing was ever used");
    env.transfer_count = 1;
    struct chunk *c = chunk_take(env.recv_pool);
    spare_plan(&s, &env);
    cr_expect(time_is_never(s.release_at), "a file is under way");
    chunk_give(env.recv_pool, c);
    env.transfer_count = 0;
    spare_plan(&s, &env);
    cr_expect_eq(s.release_at.us, 1000 + SPARE_KEEP_US);
    env.now = DUET_TIME(2000);
    spare_plan(&s, &env);
    cr_expect_eq(s.release_at.us, 1000 + SPARE_KEEP_US, "other news do not put it off");
    env.transfer_count = 1;
    spare_plan(&s, &env);
    cr_expect(time_is_never(s.release_at), "the next file");
    env.transfer_count = 0;
    spare_release(&s, &env);
    cr_expect_eq(chunk_pool_bytes(env.recv_pool), 0);
    cr_expect(spare_gave_back(&s));
    cr_expect_not(spare_gave_back(&s), "once");
    spare_plan(&s, &env);
    cr_expect(time_is_never(s.release_at));
}

Test(spare, the_end_of_a_session_gives_something_back_too)
{
    s.sessions_ended = true;
    spare_plan(&s, &env);
    cr_expect_eq(s.release_at.us, 1000 + SPARE_KEEP_US);
    spare_release(&s, &env);
    spare_plan(&s, &env);
    cr_expect(time_is_never(s.release_at));
}
