#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/notice.h"
#include "app/outbox.h"

static struct notice text(uint32_t id, const char *words)
{
    return (struct notice){.type = NOTICE_TEXT, .text = strdup(words), .said = {.number = id}};
}

static struct notice progress(uint32_t id, uint64_t done)
{
    struct transfer_now *p = calloc(1, sizeof(*p));

    p->id = id;
    p->done_bytes = done;
    return (struct notice){.type = NOTICE_PROGRESS, .progress = {.now = p}};
}

static void push(struct outbox *o, struct notice m)
{
    cr_assert_eq(outbox_push(o, &m), 0);
}

static bool is_of_one_transfer(const void *waiting, const void *m)
{
    const struct notice *old = waiting, *new = m;

    return old->type == NOTICE_PROGRESS && old->progress.now->id == new->progress.now->id;
}

static void push_progress(struct outbox *o, struct notice m)
{
    cr_assert_eq(outbox_push_snapshot(o, &m, is_of_one_transfer), 0);
}

static const struct notice *first(struct outbox *o)
{
    return outbox_first(o);
}

Test(outbox, keeps_order_while_it_wraps_and_grows)
{
    struct outbox o;
    uint32_t in = 0, out = 0;

    cr_assert_eq(outbox_init(&o, &notice_kind, 4), 0);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 3; i++)
            cr_assert_eq(outbox_push(&o, &(struct notice){.type = NOTICE_DELIVERED, .delivered = {.say = in++}}), 0);
        for (int i = 0; i < 2; i++) {
            cr_assert_eq(first(&o)->delivered.say, out++);
            outbox_drop(&o);
        }
    }
    cr_assert_eq(o.count, 20);
    while (outbox_first(&o) != NULL) {
        cr_assert_eq(first(&o)->delivered.say, out++);
        outbox_drop(&o);
    }
    cr_assert_eq(out, in);
    outbox_dispose(&o);
}

Test(outbox, weighs_the_texts_waiting)
{
    struct outbox o;

    outbox_init(&o, &notice_kind, 2);
    push(&o, text(1, "four"));
    push(&o, text(2, "sixsix"));
    outbox_push(&o, &(struct notice){.type = NOTICE_LISTENING});
    cr_assert_eq(o.text_bytes, 10);
    free(first(&o)->text); /* its new owner may be done with it before outbox_drop */
    outbox_drop(&o);
    cr_assert_eq(o.text_bytes, 6);
    outbox_dispose(&o);
}

Test(outbox, a_newer_snapshot_replaces_the_waiting_one_of_its_transfer_only)
{
    struct outbox o;

    outbox_init(&o, &notice_kind, 2);
    push_progress(&o, progress(1, 10));
    push_progress(&o, progress(2, 20));
    push_progress(&o, progress(1, 30));
    cr_assert_eq(o.count, 2);
    cr_assert_eq(first(&o)->progress.now->id, 1);
    cr_assert_eq(first(&o)->progress.now->done_bytes, 30);
    outbox_dispose(&o);
}
