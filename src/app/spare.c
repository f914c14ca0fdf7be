#include "app/spare.h"

void spare_init(struct spare *s)
{
    *s = (struct spare){.release_at = DUET_NEVER};
}

void spare_plan(struct spare *s, const struct env *env)
{
    const size_t chunk_bytes = chunk_pool_bytes(env->send_pool) + chunk_pool_bytes(env->recv_pool);

    if (env->transfer_count > 0 || (chunk_bytes == 0 && !s->sessions_ended))
        s->release_at = DUET_NEVER;
    else if (time_is_never(s->release_at))
        s->release_at = time_add(env->now, SPARE_KEEP_US);
}

void spare_release(struct spare *s, struct env *env)
{
    chunk_pool_release(env->send_pool);
    chunk_pool_release(env->recv_pool);
    *s = (struct spare){.release_at = DUET_NEVER, .gave_back = true};
}

bool spare_gave_back(struct spare *s)
{
    const bool news = s->gave_back;

    s->gave_back = false;
    return news;
}
