#include "io/lookup.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "io/worker.h"

struct lookup {
    struct lookups *board;
    uint32_t id; /* 0: nobody waits for it any more */
    bool is_done;
    struct resolve_query query;
    struct resolve_result result;
};

/* Shared by the owner and the threads, under the lock; freed by the last of them. */
struct lookups {
    pthread_mutex_t lock;
    lookup_resolver *resolver;
    int event_fd;
    bool has_owner;
    struct lookup *v[LOOKUPS_AT_ONCE]; /* places: each that has a thread, or an answer to fetch */
};

static bool is_idle(const struct lookups *l)
{
    for (size_t i = 0; i < LOOKUPS_AT_ONCE; i++)
        if (l->v[i] != NULL)
            return false;
    return true;
}

static struct lookup **place_of(struct lookups *l, const struct lookup *job)
{
    size_t i = 0;

    while (i < LOOKUPS_AT_ONCE && l->v[i] != job)
        i++;
    return i < LOOKUPS_AT_ONCE ? &l->v[i] : NULL;
}

/* Unlocks.  Whoever sees neither an owner nor a thread is the last. */
static void let_go(struct lookups *l)
{
    const bool is_last = !l->has_owner && is_idle(l);

    pthread_mutex_unlock(&l->lock);
    if (!is_last)
        return;
    pthread_mutex_destroy(&l->lock);
    close(l->event_fd);
    free(l);
}

static void forget(struct lookup *job)
{
    *place_of(job->board, job) = NULL;
    free(job);
}

static void *look_up(void *arg)
{
    struct lookup *job = arg;
    struct lookups *l = job->board;
    struct resolve_result result;

    l->resolver(&job->query, &result); /* neither changes while the thread is there */
    pthread_mutex_lock(&l->lock);
    job->result = result;
    job->is_done = true;
    if (job->id == 0)
        forget(job);
    else
        eventfd_write(l->event_fd, 1); /* there are fewer lookups than it can count */
    let_go(l);
    return NULL;
}

struct lookups *lookups_new(lookup_resolver *resolver)
{
    struct lookups *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return NULL;
    l->resolver = resolver;
    l->has_owner = true;
    l->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->event_fd < 0) {
        free(l);
        return NULL;
    }
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

static void abandon(struct lookup *job)
{
    job->id = 0;
    if (job->is_done)
        forget(job);
}

void lookups_free(struct lookups *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < LOOKUPS_AT_ONCE; i++)
        if (l->v[i] != NULL)
            abandon(l->v[i]);
    l->has_owner = false;
    let_go(l);
}

static int start_thread(struct lookups *l, struct lookup *job)
{
    pthread_t thread;
    const int failed = worker_start(&thread, "duet-lookup", look_up, job);

    if (failed == 0) {
        pthread_detach(thread);
        return 0;
    }
    pthread_mutex_lock(&l->lock);
    forget(job);
    pthread_mutex_unlock(&l->lock);
    errno = failed;
    return DUET_ESYS;
}

int lookups_start(struct lookups *l, uint32_t id, const struct resolve_query *q)
{
    struct lookup *job = calloc(1, sizeof(*job));

    assert(id != 0);
    if (job == NULL)
        return DUET_ENOMEM;
    *job = (struct lookup){.board = l, .id = id, .query = *q};
    pthread_mutex_lock(&l->lock);
    struct lookup **place = place_of(l, NULL);

    if (place != NULL)
        *place = job;
    pthread_mutex_unlock(&l->lock);
    if (place != NULL)
        return start_thread(l, job);
    free(job);
    return DUET_EFULL;
}

static struct lookup *first_done(const struct lookups *l)
{
    for (size_t i = 0; i < LOOKUPS_AT_ONCE; i++)
        if (l->v[i] != NULL && l->v[i]->is_done)
            return l->v[i];
    return NULL;
}

/* The descriptor is quiet until the next answer, if there is none now. */
static void hush(const struct lookups *l)
{
    eventfd_t count;

    if (first_done(l) == NULL)
        (void)eventfd_read(l->event_fd, &count); /* nothing to read is fine */
}

void lookups_cancel(struct lookups *l, uint32_t id)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < LOOKUPS_AT_ONCE; i++)
        if (l->v[i] != NULL && l->v[i]->id == id)
            abandon(l->v[i]);
    hush(l);
    pthread_mutex_unlock(&l->lock);
}

int lookups_fd(const struct lookups *l)
{
    return l->event_fd;
}

bool lookups_next(struct lookups *l, uint32_t *id, struct resolve_result *out)
{
    struct lookup *job;

    pthread_mutex_lock(&l->lock);
    job = first_done(l);
    if (job != NULL) {
        *id = job->id;
        *out = job->result;
        forget(job);
    }
    hush(l);
    pthread_mutex_unlock(&l->lock);
    return job != NULL;
}
