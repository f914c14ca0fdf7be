#include "client/settings.h"

struct settings settings_default(void)
{
    struct duet_options o;

    duet_options_init(&o, sizeof(o));
    return (struct settings){
        .port = DUET_DEFAULT_PORT,
        .window_bytes = o.window_bytes,
        .heartbeat_us = o.heartbeat_us,
        .timeout_us = SETTINGS_TIMEOUT_US,
    };
}

int settings_family(const struct settings *s)
{
    return s->only_v4 ? 4 : s->only_v6 ? 6 : 0;
}
