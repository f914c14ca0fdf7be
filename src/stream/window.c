#include "stream/window.h"

#include "base/num.h"
#include "stream/recvstate.h"

void window_init(struct window *w, uint64_t first_bytes, uint64_t max_bytes)
{
    *w = (struct window){.bytes = num_min(first_bytes, max_bytes), .max_bytes = max_bytes};
}

bool window_consumed(struct window *w, uint64_t bytes, uint64_t rtt_us, duet_time now)
{
    const uint64_t round_us = num_max(rtt_us, WINDOW_ROUND_MIN_US);
    const uint64_t elapsed_us = time_since(now, w->sample_at);

    w->sample_bytes += bytes;
    if (elapsed_us < num_max(round_us / WINDOW_SAMPLES, WINDOW_SAMPLE_MIN_US))
        return false;
    const uint64_t per_round = w->sample_bytes * round_us / elapsed_us;
    const uint64_t before = w->bytes;
    while (w->bytes < w->max_bytes && per_round > w->bytes / WINDOW_GROWTH_SHARE)
        w->bytes = num_min(2 * w->bytes, w->max_bytes);
    w->sample_at = now;
    w->sample_bytes = 0;
    return w->bytes > before;
}

uint64_t window_capped(const struct window *w, uint64_t cap_bytes)
{
    return num_min(w->bytes, cap_bytes);
}

uint64_t window_step(const struct window *w, uint64_t cap_bytes)
{
    return window_capped(w, cap_bytes) / RECV_GRANT_SHARE;
}
