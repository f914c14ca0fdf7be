#include "io/worker.h"

#include <signal.h>

int worker_start(pthread_t *thread, const char *name, void *(*body)(void *), void *arg)
{
    sigset_t all, before;

    /* The mask is inherited: blocked before the thread exists, there is no moment in which a signal
     * could hit it. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(thread, NULL, body, arg);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        pthread_setname_np(*thread, name);
    return failed;
}
