#include "client/exit.h"

int exit_of_end(const struct duet_event *ev)
{
    const bool refused = ev->code == DUET_CLOSE_TRUST || ev->code == DUET_CLOSE_REFUSED || ev->code == DUET_CLOSE_BUSY;

    return ev->type == DUET_EVENT_LEFT && refused ? EXIT_REFUSED : EXIT_LOST;
}

int exit_of_failure(const struct duet_event *ev)
{
    if (ev->err == DUET_EREFUSED)
        return EXIT_REFUSED;
    return ev->err == DUET_EAUTH ? EXIT_TRUST : EXIT_NO_CONNECTION;
}
