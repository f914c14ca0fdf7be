#include "conn/early_repeat.h"

static void drop_frame(struct early_repeat *e, size_t i)
{
    e->frames[i] = e->frames[--e->count];
}

static void remember_frame(struct early_repeat *e, struct early_frame f, uint64_t pto_us, duet_time now)
{
    if (e->count == EARLY_FRAMES)
        return;
    f.at = time_add(now, pto_us / 4);
    f.step_us = pto_us / 2;
    e->frames[e->count++] = f;
}

void early_sent(struct early_repeat *e, uint64_t stream, const struct stream_piece *p, uint64_t pto_us, duet_time now)
{
    if (p->len > 0 && p->len <= EARLY_MAX_BYTES)
        remember_frame(e, (struct early_frame){.stream = stream, .offset = p->offset, .len = (uint32_t)p->len}, pto_us,
                       now);
}

void early_credit(struct early_repeat *e, uint64_t stream, uint64_t pto_us, duet_time now)
{
    remember_frame(e, (struct early_frame){.stream = stream}, pto_us / EARLY_CREDIT_DIVISOR, now);
}

bool early_due(struct early_repeat *e, duet_time now, uint64_t *stream, struct stream_piece *p)
{
    for (size_t i = 0; i < e->count; i++) {
        struct early_frame *f = &e->frames[i];

        if (!time_due(f->at, now))
            continue;
        *stream = f->stream;
        *p = (struct stream_piece){.offset = f->offset, .len = f->len};
        f->at = time_add(now, f->step_us);
        if (++f->repeats == EARLY_TIMES)
            drop_frame(e, i);
        return true;
    }
    return false;
}

duet_time early_deadline(const struct early_repeat *e)
{
    duet_time t = DUET_NEVER;

    for (size_t i = 0; i < e->count; i++)
        t = time_min(t, e->frames[i].at);
    return t;
}
