#include "recovery/cc.h"

uint64_t cc_floor_bytes(const struct cc *c)
{
    return CC_MIN_PACKETS * (uint64_t)c->packet_bytes;
}

uint64_t cc_ceiling_bytes(const struct cc *c)
{
    uint64_t most = 2 * c->window_limit_bytes;

    return most > cc_floor_bytes(c) ? most : cc_floor_bytes(c);
}
