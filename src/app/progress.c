#include "app/progress.h"

void progress_sample(struct progress *p, uint64_t bytes, duet_time now)
{
    const uint64_t dt = time_since(now, p->at);

    if (!p->started) {
        *p = (struct progress){.started = true, .at = now, .bytes = bytes};
        return;
    }
    if (dt == 0)
        return;
    if (!p->measured && bytes == p->bytes) { /* the silence before the first byte is no rate */
        p->at = now;
        return;
    }
    if (!p->measured && dt < PROGRESS_FIRST_US)
        return;
    const double sample = (double)(bytes - p->bytes) * (double)US_PER_S / (double)dt;
    const double weight = p->measured ? (double)dt / (double)(PROGRESS_TAU_US + dt) : 1.0;
    const double mean = (double)p->rate_bytes_per_s;

    p->rate_bytes_per_s = (uint64_t)(mean + (sample - mean) * weight);
    p->measured = true;
    p->at = now;
    p->bytes = bytes;
}

uint64_t progress_eta_us(const struct progress *p, uint64_t total)
{
    if (p->bytes >= total)
        return 0;
    if (p->rate_bytes_per_s == 0)
        return UINT64_MAX;
    const double us = (double)(total - p->bytes) * (double)US_PER_S / (double)p->rate_bytes_per_s;

    return us < (double)(UINT64_MAX / 2) ? (uint64_t)us : UINT64_MAX;
}
