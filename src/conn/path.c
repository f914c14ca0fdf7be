#include "duet/conn/path.h"

#include <string.h>

#include "duet/wire/limits.h"

void path_init(struct path *p, const struct duet_route *route, bool validated)
{
    *p = (struct path){
        .route = *route,
        .validated = validated,
        .challenge_at = DUET_NEVER,
        .give_up_at = DUET_NEVER,
    };
}

uint64_t path_allowance(const struct path *p)
{
    if (p->validated)
        return UINT64_MAX;
    const uint64_t limit = p->received_bytes * LIMIT_AMPLIFICATION;
    return limit > p->sent_bytes ? limit - p->sent_bytes : 0;
}

void path_received(struct path *p, uint64_t bytes)
{
    if (!p->validated)
        p->received_bytes += bytes;
}

void path_sent(struct path *p, uint64_t bytes)
{
    if (!p->validated)
        p->sent_bytes += bytes;
}

void path_validate(struct path *p)
{
    p->validated = true;
    p->former = (struct duet_route){.peer.family = ADDR_NONE};
    p->challenge_at = DUET_NEVER;
    p->give_up_at = DUET_NEVER;
}

void path_move(struct path *p, const struct duet_route *to, struct duet_rand *rng, duet_time now)
{
    const struct duet_route former = p->validated ? p->route : p->former;
    if (route_equal(to, &former)) {
        p->route = former;
        path_validate(p);
        return;
    }
    path_init(p, to, false);
    p->former = former;
    rand_bytes(rng, p->challenge, sizeof p->challenge);
    p->challenge_at = now;
    p->give_up_at = time_add(now, PATH_VALIDATE_US);
}

bool path_response(struct path *p, const struct duet_route *from, const uint8_t data[FRAME_PATH_BYTES])
{
    if (p->validated || !route_equal(from, &p->route) || memcmp(data, p->challenge, FRAME_PATH_BYTES) != 0)
        return false;
    path_validate(p);
    return true;
}

bool path_tick(struct path *p, duet_time now)
{
    if (!time_due(p->give_up_at, now))
        return false;
    if (p->former.peer.family == ADDR_NONE) {
        p->give_up_at = DUET_NEVER;
        return false;
    }
    p->route = p->former;
    path_validate(p);
    return true;
}
