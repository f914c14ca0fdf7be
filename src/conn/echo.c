#include "conn/echo.h"

static void drop_frame(struct echo *e, size_t i)
{
    e->frames[i] = e->frames[--e->count];
}

static void remember_frame(struct echo *e, struct echo_frame f, uint64_t pto_us, duet_time now)
{
    if (e->count == ECHO_FRAMES)
        return;
    f.at = time_add(now, pto_us / 4);
    f.step_us = pto_us / 2;
    e->frames[e->count++] = f;
}

void echo_sent(struct echo *e, uint64_t stream, const struct stream_piece *p, uint64_t pto_us, duet_time now)
{
    if (p->len > 0 && p->len <= ECHO_MAX_BYTES)
        remember_frame(e, (struct echo_frame){.stream = stream, .offset = p->offset, .len = (uint32_t)p->len}, pto_us,
                       now);
}

void echo_credit(struct echo *e, uint64_t stream, uint64_t pto_us, duet_time now)
{
    remember_frame(e, (struct echo_frame){.stream = stream}, pto_us / ECHO_CREDIT_DIVISOR, now);
}

bool echo_due(struct echo *e, duet_time now, uint64_t *stream, struct stream_piece *p)
{
    for (size_t i = 0; i < e->count; i++) {
        struct echo_frame *f = &e->frames[i];

        if (!time_due(f->at, now))
            continue;
        *stream = f->stream;
        *p = (struct stream_piece){.offset = f->offset, .len = f->len};
        f->at = time_add(now, f->step_us);
        if (++f->repeats == ECHO_TIMES)
            drop_frame(e, i);
        return true;
    }
    return false;
}

duet_time echo_deadline(const struct echo *e)
{
    duet_time t = DUET_NEVER;

    for (size_t i = 0; i < e->count; i++)
        t = time_min(t, e->frames[i].at);
    return t;
}
