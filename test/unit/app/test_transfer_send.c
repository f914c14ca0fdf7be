#include "app/transfer_send.h"

#include "unit.h"
#include <string.h>

#include "../conn/inside.h"
#include "scene.h"

#define FILE_BYTES (UINT64_C(200) << 20)
#define ROUNDS 2000

static struct scene *s;
static size_t reads_answered;

static void set_up(void)
{
    s = scene_open(NULL);
    scene_befriend(s, SCENE_HELLO_ALL);
}

static void tear_down(void)
{
    scene_close(s);
}

TestSuite(transfer_send, .init = set_up, .fini = tear_down);

/* Sends a file; the stream it was offered on. */
static uint64_t send_file(uint32_t ui_id)
{
    const size_t before = scene_heard_count(s, APPMSG_OFFER);

    scene_tell_text(s, (struct request){.type = REQUEST_SEND, .peer = s->peer, .send = {.id = ui_id}}, "/home/file");
    scene_opened(s, scene_job_count(s, JOB_OPEN) - 1, "file", FILE_BYTES);
    scene_run(s, 100000);
    cr_assert_eq(scene_heard_count(s, APPMSG_OFFER), before + 1);
    return scene_heard(s, APPMSG_OFFER, before)->offer.stream;
}

static struct appmsg acceptance(size_t file)
{
    struct appmsg m = {.type = APPMSG_ACCEPT, .id = scene_told(s, NOTICE_SENDING, file)->sending.transfer};

    m.accept.extent_count = 1;
    m.accept.first.len = FILE_BYTES;
    return m;
}

/* The guest wants it, and lets so much be outstanding. */
static void accept_file(uint64_t stream, uint64_t cap)
{
    const struct appmsg m = acceptance(scene_told_count(s, NOTICE_SENDING) - 1);

    cr_assert_eq(endpoint_accept_bulk(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], stream, cap, s->pair.now), 0);
    scene_guest_says(s, &m);
}

/* The disk reads until the hub asks for no more. */
static void disk_reads(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        scene_run(s, 50000);
        if (reads_answered == scene_job_count(s, JOB_READ))
            return;
        while (reads_answered < scene_job_count(s, JOB_READ))
            scene_read(s, reads_answered++);
    }
    cr_assert(false, "it reads without end");
}

Test(transfer_send, it_reads_ahead_of_the_peers_credit_and_not_further)
{
    const uint64_t credit = 1024 * 1024;
    const uint64_t stream = send_file(1);

    accept_file(stream, credit);
    disk_reads();
    cr_expect_eq(reads_answered * CHUNK_BYTES, credit + SEND_AHEAD_BYTES);

    cr_assert_eq(endpoint_consumed(s->pair.e[SCENE_GUEST], s->pair.conn[SCENE_GUEST], stream, credit / 2, s->pair.now),
                 0);
    disk_reads();
    cr_expect_eq(reads_answered * CHUNK_BYTES, credit + credit / 2 + SEND_AHEAD_BYTES,
                 "what is consumed is credit again");
}

/* ---- a peer that takes everything and acknowledges nothing ---- */

static bool drop_to_hub(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p;
    (void)bytes;
    (void)len;
    return to != SCENE_HUB;
}

/* Accepts a file with all the credit there is, in packets that acknowledge nothing. */
static void accept_without_ack(size_t file, uint64_t stream)
{
    struct sendstream *out = &inside_session(&s->pair, SCENE_GUEST)->streams.ordered.fixed[0].out;
    const struct appmsg m = acceptance(file);
    uint8_t bytes[64];
    struct frame f = {.type = FRAME_MAX_DATA, .max = UINT64_C(1) << 60};

    inside_send_frame(&s->pair, SCENE_GUEST, &f);
    f = (struct frame){.type = FRAME_MAX_STREAM_DATA, .stream = stream, .max = UINT64_C(1) << 60};
    inside_send_frame(&s->pair, SCENE_GUEST, &f);
    f = (struct frame){.type = FRAME_STREAM, .stream = STREAM_CONTROL};
    f.data.offset = out->end;
    f.data.data = bytes;
    f.data.len = (size_t)appmsg_write(&m, bytes, sizeof(bytes));
    inside_send_frame(&s->pair, SCENE_GUEST, &f);
    out->end += f.data.len; /* as if written there */
}

Test(transfer_send, one_that_is_never_acknowledged_is_read_a_little_further_than_it_is_sent)
{
    const uint64_t stream = send_file(1);

    s->pair.filter = drop_to_hub;
    accept_without_ack(0, stream);
    disk_reads();
    const uint64_t sent = streams_send(&inside_session(&s->pair, SCENE_HUB)->streams, stream)->state.fresh_bytes;
    const uint64_t read = reads_answered * CHUNK_BYTES;

    cr_expect_gt(sent, 0);
    cr_expect_geq(read, sent + SEND_UNSENT_BYTES);
    cr_expect_lt(read, sent + SEND_UNSENT_BYTES + CHUNK_BYTES);
}

/* What the bar shows, not what was released: a chunk at a time would be a jump each five seconds at 50 kB/s. */
Test(transfer_send, progress_counts_what_the_peer_acknowledged)
{
    const uint64_t stream = send_file(1);
    const uint64_t part = CHUNK_BYTES / 4;

    accept_file(stream, part);
    disk_reads();
    scene_run(s, 500000);
    const struct notice *last = NULL;
    for (size_t i = 0; i < scene_told_count(s, NOTICE_PROGRESS); i++)
        last = scene_told(s, NOTICE_PROGRESS, i);
    cr_assert_not_null(last);
    cr_expect_eq(last->progress.now->done_bytes, part);
    cr_expect_eq(last->progress.now->rate_bytes_per_s, 0, "half a second");
}
