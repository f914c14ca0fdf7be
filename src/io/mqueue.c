/*
 * mqueue: a ring of messages under one mutex.
 *
 * The eventfds change inside the lock and only on the transitions that matter
 * (empty → not empty, not empty → empty, full → room after a refusal), so
 * "ready_fd is readable" and "there is a message" never disagree and a busy
 * queue costs no system calls.
 */
#include "io/mqueue.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mqueue {
    pthread_mutex_t lock;
    pthread_cond_t room; /* for mqueue_push_wait */
    int ready_fd, room_fd;
    bool closed;
    bool refused;   /* a push was refused since room_fd was last signalled */
    size_t waiting; /* threads in mqueue_push_wait */
    size_t first, count, capacity;
    size_t text_bytes; /* of all texts inside */
    const struct message_kind *kind;
    _Alignas(max_align_t) unsigned char ring[];
};

/* An eventfd counter cannot overflow here: it is 0 or 1. */
static void signal_on(int fd)
{
    const uint64_t one = 1;
    const ssize_t n = write(fd, &one, sizeof(one));

    assert(n == (ssize_t)sizeof(one) || errno == EAGAIN);
    (void)n;
}

static void signal_off(int fd)
{
    uint64_t count;
    const ssize_t n = read(fd, &count, sizeof(count));

    assert(n == (ssize_t)sizeof(count) || errno == EAGAIN);
    (void)n;
}

static unsigned char *place_at(struct mqueue *q, size_t i)
{
    return q->ring + (q->first + i) % q->capacity * q->kind->bytes;
}

struct mqueue *mqueue_new(const struct message_kind *kind, size_t capacity)
{
    assert(capacity > 0);
    struct mqueue *q = calloc(1, sizeof(*q) + capacity * kind->bytes);

    if (q == NULL)
        return NULL;
    q->kind = kind;
    q->capacity = capacity;
    q->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    q->room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->room, NULL);
    if (q->ready_fd < 0 || q->room_fd < 0) {
        const int why = errno;

        mqueue_free(q);
        errno = why;
        return NULL;
    }
    return q;
}

void mqueue_free(struct mqueue *q)
{
    if (q == NULL)
        return;
    assert(q->waiting == 0);
    for (size_t i = 0; i < q->count; i++)
        q->kind->dispose(place_at(q, i));
    if (q->ready_fd >= 0)
        close(q->ready_fd);
    if (q->room_fd >= 0)
        close(q->room_fd);
    pthread_cond_destroy(&q->room);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static bool is_full(const struct mqueue *q)
{
    return q->count == q->capacity || q->text_bytes >= MQUEUE_TEXT_BYTES;
}

/* The text is nobody else's while the message is inside, so it weighs the same when it leaves. */
static void append(struct mqueue *q, const void *m)
{
    memcpy(place_at(q, q->count), m, q->kind->bytes);
    q->text_bytes += q->kind->text_bytes(m);
    if (q->count++ == 0 && !q->closed)
        signal_on(q->ready_fd);
}

bool mqueue_push(struct mqueue *q, const void *m)
{
    pthread_mutex_lock(&q->lock);
    const bool taken = !q->closed && !is_full(q);

    if (taken)
        append(q, m);
    else
        q->refused = true;
    pthread_mutex_unlock(&q->lock);
    return taken;
}

bool mqueue_push_wait(struct mqueue *q, const void *m)
{
    pthread_mutex_lock(&q->lock);
    q->waiting++;
    while (!q->closed && is_full(q))
        pthread_cond_wait(&q->room, &q->lock);
    q->waiting--;
    const bool taken = !q->closed;

    if (taken)
        append(q, m);
    pthread_mutex_unlock(&q->lock);
    return taken;
}

bool mqueue_pop(struct mqueue *q, void *out)
{
    pthread_mutex_lock(&q->lock);
    const bool found = q->count > 0;

    if (found) {
        memcpy(out, place_at(q, 0), q->kind->bytes);
        q->text_bytes -= q->kind->text_bytes(out);
        q->first = (q->first + 1) % q->capacity;
        /* A closed queue stays readable, so that the consumer sees the end. */
        if (--q->count == 0 && !q->closed)
            signal_off(q->ready_fd);
        if (q->refused) {
            q->refused = false;
            signal_on(q->room_fd);
        }
        if (q->waiting > 0)
            pthread_cond_signal(&q->room);
    }
    pthread_mutex_unlock(&q->lock);
    return found;
}

bool mqueue_pop_wait(struct mqueue *q, void *out)
{
    struct pollfd wait = {.fd = q->ready_fd, .events = POLLIN};

    while (!mqueue_pop(q, out)) {
        pthread_mutex_lock(&q->lock);
        const bool over = q->closed && q->count == 0;
        pthread_mutex_unlock(&q->lock);

        if (over)
            return false;
        poll(&wait, 1, -1);
    }
    return true;
}

void mqueue_close(struct mqueue *q)
{
    pthread_mutex_lock(&q->lock);
    if (!q->closed && q->count == 0)
        signal_on(q->ready_fd);
    q->closed = true;
    pthread_cond_broadcast(&q->room);
    pthread_mutex_unlock(&q->lock);
}

int mqueue_ready_fd(const struct mqueue *q)
{
    return q->ready_fd;
}

int mqueue_room_fd(const struct mqueue *q)
{
    return q->room_fd;
}

void mqueue_room_seen(struct mqueue *q)
{
    signal_off(q->room_fd);
}
