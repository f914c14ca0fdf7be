#include "client/settings.h"

struct settings settings_default(void)
{
    return (struct settings){
        .port = DUET_DEFAULT_PORT,
        .params = params_default(),
        .timeout_us = SETTINGS_TIMEOUT_US,
    };
}

int settings_family(const struct settings *s)
{
    return s->only_v4 ? 4 : s->only_v6 ? 6 : 0;
}
