#include "client/exit.h"

#include "base/err.h"
#include "wire/frame.h"

int exit_of_end(const struct msg *m)
{
    const bool refused = m->value == CLOSE_TRUST || m->value == CLOSE_REFUSED || m->value == CLOSE_BUSY;

    return m->type == MSG_LEFT && refused ? EXIT_REFUSED : EXIT_LOST;
}

int exit_of_failure(const struct msg *m)
{
    if (m->err == DUET_EREFUSED)
        return EXIT_REFUSED;
    return m->err == DUET_EAUTH ? EXIT_TRUST : EXIT_NO_CONNECTION;
}
