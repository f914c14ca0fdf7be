#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/outbox.h"

static struct msg text(uint32_t id, const char *words)
{
    return (struct msg){.type = MSG_TEXT, .id = id, .text = strdup(words)};
}

static struct msg progress(uint32_t id, uint64_t done)
{
    struct msg_progress *p = calloc(1, sizeof(*p));

    p->id = id;
    p->done_bytes = done;
    return (struct msg){.type = MSG_PROGRESS, .id = id, .progress = p};
}

Test(outbox, keeps_order_while_it_wraps_and_grows)
{
    struct outbox o;
    uint32_t in = 0, out = 0;

    cr_assert_eq(outbox_init(&o, 4), 0);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 3; i++)
            cr_assert_eq(outbox_push(&o, (struct msg){.type = MSG_DELIVERED, .id = in++}), 0);
        for (int i = 0; i < 2; i++) {
            cr_assert_eq(outbox_first(&o)->id, out++);
            outbox_drop(&o);
        }
    }
    cr_assert_eq(o.count, 20);
    while (outbox_first(&o) != NULL) {
        cr_assert_eq(outbox_first(&o)->id, out++);
        outbox_drop(&o);
    }
    cr_assert_eq(out, in);
    outbox_dispose(&o);
}

Test(outbox, weighs_the_texts_waiting)
{
    struct outbox o;

    outbox_init(&o, 2);
    outbox_push(&o, text(1, "four"));
    outbox_push(&o, text(2, "sixsix"));
    outbox_push(&o, (struct msg){.type = MSG_LISTENING});
    cr_assert_eq(o.text_bytes, 10);
    free(outbox_first(&o)->text); /* its new owner may be done with it before outbox_drop */
    outbox_drop(&o);
    cr_assert_eq(o.text_bytes, 6);
    outbox_dispose(&o);
}

Test(outbox, a_newer_snapshot_replaces_the_waiting_one_of_its_transfer_only)
{
    struct outbox o;

    outbox_init(&o, 2);
    outbox_push_progress(&o, progress(1, 10));
    outbox_push_progress(&o, progress(2, 20));
    outbox_push_progress(&o, progress(1, 30));
    cr_assert_eq(o.count, 2);
    cr_assert_eq(outbox_first(&o)->progress->id, 1);
    cr_assert_eq(outbox_first(&o)->progress->done_bytes, 30);
    outbox_dispose(&o);
}
