/*
 * cc: the table of controllers and what all of them share.
 */
#include "recovery/cc.h"

#include <string.h>

#include "base/err.h"

/* The first is the default, NULL ends it. */
static const struct cc_ops *const controllers[] = {&cc_bbr_ops, &cc_cubic_ops, NULL};

static const struct cc_ops *find_controller(const char *name)
{
    if (name == NULL)
        return controllers[0];
    for (size_t i = 0; controllers[i] != NULL; i++)
        if (strcmp(controllers[i]->name, name) == 0)
            return controllers[i];
    return NULL;
}

int cc_init(struct cc *c, const char *name, uint32_t packet_bytes, uint64_t window_limit_bytes, duet_time now)
{
    const struct cc_ops *ops = find_controller(name);

    if (ops == NULL)
        return DUET_ENOTFOUND;

    *c = (struct cc){.ops = ops, .packet_bytes = packet_bytes, .window_limit_bytes = window_limit_bytes};
    uint64_t initial = CC_INITIAL_PACKETS * (uint64_t)packet_bytes;
    uint64_t most = cc_floor_bytes(c) > CC_INITIAL_BYTES ? cc_floor_bytes(c) : CC_INITIAL_BYTES;
    c->cwnd_bytes = initial < most ? initial : most;
    ops->init(c, now);
    return 0;
}

const char *cc_name(unsigned i)
{
    for (unsigned n = 0; controllers[n] != NULL; n++)
        if (n == i)
            return controllers[n]->name;
    return NULL;
}

void cc_packet_bytes(struct cc *c, uint32_t packet_bytes)
{
    c->packet_bytes = packet_bytes;
    if (c->cwnd_bytes < cc_floor_bytes(c))
        c->cwnd_bytes = cc_floor_bytes(c);
}
