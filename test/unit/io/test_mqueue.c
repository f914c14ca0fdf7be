#include "io/mqueue.h"

#include "unit.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MANY 20000

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

struct item {
    uint32_t id;
    uint64_t value;
    char *text;
};

static size_t item_text_bytes(const void *m)
{
    const struct item *item = m;

    return item->text != NULL ? strlen(item->text) : 0;
}

static void dispose_item(void *m)
{
    free(((struct item *)m)->text);
}

static const struct message_kind item_kind = {
    .bytes = sizeof(struct item),
    .text_bytes = item_text_bytes,
    .dispose = dispose_item,
};

static struct item numbered(uint64_t value)
{
    return (struct item){.value = value};
}

Test(mqueue, gives_back_in_order_around_the_ring)
{
    struct mqueue *q = mqueue_new(&item_kind, 3);
    uint64_t in = 0, out = 0;
    struct item m;

    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 3; i++) {
            m = numbered(in++);
            cr_assert(mqueue_push(q, &m));
        }
        m = numbered(999);
        cr_assert(!mqueue_push(q, &m), "full");
        for (int i = 0; i < 3; i++) {
            cr_assert(mqueue_pop(q, &m));
            cr_assert_eq(m.value, out++);
        }
        cr_assert(!mqueue_pop(q, &m));
    }
    mqueue_free(q);
}

Test(mqueue, ready_fd_is_readable_exactly_while_a_message_waits)
{
    struct mqueue *q = mqueue_new(&item_kind, 4);
    struct item m = numbered(1);

    cr_expect(!readable(mqueue_ready_fd(q)));
    cr_assert(mqueue_push(q, &m) && mqueue_push(q, &m));
    cr_expect(readable(mqueue_ready_fd(q)));
    cr_assert(mqueue_pop(q, &m));
    cr_expect(readable(mqueue_ready_fd(q)), "one is left");
    cr_assert(mqueue_pop(q, &m));
    cr_expect(!readable(mqueue_ready_fd(q)));
    mqueue_free(q);
}

Test(mqueue, room_fd_tells_only_after_a_refusal)
{
    struct mqueue *q = mqueue_new(&item_kind, 1);
    struct item m = numbered(1);

    cr_assert(mqueue_push(q, &m));
    cr_assert(mqueue_pop(q, &m));
    cr_expect(!readable(mqueue_room_fd(q)), "nobody was refused");

    cr_assert(mqueue_push(q, &m));
    cr_assert(!mqueue_push(q, &m));
    cr_expect(!readable(mqueue_room_fd(q)), "still full");
    cr_assert(mqueue_pop(q, &m));
    cr_expect(readable(mqueue_room_fd(q)));
    mqueue_room_seen(q);
    cr_expect(!readable(mqueue_room_fd(q)));
    mqueue_free(q);
}

Test(mqueue, closed_refuses_pushes_and_lets_the_rest_be_popped)
{
    struct mqueue *q = mqueue_new(&item_kind, 4);
    struct item m = numbered(7);

    cr_assert(mqueue_push(q, &m));
    mqueue_close(q);
    cr_expect(!mqueue_push(q, &m));
    cr_expect(!mqueue_push_wait(q, &m));
    cr_expect(mqueue_pop_wait(q, &m));
    cr_expect_eq(m.value, 7);
    cr_expect(!mqueue_pop_wait(q, &m));
    cr_expect(readable(mqueue_ready_fd(q)), "so that the consumer sees the end");
    mqueue_free(q);
}

Test(mqueue, free_disposes_of_what_is_inside)
{
    struct mqueue *q = mqueue_new(&item_kind, 2);
    const struct item m = {.text = strdup("leaks if it is forgotten")};

    cr_assert(mqueue_push(q, &m));
    mqueue_free(q); /* LeakSanitizer is the judge */
    mqueue_free(NULL);
}

struct producer {
    struct mqueue *q;
    uint64_t from;
};

static void *produce(void *arg)
{
    const struct producer *p = arg;

    for (uint64_t i = 0; i < MANY; i++) {
        const struct item m = {.id = (uint32_t)p->from, .value = i};

        if (!mqueue_push_wait(p->q, &m))
            return NULL;
    }
    return NULL;
}

Test(mqueue, two_waiting_producers_lose_nothing)
{
    struct mqueue *q = mqueue_new(&item_kind, 16);
    struct producer p[2] = {{.q = q, .from = 0}, {.q = q, .from = 1}};
    pthread_t thread[2];
    uint64_t next[2] = {0, 0};
    struct item m;

    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, produce, &p[i]), 0);
    for (int i = 0; i < 2 * MANY; i++) {
        cr_assert(mqueue_pop_wait(q, &m));
        cr_assert_eq(m.value, next[m.id]++, "each producer's order is kept");
    }
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    cr_expect(!mqueue_pop(q, &m));
    mqueue_free(q);
}

/* As the net thread pushes: refused, it waits for room_fd and tries again. */
static void *produce_by_fd(void *arg)
{
    const struct producer *p = arg;
    struct pollfd room = {.fd = mqueue_room_fd(p->q), .events = POLLIN};

    for (uint64_t i = 0; i < MANY; i++) {
        const struct item m = numbered(i);

        while (!mqueue_push(p->q, &m)) {
            if (poll(&room, 1, -1) < 0 && errno != EINTR)
                return NULL;
            mqueue_room_seen(p->q);
        }
    }
    return NULL;
}

Test(mqueue, a_refused_producer_is_always_woken)
{
    struct mqueue *q = mqueue_new(&item_kind, 2);
    struct producer p = {.q = q};
    pthread_t thread;
    struct item m;

    cr_assert_eq(pthread_create(&thread, NULL, produce_by_fd, &p), 0);
    for (uint64_t i = 0; i < MANY; i++) {
        cr_assert(mqueue_pop_wait(q, &m));
        cr_assert_eq(m.value, i);
    }
    pthread_join(thread, NULL);
    mqueue_free(q);
}

Test(mqueue, close_wakes_a_waiting_producer)
{
    struct mqueue *q = mqueue_new(&item_kind, 1);
    struct producer p = {.q = q};
    pthread_t thread;
    struct item m;

    cr_assert_eq(pthread_create(&thread, NULL, produce, &p), 0);
    cr_assert(mqueue_pop_wait(q, &m));
    mqueue_close(q);
    pthread_join(thread, NULL);
    mqueue_free(q);
}

static struct item text_of(size_t bytes)
{
    char *text = malloc(bytes + 1);

    cr_assert_not_null(text);
    memset(text, 'x', bytes);
    text[bytes] = '\0';
    return (struct item){.text = text};
}

Test(mqueue, is_full_when_its_texts_are_too_long_however_few_they_are)
{
    struct mqueue *q = mqueue_new(&item_kind, 1024);
    struct item m = text_of(MQUEUE_TEXT_BYTES - 1), late = text_of(10);

    cr_assert(mqueue_push(q, &m));
    m = text_of(3 * MQUEUE_TEXT_BYTES);
    cr_assert(mqueue_push(q, &m), "there is room, whatever the size of the next one");
    cr_assert_not(mqueue_push(q, &late));
    cr_assert(mqueue_pop(q, &m));
    dispose_item(&m);
    cr_assert(readable(mqueue_room_fd(q)));
    mqueue_room_seen(q);
    cr_assert_not(mqueue_push(q, &late));
    cr_assert(mqueue_pop(q, &m));
    m.text[0] = '\0'; /* the new owner may do with it as it likes */
    dispose_item(&m);
    cr_assert(mqueue_push(q, &late));
    mqueue_free(q);
}
