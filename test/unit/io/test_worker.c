#include "io/worker.h"

#include "unit.h"
#include <signal.h>
#include <string.h>

static void *look(void *arg)
{
    sigset_t *mask = arg;

    pthread_sigmask(SIG_SETMASK, NULL, mask);
    return NULL;
}

Test(worker, runs_with_signals_blocked_and_leaves_the_callers_mask)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGPIPE, SIGALRM, SIGCHLD};
    sigset_t seen, mine;
    pthread_t thread;

    cr_assert_eq(worker_start(&thread, "duet-test", look, &seen), 0);
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        cr_expect_eq(sigismember(&seen, signals[i]), 1, "%s", strsignal(signals[i]));
        cr_expect_eq(sigismember(&mine, signals[i]), 0, "%s", strsignal(signals[i]));
    }
}
